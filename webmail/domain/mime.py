"""Take a whole mail apart. Never raises: a mail that cannot be read is still listed and can still be downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from itertools import islice

from webmail.domain.charsets import decode_bytes
from webmail.domain.headers import ParsedHeaders, decode_raw, field_text, headers_of, parse_headers, raw_values
from webmail.domain.structure import (
    MAX_DEPTH,
    MAX_PARTS,
    Part,
    build_part,
    decode_text,
    decode_transfer,
    join_parameters,
    offer_hidden_texts,
    text_parts,
)

_MAX_TEXT = 2 * 1024 * 1024
_MAX_PARAMETERS = 8 * 1024


@dataclass(frozen=True)
class ParsedMessage:
    """A mail taken apart; `problems` says in short words what was wrong with it."""

    headers: ParsedHeaders
    text: str = ""
    html: str = ""
    attachments: list[Part] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def parse_message(raw: bytes, *, with_headers: bool = True) -> ParsedMessage:
    """Take a mail apart into header fields, the text to show and the attachments (without their content).

    Args:
        with_headers: False where they are known already; reading them is a third of the work.
    """
    try:
        message = BytesParser().parsebytes(raw)
        leaves = list(_leaves(message))
    except Exception as error:  # noqa: BLE001  # RecursionError, and whatever else the stdlib comes up with
        return ParsedMessage(parse_headers(raw), problems=[type(error).__name__])
    parts = offer_hidden_texts([part for part, _ in leaves])
    plain, html = text_parts(parts)
    content = {part.section: node for part, node in leaves}
    return ParsedMessage(
        headers=headers_of(message) if with_headers else ParsedHeaders(),
        text=_text_of(plain, content),
        html=_text_of(html, content),
        attachments=[part for part in parts if part.is_attachment],
        problems=[type(defect).__name__ for defect in message.defects],
    )


def part_content(raw: bytes, section: str) -> bytes:
    """Give the decoded content of one part, b"" if there is no such part."""
    try:
        for part, node in _leaves(BytesParser().parsebytes(raw)):
            if part.section == section:
                return _decoded(part, node)
    except Exception:  # noqa: BLE001  # as above
        return b""
    return b""


def _leaves(message: Message) -> Iterator[tuple[Part, Message]]:
    return islice(_walk(message, "", "", 0), MAX_PARTS)


def _walk(node: Message, section: str, container: str, depth: int) -> Iterator[tuple[Part, Message]]:
    if depth > MAX_DEPTH:
        return
    payload = node.get_payload()
    if node.get_content_maintype() == "multipart" and isinstance(payload, list):
        subtype = node.get_content_subtype()
        for number, child in enumerate(payload, 1):
            yield from _walk(child, f"{section}.{number}" if section else str(number), subtype, depth + 1)
    else:
        yield _part_of(node, section or "1", container), node


def _part_of(node: Message, section: str, container: str) -> Part:
    payload = node.get_payload()
    return build_part(
        section=section,
        media_type=node.get_content_type(),
        parameters=_parameters(node, "Content-Type"),
        encoding=field_text(node, "Content-Transfer-Encoding"),
        encoded_bytes=len(payload) if isinstance(payload, str) else 0,
        content_id=field_text(node, "Content-ID"),
        disposition=field_text(node, "Content-Disposition").partition(";")[0].strip().lower(),
        filename=_parameters(node, "Content-Disposition").get("filename", ""),
        container=container,
    )


def _parameters(node: Message, name: str) -> dict[str, str]:
    values = raw_values(node, name)
    if not values:
        return {}
    # The node itself would turn bytes above 127 into question marks.
    field = Message()
    field[name] = decode_raw(values[0][:_MAX_PARAMETERS])
    raw: dict[str, str] = {}
    for key, value in (field.get_params(failobj=[], header=name, unquote=True) or [])[1:]:
        # Where the stdlib has joined RFC 2231 continuations itself, the value is (charset, language, undecoded text).
        raw[str(key).lower()] = _joined(*value) if isinstance(value, tuple) else str(value)
    return join_parameters(raw)


def _joined(charset: str | None, _language: str | None, text: str) -> str:
    return decode_bytes(text.encode("latin-1", "replace"), charset)


def _decoded(part: Part, node: Message) -> bytes:
    payload = node.get_payload()
    if isinstance(payload, list):
        return payload[0].as_bytes() if payload and isinstance(payload[0], Message) else b""
    if part.encoding in ("", "7bit", "8bit", "binary"):
        # As text, the stdlib would have decoded 8-bit bytes already, by a charset that may be wrong.
        content = node.get_payload(decode=True)
        return content if isinstance(content, bytes) else b""
    data = str(payload).encode("utf-8", "surrogateescape")
    return decode_transfer(data, part.encoding)


def _text_of(part: Part | None, content: dict[str, Message]) -> str:
    if part is None:
        return ""
    return decode_text(_decoded(part, content[part.section])[:_MAX_TEXT], part.charset)
