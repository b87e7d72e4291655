"""Attempts that get lost, grow too many, or cannot be made; and where the password is kept out of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis
from sqlalchemy import select

from tests.conftest import JobRunner
from tests.integration.connect.conftest import FormMaker, look_at, only_account
from tests.servers.dovecot import Mailbox
from tests.servers.jobs import waiting_jobs
from tests.servers.redis import RedisServer
from webmail.actions import connect
from webmail.config import Config
from webmail.errors import InputRefused
from webmail.store.attempts import claim
from webmail.store.models import ConnectAttempt, utc_now
from webmail.store.scope import Scope
from webmail.store.session import transaction

pytestmark = pytest.mark.integration


def age(attempt_uuid: Any, by: timedelta) -> None:
    """Let an attempt have begun longer ago."""
    with transaction() as s:
        row = s.scalars(select(ConnectAttempt).where(ConnectAttempt.uuid == attempt_uuid)).one()
        row.created_at -= by
        if row.began_at is not None:
            row.began_at -= by


def test_lost_job_is_put_on_the_queue_again(
    form: FormMaker, user: Scope, run_jobs: JobRunner, redis_server: RedisServer
) -> None:
    uuid = connect.start_attempt(user, form(), None)
    redis_server.clear()
    connect.recover_lost()
    assert waiting_jobs() == []
    age(uuid, timedelta(seconds=16))

    connect.recover_lost()

    run_jobs()
    assert look_at(user, uuid).state == "connected"


def test_attempt_of_a_dead_worker_is_checked_again(form: FormMaker, user: Scope, run_jobs: JobRunner) -> None:
    uuid = connect.start_attempt(user, form(), None)
    with transaction() as s:
        row = s.scalars(select(ConnectAttempt)).one()
        assert claim(s, row.id, utc_now(), utc_now()) is not None
    run_jobs()
    assert look_at(user, uuid).state == "running"
    age(uuid, timedelta(seconds=16))

    connect.recover_lost()
    run_jobs()

    assert look_at(user, uuid).state == "connected"


def test_attempt_that_nobody_checks_ends_after_a_minute(form: FormMaker, user: Scope) -> None:
    uuid = connect.start_attempt(user, form(), None)
    age(uuid, timedelta(seconds=61))

    connect.recover_lost()

    attempt = look_at(user, uuid)
    assert attempt.state == "failed"
    assert attempt.secret is None
    assert attempt.steps[0]["sentence"] == "The checks were interrupted."
    assert {step["state"] for step in attempt.steps[1:]} == {"skipped"}


def test_too_many_attempts_are_refused(form: FormMaker, user: Scope) -> None:
    for number in range(connect.MOST_ATTEMPTS):
        connect.start_attempt(user, form(smtp_port=2000 + number), None)

    with pytest.raises(InputRefused) as refusal:
        connect.start_attempt(user, form(), None)

    assert refusal.value.field == ""
    assert "Wait a few minutes" in refusal.value.user_message


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("email", {"email": "nobody"}),
        ("email", {"email": "two@a.example, three@b.example"}),
        ("email", {"email": "a@b.example\r\nBcc: x@y.example"}),
        ("imap_host", {"imap_host": ""}),
        ("imap_port", {"imap_port": None}),
        ("smtp_host", {"smtp_host": "x" * 300}),
        ("imap_folder", {"imap_folder": "IN\x00BOX"}),
        ("password", {"password": None}),
        ("password", {"password": "x" * 2000}),
    ],
)
def test_unusable_input_is_refused_at_its_field(
    form: FormMaker, user: Scope, field: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(InputRefused) as refusal:
        connect.start_attempt(user, replace(form(), **changes), None)

    assert refusal.value.field == field


def test_password_stands_in_no_row_job_log_or_repr(
    form: FormMaker,
    user: Scope,
    mailbox: Mailbox,
    run_jobs: JobRunner,
    redis_server: RedisServer,
    database: Config,
    capfd: pytest.CaptureFixture[str],
) -> None:
    secret = "s3cret-that-nobody-may-see"
    typed = form(password=secret)
    uuid = connect.start_attempt(user, typed, None)
    assert secret not in repr(typed)
    assert secret.encode() not in everything_in(redis_server)

    run_jobs()
    connect.start_attempt(user, form(), None)
    run_jobs()

    written = b"".join(path.read_bytes() for path in database.data.glob("webmail.db*"))
    output = capfd.readouterr()
    assert look_at(user, uuid).state == "failed"
    assert only_account(user).status == "connected"
    for word in (secret, mailbox.password):
        assert word.encode() not in written
        assert word not in output.out + output.err
        assert word.encode() not in everything_in(redis_server)


def everything_in(redis_server: RedisServer) -> bytes:
    with redis.Redis(unix_socket_path=str(redis_server.socket)) as client:
        return b"".join(client.dump(key) or b"" for key in client.scan_iter())
