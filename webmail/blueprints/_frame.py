"""What the frame of a message shows, and under which policy.

HTML and plain text go the same way: both are made into HTML by `webmail.domain`, and shown in a frame whose policy runs
nothing and loads nothing but the mail's own pictures. Nothing here changes the HTML once it is cleaned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from urllib.parse import quote
from uuid import UUID

from flask import Response, make_response, render_template, stream_with_context, url_for
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.http import dump_options_header

from webmail.actions import attachments
from webmail.actions.attachments import AttachmentFile
from webmail.blueprints._framed import inner_ancestors
from webmail.blueprints._signed import image_token, part_token
from webmail.domain.filenames import saved_filename
from webmail.domain.html import clean_mail_html
from webmail.domain.links import find_doubts
from webmail.domain.quotes import fold_quotes_html, split_quoted_text
from webmail.domain.text import text_to_html
from webmail.store.accounts import find_account
from webmail.store.models import Message
from webmail.store.scope import Scope
from webmail.store.session import reading

FILE_POLICY = "default-src 'none'; sandbox"
"""Of an attachment or a picture that is opened by itself."""
_PIECE_BYTES = 256 * 1024
_DESIGNED = re.compile(r"<font|bgcolor=|(?:^|[\"';\s])(?:background-color|color)\s*[:=]", re.IGNORECASE)
_HARMLESS = frozenset(
    "application/pdf application/zip application/msword application/rtf text/csv text/calendar "
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document "
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet "
    "application/vnd.openxmlformats-officedocument.presentationml.presentation "
    "application/vnd.oasis.opendocument.text image/png image/jpeg image/gif image/webp".split()
)
_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


@dataclass(frozen=True)
class FrameContent:
    """The HTML of a frame. `is_designed`: it sets colours of its own, so it is shown on white in the dark, too."""

    html: Markup
    quoted: Markup | None = None
    """The quoted tail of a plain text; HTML has it folded within itself."""
    is_text: bool = False
    is_designed: bool = False
    has_remote: bool = False


def answer_body(
    message: Message, owner: Scope, picture_user: UUID, *, shows_remote: bool, can_trust: bool = False
) -> Response:
    """Answer with the text of a message as a page for its frame; a text that is not here yet is asked for.

    Args:
        message: one that the reader may see, with text, HTML and attachments.
        owner: whose mailbox it is from.
        picture_user: as in `render_body()`.
        shows_remote: whether it may load pictures from elsewhere.
        can_trust: whether the reader may say that they always want those of this sender.
    """
    with reading() as s:
        account = find_account(s, message.account_id)
    is_waiting = message.body_state == "headers" and account is not None and account.secret is not None
    if is_waiting:
        attachments.ensure_body(owner, message.uuid)
    is_here = message.body_state != "headers"
    content = render_body(message, picture_user, shows_remote=shows_remote) if is_here else None
    page = render_template(
        "messages/body.html",
        message=message,
        content=content,
        shows_remote=shows_remote,
        can_trust=can_trust and bool(message.from_email),
        doubts=find_doubts(content.html + (content.quoted or "")) if content else [],
        is_waiting=is_waiting,
    )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = frame_policy()
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def answer_file(opened: AttachmentFile) -> Response:
    """Answer with an attachment to be saved, from the disk; nothing is ever shown in place."""
    response = streamed(_read_through(opened.file), harmless_type(opened.media_type))
    response.content_length = opened.size_bytes
    response.headers["Content-Disposition"] = attached_as(opened.filename)
    return response


def _read_through(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def streamed(pieces: Iterator[bytes], content_type: str) -> Response:
    """Answer with what a stranger wrote, piece by piece, as something that runs nothing and is kept nowhere."""
    response = Response(stream_with_context(pieces), content_type=content_type)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["Cache-Control"] = "private, no-store"
    return response


def attached_as(name: str) -> str:
    """Give the Content-Disposition of a file of that name, which may be a sender's words."""
    tidy = saved_filename(name)
    plain = tidy.encode("ascii", "replace").decode().replace("?", "_")
    names = {"filename": plain}
    if plain != tidy:
        names["filename*"] = f"UTF-8''{quote(tidy, safe='')}"
    return dump_options_header("attachment", names)


def render_body(message: Message, user_uuid: UUID, *, shows_remote: bool = False) -> FrameContent:
    """Make the text of a message into HTML that is safe in its frame.

    Args:
        message: with text, HTML and attachments loaded.
        user_uuid: whose it is; the addresses of its pictures work for nobody else.
        shows_remote: have pictures from elsewhere fetched by this server; otherwise none loads.
    """
    if not message.html.strip():
        own, quoted = split_quoted_text(message.text)
        return FrameContent(_safe(text_to_html(own)), _safe(text_to_html(quoted)), is_text=True)
    urls = {
        each.content_id: url_for("messages.part", token=part_token(each.uuid, user_uuid))
        for each in message.attachments
        if each.content_id
    }

    def remote_url(url: str) -> str:
        return url_for("messages.image", token=image_token(url, message.uuid, user_uuid)) if shows_remote else url

    folded = fold_quotes_html(message.html, gettext("Show quoted text"))
    cleaned = clean_mail_html(folded, cid_urls=urls, remote_url=remote_url)
    return FrameContent(
        html=_safe(cleaned.html),
        is_designed=bool(_DESIGNED.search(cleaned.html)),
        has_remote=cleaned.has_remote,
    )


def _safe(cleaned: str) -> Markup:
    """Take what `webmail.domain` has cleaned or escaped as it is."""
    return Markup(cleaned)  # noqa: S704  # cleaning is the caller's last step before this


def frame_policy() -> str:
    """Give the policy of a message's frame: it loads nothing but pictures, and those from here."""
    return (
        "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
        f"frame-ancestors {inner_ancestors()}; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    )


def harmless_type(media_type: str) -> str:
    """Give the type to send an attachment under: its own where no program runs it, else plain bytes."""
    return media_type if media_type in _HARMLESS else "application/octet-stream"


def picture_type(content: bytes) -> str | None:
    """Give the type of a picture by its first bytes, whatever the sender calls it; None for anything else."""
    for magic, media_type in _MAGIC:
        if content.startswith(magic):
            return media_type
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None
