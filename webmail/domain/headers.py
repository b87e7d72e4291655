"""Header fields of a message: decoded, whatever state they come in. Never raises.

The stdlib's compat32 policy parses without judging; decoding is our own, because its `make_header` refuses unknown
charsets and turns raw 8-bit bytes into question marks (ecosystem notes, section 8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime

from webmail.domain.addresses import Address, clean_name, parse_header

_MESSAGE_ID = re.compile(r"<([^<>\s]{1,996})>")
_MAX_REFERENCES = 50
_MAX_VALUE = 64 * 1024


@dataclass(frozen=True)
class ParsedHeaders:
    """What the product reads of a message's header; ids without angle brackets, times aware in UTC."""

    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    date: datetime | None = None
    from_: Address = Address("", "")  # noqa: RUF009  # it is frozen
    reply_to: list[Address] = field(default_factory=list)
    to: list[Address] = field(default_factory=list)
    cc: list[Address] = field(default_factory=list)
    bcc: list[Address] = field(default_factory=list)
    subject: str = ""
    auto_submitted: str = ""
    list_id: str = ""


def parse_headers(raw: bytes) -> ParsedHeaders:
    """Read the header fields in `raw` (a whole message will do)."""
    try:
        message = BytesHeaderParser().parsebytes(raw)
    except Exception:  # noqa: BLE001  # the stdlib has no list of what it may raise, and no mail may stop a sync
        return ParsedHeaders()
    return headers_of(message)


def headers_of(message: Message) -> ParsedHeaders:
    """Read the header fields of a message that has been parsed already."""
    from_ = parse_header(field_text(message, "From", is_structured=True))
    return ParsedHeaders(
        message_id=_first_id(message, "Message-ID"),
        in_reply_to=_first_id(message, "In-Reply-To"),
        references=tuple(_all_ids(message, "References")[-_MAX_REFERENCES:]),
        date=_date(message),
        from_=from_[0] if from_ else Address(clean_name(field_text(message, "From")), ""),
        reply_to=_addresses(message, "Reply-To"),
        to=_addresses(message, "To"),
        cc=_addresses(message, "Cc"),
        bcc=_addresses(message, "Bcc"),
        subject=" ".join(field_text(message, "Subject").split()),
        auto_submitted=field_text(message, "Auto-Submitted").strip().lower(),
        list_id=field_text(message, "List-Id").strip(),
    )


def field_text(message: Message, name: str, *, is_structured: bool = False) -> str:
    """Give a field's first value, decoded.

    Args:
        is_structured: the value holds addresses, so commas and brackets inside encoded words are kept apart.
    """
    value = message.get(name)
    if value is None:
        return ""
    return decode_value(str(value)[:_MAX_VALUE], is_structured=is_structured)


def decode_value(value: str, *, is_structured: bool = False) -> str:
    """Decode encoded words (RFC 2047) and raw 8-bit bytes in a field's value."""
    value = re.sub(r"\r?\n[ \t]*", " ", _decode_raw(value))
    if "=?" not in value:
        return value
    if is_structured:
        return re.sub(r"(?:=\?[^?\s]+\?[bBqQ]\?[^?]*\?=\s*)+", lambda found: _quoted(found[0]), value)
    return _decode_words(value)


def _quoted(words: str) -> str:
    trailing = " " if words[-1:].isspace() else ""
    text = _decode_words(words.strip())
    if any(character in '()<>[]:;@\\,."' for character in text):
        text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text + trailing


def _decode_words(value: str) -> str:
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    text = ""
    for content, charset in pieces:
        text += decode_bytes(content, charset) if isinstance(content, bytes) else content
    return text


def decode_bytes(content: bytes, charset: str | None) -> str:
    """Decode by the charset that is named, else by the likeliest one; never raises."""
    for candidate in (charset, "utf-8", "cp1252"):
        if candidate:
            try:
                return content.decode(candidate)
            except (LookupError, ValueError):
                continue
    return content.decode("latin-1")


def _decode_raw(value: str) -> str:
    """Decode bytes above 127 that stand in a header as they are; compat32 keeps them as surrogates."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return decode_bytes(value.encode("utf-8", "surrogateescape"), None)
    return value


def _addresses(message: Message, name: str) -> list[Address]:
    values = message.get_all(name) or []
    return [
        address
        for value in values[:20]
        for address in parse_header(decode_value(str(value)[:_MAX_VALUE], is_structured=True))
    ]


def _all_ids(message: Message, name: str) -> list[str]:
    return _MESSAGE_ID.findall(field_text(message, name))


def _first_id(message: Message, name: str) -> str:
    ids = _all_ids(message, name)
    if ids:
        return ids[0]
    # Some senders leave the brackets out; a field of several words is a comment, not an id.
    words = field_text(message, name).split()
    return words[0][:996] if len(words) == 1 and name == "Message-ID" else ""


def _date(message: Message) -> datetime | None:
    try:
        date = parsedate_to_datetime(field_text(message, "Date"))
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    try:
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
