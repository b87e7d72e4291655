"""Gmail's own ids and labels: one mail is one message, its conversations are ours, archiving leaves the inbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import AccountMaker, JobRunner
from tests.integration.sync.conftest import Rows, ids_there, sync
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.gmail_proxy import ALL_MAIL, GmailProxy
from tests.servers.smtp import SmtpServer
from webmail.actions import drafts, mail, submit
from webmail.actions.drafts import DraftFields
from webmail.domain.headers import parse_headers
from webmail.domain.identity import message_identity
from webmail.store.models import Account
from webmail.store.scope import Scope
from webmail.store.session import transaction

pytestmark = [pytest.mark.integration, pytest.mark.one_database]


@pytest.fixture(scope="module")
def gmail(dovecot: Dovecot) -> Iterator[GmailProxy]:
    proxy = GmailProxy(dovecot)
    yield proxy
    proxy.stop()


@pytest.fixture
def mailbox(gmail: GmailProxy) -> Mailbox:
    return gmail.mailbox()


@pytest.fixture
def account(mailbox: Mailbox, make_account: AccountMaker, smtp_server: SmtpServer) -> Account:
    return make_account(
        mailbox,
        smtp=smtp_server,
        imap_port=mailbox.plain_port,
        imap_security="plain",
        fingerprint={"capabilities": ["IMAP4REV1", "X-GM-EXT-1"]},
    )


def test_a_mail_is_known_by_gmails_id(
    gmail: GmailProxy, mailbox: Mailbox, account: Account, rows: Callable[[Account], Rows]
) -> None:
    gmail.deliver(mailbox, build_mail(1))

    sync(account)

    (message,) = rows(account).messages
    assert message.identity.startswith("gm:")


def test_conversations_are_gmails(
    gmail: GmailProxy, mailbox: Mailbox, account: Account, rows: Callable[[Account], Rows]
) -> None:
    gmail.deliver(mailbox, build_mail(1, subject="Position"))
    gmail.deliver(
        mailbox, build_mail(2, subject="Re: Position", answers="1@mails.example", references=["1@mails.example"])
    )
    # Gmail starts another conversation where the subject changes, although this one answers too.
    gmail.deliver(mailbox, build_mail(3, subject="Holidays", answers="1@mails.example", references=["1@mails.example"]))

    sync(account)

    assert sorted(each.message_count for each in rows(account).conversations) == [1, 2]


def test_archiving_leaves_the_inbox_and_nothing_is_there_twice(
    gmail: GmailProxy,
    mailbox: Mailbox,
    account: Account,
    user: Scope,
    dovecot: Dovecot,
    rows: Callable[[Account], Rows],
) -> None:
    gmail.deliver(mailbox, build_mail(1))
    sync(account)
    (conversation,) = rows(account).conversations

    mail.archive(user, conversation.uuid)
    sync(account)

    assert ids_there(dovecot, mailbox) == []
    assert ids_there(dovecot, mailbox, ALL_MAIL) == ["1@mails.example"]
    assert ids_there(dovecot, mailbox, "Archive") == []
    (conversation,) = rows(account).conversations
    assert (conversation.in_inbox, conversation.in_trash) == (False, False)
    assert rows(account).message_ids(ALL_MAIL) == ["1@mails.example"]


def test_archiving_at_gmail_itself_is_seen_as_that(
    gmail: GmailProxy, mailbox: Mailbox, account: Account, dovecot: Dovecot, rows: Callable[[Account], Rows]
) -> None:
    sync(account)
    gmail.deliver(mailbox, build_mail(1))
    sync(account)

    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX")
        client.delete_messages([1])
        client.expunge()
    sync(account)

    (conversation,) = rows(account).conversations
    assert (conversation.in_inbox, conversation.in_trash) == (False, False)
    assert rows(account).message_ids(ALL_MAIL) == ["1@mails.example"]


def test_an_answer_from_here_is_one_message_in_one_conversation(
    gmail: GmailProxy,
    mailbox: Mailbox,
    account: Account,
    user: Scope,
    smtp_server: SmtpServer,
    run_jobs: JobRunner,
    rows: Callable[[Account], Rows],
) -> None:
    smtp_server.habits.files_sent = True
    gmail.deliver(mailbox, build_mail(1, subject="Position"))
    sync(account)
    (source,) = rows(account).messages
    uuid = drafts.open_draft(user, mode="reply", message_uuid=source.uuid)
    fields = DraftFields(account.uuid, "cora@candidates.example", "", "", "Re: Position", False, "<p>Yes</p>", "")
    drafts.save_draft(user, uuid, fields, revision=0)

    submit.submit(user, uuid)
    before = rows(account).conversations
    run_jobs()
    sync(account)

    (conversation,) = rows(account).conversations
    answers = [each for each in rows(account).messages if each.is_outgoing]
    assert len(before) == 1
    assert conversation.message_count == 2
    assert [each.identity[:3] for each in answers] == ["gm:"]
    assert len(rows(account).message_ids("Sent")) == 1


def test_a_mailbox_that_was_connected_before_keeps_its_messages(
    gmail: GmailProxy,
    mailbox: Mailbox,
    account: Account,
    make_account: AccountMaker,
    dovecot: Dovecot,
    rows: Callable[[Account], Rows],
) -> None:
    gmail.deliver(mailbox, build_mail(1))
    sync(account)
    (stored,) = rows(account).messages
    with transaction() as s:
        s.merge(stored).identity = _header_identity(build_mail(1))
    dovecot.renumber(mailbox)

    sync(account)

    (message,) = rows(account).messages
    assert (message.id, message.identity[:3]) == (stored.id, "gm:")
    assert len(rows(account).conversations) == 1


def _header_identity(raw: bytes) -> str:
    return message_identity(parse_headers(raw))
