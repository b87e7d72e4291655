"""The text of a message as columns: decoded, fit to be stored, with the words that the lists show."""

from __future__ import annotations

from typing import Any

from webmail.domain.structure import Part, decode_text, decode_transfer, text_parts
from webmail.domain.text import html_to_text, make_snippet
from webmail.providers.base import RemoteMessage


def storable(text: str) -> str:
    """Drop what no database takes: NUL and lone surrogates."""
    if text.isascii():
        return text.replace("\x00", "") if "\x00" in text else text
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def text_values(text: str, html: str) -> dict[str, Any]:
    """Give the columns of a message that its text fills; "visible" is what a reader sees, for the search index."""
    text, html = storable(text), storable(html)
    visible = text or storable(html_to_text(html))
    return {
        "text": text,
        "html": html,
        "snippet": make_snippet(visible)[:250],
        "body_state": "stored",
        "visible": visible,
    }


def fetched_values(message: RemoteMessage) -> dict[str, Any] | None:
    """Give the same of a message as it was fetched; None where its text is not here."""
    if message.texts is None:
        return None
    plain, html = text_parts(message.parts)
    return text_values(_decoded(message, plain), _decoded(message, html))


def _decoded(message: RemoteMessage, part: Part | None) -> str:
    if part is None or message.texts is None:
        return ""
    return decode_text(decode_transfer(message.texts[part.section], part.encoding), part.charset)
