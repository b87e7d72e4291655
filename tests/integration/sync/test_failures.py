"""What goes wrong has one meaning, one sentence and one next step, and concerns one account only."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from tests.integration.providers.conftest import Line, ScriptedServer, scripted  # noqa: F401  # a fixture
from tests.integration.sync.conftest import sync
from tests.mails import build_mail, build_mailbox
from tests.servers.dovecot import Dovecot
from tests.servers.jobs import waiting_jobs
from webmail import queue
from webmail.actions import mail
from webmail.jobs import sweep
from webmail.jobs.sweep import sweep_accounts
from webmail.store.accounts import find_account, update_account
from webmail.store.models import Account, utc_now
from webmail.store.secrets import seal
from webmail.store.session import reading, transaction
from webmail.sync import engine
from webmail.sync.lease import held_lease
from webmail.sync.requests import request_sync

pytestmark = pytest.mark.integration


def test_a_refused_password_asks_for_a_new_one_and_is_not_tried_again(
    dovecot: Dovecot, make_account, rows, run_jobs
) -> None:
    account = make_account(dovecot.account(), secret=seal({"password": "wrong"}))

    sync(account)
    sweep_accounts()

    state = rows(account).account
    assert (state.status, state.retry_at) == ("reconnect_needed", None)
    assert state.status_sentence
    assert waiting_jobs() == []


def test_what_may_pass_is_tried_again_with_growing_waits_and_shown_after_three(make_account, rows, dovecot) -> None:
    account = make_account(dovecot.account(), imap_port=1)
    waits = []

    for _ in range(3):
        sync(account)
        state = rows(account).account
        waits.append((state.retry_at - utc_now()).total_seconds())
        statuses = state.status
        with transaction() as s:
            update_account(s, account.id, retry_at=None)

    assert statuses == "error"
    assert 3 < waits[0] < 7 < waits[1] + 1 < waits[2] + 2
    assert rows(account).account.failures == 3


def test_a_wait_is_kept_by_whatever_asks_but_the_user(dovecot: Dovecot, make_account, rows, user, run_jobs) -> None:
    account = make_account(dovecot.account(), retry_at=utc_now() + timedelta(minutes=5), failures=3, status="error")

    with transaction() as s:
        request_sync(s, account)
    run_jobs()
    sweep_accounts()
    run_jobs()
    assert rows(account).account.last_synced_at is None

    mail.request_sync(user, account.uuid)
    run_jobs()
    assert rows(account).account.status == "connected"


def test_a_sent_folder_that_is_gone_does_not_hold_up_the_inbox(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(120))
    account = make_account(mailbox, outbox_folder="Gone")

    sync(account)
    run_jobs()
    with transaction() as s:
        update_account(s, account.id, retry_at=None)
    engine.backfill_account(account.id)

    state = rows(account).account
    assert len(rows(account).message_ids()) == 120
    assert {message.body_state for message in rows(account).messages} == {"stored"}
    assert state.status == "error"
    assert "Gone" in state.status_sentence
    assert state.failures == 2


def test_a_mistake_of_ours_waits_like_any_failure(dovecot: Dovecot, make_account, rows) -> None:
    account = make_account(dovecot.account(), secret=b"not sealed by anybody")

    sync(account)

    state = rows(account).account
    assert state.failures == 1
    assert state.retry_at > utc_now()
    assert state.lease_owner is None


def test_a_server_that_says_nothing_holds_up_nobody_else(
    dovecot: Dovecot,
    make_account,
    rows,
    scripted,  # noqa: F811
) -> None:
    silent = scripted(lambda line: time.sleep(30))
    mailbox = dovecot.account()
    dovecot.deliver(mailbox.email, build_mail())
    stuck = make_account(dovecot.account(), imap_port=silent.port, imap_security="plain")
    well = make_account(mailbox)
    with held_lease(stuck.id):
        started = time.monotonic()
        sync(well)

    assert time.monotonic() - started < 5
    assert rows(well).message_ids() == ["1@mails.example"]


def test_only_one_of_two_workers_syncs_and_a_late_one_writes_nothing(dovecot: Dovecot, make_account, rows) -> None:
    mailbox = dovecot.account()
    dovecot.deliver(mailbox.email, build_mail())
    account = make_account(mailbox)

    with held_lease(account.id) as first:
        sync(account)
        assert rows(account).messages == []

        with transaction() as s:
            update_account(s, account.id, lease_until=utc_now() - timedelta(seconds=1))
        with held_lease(account.id) as second:
            assert second is not None
            with pytest.raises(engine.LeaseLost), first.transaction() as s:
                update_account(s, account.id, sync_done=77)

    assert rows(account).account.sync_done == 0


def test_an_account_that_is_disconnected_meanwhile_is_left_alone(
    dovecot: Dovecot, make_account, rows, run_jobs
) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(600))
    account = make_account(mailbox)
    sync(account)
    with transaction() as s:
        update_account(s, account.id, status="disconnecting")

    run_jobs()

    assert len(rows(account).messages) == 50
    assert rows(account).account.status == "disconnecting"


def test_an_account_erased_in_the_middle_of_a_sync_ends_it_quietly(dovecot: Dovecot, make_account) -> None:
    account = make_account(dovecot.account())

    with held_lease(account.id) as lease:
        with transaction() as s:
            s.delete(s.get_one(Account, account.id))
        with pytest.raises(engine.LeaseLost), lease.transaction():
            pass
    sync(account)

    with reading() as s:
        assert find_account(s, account.id) is None


def test_the_sweep_finds_work_that_an_emptied_redis_has_lost(
    dovecot: Dovecot, make_account, rows, run_jobs, redis_server
) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(200))
    account = make_account(mailbox)
    sync(account)
    redis_server.clear()

    sweep_accounts()
    run_jobs()

    assert len(rows(account).message_ids()) == 200
    assert rows(account).account.is_backfilled is True


def test_a_job_that_redis_lists_and_nobody_works_on_is_enqueued_anew(
    dovecot: Dovecot, make_account, rows, run_jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account(dovecot.account())
    sweep_accounts()
    queue.connection().delete("rq:queue:news")  # as when a worker takes a job and dies before it begins

    sweep_accounts()
    assert waiting_jobs() == []
    monkeypatch.setattr(sweep, "_LOST_AFTER_S", 0.0)
    sweep_accounts()
    sweep_accounts()
    run_jobs()

    assert rows(account).account.last_synced_at is not None


def test_the_sweep_enqueues_nothing_twice(dovecot: Dovecot, make_account) -> None:
    make_account(dovecot.account())

    for _ in range(3):
        sweep_accounts()

    assert len(waiting_jobs()) == 1
