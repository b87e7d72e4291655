"""Header fields of a message: decoded, whatever state they come in. Never raises.

The stdlib's compat32 policy parses without judging; decoding is our own, because its `make_header` refuses unknown
charsets and turns raw 8-bit bytes into question marks (ecosystem notes, section 8).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime

from webmail.domain.addresses import Address, clean_name, parse_header
from webmail.domain.charsets import decode_bytes

_MESSAGE_ID = re.compile(r"<\s{0,9}([^<>\s]{1,996})\s{0,9}>")
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?(.*?)\?=")
_WORDS = re.compile(rf"{_WORD.pattern}(?:\s*{_WORD.pattern})*")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_FIELD = re.compile(r"([!-9;-~]*[ \t]*):[ \t]*([^\r\n]*(?:(?:\r\n|\r|\n)[ \t][^\r\n]*)*)(?:\r\n|\n|\r|\Z)")
_FOLD = re.compile(r"\r?\n[ \t]*")
_USUAL_DATE = re.compile(
    r"\s*(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) "
    r"([+-])([01]\d|2[0-3])([0-5]\d)(?: \([A-Z]{1,5}\))?\s*"
)
_MONTHS = {name: at for at, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_MAX_REFERENCES = 50
_MAX_HEADER = 1024 * 1024
_MOST_OF_A_NAME = 20
_MAX_VALUE = 64 * 1024

Fields = dict[str, list[str]]
"""The values of a header's fields as they came, by lower-case name, with bytes above 127 as surrogates."""


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
    return _build(split_fields(raw))


def headers_of(message: Message) -> ParsedHeaders:
    """Read the header fields of a message that has been parsed already."""
    fields: Fields = {}
    for name, value in message.raw_items():
        fields.setdefault(name.lower(), []).append(str(value))
    return _build(fields)


def split_fields(raw: bytes) -> Fields:
    """Cut a header into its fields, up to the first line that is none, as the stdlib does in five times the time."""
    fields: Fields = {}
    for name, value in each_field(raw):
        fields.setdefault(name.lower(), []).append(value)
    return fields


def each_field(raw: bytes) -> Iterator[tuple[str, str]]:
    """Give the fields of a header in their order, with their names as written and their values as they came."""
    end = 0
    text = raw[:_MAX_HEADER].decode("ascii", "surrogateescape")
    # Not `finditer`: past the last field it would look for another from each of the body's characters on.
    while found := _FIELD.match(text, end):
        end = found.end()
        if found[1]:
            yield found[1].rstrip(" \t"), found[2]


def _build(fields: Fields) -> ParsedHeaders:
    from_text = _text(fields, "from", is_structured=True)
    from_ = parse_header(from_text) if from_text else []
    return ParsedHeaders(
        message_id=_first_id(fields, "message-id"),
        in_reply_to=_first_id(fields, "in-reply-to"),
        references=tuple(_all_ids(fields, "references")[-_MAX_REFERENCES:]),
        date=_date(fields),
        from_=from_[0] if from_ else Address(clean_name(_text(fields, "from")), ""),
        reply_to=_addresses(fields, "reply-to"),
        to=_addresses(fields, "to"),
        cc=_addresses(fields, "cc"),
        bcc=_addresses(fields, "bcc"),
        subject=" ".join(_text(fields, "subject").split()),
        auto_submitted=_text(fields, "auto-submitted").strip().lower(),
        list_id=_text(fields, "list-id").strip(),
        original_id=_first_id(fields, "x-microsoft-original-message-id"),
    )


def _text(fields: Fields, name: str, *, is_structured: bool = False) -> str:
    values = fields.get(name)
    return decode_value(values[0][:_MAX_VALUE], is_structured=is_structured) if values else ""


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
    if "\n" in value:
        value = _FOLD.sub(" ", value)
    if not value.isascii() or "\x1b" in value:
        value = decode_raw(value)
    if "=?" in value:
        head, end, rest = value.rpartition("?=")
        if "=?" in head:
            # Without its end a word would be looked for up to the end of the value, again and again.
            decode = _quoted if is_structured else _decode_words
            value = _WORDS.sub(lambda found: decode(found[0]), head + end) + rest
    return value if value.isprintable() else _CONTROL.sub("", value)


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


def _addresses(fields: Fields, name: str) -> list[Address]:
    return [
        address
        for value in fields.get(name, ())[:_MOST_OF_A_NAME]
        for address in parse_header(decode_value(value[:_MAX_VALUE], is_structured=True))
    ]


def _all_ids(fields: Fields, name: str) -> list[str]:
    text = _text(fields, name)
    return _MESSAGE_ID.findall(text) if text else []


def _first_id(fields: Fields, name: str) -> str:
    ids = _all_ids(fields, name)
    if ids:
        return ids[0]
    # Some senders leave the brackets out; a field of several words is a comment, not an id.
    words = _text(fields, name).split()
    return words[0][:996] if len(words) == 1 and name == "message-id" else ""


def _usual_date(found: re.Match[str]) -> datetime:
    """Read a date as nearly all programs write it; the stdlib takes ten times as long."""
    month = _MONTHS.get(found[2])
    if month is None:
        raise ValueError("no month")
    day, year, hour, minute, second, zone_h, zone_min = (int(found[each]) for each in (1, 3, 4, 5, 6, 8, 9))
    offset = timedelta(hours=zone_h, minutes=zone_min)
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return moment + offset if found[7] == "-" else moment - offset


def _date(fields: Fields) -> datetime | None:
    text = _text(fields, "date")
    found = _USUAL_DATE.fullmatch(text)
    try:
        date = _usual_date(found) if found else parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    try:
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
