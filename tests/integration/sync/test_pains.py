"""What users of similar products suffer from (field notes, section 4): shown that it cannot happen here.

`docs/quirks.md` names the test of each pain; some have their tests with the part that they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.integration.sync.conftest import flags_there, ids_there, sync
from tests.mails import build_mail, build_mailbox
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import FaultProxy, Refusal
from webmail import queue
from webmail.actions import mail
from webmail.jobs.sweep import sweep_verifications
from webmail.store.accounts import list_accounts, update_account
from webmail.store.conversations import list_page
from webmail.store.folders import update_folder
from webmail.store.models import Message, utc_now
from webmail.store.session import reading, transaction

pytestmark = [pytest.mark.integration, pytest.mark.one_database]

WRITES = re.compile(rb"^\S+ (UID )?(STORE|MOVE|COPY|EXPUNGE|APPEND|DELETE|CREATE|RENAME|SELECT)\b")


@pytest.fixture
def proxy(dovecot: Dovecot) -> Iterator[FaultProxy]:
    running = FaultProxy(dovecot.plain_port)
    yield running
    running.stop()


@pytest.fixture
def connect(dovecot: Dovecot, proxy: FaultProxy, make_account) -> Callable[..., tuple]:
    def make(count: int = 0, **columns: object) -> tuple:
        mailbox = dovecot.account()
        if count:
            dovecot.seed(mailbox, "INBOX", build_mailbox(count))
        return mailbox, make_account(mailbox, imap_port=proxy.port, imap_security="plain", **columns)

    return make


def be_due(account) -> None:
    with transaction() as s:
        update_account(s, account.id, retry_at=None)


# Pain 1: the connection dies and nobody is told.


@pytest.mark.parametrize(
    ("answer", "tries", "status"),
    [
        (b"NO [AUTHENTICATIONFAILED] Authentication failed", 1, "reconnect_needed"),
        (b"NO [UNAVAILABLE] Not now", 3, "error"),
        (b"* BYE\r\n", 3, "error"),
    ],
)
def test_a_line_that_dies_is_told_with_its_reason_and_a_way_out(
    connect, proxy: FaultProxy, rows, answer: bytes, tries: int, status: str
) -> None:
    _, account = connect(1)
    sync(account)
    proxy.reset(refusals=[Refusal(rb"LOGIN", answer, times=99)])

    for _ in range(tries):
        assert rows(account).account.status == "connected"
        be_due(account)
        sync(account)

    state = rows(account).account
    assert state.status == status
    assert state.status_sentence
    assert state.status_next_step


def test_a_line_that_comes_back_is_told_too(connect, proxy: FaultProxy, rows) -> None:
    _, account = connect(1)
    proxy.reset(refusals=[Refusal(rb"LOGIN", b"* BYE\r\n", times=3)])
    for _ in range(4):
        be_due(account)
        sync(account)

    state = rows(account).account
    assert (state.status, state.failures, state.status_sentence) == ("connected", 0, "")


# Pain 2: the status says synced, and mail is missing.


def test_a_mailbox_that_was_emptied_still_gets_its_new_mail(connect, dovecot: Dovecot, rows, run_jobs) -> None:
    mailbox, account = connect(30)
    sync(account)
    run_jobs()
    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search("ALL"))
        client.expunge()
    sync(account)
    assert rows(account).message_ids() == []

    dovecot.deliver(mailbox.email, build_mail("after"))
    sync(account)

    assert rows(account).message_ids() == ["after@mails.example"]


def test_one_message_that_goes_wrong_hides_no_other_and_is_not_skipped_for_good(
    connect, dovecot: Dovecot, proxy: FaultProxy, rows, run_jobs
) -> None:
    mailbox, account = connect(5)

    def spoil(line: bytes) -> bytes:
        return re.sub(rb"(UID 3 .*BODYSTRUCTURE )\(", rb"\1))((", line)

    proxy.reset(rewrite=spoil)
    sync(account)
    run_jobs()
    assert len(rows(account).message_ids()) >= 4

    proxy.reset()
    be_due(account)
    sync(account)
    for _ in range(6):
        sweep_verifications()
        run_jobs()

    assert rows(account).message_ids() == ids_there(dovecot, mailbox)
    assert rows(account).folders["INBOX"].mended == {"missing": 1}


def test_as_many_gone_as_come_is_noticed(connect, dovecot: Dovecot, rows) -> None:
    mailbox, account = connect(6)
    sync(account)
    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search("ALL")[:2])
        client.expunge()
    for number in range(2):
        dovecot.deliver(mailbox.email, build_mail(f"new-{number}"))

    sync(account)

    assert rows(account).message_ids() == ids_there(dovecot, mailbox)


# Pain 3: fetching marks mail as read in the user's own mailbox. Pain 9: the first import changes something.


def test_reading_marks_nothing_and_the_first_import_writes_nothing(
    connect, dovecot: Dovecot, proxy: FaultProxy, rows, user, run_jobs
) -> None:
    mailbox, account = connect(120, read_marks="keep")
    dovecot.seed(mailbox, "Sent", build_mailbox(4))

    sync(account)
    run_jobs()

    assert [command for command in proxy.commands if WRITES.match(command)] == []
    assert not [command for command in proxy.commands if re.search(rb"(BODY\[|RFC822(?!\.SIZE))", command)]
    assert set(flags_there(dovecot, mailbox)) == {frozenset()}
    assert set(flags_there(dovecot, mailbox, "Sent")) == {frozenset()}
    assert {message.body_state for message in rows(account).messages} == {"stored"}


def test_the_read_mark_rule_never_touches_sent_mail_nor_takes_a_mark_off(
    connect, dovecot: Dovecot, rows, run_jobs
) -> None:
    mailbox, account = connect(3, read_marks="all")
    dovecot.seed(mailbox, "Sent", [build_mail("mine", sender=f"Me <{mailbox.email}>")], seen=True)

    sync(account)
    run_jobs()

    assert flags_there(dovecot, mailbox, "Sent") == [frozenset({"\\Seen"})]
    assert {change.folder_id for change in rows(account).changes} == {rows(account).folders["INBOX"].id}


def test_the_first_import_is_silent_and_news_are_counted(connect, dovecot: Dovecot, monkeypatch, run_jobs) -> None:
    told: list[int] = []
    publish = queue.publish

    def listen(user_id: int, event: str, **data: object) -> None:
        if event == "mail-new":
            told.append(data["count"])
        publish(user_id, event, **data)

    monkeypatch.setattr(queue, "publish", listen)
    mailbox, account = connect(120)
    sync(account)
    run_jobs()
    assert set(told) <= {0}

    dovecot.deliver(mailbox.email, build_mail("news"))
    sync(account)

    assert told[-1] == 1


# Pain 4: private mail becomes visible to colleagues.


def test_a_colleague_of_the_same_customer_sees_nothing_of_it(connect, make_user, rows, user) -> None:
    _, account = connect(3)
    sync(account)
    with reading() as s:
        tenant = account.tenant_id
        colleague = type(user)(tenant, make_user().user_id)

    with reading() as s:
        assert len(list_page(s, user, "inbox").rows) == 1
        assert list_page(s, colleague, "inbox").rows == []
        assert list_accounts(s, colleague) == []


# Pain 7: mail sent from the phone never appears.


def test_mail_sent_from_the_phone_appears_in_its_conversation(connect, dovecot: Dovecot, rows, user) -> None:
    mailbox, account = connect()
    dovecot.deliver(mailbox.email, build_mail("asked", subject="Interview"))
    sync(account)
    answer = build_mail(
        "answered",
        subject="Re: Interview",
        answers="asked@mails.example",
        sender=f"Me <{mailbox.email}>",
        date=utc_now(),
    )
    with dovecot.open(mailbox) as client:
        client.append("Sent", answer, ["\\Seen"])

    sync(account)

    conversation = rows(account).conversations[0]
    assert conversation.message_count == 2
    assert {message.is_outgoing for message in rows(account).messages} == {True, False}


# Pain 8: duplicates after a sync from scratch, a changed UIDVALIDITY or a changed parser.


def test_nothing_is_doubled_or_announced_when_everything_is_read_again(
    connect, dovecot: Dovecot, rows, run_jobs
) -> None:
    mailbox, account = connect(70)
    sync(account)
    run_jobs()
    before = {message.uuid for message in rows(account).messages}
    for _ in range(2):
        dovecot.renumber(mailbox)
        with transaction() as s:
            for folder in rows(account).folders.values():
                update_folder(s, folder.id, flags_compared_at=utc_now() - timedelta(days=1))
        sync(account)
        run_jobs()

    assert {message.uuid for message in rows(account).messages} == before
    assert len(rows(account).placements()) == 70
    assert not any(message.is_unread and message.is_outgoing for message in rows(account).messages)


# Pain 14: false alarms. Pain 15: too many connections, throttling, lock-outs.


@pytest.mark.parametrize(
    "answer",
    [
        b"NO [UNAVAILABLE] Temporary authentication failure",
        b"NO [LIMIT] Too many simultaneous connections",
        b"NO [SERVERBUG] Internal error occurred. Refer to server log",
        b"NO System error, please try again later",
        b"NO Login failed for no reason that a person could tell: temporarily out of order",
        b"* BYE [UNAVAILABLE] Internal auth failure\r\n",
        b"BAD Command received in invalid state",
    ],
)
def test_only_an_explicit_refusal_of_the_password_asks_for_a_new_one(
    connect, proxy: FaultProxy, rows, answer: bytes
) -> None:
    _, account = connect(1)
    proxy.reset(refusals=[Refusal(rb"LOGIN", answer, times=99)])

    for _ in range(5):
        be_due(account)
        sync(account)

    assert rows(account).account.status == "error"
    proxy.reset()
    be_due(account)
    sync(account)
    assert rows(account).account.status == "connected"


def test_a_sync_takes_one_session_and_one_sign_in(connect, dovecot: Dovecot, proxy: FaultProxy, run_jobs) -> None:
    mailbox, account = connect(120)
    sync(account)
    run_jobs()
    signed_in = len([command for command in proxy.commands if b" ENABLE " in command])

    for number in range(3):
        dovecot.deliver(mailbox.email, build_mail(f"n{number}"))
        sync(account)

    assert proxy.most_sessions_seen == 1
    assert len([command for command in proxy.commands if b" ENABLE " in command]) == signed_in + 3


# Pain 22: the same mail to two colleagues is shown to one only.


def test_the_same_mail_to_two_colleagues_is_each_ones_own(
    dovecot: Dovecot, make_account, make_user, rows, run_jobs
) -> None:
    scopes = [make_user(tenant="acme"), make_user(tenant="acme")]
    mailboxes = [dovecot.account(), dovecot.account()]
    for mailbox in mailboxes:
        dovecot.deliver(mailbox.email, build_mail("both"))
    accounts = [
        make_account(mailbox, scope=scope, read_marks="keep") for mailbox, scope in zip(mailboxes, scopes, strict=True)
    ]
    for account in accounts:
        sync(account)

    mail.mark_read(scopes[0], rows(accounts[0]).conversations[0].uuid)
    mail.archive(scopes[0], rows(accounts[0]).conversations[0].uuid)
    run_jobs()

    assert [message.is_unread for account in accounts for message in rows(account).messages] == [False, True]
    assert (ids_there(dovecot, mailboxes[0]), ids_there(dovecot, mailboxes[1])) == ([], ["both@mails.example"])
    with reading() as s:
        assert len(list_page(s, scopes[0], "inbox").rows) == 0
        assert len(list_page(s, scopes[1], "inbox").rows) == 1
        assert s.scalar(select(func.count(Message.id))) == 2


def test_a_mail_to_oneself_is_sent_and_received_at_once(connect, dovecot: Dovecot, rows) -> None:
    mailbox, account = connect()
    note = build_mail("note", sender=f"Me <{mailbox.email}>", recipient=mailbox.email)
    for folder in ("INBOX", "Sent"):
        dovecot.seed(mailbox, folder, [note])

    sync(account)

    conversation = rows(account).conversations[0]
    assert (conversation.in_inbox, conversation.in_sent, conversation.message_count) == (True, True, 1)


# Pain 23: hidden and deleted Gmail labels; `test_gmail.py` has Gmail itself.


def test_a_folder_that_is_deleted_there_takes_no_conversation_with_it(
    connect, dovecot: Dovecot, proxy: FaultProxy, rows, user
) -> None:
    mailbox, account = connect(4)
    sync(account)
    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX")
        client.move(client.search("ALL"), "Archive")
    sync(account)
    with dovecot.open(mailbox) as client:
        client.delete_folder("Archive")
    with transaction() as s:
        update_folder(s, rows(account).folders["Archive"].id, synced_at=None)

    sync(account)

    assert rows(account).account.status == "connected"
    assert len(rows(account).messages) == 4
    with reading() as s:
        assert len(list_page(s, user, "all").rows) == 1
