"""Header fields of a message: decoded, whatever state they come in. Never raises.

The stdlib's compat32 policy parses without judging; decoding is our own, because its `make_header` refuses unknown
charsets and turns raw 8-bit bytes into question marks (ecosystem notes, section 8).
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime

from webmail.domain.addresses import Address, clean_name, parse_header
from webmail.domain.charsets import decode_bytes

_MESSAGE_ID = re.compile(r"<\s{0,9}([^<>\s]{1,996})\s{0,9}>")
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?(.*?)\?=")
_WORDS = re.compile(rf"{_WORD.pattern}(?:\s*{_WORD.pattern})*")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
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
    original_id: str = ""
    """The Message-ID that a sender gave, where Outlook.com put its own in the place of it."""


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
        original_id=_first_id(message, "X-Microsoft-Original-Message-ID"),
    )


def field_text(message: Message, name: str, *, is_structured: bool = False) -> str:
    """Give a field's first value, decoded.

    Args:
        is_structured: the value holds addresses, so commas and brackets inside encoded words are kept apart.
    """
    values = raw_values(message, name)
    return decode_value(values[0], is_structured=is_structured) if values else ""


def raw_values(message: Message, name: str) -> list[str]:
    """Give the values of all fields of a name as they came, at most 20, with bytes above 127 as surrogates.

    `Message.get` will not do: it turns such bytes into question marks.
    """
    wanted = name.lower()
    return [str(value)[:_MAX_VALUE] for field_name, value in message.raw_items() if field_name.lower() == wanted][:20]


def decode_value(value: str, *, is_structured: bool = False) -> str:
    """Decode encoded words (RFC 2047) and raw 8-bit bytes in a field's value; control characters are left out."""
    value = re.sub(r"\r?\n[ \t]*", " ", decode_raw(value))
    head, end, rest = value.rpartition("?=")
    if "=?" in head:
        # Without its end a word would be looked for up to the end of the value, again and again.
        decode = _quoted if is_structured else _decode_words
        value = _WORDS.sub(lambda found: decode(found[0]), head + end) + rest
    return _CONTROL.sub("", value)


def _quoted(words: str) -> str:
    text = _decode_words(words)
    if any(character in '()<>[]:;@\\,."' for character in text):
        text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def _decode_words(words: str) -> str:
    """Decode a run of encoded words; neighbours of one charset are joined first, for some cut a character in two."""
    pieces: list[tuple[str, bytes]] = []
    for charset, encoding, text in _WORD.findall(words):
        content = _decode_word(encoding, text)
        if pieces and pieces[-1][0] == charset.lower():
            pieces[-1] = (pieces[-1][0], pieces[-1][1] + content)
        else:
            pieces.append((charset.lower(), content))
    return "".join(decode_bytes(content, charset) for charset, content in pieces)


def _decode_word(encoding: str, text: str) -> bytes:
    content = text.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return binascii.a2b_qp(content, header=True)
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
    clean = clean[:-1] if len(clean) % 4 == 1 else clean
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def decode_raw(value: str) -> str:
    """Decode bytes above 127 that stand in a header as they are; the parser keeps them as surrogates."""
    if "\x1b$" in value and value.isascii():
        return decode_bytes(value.encode("ascii"), "iso-2022-jp")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return decode_bytes(value.encode("utf-8", "surrogatepass" if _is_foreign(value) else "surrogateescape"), None)
    return value


def _is_foreign(value: str) -> bool:
    return any("\ud800" <= character <= "\udc7f" or "\udd00" <= character <= "\udfff" for character in value)


def _addresses(message: Message, name: str) -> list[Address]:
    return [
        address
        for value in raw_values(message, name)
        for address in parse_header(decode_value(value, is_structured=True))
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
