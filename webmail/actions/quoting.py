"""What a draft begins with: recipients, subject, the quote with the signature above it, and the files that go along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from html import escape

from webmail.domain.addresses import Address, format_address
from webmail.domain.compose import (
    add_signature_html,
    forward_html,
    forward_subject,
    quote_html,
    reply_recipients,
    reply_subject,
)
from webmail.domain.html import clean_composed_html
from webmail.domain.mail_words import attribution, forward_head, sent_words
from webmail.domain.pictures import content_ids_in, keep_pictures
from webmail.domain.text import html_to_text
from webmail.store.models import Attachment, Message

_MAX_QUOTED_HTML = 2 * 1024 * 1024
_EMPTY_LINE = "<div><br></div>"


@dataclass(frozen=True)
class DraftContent:
    """The fields of a draft; `files` are those of the answered message that go along, to be fetched later."""

    to: str = ""
    cc: str = ""
    subject: str = ""
    body_html: str = ""
    files: list[Attachment] = field(default_factory=list)


def new_content(signature: str, *, to: str = "", subject: str = "") -> DraftContent:
    """Begin a mail that answers none."""
    return DraftContent(to=to, subject=subject, body_html=_signed("", signature))


def reply_content(
    source: Message, signature: str, own: set[str], zone: tzinfo, *, to_all: bool, locale: str = ""
) -> DraftContent:
    """Begin an answer.

    Args:
        source: the answered message with text, HTML and attachments.
        own: the user's own addresses, in lower case.
        zone: the user's, for the time above the quote.
        locale: the user's, for the words above the quote.
    """
    to, cc = reply_recipients(
        from_=_sender(source),
        reply_to=_addresses(source.reply_to),
        to=_addresses(source.to),
        cc=_addresses(source.cc),
        own=own,
        to_all=to_all,
    )
    body, pictures = _quotable(source)
    line = attribution(_sender(source), sent_words(source.sent_at.astimezone(zone), locale), locale)
    html = _signed(quote_html(body, line), signature)
    return DraftContent(_typed(to), _typed(cc), reply_subject(source.subject), html, pictures)


def forward_content(source: Message, signature: str, zone: tzinfo, locale: str = "") -> DraftContent:
    """Begin a mail that forwards a message with its attachments; arguments as for `reply_content()`."""
    body, pictures = _quotable(source)
    shown = {picture.id for picture in pictures}
    files = [each for each in source.attachments if not each.is_inline and each.id not in shown]
    sent = sent_words(source.sent_at.astimezone(zone), locale)
    to, cc = _addresses(source.to), _addresses(source.cc)
    head = forward_head(_sender(source), sent, source.subject, to, cc, locale)
    html = _signed(forward_html(body, head), signature)
    return DraftContent(subject=forward_subject(source.subject), body_html=html, files=[*files, *pictures])


def is_picture_in(body: str, file: Attachment) -> bool:
    """Say whether a file is a picture that this body shows."""
    return bool(file.content_id) and file.content_id in content_ids_in(body)


def _quotable(source: Message) -> tuple[str, list[Attachment]]:
    """Give the message's HTML as it can be quoted, and the pictures that it shows by Content-ID."""
    body = clean_composed_html(source.html) if source.html.strip() else ""
    if not body or len(body) > _MAX_QUOTED_HTML:
        return f"<div>{escape(_plain(source), quote=False).strip().replace(chr(10), '<br>')}</div>", []
    shown = content_ids_in(body)
    pictures = {each.content_id: each for each in source.attachments if each.content_id in shown}
    return keep_pictures(body, set(pictures)), list(pictures.values())


def _plain(source: Message) -> str:
    return source.text or html_to_text(source.html)


def _signed(quote: str, signature: str) -> str:
    """Give room to write, the signature, the quote."""
    return add_signature_html(_EMPTY_LINE + quote, signature)


def _sender(source: Message) -> Address:
    return Address(source.from_name, source.from_email)


def _addresses(pairs: Iterable[Iterable[str]]) -> list[Address]:
    return [Address(*pair) for pair in pairs]


def _typed(addresses: Iterable[Address]) -> str:
    return ", ".join(format_address(address) for address in addresses)
