"""Parting with a mailbox: what its server still learns, what stays here, and what happens when the job is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from tests.conftest import AccountMaker, JobRunner
from tests.integration.connect.conftest import FormMaker, Presser, look_at
from tests.integration.providers.conftest import Line, ScriptedServer
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.jobs import waiting_jobs
from tests.servers.redis import RedisServer
from tests.servers.smtp import SmtpServer
from webmail.actions import connect, departures, drafts, mail, submit
from webmail.actions.drafts import DraftFields
from webmail.errors import InputRefused, NotFound
from webmail.store import cache
from webmail.store.accounts import find_account, inboxes_to_watch, list_accounts
from webmail.store.conversations import list_page
from webmail.store.models import Account, Attachment, Base, ConnectAttempt, Message, Submission, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.store.submissions import list_drafts

pytestmark = pytest.mark.integration


@pytest.fixture
def account(form: FormMaker, press: Presser, dovecot: Dovecot, mailbox: Mailbox, user: Scope) -> Account:
    """A connected account with two mails in its inbox."""
    dovecot.deliver(mailbox.email, build_mail(1, subject="First"))
    dovecot.deliver(mailbox.email, build_mail(2, subject="Second"))
    press(form())
    with reading() as s:
        (account,) = list_accounts(s, user)
    return account


def reload(account: Account) -> Account | None:
    with reading() as s:
        return find_account(s, account.id)


def count(table: type[Base]) -> int:
    with reading() as s:
        return s.scalar(select(func.count()).select_from(table)) or 0


def seen(dovecot: Dovecot, mailbox: Mailbox) -> list[bool]:
    return ["\\Seen" in flags for _, flags in dovecot.messages(mailbox)]


def queue_mail(scope: Scope, account: Account, subject: str) -> UUID:
    uuid = drafts.open_draft(scope, mode="new", account_uuid=account.uuid)
    fields = DraftFields(account.uuid, "cora@candidates.example", "", "", subject, True, "", "Hello")
    drafts.save_draft(scope, uuid, fields, revision=0)
    submit.submit(scope, uuid, hold_s=60)
    return uuid


def let_time_pass(account: Account) -> None:
    """Let the moment come when the sweep looks for the departure's job again."""
    with transaction() as s:
        row = s.get_one(Account, account.id)
        row.retry_at = utc_now() - timedelta(seconds=1)


def test_disconnecting_keeps_conversations_and_erases_credentials(
    account: Account, user: Scope, run_jobs: JobRunner
) -> None:
    departures.disconnect(user, account.uuid, erase=False, put_back_marks=False)

    at_once = reload(account)
    assert at_once is not None
    assert at_once.status == "disconnecting"
    with reading() as s:
        assert inboxes_to_watch(s) == []

    run_jobs()

    after = reload(account)
    assert after is not None
    assert (after.status, after.secret, after.retry_at, after.lease_owner) == ("not_connected", None, None, None)
    with reading() as s:
        assert len(list_page(s, user, "inbox").rows) == 2


def test_marks_are_put_back_before_the_credentials_go(
    account: Account, user: Scope, run_jobs: JobRunner, dovecot: Dovecot, mailbox: Mailbox
) -> None:
    assert seen(dovecot, mailbox) == [True, True]

    departures.disconnect(user, account.uuid, erase=True, put_back_marks=True)
    run_jobs()

    assert seen(dovecot, mailbox) == [False, False]
    assert reload(account) is None


def test_marks_are_put_back_in_a_mailbox_that_is_not_read_any_more(
    account: Account,
    user: Scope,
    form: FormMaker,
    press: Presser,
    run_jobs: JobRunner,
    dovecot: Dovecot,
    mailbox: Mailbox,
) -> None:
    press(form(reads_mail=False), account.uuid)

    assert mail.put_back_marks(user, account.uuid) == 2
    run_jobs()

    after = reload(account)
    assert after is not None
    assert (after.marked_count, after.wanted_at) == (0, None)
    assert seen(dovecot, mailbox) == [False, False]


def test_what_was_done_here_is_still_told(
    account: Account, user: Scope, run_jobs: JobRunner, dovecot: Dovecot, mailbox: Mailbox
) -> None:
    with reading() as s:
        conversation = list_page(s, user, "inbox").rows[0]
    mail.archive(user, conversation.uuid)

    departures.disconnect(user, account.uuid, erase=False, put_back_marks=False)
    run_jobs()

    assert len(dovecot.messages(mailbox)) == 1
    assert len(dovecot.messages(mailbox, "Archive")) == 1


def test_erasing_takes_all_that_hung_on_the_account(
    account: Account, user: Scope, run_jobs: JobRunner, dovecot: Dovecot, mailbox: Mailbox, make_user: Any
) -> None:
    with reading() as s:
        message = s.scalars(select(Message)).first()
    assert message is not None
    cache.write(account.uuid, message.uuid, b"an attachment")
    waiting = queue_mail(user, account, "Not gone yet")
    draft = drafts.open_draft(user, mode="reply", message_uuid=message.uuid)
    drafts.save_draft(user, draft, DraftFields(account.uuid, "a@b.example", "", "", "Draft", True, "", "x"), revision=0)

    departures.disconnect(user, account.uuid, erase=True, put_back_marks=False)
    run_jobs()

    assert reload(account) is None
    for table in (Message, Attachment, ConnectAttempt):
        assert count(table) == 0
    assert cache.read(account.uuid, message.uuid) is None
    with reading() as s:
        kept = {each.uuid: each for each in list_drafts(s, user)}
    assert [each.subject for each in kept.values()] == ["Not gone yet"]
    assert kept[waiting].account_id is None
    assert len(dovecot.messages(mailbox)) == 2


def test_queued_mail_becomes_a_draft_and_is_never_sent(
    account: Account, user: Scope, run_jobs: JobRunner, smtp_server: SmtpServer
) -> None:
    queue_mail(user, account, "Not gone yet")

    departures.disconnect(user, account.uuid, erase=False, put_back_marks=False)
    run_jobs()

    with reading() as s:
        (draft,) = list_drafts(s, user)
    assert (draft.state, draft.subject) == ("draft", "Not gone yet")
    assert smtp_server.received == []
    with pytest.raises(InputRefused):
        submit.submit(user, draft.uuid)


def test_second_press_changes_nothing_and_erasing_still_can_be_asked_for(
    account: Account, user: Scope, run_jobs: JobRunner
) -> None:
    departures.disconnect(user, account.uuid, erase=False, put_back_marks=False)
    departures.disconnect(user, account.uuid, erase=False, put_back_marks=False)
    assert [job for job in waiting_jobs() if job.startswith("disconnect")] == [
        f"disconnect-{account.uuid}-{account.sync_generation}"
    ]
    departures.disconnect(user, account.uuid, erase=True, put_back_marks=False)

    run_jobs()

    assert reload(account) is None
    with pytest.raises(NotFound):
        departures.disconnect(user, account.uuid, erase=True, put_back_marks=False)


def test_kept_account_can_be_erased_later(account: Account, user: Scope, run_jobs: JobRunner) -> None:
    departures.disconnect(user, account.uuid, erase=False, put_back_marks=False)
    run_jobs()

    departures.disconnect(user, account.uuid, erase=True, put_back_marks=False)
    run_jobs()

    assert reload(account) is None
    assert count(Submission) == 0


def test_lost_job_is_found_again(account: Account, user: Scope, run_jobs: JobRunner, redis_server: RedisServer) -> None:
    departures.disconnect(user, account.uuid, erase=False, put_back_marks=False)
    redis_server.clear()
    departures.recover_lost()
    assert waiting_jobs() == []
    let_time_pass(account)

    departures.recover_lost()
    run_jobs()

    after = reload(account)
    assert after is not None
    assert after.status == "not_connected"


def test_unreachable_server_does_not_keep_the_credentials(account: Account, user: Scope, run_jobs: JobRunner) -> None:
    with transaction() as s:
        s.get_one(Account, account.id).imap_port = 1

    departures.disconnect(user, account.uuid, erase=False, put_back_marks=True)
    run_jobs()

    after = reload(account)
    assert after is not None
    assert (after.status, after.secret) == ("not_connected", None)


def test_running_sync_loses_the_account_at_once(account: Account, user: Scope, run_jobs: JobRunner) -> None:
    from webmail.errors import LeaseLost
    from webmail.sync.lease import held_lease

    with held_lease(account.id) as lease:
        assert lease is not None
        departures.disconnect(user, account.uuid, erase=False, put_back_marks=False)
        started = time.monotonic()
        run_jobs()

        assert time.monotonic() - started < 5
        with pytest.raises(LeaseLost):
            with lease.transaction():
                pass
    after = reload(account)
    assert after is not None
    assert after.status == "not_connected"


def test_attempt_to_change_an_account_ends_with_it(
    account: Account, user: Scope, form: FormMaker, run_jobs: JobRunner
) -> None:
    attempt = connect.start_attempt(user, form(), account.uuid)

    departures.disconnect(user, account.uuid, erase=False, put_back_marks=False)
    run_jobs()

    row = look_at(user, attempt)
    after = reload(account)
    assert (row.state, row.secret) == ("failed", None)
    assert row.steps[0]["sentence"] == "This mailbox was disconnected meanwhile."
    assert after is not None
    assert after.status == "not_connected"


def test_account_on_its_way_out_is_not_connected_again_yet(account: Account, user: Scope, form: FormMaker) -> None:
    departures.disconnect(user, account.uuid, erase=True, put_back_marks=False)

    with pytest.raises(InputRefused) as refusal:
        connect.start_attempt(user, form(), None)

    assert "still being disconnected" in refusal.value.user_message


def test_account_of_another_user_is_not_disconnected(account: Account, make_user: Any) -> None:
    with pytest.raises(NotFound):
        departures.disconnect(make_user(), account.uuid, erase=True, put_back_marks=False)

    after = reload(account)
    assert after is not None
    assert after.status == "connected"


def test_server_that_never_ends_is_left_after_the_limit(
    make_account: AccountMaker,
    mailbox: Mailbox,
    scripted: Callable[[Callable[[Line], None]], ScriptedServer],
) -> None:
    from webmail.store.changes import record_change
    from webmail.sync.farewell import tell_last_changes
    from webmail.sync.lease import held_lease

    def script(line: Line) -> None:
        line.say(b"* OK ready")
        while True:
            line.say(b"* OK still here")
            time.sleep(0.2)

    server = scripted(script)
    account = make_account(mailbox, imap_host="127.0.0.1", imap_port=server.port, imap_security="plain")
    with transaction() as s:
        record_change(s, account, kind="flag", reason="user", folder=None, uids=[1])
    started = time.monotonic()

    with held_lease(account.id) as lease:
        assert lease is not None
        tell_last_changes(lease, account, limit_s=1.0)

    assert time.monotonic() - started < 3
