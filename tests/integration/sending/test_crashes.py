"""What a process leaves behind that ends while it sends or files: the mail is neither lost nor there twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.integration.sending.conftest import Desk
from webmail.actions import filing, outbox, submit
from webmail.actions._claims import Claim
from webmail.config import Config
from webmail.errors import LeaseLost
from webmail.store import submissions as store
from webmail.store.changes import record_change
from webmail.store.models import utc_now
from webmail.store.session import transaction

pytestmark = pytest.mark.integration

_ROOT = Path(__file__).parents[3]


def test_a_lost_job_is_found_again(desk: Desk) -> None:
    uuid = desk.queue()
    desk.forget_jobs()

    desk.change(uuid, not_before=utc_now() - timedelta(minutes=1))
    submit.recover_lost()
    desk.run_jobs()

    assert desk.submission(uuid).state == "sent"


def test_a_sender_killed_before_data_is_replaced(desk: Desk) -> None:
    uuid = desk.queue()
    _leave_sending(desk, uuid)

    desk.let_time_pass(uuid)

    assert desk.submission(uuid).state == "sent"
    assert len(desk.smtp.received) == len(desk.sent_folder) == 1


def test_a_sender_killed_after_data_leaves_the_outcome_open(desk: Desk) -> None:
    uuid = desk.queue()
    _leave_sending(desk, uuid)
    desk.change(uuid, data_started_at=utc_now())

    desk.let_time_pass(uuid)
    desk.let_time_pass(uuid)

    assert desk.submission(uuid).state == "unsure"
    assert desk.smtp.received == []


def test_a_sender_that_comes_back_late_may_not_begin(desk: Desk) -> None:
    uuid = desk.queue()
    late = _leave_sending(desk, uuid)
    desk.let_time_pass(uuid)

    with pytest.raises(LeaseLost), late.transaction():
        pass

    assert desk.submission(uuid).state == "sent"


def test_two_workers_with_the_same_mail_send_it_once(desk: Desk) -> None:
    uuid = desk.queue()
    submission_id = desk.submission(uuid).id

    outbox.send_submission(submission_id)
    outbox.send_submission(submission_id)
    filing.file_sent_copy(submission_id)
    filing.file_sent_copy(submission_id)
    desk.run_jobs()

    assert len(desk.smtp.received) == len(desk.sent_folder) == 1


def test_many_presses_and_workers_at_once_send_one_mail(desk: Desk) -> None:
    uuid = desk.write()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: submit.submit(desk.user, uuid), range(4)))
        list(pool.map(outbox.send_submission, [desk.submission(uuid).id] * 4))
        list(pool.map(filing.file_sent_copy, [desk.submission(uuid).id] * 4))
    desk.run_jobs()

    assert len(desk.smtp.received) == len(desk.sent_folder) == len(desk.messages) == 1


def test_a_worker_killed_in_the_middle_of_data_sends_nothing_twice(desk: Desk, database: Config) -> None:
    desk.smtp.habits.wait_s = 3.0
    uuid = desk.queue()
    desk.forget_jobs()
    worker = _start_worker(database, desk.submission(uuid).id)
    deadline = time.monotonic() + 30
    while desk.submission(uuid).data_started_at is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    worker.kill()
    worker.wait()

    desk.let_time_pass(uuid)
    desk.let_time_pass(uuid)
    time.sleep(3.0)

    assert desk.submission(uuid).state == "unsure"
    assert len(desk.smtp.received) <= 1


def _start_worker(config: Config, submission_id: int) -> subprocess.Popen[bytes]:
    script = (
        "import sys; from webmail.config import load_config;"
        "from tests.servers.setup import configure_process; configure_process(load_config());"
        "from webmail.actions.outbox import send_submission; send_submission(int(sys.argv[1]))"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "WEBMAIL_DATA": str(config.data),
        "WEBMAIL_REDIS_URL": config.redis_url,
        "WEBMAIL_DATABASE_URL": config.database_url,
        "WEBMAIL_SECRET_KEY": config.secret_key,
        "WEBMAIL_ENCRYPTION_KEYS": ",".join(config.encryption_keys),
        "WEBMAIL_ALLOW_PRIVATE_HOSTS": "1",
        "WEBMAIL_CA_FILE": config.ca_file or "",
    }
    return subprocess.Popen([sys.executable, "-c", script, str(submission_id)], env=environment, cwd=_ROOT)


def test_a_crash_after_the_append_does_not_append_twice(desk: Desk) -> None:
    uuid = _sent_unfiled(desk)
    _write_append_down(desk, uuid)
    with desk.dovecot.open(desk.mailbox) as client:
        client.append("Sent", desk.mime(uuid), ["\\Seen"])

    desk.let_time_pass(uuid)

    assert desk.submission(uuid).filing == "appended"
    assert len(desk.sent_folder) == 1
    assert [change.state for change in desk.changes if change.kind == "append"] == ["done"]


def test_a_crash_before_the_append_appends_once(desk: Desk) -> None:
    uuid = _sent_unfiled(desk)
    _write_append_down(desk, uuid)

    desk.let_time_pass(uuid)

    assert len(desk.sent_folder) == 1
    assert [change.state for change in desk.changes if change.kind == "append"] == ["done"]


def _leave_sending(desk: Desk, uuid: UUID) -> Claim:
    """Leave a mail as a process does that ends right after it took it, with its job."""
    desk.forget_jobs()
    submission_id = desk.submission(uuid).id
    with transaction() as s:
        token = store.claim_for_sending(s, submission_id, utc_now())
    assert token is not None
    return Claim(submission_id, token)


def _sent_unfiled(desk: Desk) -> UUID:
    uuid = desk.queue()
    outbox.send_submission(desk.submission(uuid).id)
    desk.forget_jobs()
    with transaction() as s:
        assert store.claim_for_filing(s, desk.submission(uuid).id, utc_now()) is not None
    return uuid


def _write_append_down(desk: Desk, uuid: UUID) -> None:
    account = desk.account
    with transaction() as s:
        payload = {"submission": desk.submission(uuid).id}
        change = record_change(s, account, kind="append", reason="sent_copy", folder=None, payload=payload)
        change.state = "carrying"
