"""The parts of a message, numbered as IMAP does (RFC 9051, section 6.4.5), from BODYSTRUCTURE or from the mail."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import unquote_to_bytes

from webmail.domain.charsets import decode_bytes
from webmail.domain.headers import decode_value

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
    container: str = ""
    """The subtype of the multipart that it stands in, such as "alternative"; "" for a message that is one part."""

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
    return offer_hidden_texts(list(islice(_walk(structure, "", "", 0), MAX_PARTS)))


def _walk(node: Any, section: str, container: str, depth: int) -> Iterator[Part]:
    if not node or not isinstance(node, (list, tuple)) or depth > MAX_DEPTH:
        return
    if isinstance(node[0], (list, tuple)):
        children = node[0] if isinstance(node[0], list) else [each for each in node if isinstance(each, (list, tuple))]
        subtype = next((_text(each).lower() for each in node if isinstance(each, (bytes, str))), "mixed")
        for number, child in enumerate(children, 1):
            yield from _walk(child, f"{section}.{number}" if section else str(number), subtype, depth + 1)
    else:
        try:
            yield _leaf(node, section or "1", container)
        except (TypeError, ValueError, IndexError, AttributeError):
            return


def _leaf(node: Sequence[Any], section: str, container: str) -> Part:
    parameters = _parameters(node[2])
    size = node[6] if isinstance(node[6], int) and node[6] > 0 else 0
    disposition, disposition_parameters = _disposition(node)
    return build_part(
        section=section,
        media_type=f"{_text(node[0])}/{_text(node[1])}",
        parameters=parameters,
        encoding=_text(node[5]),
        encoded_bytes=size,
        content_id=_text(node[3]),
        disposition=disposition,
        filename=disposition_parameters.get("filename", ""),
        container=container,
    )


def build_part(
    *,
    section: str,
    media_type: str,
    parameters: Mapping[str, str],
    encoding: str,
    encoded_bytes: int,
    content_id: str,
    disposition: str,
    filename: str,
    container: str,
) -> Part:
    """Describe a part as its header fields do; `parameters` are Content-Type's, decoded."""
    encoding, media_type = encoding.strip().lower(), media_type.lower()
    filename = safe_filename(filename or parameters.get("name", ""))
    if not re.fullmatch(r"[!-.0-~]{1,63}/[!-.0-~]{1,63}", media_type):
        media_type = "application/octet-stream"
    if media_type.startswith("multipart/"):  # one that cannot be taken apart, for want of a boundary
        media_type = "text/plain"
    if media_type == "message/rfc822" and not filename:
        filename = "message.eml"
    return Part(
        section=section,
        media_type=media_type,
        charset=parameters.get("charset", ""),
        encoding=encoding,
        size_bytes=encoded_bytes * 3 // 4 if encoding == "base64" else encoded_bytes,
        filename=filename,
        content_id=content_id.strip().strip("<>").strip(),
        disposition=disposition if disposition in ("attachment", "inline") else "",
        container=container,
    )


def offer_hidden_texts(parts: Sequence[Part]) -> list[Part]:
    """Give a file name to every text that is not the one to be read in place: nothing of a mail may be out of reach.

    Apple Mail writes text around its pictures as parts of their own, mailing lists add a part at the foot.
    """
    shown = text_parts(parts)
    return [
        part
        if not part.is_text_body or part in shown or (part.container == "alternative" and any(shown))
        else replace(part, filename="text.html" if part.media_type == "text/html" else "text.txt")
        for part in parts
    ]


def _disposition(node: Sequence[Any]) -> tuple[str, dict[str, str]]:
    """Find Content-Disposition among the extension fields; their place depends on the media type."""
    for extra in node[7:]:
        if isinstance(extra, (list, tuple)) and len(extra) == 2 and isinstance(extra[0], bytes):
            name = _text(extra[0]).lower()
            if name in ("attachment", "inline"):
                return name, _parameters(extra[1])
        elif isinstance(extra, bytes):
            # pymap gives the field's text instead of a list.
            name, _, parameter = _text(extra).partition(";")
            if name.strip().lower() in ("attachment", "inline"):
                found = re.fullmatch(r'\s*filename="?(.*?)"?\s*', parameter, re.IGNORECASE)
                return name.strip().lower(), {"filename": found[1]} if found else {}
    return "", {}


def _parameters(node: Any) -> dict[str, str]:
    if not isinstance(node, (list, tuple)):
        return {}
    raw = {_text(node[at]).lower(): _text(node[at + 1]) for at in range(0, len(node) - 1, 2)}
    return join_parameters(raw)


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
    # Some cut an encoded word into continuations, which no RFC foresees.
    return decode_value(decode_bytes(content, charset))


def safe_filename(name: str) -> str:
    """Make a sender's file name fit to be shown and saved: its last component, one line, without control characters."""
    if not name:
        return ""
    name = re.split(r"[/\\]", name)[-1]
    # Direction overrides can make an .exe look like a .pdf.
    name = re.sub(r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]", "", name)
    name = " ".join(name.split()).strip(". ")
    if len(name) > 200:
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem[:180]}{dot}{suffix[:15]}" if dot else name[:200]
    return name


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return decode_bytes(value, None)
    return "" if value is None else str(value)


def text_parts(parts: Sequence[Part]) -> tuple[Part | None, Part | None]:
    """Choose the parts to show: the first plain text and the first HTML, None where there is none.

    Of two that are no alternatives the first is the mail, and the other comes after it.
    """
    plain = next((part for part in parts if part.is_text_body and part.media_type == "text/plain"), None)
    html = next((part for part in parts if part.is_text_body and part.media_type == "text/html"), None)
    if plain and html and "alternative" not in (plain.container, html.container):
        return (plain, None) if parts.index(plain) < parts.index(html) else (None, html)
    return plain, html


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding; sloppy base64 is read as far as it goes, never raises."""
    encoding = encoding.strip().lower()
    if encoding == "base64":
        # Some senders encode line by line, with padding in the midst.
        return b"".join(_decode_base64(piece) for piece in re.split(rb"=+", re.sub(rb"[^A-Za-z0-9+/=]", b"", data)))
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return b"".join(_decode_uu_line(line) for line in data.splitlines())
    return data


def decode_pieces(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Undo a Content-Transfer-Encoding piece by piece, so that a large part is never held whole.

    Only base64 can be cut anywhere; other encodings, which no program uses for large files, are read in one.
    """
    if encoding.strip().lower() != "base64":
        yield decode_transfer(b"".join(pieces), encoding)
        return
    rest = b""
    for piece in pieces:
        data = rest + re.sub(rb"[^A-Za-z0-9+/=]", b"", piece)
        padded_to = data.rfind(b"=") + 1
        whole = padded_to + (len(data) - padded_to) // 4 * 4
        rest = data[whole:]
        yield decode_transfer(data[:whole], "base64")
    yield decode_transfer(rest, "base64")


def _decode_base64(piece: bytes) -> bytes:
    whole = piece[:-1] if len(piece) % 4 == 1 else piece
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _decode_uu_line(line: bytes) -> bytes:
    if not line or line.startswith((b"begin ", b"end")):
        return b""
    # Many encoders count wrong, so what stands behind the announced length is cut off.
    for candidate in (line, line[: (((line[0] - 32) & 63) * 4 + 5) // 3]):
        try:
            return binascii.a2b_uu(candidate)
        except binascii.Error:
            continue
    return b""


def decode_text(data: bytes, charset: str) -> str:
    """Decode text by its charset, else by the likeliest one; line ends become LF. Never raises."""
    text = decode_bytes(data, charset).removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
