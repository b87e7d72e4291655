"""Whatever happens there, here and in between, in whatever order: after the dust has settled both sides are the same.

Hypothesis makes up histories: mail comes, is flagged, moved, expunged and renumbered on the server; it is read,
archived, deleted and taken back here; the line is cut at some byte, the process dies before some commit, the
disk is full, the database is locked, Redis is emptied, the watcher (a process of its own) is killed. At the end
everything is let run, and then

- each message lies on the server exactly once, unless somebody there expunged it;
- `webmail verify` finds nothing that differs;
- nothing waits any more, and what the lists show is what the messages say.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.integration.sync.conftest import Rows, dying_at, failing_commits, free_lease, sync
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import FaultProxy
from tests.servers.setup import SECRETS
from webmail.actions import mail
from webmail.actions.verify import verify
from webmail.config import Config
from webmail.errors import InputRefused
from webmail.store.accounts import update_account
from webmail.store.changes import OPEN
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import update_folder
from webmail.store.models import Account, utc_now
from webmail.store.session import transaction

pytestmark = pytest.mark.integration

IS_LONG = bool(os.environ.get("WEBMAIL_SOAK"))
HISTORIES, STEPS = (int(os.environ.get("WEBMAIL_SOAK_HISTORIES", "500")), 40) if IS_LONG else (14, 12)
FOLDERS = ("INBOX", "Archive", "Trash")
FLAGS = ("\\Seen", "\\Flagged", "\\Answered")
picks = st.integers(0, 2**16)


def full_disk_at(commit: int) -> AbstractContextManager[None]:
    """Let three commits of this thread fail from the so-manieth on, as they do where nothing more can be written."""
    error = OperationalError("COMMIT", {}, Exception("database or disk is full"))
    return failing_commits(error, lambda seen: commit <= seen < commit + 3)


@contextmanager
def locked_database(seconds: float) -> Iterator[None]:
    """Let another process hold the database's write lock for a while."""
    is_held = threading.Event()

    def hold() -> None:
        with transaction() as s:
            s.execute(text("SELECT 1"))
            is_held.set()
            time.sleep(seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait()
    yield
    holder.join()


class KilledWatcher:
    """The product's own watcher, with its sweep, as a process that can be killed at any moment."""

    def __init__(self, config: Config) -> None:
        self._environment = {
            **os.environ,
            **SECRETS,
            "WEBMAIL_DATA": str(config.data),
            "WEBMAIL_DATABASE_URL": config.database_url,
            "WEBMAIL_REDIS_URL": config.redis_url,
            "WEBMAIL_ALLOW_PRIVATE_HOSTS": "1",
            "WEBMAIL_CA_FILE": str(config.ca_file),
        }
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "webmail.cli", "watch"]
        self._process = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class History(RuleBasedStateMachine):
    """One mailbox and what happens to it; `make` gives a server, a proxy to it, a user and an account."""

    make: Callable[[str, str], tuple[Dovecot, FaultProxy, Any, Any, Account]]
    run_jobs: Callable[[], object]
    empty_redis: Callable[[], None]
    watcher: KilledWatcher

    @initialize(kind=st.sampled_from(["full", "full", "simple"]), marks=st.sampled_from(["all", "keep", "keep"]))
    def begin(self, kind: str, marks: str) -> None:
        self.is_simple = kind == "simple"
        self.server, self.proxy, self.user, self.mailbox, self.account = type(self).make(kind, marks)
        self.rows = Rows(self.account.id)
        self.delivered = self.expunged = 0
        for _ in range(3):
            self.deliver(answers=0, has_id=True)

    @rule(answers=picks, has_id=st.booleans())
    def deliver(self, answers: int, has_id: bool) -> None:
        number = self.delivered
        self.delivered += 1
        answered = answers % (number + 1)
        self.server.deliver(
            self.mailbox.email,
            build_mail(
                number,
                subject=f"Topic {number}",
                message_id=f"{number}@mails.example" if has_id else None,
                answers=f"{answered}@mails.example" if answers % 3 == 0 and number else "",
            ),
        )

    def _pick(self, client: Any, folder: str, pick: int) -> int | None:
        client.select_folder(folder)
        uids = client.search("UNDELETED")
        return uids[pick % len(uids)] if uids else None

    @rule(folder=st.sampled_from(FOLDERS), pick=picks, flag=st.sampled_from(FLAGS), adds=st.booleans())
    def flag_there(self, folder: str, pick: int, flag: str, adds: bool) -> None:
        with self.server.open(self.mailbox) as client:
            uid = self._pick(client, folder, pick)
            if uid is not None:
                (client.add_flags if adds else client.remove_flags)([uid], [flag])

    @rule(folder=st.sampled_from(FOLDERS), to=st.sampled_from(FOLDERS), pick=picks)
    def move_there(self, folder: str, to: str, pick: int) -> None:
        with self.server.open(self.mailbox) as client:
            uid = self._pick(client, folder, pick)
            if uid is not None and to != folder:
                client.copy([uid], to)
                client.delete_messages([uid])
                client.expunge(None if self.is_simple else [uid])

    @rule(folder=st.sampled_from(FOLDERS), pick=picks)
    def expunge_there(self, folder: str, pick: int) -> None:
        with self.server.open(self.mailbox) as client:
            uid = self._pick(client, folder, pick)
            if uid is not None:
                client.delete_messages([uid])
                client.expunge(None if self.is_simple else [uid])
                self.expunged += 1

    @rule(folder=st.sampled_from(["INBOX", "INBOX", "Archive"]))
    def renumber(self, folder: str) -> None:
        self.server.renumber(self.mailbox, folder)
        with self.server.open(self.mailbox) as client:
            client.select_folder(folder, readonly=True)

    @rule(
        pick=picks,
        act=st.sampled_from([mail.archive, mail.delete, mail.undo_move, mail.mark_read, mail.mark_unread]),
    )
    def act_here(self, pick: int, act: Callable[..., None]) -> None:
        conversations = [each for each in self.rows.conversations if each.message_count]
        if not conversations:
            return
        with suppress(InputRefused):
            act(self.user, conversations[pick % len(conversations)].uuid)

    @rule()
    def sync(self) -> None:
        self._may_retry()
        sync(self.account)

    @rule()
    def work(self) -> None:
        self._may_retry()
        type(self).run_jobs()

    @rule(at=st.integers(0, 12_000))
    def sync_on_a_line_that_is_cut(self, at: int) -> None:
        self._may_retry()
        self.proxy.reset(cut_at=at)
        sync(self.account)
        self.proxy.reset()

    @rule(commit=st.integers(1, 25))
    def sync_and_die(self, commit: int) -> None:
        self._may_retry()
        with dying_at(commit):
            sync(self.account)
        free_lease(self.account)

    @rule(commit=st.integers(1, 20))
    def sync_on_a_full_disk(self, commit: int) -> None:
        self._may_retry()
        with full_disk_at(commit):
            sync(self.account)
        free_lease(self.account)

    @rule()
    def sync_while_the_database_is_locked(self) -> None:
        self._may_retry()
        with locked_database(0.2):
            sync(self.account)

    @rule()
    def empty(self) -> None:
        type(self).empty_redis()

    @rule()
    def kill_the_watcher(self) -> None:
        type(self).watcher.kill()
        type(self).watcher.start()

    def _may_retry(self) -> None:
        """Let the waits be over: for the line, and for looking into the folders that are not synced whole."""
        with transaction() as s:
            update_account(s, self.account.id, retry_at=None)

    def teardown(self) -> None:
        if not hasattr(self, "account"):
            return
        self.proxy.reset()
        for _ in range(8):
            self._let_run()
            if not [each for each in self.rows.changes if each.state in OPEN]:
                break
        self._let_run()
        self.check()
        with transaction() as s:
            # Nobody watches it any more.
            update_account(s, self.account.id, secret=None)

    def _let_run(self) -> None:
        with transaction() as s:
            update_account(s, self.account.id, retry_at=None, wanted_at=utc_now())
            for folder in self.rows.folders.values():
                if not folder.is_synced and folder.synced_at is not None:
                    update_folder(s, folder.id, synced_at=utc_now() - timedelta(hours=1))
        sync(self.account)
        type(self).run_jobs()

    def check(self) -> None:
        open_changes = [each for each in self.rows.changes if each.state not in ("done", "cancelled", "undone")]
        assert [(each.kind, each.state, each.uids, each.attempts, each.payload) for each in open_changes] == []
        assert self.count_there() == self.delivered - self.expunged
        reports = list(verify(str(self.account.uuid), fixes=False))
        assert [report for report in reports if not report.is_same] == []
        self.check_lists()

    def count_there(self) -> int:
        count = 0
        with self.server.open(self.mailbox) as client:
            for folder in FOLDERS:
                client.select_folder(folder, readonly=True)
                count += len(client.search("UNDELETED"))
        return count

    def check_lists(self) -> None:
        """See that what the lists show is what the messages say, and that *Keep in step* is kept."""
        names = ("message_count", "unread_count", "in_inbox", "in_trash", "in_sent", "is_flagged", "last_at")
        before = {each.id: [getattr(each, name) for name in names] for each in self.rows.conversations}
        with transaction() as s:
            refresh_conversations(s, self.rows.account, list(before))
        after = {each.id: [getattr(each, name) for name in names] for each in self.rows.conversations}
        assert before == after
        if self.account.read_marks == "keep":
            unread = {message.id: message.is_unread for message in self.rows.messages}
            placed = [each for each in self.rows.placements() if not each.is_leaving]
            twice = [each.message_id for each in self.rows.placements("Archive") + self.rows.placements("Trash")]
            assert [
                each.uid for each in placed if each.is_seen == unread[each.message_id] and each.message_id not in twice
            ] == []


@pytest.mark.timeout(0 if IS_LONG else 180)
def test_after_the_dust_has_settled_both_sides_are_the_same(
    request: pytest.FixtureRequest, database: Config, make_account, make_user, run_jobs, redis_server
) -> None:
    servers = {"full": request.getfixturevalue("dovecot"), "simple": request.getfixturevalue("simple_dovecot")}
    proxies = {kind: FaultProxy(server.plain_port) for kind, server in servers.items()}

    def make(kind: str, marks: str) -> tuple[Dovecot, FaultProxy, Any, Any, Account]:
        server, proxy, scope = servers[kind], proxies[kind], make_user()
        mailbox = server.account()
        with server.open(mailbox) as client:
            for folder in FOLDERS:
                client.select_folder(folder, readonly=True)
        account = make_account(mailbox, scope=scope, imap_port=proxy.port, imap_security="plain", read_marks=marks)
        return server, proxy, scope, mailbox, account

    machine = type(
        "Seen",
        (History,),
        {
            "make": staticmethod(make),
            "run_jobs": staticmethod(run_jobs),
            "empty_redis": staticmethod(redis_server.clear),
            "watcher": KilledWatcher(database),
        },
    )
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=HISTORIES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                derandomize=not IS_LONG and "WEBMAIL_SEED" not in os.environ,
                phases=[Phase.generate, Phase.shrink] if IS_LONG else [Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        machine.watcher.kill()
        for proxy in proxies.values():
            proxy.stop()
