"""A big first import by real worker processes, which are killed on the way."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.integration.sync.conftest import ids_there
from tests.mails import build_mailbox
from tests.servers.app import RunningApp
from tests.servers.dovecot import Dovecot
from tests.servers.processes import children_of, family_of
from webmail.config import Config
from webmail.store import session
from webmail.store.models import Message, Placement
from webmail.store.session import reading

pytestmark = pytest.mark.integration

COUNT = 10_000


@pytest.fixture
def app(database: Config, certificates: Path) -> Iterator[RunningApp]:
    """The product on the test's database."""
    running = RunningApp(certificates / "ca.pem", WEBMAIL_DATABASE_URL=database.database_url)
    session.engine().dispose()
    running.enter()
    yield running
    running.leave()
    running.stop()


def worker_processes(app: RunningApp) -> list[int]:
    """Give the workers of the app and their horses."""
    return sorted(family_of({pid for pid in children_of({app.pid}) if is_worker(pid)}))


def is_worker(pid: int) -> bool:
    return b"worker.py" in Path(f"/proc/{pid}/cmdline").read_bytes()


def stored_count() -> int:
    with reading() as s:
        return s.scalar(select(func.count(Placement.id))) or 0


def progress() -> int:
    """Count what goes up with every step of an import: headers and bodies."""
    with reading() as s:
        bodies = s.scalar(select(func.count(Message.id)).where(Message.body_state == "stored")) or 0
    return stored_count() + bodies


def wait_until(condition: Callable[[], bool], timeout_s: float) -> float:
    """Wait, and give how long it took; the limit is for what never comes, on whatever machine."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < timeout_s, "it did not come true"
        time.sleep(0.05)
    return time.monotonic() - started


@pytest.mark.timeout(900)
def test_ten_thousand_messages_are_complete_though_the_workers_are_killed(
    dovecot: Dovecot, app: RunningApp, make_user, make_account, rows, record_property
) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(COUNT))
    account = make_account(mailbox, scope=make_user())
    stored = rows(account)
    first_page_s = wait_until(lambda: stored_count() >= 50, 120)
    wait_until(lambda: stored_count() >= 2000, 240)

    for pid in worker_processes(app):
        os.kill(pid, signal.SIGKILL)
    at_kill, progress_at_kill = stored_count(), progress()
    again_s = wait_until(lambda: progress() > progress_at_kill, 120)
    started = time.monotonic()
    wait_until(lambda: stored.account.is_backfilled, 300)

    rate = (COUNT - at_kill) / (time.monotonic() - started)
    record_property("first_page_s", round(first_page_s, 2))
    record_property("again_after_kill_s", round(again_s, 2))
    record_property("messages_per_s", round(rate))
    print(f"first page after {first_page_s:.2f} s, again after {again_s:.1f} s, then {rate:.0f} messages/s")
    assert stored.message_ids() == ids_there(dovecot, mailbox)
    assert len(stored.message_ids()) == len(set(stored.message_ids())) == COUNT
    with reading() as s:
        assert s.scalar(select(func.count(Message.id)).where(Message.body_state != "stored")) == 0
    assert stored.account.marked_count == COUNT


def test_news_reaches_the_database_within_seconds_of_its_delivery(
    dovecot: Dovecot, app: RunningApp, make_user, make_account, rows, record_property
) -> None:
    mailbox = dovecot.account()
    account = make_account(mailbox, scope=make_user())
    wait_until(lambda: rows(account).account.is_backfilled, 120)
    time.sleep(3)  # the watcher looks for new accounts every two seconds

    taken = []
    for number, raw in enumerate(build_mailbox(5), 1):
        dovecot.deliver(mailbox.email, raw)
        taken.append(wait_until(lambda wanted=number: stored_count() >= wanted, 60))

    record_property("delivery_to_database_s", [round(each, 2) for each in taken])
    print("from delivery to the database:", [round(each, 2) for each in taken])
    assert max(taken) < 5
