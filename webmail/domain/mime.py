"""Take a whole mail apart. Never raises: a mail that cannot be read is still listed and can still be downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser

from webmail.domain.headers import ParsedHeaders, decode_bytes, headers_of, parse_headers
from webmail.domain.structure import (
    MAX_DEPTH,
    MAX_PARTS,
    Part,
    decode_text,
    decode_transfer,
    join_parameters,
    safe_filename,
    text_parts,
)

_MAX_TEXT = 2 * 1024 * 1024


@dataclass(frozen=True)
class ParsedMessage:
    """A mail taken apart; `problems` says in short words what was wrong with it."""

    headers: ParsedHeaders
    text: str = ""
    html: str = ""
    attachments: list[Part] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def parse_message(raw: bytes) -> ParsedMessage:
    """Take a mail apart into header fields, the text to show and the attachments (without their content)."""
    try:
        message = BytesParser().parsebytes(raw)
        leaves = list(_leaves(message))
    except Exception as error:  # noqa: BLE001  # RecursionError at deep nesting, and whatever else the stdlib may come up with
        return ParsedMessage(parse_headers(raw), problems=[type(error).__name__])
    plain, html = text_parts([part for part, _ in leaves])
    content = {part.section: node for part, node in leaves}
    return ParsedMessage(
        headers=headers_of(message),
        text=_text_of(plain, content),
        html=_text_of(html, content),
        attachments=[part for part, _ in leaves if part.is_attachment],
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
    for count, leaf in enumerate(_walk(message, "", 0)):
        if count >= MAX_PARTS:
            return
        yield leaf


def _walk(node: Message, section: str, depth: int) -> Iterator[tuple[Part, Message]]:
    if depth > MAX_DEPTH:
        return
    payload = node.get_payload()
    if node.get_content_maintype() == "multipart" and isinstance(payload, list):
        for number, child in enumerate(payload, 1):
            yield from _walk(child, f"{section}.{number}" if section else str(number), depth + 1)
    else:
        yield _part_of(node, section or "1"), node


def _part_of(node: Message, section: str) -> Part:
    parameters = _parameters(node, "Content-Type")
    disposition = str(node.get("Content-Disposition", "")).partition(";")[0].strip().lower()
    filename = _parameters(node, "Content-Disposition").get("filename") or parameters.get("name") or ""
    media_type = node.get_content_type()
    if media_type == "message/rfc822" and not filename:
        filename = "message.eml"
    encoding = str(node.get("Content-Transfer-Encoding", "")).strip().lower()
    payload = node.get_payload()
    size = len(payload) if isinstance(payload, str) else 0
    return Part(
        section=section,
        media_type=media_type,
        charset=parameters.get("charset", ""),
        encoding=encoding,
        size_bytes=size * 3 // 4 if encoding == "base64" else size,
        filename=safe_filename(filename),
        content_id=str(node.get("Content-ID", "")).strip().strip("<>"),
        disposition=disposition if disposition in ("attachment", "inline") else "",
    )


def _parameters(node: Message, name: str) -> dict[str, str]:
    parameters = node.get_params(failobj=[], header=name, unquote=True) or []
    raw: dict[str, str] = {}
    for key, value in parameters[1:]:
        # Where the stdlib has joined RFC 2231 continuations itself, the value is (charset, language, undecoded text).
        raw[str(key).lower()] = _joined(*value) if isinstance(value, tuple) else str(value)
    return join_parameters(raw)


def _joined(charset: str | None, _language: str | None, text: str) -> str:
    return decode_bytes(text.encode("latin-1", "replace"), charset)


def _decoded(part: Part, node: Message) -> bytes:
    payload = node.get_payload()
    if isinstance(payload, list):
        return payload[0].as_bytes() if payload and isinstance(payload[0], Message) else b""
    data = str(payload).encode("utf-8", "surrogateescape")
    return decode_transfer(data, part.encoding)


def _text_of(part: Part | None, content: dict[str, Message]) -> str:
    if part is None:
        return ""
    return decode_text(_decoded(part, content[part.section])[:_MAX_TEXT], part.charset)
