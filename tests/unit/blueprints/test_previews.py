"""Attachments seen without opening them, and all of them in one file."""

from __future__ import annotations

import io
from zipfile import ZipFile

import pytest

from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from tests.unit.blueprints.test_messages import attachments_of, html_mail
from tests.unit.test_drawing import pdf, picture
from webmail.store import cache
from webmail.store.models import Account, Attachment, Message
from webmail.store.scope import Scope


@pytest.fixture
def account(user: Scope) -> Account:
    return add_mailbox(user)


def with_files(account: Account, *files: tuple[str, str, bytes]) -> tuple[Message, list[Attachment]]:
    """Receive a mail with these files, which the cache holds."""
    (message,) = receive(account, html_mail("<p>x</p>", files=list(files)))
    attachments = attachments_of(message)
    for attachment, (_, _, content) in zip(attachments, files, strict=True):
        cache.write(account.uuid, attachment.uuid, content)
    return message, attachments


def test_a_picture_has_a_thumbnail_that_runs_nothing(client: CheckedClient, account: Account) -> None:
    message, (file,) = with_files(account, ("me.png", "image/png", picture()))

    page = client.get(f"/conversations/{conversation_of(message).uuid}").text
    answer = client.get(f"/messages/attachments/{file.uuid}/thumbnail")

    assert (
        f'<img src="/messages/attachments/{file.uuid}/thumbnail" alt="" width="120" height="80" loading="lazy">' in page
    )
    assert answer.mimetype == "image/webp"
    assert answer.data.startswith(b"RIFF")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert cache.read(account.uuid, file.uuid, "240-1") is not None


def test_a_pdf_is_shown_page_by_page(client: CheckedClient, account: Account) -> None:
    _, (file,) = with_files(account, ("cv.pdf", "application/octet-stream", pdf(2)))

    page = client.get(f"/messages/attachments/{file.uuid}/preview?page=2").text
    answer = client.get(f"/messages/attachments/{file.uuid}/picture?page=2")

    assert "Page 2 of 2" in page
    assert 'preview?page=1"' in page
    assert 'preview?page=3"' not in page
    assert answer.data.startswith(b"RIFF")
    assert client.get(f"/messages/attachments/{file.uuid}/picture?page=3").status_code == 415


def test_a_text_is_shown_as_text_and_a_dialog_by_htmx(client: CheckedClient, account: Account) -> None:
    _, (file,) = with_files(account, ("notes.txt", "text/plain", "<script>Grüße</script>\n".encode() * 20_000))

    page, dialog = (ask(f"/messages/attachments/{file.uuid}/preview") for ask in (client.get, client.get_partial))

    for answer in (page, dialog):
        assert "&lt;script&gt;Grüße&lt;/script&gt;" in answer.text
        assert "This is how it begins." in answer.text
    assert "<dialog" in dialog.text
    assert "<html" in page.text


def test_what_claims_to_be_a_picture_is_not_shown(client: CheckedClient, account: Account) -> None:
    _, (file,) = with_files(account, ("me.png", "image/png", b"<svg onload='alert(1)'/>"))

    assert client.get(f"/messages/attachments/{file.uuid}/thumbnail").status_code == 415
    assert "This file cannot be shown here" in client.get(f"/messages/attachments/{file.uuid}/preview").text


def test_all_attachments_come_in_one_file_with_names_of_their_own(client: CheckedClient, account: Account) -> None:
    message, _ = with_files(
        account,
        ("cv.pdf", "application/pdf", b"one"),
        ("cv.pdf", "application/pdf", b"two"),
        ("../x", "text/plain", b"3"),
    )

    answer = client.get(f"/messages/{message.uuid}/attachments")

    with ZipFile(io.BytesIO(answer.data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "cv.pdf": b"one", "cv (2).pdf": b"two", "x": b"3",
        }  # fmt: skip
    assert answer.mimetype == "application/zip"
    assert answer.headers["Content-Disposition"] == "attachment; filename=HTML.zip"


def test_a_file_that_is_gone_is_told_within_the_zip(client: CheckedClient, user: Scope) -> None:
    account = add_mailbox(user, secret=None, status="not_connected")
    message, (_, gone) = with_files(account, ("a.txt", "text/plain", b"here"), ("b.txt", "text/plain", b"gone"))
    cache.erase(account.uuid, gone.uuid)

    answer = client.get(f"/messages/{message.uuid}/attachments")

    with ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.namelist() == ["a.txt", "b.txt is missing.txt"]
        assert b"disconnected" in archive.read("b.txt is missing.txt")


def test_erasing_an_attachment_erases_its_pictures(client: CheckedClient, account: Account) -> None:
    _, (file,) = with_files(account, ("me.png", "image/png", picture()))
    client.get(f"/messages/attachments/{file.uuid}/thumbnail")

    cache.erase(account.uuid, file.uuid)

    assert cache.read(account.uuid, file.uuid, "240-1") is None


def test_the_files_of_somebody_else_do_not_exist(client: CheckedClient, make_user) -> None:
    message, (file,) = with_files(add_mailbox(make_user()), ("me.png", "image/png", picture()))

    for part in ("preview", "picture", "thumbnail"):
        assert client.get(f"/messages/attachments/{file.uuid}/{part}").status_code == 404
    assert client.get(f"/messages/{message.uuid}/attachments").status_code == 404
