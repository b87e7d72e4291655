"""The parts of a message, numbered as IMAP does (RFC 9051, section 6.4.5), from BODYSTRUCTURE or from the mail."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from webmail.domain.headers import decode_bytes, decode_value

MAX_DEPTH = 50
MAX_PARTS = 1000


@dataclass(frozen=True)
class Part:
    """A leaf of a message. `size_bytes` is the decoded size, estimated where only the encoded one is known."""

    section: str
    media_type: str
    charset: str = ""
    encoding: str = ""
    size_bytes: int = 0
    filename: str = ""
    content_id: str = ""
    disposition: str = ""

    @property
    def is_text_body(self) -> bool:
        """Whether it is text meant to be read in place."""
        return self.media_type in ("text/plain", "text/html") and self.disposition != "attachment" and not self.filename

    @property
    def is_attachment(self) -> bool:
        """Whether a user would save it, or the HTML shows it by `cid:`."""
        return not self.is_text_body and (self.media_type != "text/plain" or bool(self.filename or self.disposition))


def leaf_parts(structure: Any) -> list[Part]:
    """Read IMAPClient's BODYSTRUCTURE; what makes no sense is left out, never raises."""
    try:
        return list(_walk(structure, "", 0))[:MAX_PARTS]
    except (TypeError, ValueError, IndexError, AttributeError):
        return []


def _walk(node: Any, section: str, depth: int) -> Iterator[Part]:
    if not node or depth > MAX_DEPTH:
        return
    if isinstance(node[0], (list, tuple)):
        children = node[0] if isinstance(node[0], list) else [each for each in node if isinstance(each, (list, tuple))]
        for number, child in enumerate(children, 1):
            yield from _walk(child, f"{section}.{number}" if section else str(number), depth + 1)
    else:
        yield _leaf(node, section or "1")


def _leaf(node: Sequence[Any], section: str) -> Part:
    media_type = f"{_text(node[0])}/{_text(node[1])}".lower()
    parameters = _parameters(node[2])
    encoding = _text(node[5]).lower()
    size = node[6] if isinstance(node[6], int) else 0
    disposition, disposition_parameters = _disposition(node)
    filename = disposition_parameters.get("filename") or parameters.get("name") or ""
    if media_type == "message/rfc822" and not filename:
        filename = "message.eml"
    return Part(
        section=section,
        media_type=media_type,
        charset=parameters.get("charset", ""),
        encoding=encoding,
        size_bytes=size * 3 // 4 if encoding == "base64" else size,
        filename=safe_filename(filename),
        content_id=_text(node[3]).strip().strip("<>"),
        disposition=disposition,
    )


def _disposition(node: Sequence[Any]) -> tuple[str, dict[str, str]]:
    """Find Content-Disposition among the extension fields; their place depends on the media type."""
    for extra in node[7:]:
        if isinstance(extra, (list, tuple)) and len(extra) == 2 and isinstance(extra[0], bytes):
            name = _text(extra[0]).lower()
            if name in ("attachment", "inline"):
                return name, _parameters(extra[1])
    return "", {}


def _parameters(node: Any) -> dict[str, str]:
    if not isinstance(node, (list, tuple)):
        return {}
    raw = {_text(node[at]).lower(): _text(node[at + 1]) for at in range(0, len(node) - 1, 2)}
    return {name: value for name, value in join_parameters(raw).items()}


def join_parameters(raw: Mapping[str, str]) -> dict[str, str]:
    """Decode parameters (RFC 2231): continuations, charsets and percent signs; encoded words, which many use, too."""
    plain: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for name, value in raw.items():
        found = re.fullmatch(r"([^*]+)(?:\*(\d{1,3}))?(\*)?", name)
        if not found or (found[2] is None and found[3] is None):
            plain[name] = decode_value(value)
        else:
            pieces.setdefault(found[1], []).append((int(found[2] or 0), bool(found[3]), value))
    for name, parts in pieces.items():
        plain[name] = _join_pieces(sorted(parts))
    return plain


def _join_pieces(parts: Sequence[tuple[int, bool, str]]) -> str:
    charset, content = "", b""
    for number, is_encoded, value in parts:
        if is_encoded and number == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        content += unquote_to_bytes(value) if is_encoded else value.encode("utf-8", "surrogateescape")
    return decode_bytes(content, charset)


def safe_filename(name: str) -> str:
    """Make a sender's file name fit to be shown and saved: its last component, one line, without control characters."""
    name = re.split(r"[/\\]", name)[-1]
    # Direction overrides can make an .exe look like a .pdf.
    name = re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", name)
    name = " ".join(name.split()).strip(". ")
    if len(name) > 200:
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem[:180]}{dot}{suffix[:15]}" if dot else name[:200]
    return name


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def text_parts(parts: Sequence[Part]) -> tuple[Part | None, Part | None]:
    """Choose the parts to show: the first plain text and the first HTML, None where there is none."""
    plain = next((part for part in parts if part.is_text_body and part.media_type == "text/plain"), None)
    html = next((part for part in parts if part.is_text_body and part.media_type == "text/html"), None)
    return plain, html


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding; sloppy base64 is read as far as it goes, never raises."""
    encoding = encoding.strip().lower()
    if encoding == "base64":
        clean = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        try:
            return base64.b64decode(clean + b"=" * (-len(clean) % 4))
        except binascii.Error:
            return base64.b64decode(clean[: len(clean) // 4 * 4])
    if encoding == "quoted-printable":
        return quopri.decodestring(data)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return _decode_uu(data)
    return data


def _decode_uu(data: bytes) -> bytes:
    content = b""
    for line in data.splitlines():
        if line.startswith((b"begin ", b"end")) or not line:
            continue
        try:
            content += binascii.a2b_uu(line)
        except binascii.Error:
            length = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                content += binascii.a2b_uu(line[:length])
            except binascii.Error:
                continue
    return content


def decode_text(data: bytes, charset: str) -> str:
    """Decode text by its charset, else by the likeliest one; line ends become LF. Never raises."""
    if charset.lower() in ("", "us-ascii", "ascii", "unknown-8bit"):
        charset = "utf-8"
    if charset.lower() in ("gb2312", "gbk"):
        charset = "gb18030"
    elif charset.lower() in ("iso-8859-1", "latin1", "latin-1"):
        charset = "cp1252"
    elif charset.lower() in ("ks_c_5601-1987", "ks_c_5601"):
        charset = "cp949"
    text = decode_bytes(data, charset)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
