"""Drafts: what one begins with, what is kept of it, and what it takes along."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest

from tests.integration.sending.conftest import Desk
from webmail.actions import drafts, submit
from webmail.actions.signatures import save_signature
from webmail.domain.pictures import content_ids_in
from webmail.errors import InputRefused, NotFound
from webmail.store import submissions as store
from webmail.store.accounts import load_account
from webmail.store.models import Account, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading

pytestmark = pytest.mark.integration

_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def _drafts(desk: Desk) -> list[UUID]:
    with reading() as s:
        assert store.count_drafts(s, desk.user) == len(store.list_drafts(s, desk.user))
        return [draft.uuid for draft in store.list_drafts(s, desk.user)]


def _rich_mail(desk: Desk) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Cora <cora@candidates.example>", desk.mailbox.email, "My papers"
    mail["Message-ID"], mail["Date"] = "<papers@x.example>", "Mon, 02 Nov 2026 09:00:00 +0000"
    mail.set_content("See the picture")
    mail.add_alternative('<p>See <img src="cid:pic@x"> and <img src="cid:none@x"></p>', subtype="html")
    html = list(mail.iter_parts())[1]
    html.add_related(_PICTURE, "image", "png", cid="<pic@x>", filename="me.png", disposition="inline")
    mail.add_attachment(b"%PDF cv", maintype="application", subtype="pdf", filename="cv.pdf")
    return mail.as_bytes()


def test_opening_an_answer_again_shows_the_same_draft(desk: Desk) -> None:
    source = desk.receive()
    first = drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid)
    assert drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid) == first

    desk.save(first, body_html="<div>Half a sentence</div>")

    assert drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid) == first
    assert "Half a sentence" in desk.submission(first).body_html
    assert drafts.open_draft(desk.user, mode="forward", message_uuid=source.uuid) != first


def test_a_draft_that_nobody_wrote_in_is_listed_nowhere_and_swept_away(desk: Desk) -> None:
    source = desk.receive()
    written = desk.write()
    untouched = drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid)
    assert _drafts(desk) == [written]

    long_ago = utc_now() - timedelta(days=2)
    for uuid in (written, untouched):
        desk.change(uuid, created_at=long_ago)
    desk.change(untouched, updated_at=long_ago)
    submit.recover_lost()

    assert _drafts(desk) == [written]
    with pytest.raises(NotFound):
        desk.submission(untouched)


def test_a_conversation_shows_the_draft_that_answers_it(desk: Desk) -> None:
    source = desk.receive()
    uuid = drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid)
    with reading() as s:
        assert store.draft_of_conversation(s, desk.user, source.conversation_id) is None

    desk.save(uuid, body_html="<div>Half a sentence</div>")

    with reading() as s:
        found = store.draft_of_conversation(s, desk.user, source.conversation_id)
    assert found is not None
    assert found.uuid == uuid


def test_two_tabs_notice_each_other(desk: Desk) -> None:
    uuid = desk.write(body="<div>One</div>")
    assert desk.save(uuid, revision=1, body_html="<div>Two</div>") == 2

    with pytest.raises(InputRefused) as refused:
        desk.save(uuid, revision=1, body_html="<div>Three</div>")

    assert refused.value.field == "revision"
    assert desk.submission(uuid).body_html == "<div>Two</div>"


def test_the_same_content_again_is_no_conflict(desk: Desk) -> None:
    uuid = desk.write(body="<div>One</div>")

    assert desk.save(uuid, revision=0, body_html="<div>One</div>") == 1


def test_a_draft_that_was_sent_cannot_be_written_in(desk: Desk) -> None:
    uuid = desk.write()
    submit.submit(desk.user, uuid)

    with pytest.raises(InputRefused, match="sent off already"):
        desk.save(uuid, subject="Other")


def test_reply_all_goes_to_everybody_but_oneself(desk: Desk) -> None:
    source = desk.receive(sender="Cora <cora@x.example>", extra=f"Cc: Carl <carl@y.example>, {desk.mailbox.email}\r\n")

    uuid = drafts.open_draft(desk.user, mode="reply_all", message_uuid=source.uuid)

    assert (desk.submission(uuid).to, desk.submission(uuid).cc) == ("Cora <cora@x.example>", "Carl <carl@y.example>")


def test_the_signature_stands_once_above_the_quote_and_changes_with_the_account(
    desk: Desk, make_account: Callable[..., Account]
) -> None:
    other = make_account(desk.dovecot.account(), smtp=desk.smtp)
    save_signature(desk.user, desk.account_uuid, "<p>Rita, Acme</p>")
    save_signature(desk.user, other.uuid, "<p>Rita, Umbrella</p>")
    source = desk.receive()
    uuid = drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid)
    body = desk.submission(uuid).body_html
    assert body.index("Rita, Acme") < body.index("webmail-quote")

    desk.save(uuid, account_uuid=other.uuid)
    swapped = desk.submission(uuid)
    desk.save(uuid, account_uuid=desk.account_uuid)
    back = desk.submission(uuid)

    assert swapped.account_id == other.id
    assert swapped.body_html.count("Rita, Umbrella") == 1
    assert "Rita, Acme" not in swapped.body_html
    assert back.body_html.count("Rita, Acme") == back.body_html.count("Rita, ") == 1


def test_a_plain_mail_swaps_its_signature_too(desk: Desk, make_account: Callable[..., Account]) -> None:
    other = make_account(desk.dovecot.account(), smtp=desk.smtp)
    save_signature(desk.user, desk.account_uuid, "<p>Rita, Acme</p>")
    save_signature(desk.user, other.uuid, "<p>Rita, Umbrella</p>")
    source = desk.receive()
    uuid = drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid)

    desk.save(uuid, is_plain=True, body_html="", body_text="")
    plain = desk.submission(uuid).body_text
    desk.save(uuid, account_uuid=other.uuid, body_text=plain)

    assert plain.index("-- \nRita, Acme") < plain.index("> Hello, thank you")
    assert desk.submission(uuid).body_text.count("-- \nRita, Umbrella") == 1
    assert "Acme" not in desk.submission(uuid).body_text


def test_a_signature_taken_out_by_hand_stays_out(desk: Desk, make_account: Callable[..., Account]) -> None:
    other = make_account(desk.dovecot.account(), smtp=desk.smtp)
    save_signature(desk.user, desk.account_uuid, "<p>Rita, Acme</p>")
    save_signature(desk.user, other.uuid, "<p>Rita, Umbrella</p>")
    uuid = desk.write(body="<div>No signature</div>")

    desk.save(uuid, account_uuid=other.uuid)

    assert desk.submission(uuid).body_html == "<div>No signature</div>"


def test_a_plain_mail_goes_out_without_html(desk: Desk) -> None:
    desk.send(desk.write(is_plain=True, body_text="Good day\r\n\r\nRita"))

    assert desk.sent_mail.get_content_type() == "text/plain"
    assert desk.sent_mail.get_payload(decode=True) == b"Good day\r\n\r\nRita\r\n"


def test_what_is_written_is_cleaned(desk: Desk) -> None:
    uuid = desk.write(body='<div onclick="x()">Hi<script>x()</script></div>', subject=" Two \r\n lines ")

    assert desk.submission(uuid).body_html == "<div>Hi</div>"
    assert desk.submission(uuid).subject == "Two lines"


def test_a_forwarded_mail_takes_its_files_along(desk: Desk) -> None:
    source = desk.receive(raw=_rich_mail(desk))

    uuid = drafts.open_draft(desk.user, mode="forward", message_uuid=source.uuid)
    listed = [(file.filename, bool(file.content_id)) for file in desk.submission(uuid).attachments]
    desk.run_jobs()
    desk.save(uuid, to="boss@acme.example")
    desk.send(uuid)

    assert listed == [("cv.pdf", False), ("me.png", True)]
    mail = desk.sent_mail
    assert mail["Subject"] == "Fwd: My papers"
    parts = {part.get_filename(): part for part in mail.walk() if part.get_filename()}
    assert parts["cv.pdf"].get_payload(decode=True) == b"%PDF cv"
    assert parts["me.png"].get_payload(decode=True) == _PICTURE
    body = (
        next(part for part in mail.walk() if part.get_content_type() == "text/html").get_payload(decode=True).decode()
    )
    assert content_ids_in(body) == {parts["me.png"]["Content-ID"].strip("<>")}
    assert mail["In-Reply-To"] is None


def test_forwarded_files_are_fetched_at_the_latest_when_the_mail_is_sent(desk: Desk) -> None:
    source = desk.receive(raw=_rich_mail(desk))
    uuid = drafts.open_draft(desk.user, mode="forward", message_uuid=source.uuid)
    desk.forget_jobs()

    desk.save(uuid, to="boss@acme.example")
    desk.send(uuid)

    assert b"%PDF cv" in [part.get_payload(decode=True) for part in desk.sent_mail.walk()]


def test_a_forwarded_file_that_cannot_be_had_stops_the_mail_and_a_picture_does_not(desk: Desk) -> None:
    source = desk.receive(raw=_rich_mail(desk))
    forward = drafts.open_draft(desk.user, mode="forward", message_uuid=source.uuid)
    reply = drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid)
    desk.forget_jobs()
    desk.save(forward, to="boss@acme.example")
    desk.save(reply, body_html="<div>Thanks</div>" + desk.submission(reply).body_html)
    with desk.dovecot.open(desk.mailbox) as client:
        client.select_folder("INBOX")
        client.delete_messages([1])
        client.expunge()
    desk.sync()

    with pytest.raises(InputRefused, match=r"cv\.pdf could not be fetched") as refused:
        submit.submit(desk.user, forward)
    desk.send(reply)

    assert refused.value.field == "files"
    assert b"cid:" not in desk.smtp.received[0].mime


def test_a_picture_pasted_in_goes_out_as_a_part_of_its_own(desk: Desk) -> None:
    data = base64.b64encode(_PICTURE).decode()
    desk.send(desk.write(body=f'<div>Look <img src="data:image/png;base64,{data}" alt="a"></div>'))

    part = next(part for part in desk.sent_mail.walk() if part.get_content_type() == "image/png")
    assert part.get_payload(decode=True) == _PICTURE
    assert b"data:image" not in desk.smtp.received[0].mime
    with reading() as s:
        assert desk.messages[0].has_attachments is False
        assert store.attachments_of(s, desk.messages[0].id)[0].is_inline


def test_files_are_limited_one_by_one_and_together(desk: Desk) -> None:
    uuid = desk.write()
    with pytest.raises(InputRefused, match=r"big\.zip is 26 MB and a mail takes up to 25 MB"):
        drafts.add_file(desk.user, uuid, filename="big.zip", media_type="application/zip", content=bytes(26_000_000))

    first = drafts.add_file(desk.user, uuid, filename="a.zip", media_type="application/zip", content=bytes(20_000_000))
    with pytest.raises(InputRefused, match=r"With b\.zip the files are 30 MB together"):
        drafts.add_file(desk.user, uuid, filename="b.zip", media_type="application/zip", content=bytes(10_000_000))
    drafts.remove_file(desk.user, uuid, first)
    drafts.remove_file(desk.user, uuid, first)
    drafts.add_file(desk.user, uuid, filename="../b.zip", media_type="application/zip", content=bytes(10_000_000))

    assert [file.filename for file in desk.submission(uuid).attachments] == ["b.zip"]


def test_a_draft_thrown_away_is_gone(desk: Desk) -> None:
    uuid = desk.write()

    drafts.discard(desk.user, uuid)

    assert _drafts(desk) == []


def test_a_disconnected_mailbox_cannot_be_written_from(desk: Desk) -> None:
    source = desk.receive()
    desk.set_account(secret=None, status="not_connected")

    with pytest.raises(InputRefused, match="is disconnected"):
        drafts.open_draft(desk.user, mode="reply", message_uuid=source.uuid)
    with pytest.raises(InputRefused, match="Connect a mailbox first"):
        drafts.open_draft(desk.user, mode="new")


def test_nobody_opens_saves_or_discards_another_users_draft(desk: Desk, make_user: Callable[..., Scope]) -> None:
    source, uuid, stranger = desk.receive(), desk.write(), make_user()

    with pytest.raises(NotFound):
        drafts.open_draft(stranger, mode="reply", message_uuid=source.uuid)
    with pytest.raises(NotFound):
        drafts.discard(stranger, uuid)
    with pytest.raises(NotFound):
        drafts.add_file(stranger, uuid, filename="a", media_type="", content=b"")
    with pytest.raises(NotFound):
        save_signature(stranger, desk.account_uuid, "<p>Mine</p>")


def test_a_signature_is_cleaned_kept_and_emptied(desk: Desk) -> None:
    assert save_signature(desk.user, desk.account_uuid, "<p>Rita<script>x()</script></p>") == "<p>Rita</p>"
    assert save_signature(desk.user, desk.account_uuid, "<div><br></div>") == ""

    with reading() as s:
        account = load_account(s, desk.user, desk.account_uuid)
        assert account.signature is not None
        assert account.signature.html == ""
    with pytest.raises(InputRefused, match="larger than 100 KB"):
        save_signature(desk.user, desk.account_uuid, "x" * 100_001)


def test_editing_the_signature_in_one_mail_leaves_the_stored_one(desk: Desk) -> None:
    save_signature(desk.user, desk.account_uuid, "<p>Rita</p>")
    uuid = drafts.open_draft(desk.user, mode="new")

    desk.save(uuid, body_html='<div>Hi</div><div class="webmail-signature"><p>R.</p></div>')

    assert "Rita" in desk.submission(drafts.open_draft(desk.user, mode="new")).body_html


def test_a_new_mail_begins_as_it_is_asked_for(desk: Desk) -> None:
    uuid = drafts.open_draft(desk.user, mode="new", to="cora@x.example", subject="Hello")

    draft = desk.submission(uuid)
    assert (draft.to, draft.subject, draft.revision) == ("cora@x.example", "Hello", 0)
    assert isinstance(draft.account, Account)
