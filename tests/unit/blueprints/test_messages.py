"""The frame of a message, its pictures and its attachments: nothing in a mail runs, loads or reaches anything."""

from __future__ import annotations

import base64
import hashlib
from email.message import EmailMessage
from html import escape
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from tests.mails import BASE, build_mail
from tests.unit.blueprints.conftest import PARTIAL, CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail import queue
from webmail.blueprints import _signed
from webmail.store import cache
from webmail.store.models import Account, Attachment, Message
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def account(user: Scope) -> Account:
    return add_mailbox(user)


def html_mail(html: str, *, files: list[tuple[str, str, bytes]] | None = None, picture: bytes | None = None) -> bytes:
    """Build a mail with HTML, attachments, and a picture with the Content-ID `pic`."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Cora <cora@candidates.example>", "rita@acme.example", "HTML"
    mail["Date"], mail["Message-ID"] = BASE, f"<{uuid4()}@mails.example>"
    mail.set_content("The text of it.")
    mail.add_alternative(html, subtype="html")
    if picture is not None:
        mail.get_payload()[1].add_related(picture, "image", "png", cid="<pic>")  # type: ignore[union-attr]
    for name, media_type, content in files or []:
        main, _, sub = media_type.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes()


def body_of(client: CheckedClient, message: Message, query: str = "") -> TestResponse:
    return client.get(f"/messages/{message.uuid}/body{query}")


def attachments_of(message: Message) -> list[Attachment]:
    with reading() as s:
        return [each for each in s.query(Attachment).filter_by(message_id=message.id)]


def test_html_is_shown_clean_under_a_policy_that_runs_and_loads_nothing(
    client: CheckedClient, account: Account
) -> None:
    (message,) = receive(account, html_mail("<p onclick='x()'>Hello <b>Rita</b></p><script>alert(1)</script>"))

    answer = body_of(client, message)

    assert "<p>Hello <b>Rita</b></p>" in answer.text
    assert "<script" not in answer.text
    assert "onclick" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "img-src 'self' data:;", "form-action 'none'", "frame-ancestors 'self'"):
        assert part in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"


REMOTE = "https://tracker.example/p.gif?a=1&b=2"


def keep_picture(account: Account, message: Message, content: bytes = PNG) -> None:
    """Have the cache hold a picture from elsewhere, as if it had been fetched."""
    cache.write(account.uuid, message.uuid, content, hashlib.sha256(REMOTE.encode()).hexdigest()[:40])


def test_pictures_from_elsewhere_wait_until_they_are_asked_for(
    client: CheckedClient, stranger: CheckedClient, account: Account
) -> None:
    (message,) = receive(account, html_mail(f"<p>Look:</p><img src='{escape(REMOTE)}'>"))
    keep_picture(account, message)

    blocked, shown = body_of(client, message), body_of(client, message, "?images=1")

    assert "Pictures from elsewhere are not shown." in blocked.text
    assert '<a href="?images=1" target="_self">Show images</a>' in blocked.text
    assert "Pictures from elsewhere" not in shown.text
    assert "tracker.example" not in shown.text
    for answer in (blocked, shown):
        assert "img-src 'self' data:;" in answer.headers["Content-Security-Policy"]
    picture = stranger.get(picture_address(shown.text))
    assert (picture.data, picture.mimetype) == (PNG, "image/png")
    assert picture.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_only_pictures_that_a_mail_names_are_fetched(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, html_mail(f"<img src='{escape(REMOTE)}'>"))
    keep_picture(account, message, b"<html>")
    address = picture_address(body_of(client, message, "?images=1").text)

    assert client.get(address).status_code == 415
    assert client.get(address[:-2] + "xx").status_code == 404
    assert client.get("/messages/images/https%3A%2F%2Ftracker.example%2F").status_code == 404


def test_the_pictures_of_a_trusted_sender_are_always_shown(client: CheckedClient, account: Account) -> None:
    mail = html_mail(f"<img src='{escape(REMOTE)}'>")
    first, second = receive(account, mail, mail.replace(b"@mails.example>", b"@other.example>"))
    other = receive(account, mail.replace(b"@mails.ex", b"@third.ex").replace(b"<cora@", b"<carl@"))[0]
    assert "cora@candidates.example" in client.get(f"/messages/{first.uuid}/trust").text

    told = client.submit(f"/messages/{first.uuid}/trust", htmx=True)

    assert "Pictures from cora@candidates.example are always shown." in told.text
    assert "/messages/images/" in body_of(client, second).text
    assert "Pictures from elsewhere are not shown." in body_of(client, other).text
    settings = client.get("/profileSettings").text
    assert "cora@candidates.example" in settings
    path = settings.partition('action="/profile-settings/senders/')[2].partition('"')[0]
    client.submit(f"/profile-settings/senders/{path}")
    assert "Pictures from elsewhere are not shown." in body_of(client, second).text


def test_mail_without_remote_pictures_says_nothing_of_them(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, html_mail("<p>Just words</p>"))

    assert "Pictures from elsewhere" not in body_of(client, message).text


def test_quoted_html_is_folded(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, html_mail("<p>New</p><blockquote type='cite'><p>Old</p></blockquote>"))

    assert '<details class="quoted"><summary>Show quoted text</summary>' in body_of(client, message).text


def test_what_unfolds_a_quote_is_said_in_the_readers_language(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, html_mail("<p>New</p><blockquote type='cite'><p>Old</p></blockquote>"))
    client.submit("/profile-settings/locale", {"locale": "de"})

    page = body_of(client, message).text

    assert '<details class="quoted"><summary>Zitierten Text zeigen</summary>' in page
    assert "Show quoted text" not in page


def test_plain_text_is_escaped_linked_and_its_quote_folded(client: CheckedClient, account: Account) -> None:
    text = "See https://jobs.example/1 <script>alert(1)</script>\r\n\r\nOn Monday, Rita wrote:\r\n> old words"
    (message,) = receive(account, build_mail(1, body=text))

    page = body_of(client, message).text

    assert '<a href="https://jobs.example/1" target="_blank" rel="noopener noreferrer">' in page
    assert "<script>" not in page
    assert page.index("Show quoted text") < page.index("old words")


def test_colours_of_its_own_put_a_mail_on_white_in_the_dark(client: CheckedClient, account: Account) -> None:
    designed, plain = receive(account, html_mail("<p style='color:#333'>Words</p>"), html_mail("<p>Words</p>"))

    assert "is-designed" in body_of(client, designed).text.partition("<body")[2]
    assert "is-designed" not in body_of(client, plain).text.partition("<body")[2]


def test_a_text_that_is_not_here_yet_is_fetched_and_looked_for_again(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, build_mail(1), body_state="headers", text="")

    page = body_of(client, message).text

    assert "Fetching this message" in page
    assert '<meta http-equiv="refresh"' in page
    assert queue.connection().exists(f"rq:job:body-{message.uuid}")


def test_a_text_that_cannot_come_any_more_says_why(client: CheckedClient, user: Scope) -> None:
    account = add_mailbox(user, secret=None, status="not_connected")
    (message,) = receive(account, build_mail(1), body_state="headers")

    page = body_of(client, message).text

    assert "had not been fetched when its mailbox was disconnected" in page
    assert "refresh" not in page


def test_a_text_that_the_server_did_not_give_can_be_asked_for_again(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, build_mail(1), body_state="broken")
    path = f"/conversations/{conversation_of(message).uuid}"
    assert "The mail server did not give the text" in client.get(path).text

    answer = client.submit(f"/messages/{message.uuid}/fetch")

    assert answer.location == path
    assert "waiting=1" in client.get(path).text
    assert queue.connection().exists(f"rq:job:body-{message.uuid}")


def test_a_mail_without_any_text_says_so(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, html_mail("<p> </p>"), html="<script>x</script>")

    assert "This message has no text." in body_of(client, message).text


def test_the_message_of_somebody_else_does_not_exist(client: CheckedClient, make_user) -> None:
    (message,) = receive(add_mailbox(make_user()), html_mail("<p>Secret</p>", files=[("a.txt", "text/plain", b"x")]))

    assert body_of(client, message).status_code == 404
    assert client.submit(f"/messages/{message.uuid}/fetch").status_code == 404
    assert client.get(f"/messages/{message.uuid}/trust").status_code == 404
    assert client.submit(f"/messages/{message.uuid}/trust").status_code == 404
    (file,) = attachments_of(message)
    assert client.get(f"/messages/attachments/{file.uuid}").status_code == 404


def picture_address(page: str) -> str:
    return page.partition('src="')[2].partition('"')[0]


def test_a_picture_of_the_mail_is_shown_without_a_cookie(
    client: CheckedClient, stranger: CheckedClient, account: Account
) -> None:
    (message,) = receive(account, html_mail("<img src='cid:pic'>", picture=PNG))
    cache.write(account.uuid, attachments_of(message)[0].uuid, PNG)

    answer = stranger.get(picture_address(body_of(client, message).text))

    assert answer.data == PNG
    assert answer.mimetype == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"", b"RIFF1234WAVE"])
def test_what_only_claims_to_be_a_picture_is_not_served(
    client: CheckedClient, account: Account, content: bytes
) -> None:
    (message,) = receive(account, html_mail("<img src='cid:pic'>", picture=b"claimed"))
    cache.write(account.uuid, attachments_of(message)[0].uuid, content)

    answer = client.get(picture_address(body_of(client, message).text))

    assert (answer.status_code, answer.data) == (415, b"")


def test_the_address_of_a_picture_cannot_be_made_up_and_expires(
    client: CheckedClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    (message,) = receive(account, html_mail("<img src='cid:pic'>", picture=PNG))
    cache.write(account.uuid, attachments_of(message)[0].uuid, PNG)
    address = picture_address(body_of(client, message).text)

    assert client.get(address[:-2] + "xx").status_code == 404
    assert client.get("/messages/parts/made-up").status_code == 404
    later = _signed.time.time() + 3 * _signed.PART_SECONDS
    monkeypatch.setattr("time.time", lambda: later)
    assert client.get(address, headers=PARTIAL).status_code == 404


def test_pictures_that_the_html_shows_are_not_listed_as_attachments(client: CheckedClient, account: Account) -> None:
    shown, listed = receive(
        account,
        html_mail("<img src='cid:pic'>", picture=PNG, files=[("cv.pdf", "application/pdf", b"%PDF")]),
        html_mail("<p>No picture here</p>", picture=PNG),
    )

    page = client.get(f"/conversations/{conversation_of(shown).uuid}").text
    assert page.count('class="attachment"') == 1
    assert "cv.pdf" in page
    assert client.get(f"/conversations/{conversation_of(listed).uuid}").text.count('class="attachment"') == 1


@pytest.mark.parametrize(
    ("name", "media_type", "served_as"),
    [
        ("cv.pdf", "application/pdf", "application/pdf"),
        ("page.html", "text/html", "application/octet-stream"),
        ("drawing.svg", "image/svg+xml", "application/octet-stream"),
        ("code.js", "application/javascript", "application/octet-stream"),
        ("mail.eml", "application/x-made-up", "application/octet-stream"),
    ],
)
def test_an_attachment_is_downloaded_and_never_shown_in_place(
    client: CheckedClient, account: Account, name: str, media_type: str, served_as: str
) -> None:
    (message,) = receive(account, html_mail("<p>x</p>", files=[(name, media_type, b"content")]))
    (file,) = attachments_of(message)
    cache.write(account.uuid, file.uuid, b"content")

    answer = client.get(f"/messages/attachments/{file.uuid}")

    assert answer.data == b"content"
    assert answer.mimetype == served_as
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_name_in_another_alphabet_arrives_whole(client: CheckedClient, account: Account) -> None:
    (message,) = receive(
        account, html_mail("<p>x</p>", files=[("Lebenslauf Müller 履歴書.pdf", "application/pdf", b"x")])
    )
    (file,) = attachments_of(message)
    cache.write(account.uuid, file.uuid, b"x")

    disposition = client.get(f"/messages/attachments/{file.uuid}").headers["Content-Disposition"]

    assert "filename*=UTF-8''Lebenslauf%20M%C3%BCller%20%E5%B1%A5%E6%AD%B4%E6%9B%B8.pdf" in disposition


def test_an_attachment_that_cannot_be_fetched_says_why(client: CheckedClient, user: Scope) -> None:
    account = add_mailbox(user, secret=None, status="not_connected")
    (message,) = receive(account, html_mail("<p>x</p>", files=[("cv.pdf", "application/pdf", b"x")]))

    answer = client.get(f"/messages/attachments/{attachments_of(message)[0].uuid}")

    assert answer.status_code == 404
    assert "Connect it again." in answer.text


def test_showing_the_text_of_a_message_marks_nothing_as_read(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, html_mail("<p>x</p>"), unread=True)

    body_of(client, message)

    with transaction() as s:
        row = s.get(Message, message.id)
        assert row is not None
        assert row.is_unread


def test_links_that_mislead_are_told_above_the_mail(client: CheckedClient, account: Account) -> None:
    html = "<p><a href='https://evil.example/' title='https://paypal.com/'>paypal.com</a></p>"
    misleading, honest = receive(account, html_mail(html), html_mail("<a href='https://ok.example/'>Here</a>"))

    page = body_of(client, misleading).text

    assert '<q dir="auto">paypal.com</q> leads to <b dir="ltr">evil.example</b>.' in page
    assert "title=" not in page.partition("<body")[2]
    assert 'class="doubts"' not in body_of(client, honest).text


def test_a_message_says_what_is_odd_about_its_sender(client: CheckedClient, account: Account) -> None:
    first = build_mail(1, extra="Reply-To: x@elsewhere.test\r\n")
    (message,) = receive(account, first)
    path = f"/conversations/{conversation_of(message).uuid}"

    page = client.get(path).text
    receive(account, build_mail(2))

    assert "Replies go elsewhere: to x@elsewhere.test." in page
    assert "This is the first mail from this address." in page
    assert "This is the first mail from this address." not in client.get(path).text
