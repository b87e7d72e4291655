"""Mails on their way out, by a real SMTP server and a real Dovecot: once there, once in Sent, once here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.sending.conftest import Desk
from webmail.actions import drafts, submit
from webmail.actions.attachments import open_attachment
from webmail.actions.filing import record_filed
from webmail.actions.signatures import save_signature
from webmail.domain.headers import parse_headers
from webmail.errors import InputRefused, NotFound
from webmail.store import submissions as store
from webmail.store.conversations import load_conversation
from webmail.store.messages import load_message
from webmail.store.models import Conversation
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.store.submissions import placements_of
from webmail.sync.sent_copy import FoundCopy

pytestmark = pytest.mark.integration


def test_a_reply_is_sent_once_filed_once_and_shown_once(desk: Desk) -> None:
    save_signature(desk.user, desk.account_uuid, "<p>Rita Recruiter, Acme</p>")
    source = desk.receive(subject="Role", references=["root@elsewhere.example"])

    uuid = drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid)
    desk.save(uuid, body_html="<div>Monday is fine.</div>" + desk.submission(uuid).body_html)
    desk.send(uuid)
    desk.sync()

    sent, (_, ours) = desk.submission(uuid), desk.messages
    assert (sent.state, sent.filing) == ("sent", "appended")
    assert len(desk.sent_folder) == 1
    headers = parse_headers(desk.sent_folder[0])
    assert headers.in_reply_to == "1@mails.example"
    assert headers.references == ("root@elsewhere.example", "1@mails.example")
    assert headers.subject == "Re: Role"
    assert desk.sent_folder[0].count(b"Rita Recruiter, Acme") == 2  # in the text, and in the HTML
    assert ours.conversation_id == source.conversation_id
    assert ours.message_id_header == headers.message_id


def test_a_mail_shows_in_its_conversation_before_it_has_left(desk: Desk) -> None:
    source = desk.receive(subject="Role")

    uuid = drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid)
    desk.save(uuid, body_html="<div>Monday is fine.</div>")
    submit.submit(desk.user, uuid)

    with reading() as s:
        conversation = s.get_one(Conversation, source.conversation_id)
        detail = load_conversation(s, desk.user, conversation.uuid)
        shown = load_message(s, desk.user, detail.messages[-1].uuid)
    assert (conversation.message_count, conversation.snippet, conversation.in_sent) == (2, "Monday is fine.", True)
    assert shown.is_outgoing
    assert "Monday is fine." in shown.html
    assert desk.smtp.received == []


def test_pressing_send_twice_sends_one_mail(desk: Desk) -> None:
    uuid = desk.write()

    submit.submit(desk.user, uuid)
    submit.submit(desk.user, uuid)
    desk.run_jobs()
    submit.submit(desk.user, uuid)
    desk.run_jobs()

    assert len(desk.smtp.received) == len(desk.sent_folder) == len(desk.messages) == 1


def test_the_message_answered_is_marked_there(desk: Desk) -> None:
    source = desk.receive()

    uuid = drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid)
    desk.save(uuid, body_html="<div>Yes</div>")
    desk.send(uuid)

    [(_, flags)] = desk.dovecot.messages(desk.mailbox)
    assert "\\Answered" in flags
    assert [change.state for change in desk.changes if change.reason == "answered"] == ["done"]
    assert desk.messages[0].is_answered


def test_blind_copies_stand_in_the_envelope_and_nowhere_else(desk: Desk) -> None:
    desk.send(desk.write(cc="Carl <carl@clients.example>", bcc="Boss <boss@acme.example>"))

    [mail] = desk.smtp.received
    assert mail.recipients == ["cora@candidates.example", "carl@clients.example", "boss@acme.example"]
    assert b"boss@" not in mail.mime
    assert b"boss@" not in desk.sent_folder[0]
    assert desk.messages[0].bcc == [["Boss", "boss@acme.example"]]


def test_files_go_out_and_can_be_opened_here_at_once(desk: Desk) -> None:
    uuid = desk.write()
    drafts.add_file(desk.user, uuid, filename="Über uns.pdf", media_type="application/pdf", content=b"%PDF \x00\xff")
    submit.submit(desk.user, uuid)

    with reading() as s:
        [attachment] = load_message(s, desk.user, desk.messages[0].uuid).attachments
    opened = open_attachment(desk.user, attachment.uuid)
    assert (opened.filename, opened.content) == ("Über uns.pdf", b"%PDF \x00\xff")
    desk.run_jobs()
    part = desk.sent_mail.get_payload()[1]
    assert part.get_payload(decode=True) == b"%PDF \x00\xff"
    with reading() as s:
        assert len(load_message(s, desk.user, desk.messages[0].uuid).attachments) == 1


def test_a_server_that_files_by_itself_gets_no_second_copy(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(files_sent_itself=None)
    desk.smtp.habits.files_sent = True

    uuid = desk.write()
    desk.send(uuid)
    desk.sync()

    assert len(desk.sent_folder) == 1
    assert desk.submission(uuid).filing == "found"
    assert desk.account.files_sent_itself is True
    assert len(desk.messages) == 1
    assert not [change for change in desk.changes if change.kind == "append"]


def test_a_server_that_files_nothing_is_learnt_once(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(files_sent_itself=None)

    desk.send(desk.write())

    assert len(desk.sent_folder) == 1
    assert desk.account.files_sent_itself is False
    [append] = [change for change in desk.changes if change.kind == "append"]
    assert (append.state, append.reason) == ("done", "sent_copy")


def test_an_account_that_only_sends_still_files_its_copy(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(reads_mail=False)

    uuid = desk.write()
    drafts.add_file(desk.user, uuid, filename="cv.pdf", media_type="application/pdf", content=b"cv")
    desk.send(uuid)

    assert len(desk.sent_folder) == 1
    assert desk.submission(uuid).filing == "appended"
    with reading() as s:
        [attachment] = load_message(s, desk.user, desk.messages[0].uuid).attachments
    assert open_attachment(desk.user, attachment.uuid).content == b"cv"


def test_without_imap_there_is_no_copy_and_that_is_said(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(reads_mail=False, imap_host="", outbox_folder="")

    uuid = desk.write()
    desk.send(uuid)

    assert (desk.submission(uuid).state, desk.submission(uuid).filing) == ("sent", "impossible")


def test_the_sync_knows_the_copy_wherever_it_comes_first(desk: Desk) -> None:
    uuid = desk.write()
    submit.submit(desk.user, uuid)
    with desk.dovecot.open(desk.mailbox) as client:
        client.append("Sent", desk.mime(uuid), ["\\Seen"])

    desk.sync()

    [message] = desk.messages
    with reading() as s:
        assert [placement.uid for placement in placements_of(s, message.id)] == [1]


def test_a_server_that_replaces_the_message_id_shows_the_mail_once_and_threads_its_answers(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(files_sent_itself=True)
    uuid = desk.write()
    submit.submit(desk.user, uuid)
    ours = desk.submission(uuid).message_id_header
    replaced = desk.mime(uuid).replace(
        b"Message-ID: ", b"Message-ID: <new@outlook.example>\r\nX-Microsoft-Original-Message-ID: "
    )
    with desk.dovecot.open(desk.mailbox) as client:
        client.append("Sent", replaced, ["\\Seen"])
    desk.run_jobs()
    desk.sync()
    [message] = desk.messages

    with transaction() as s:
        [placement] = placements_of(s, message.id)
        copy = FoundCopy(placement.uid, placement.folder.uidvalidity or 0, parse_headers(replaced))
        record_filed(s, store.load_submission(s, desk.user, uuid), [copy], "found")
    desk.receive(2, answers="new@outlook.example", subject="Re: Interview")
    desk.receive(3, answers=ours, subject="Re: Interview")

    assert {each.conversation_id for each in desk.messages} == {message.conversation_id}
    assert len(desk.messages) == 3


def test_a_missing_sent_folder_is_told_and_the_mail_is_sent_all_the_same(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(outbox_folder="Gone")

    uuid = desk.write()
    desk.send(uuid)

    sent = desk.submission(uuid)
    assert (sent.state, sent.filing) == ("sent", "impossible")
    assert sent.error_sentence.startswith("It was sent, but no copy could be filed.")


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"to": " "}, "to", "Add at least one recipient."),
        ({"to": "cora@candidates.example, anna@"}, "to", "“anna@” is not a complete address."),
        ({"cc": "carl"}, "cc", "“carl” is not a complete address."),
        ({"bcc": "b@c.example; @x"}, "bcc", "“@x” is not a complete address."),
        ({"to": ",".join(f"a{n}@x.example" for n in range(101))}, "to", "101 recipients"),
        ({"to": "jürgen@x.example"}, "to", "letters before the @"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_its_field_and_stays_a_draft(
    desk: Desk, fields: dict[str, str], field: str, words: str
) -> None:
    uuid = desk.write(**fields)

    with pytest.raises(InputRefused) as refused:
        submit.submit(desk.user, uuid)

    assert refused.value.field == field
    assert words in refused.value.user_message
    assert desk.submission(uuid).state == "draft"
    assert desk.messages == []


def test_a_mail_larger_than_the_server_takes_is_refused_before_it_is_sent(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    uuid = desk.write()
    drafts.add_file(desk.user, uuid, filename="big.bin", media_type="", content=b"x" * 2_000_000)
    desk.set_account(fingerprint={"smtp": {"size": "2000000"}})
    with pytest.raises(InputRefused, match=r"more\.bin is 2 MB and the mailbox’s server takes up to 1 MB"):
        drafts.add_file(desk.user, uuid, filename="more.bin", media_type="", content=b"x" * 1_600_000)

    with pytest.raises(InputRefused, match="This mail is 3 MB and the mailbox's server takes up to 2 MB") as refused:
        submit.submit(desk.user, uuid)

    assert refused.value.field == "files"


def test_a_disconnected_mailbox_cannot_be_sent_from(desk: Desk) -> None:
    uuid = desk.write()
    desk.set_account(secret=None, status="not_connected")

    with pytest.raises(InputRefused, match="is disconnected") as refused:
        submit.submit(desk.user, uuid)

    assert refused.value.field == "account"


def test_nobody_sends_another_users_draft(desk: Desk, make_user: Callable[..., Scope]) -> None:
    uuid = desk.write()

    with pytest.raises(NotFound):
        submit.submit(make_user(), uuid)
