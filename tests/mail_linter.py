"""What a mail of ours has to be on the wire, by RFC 5322, 2045, 2046, 2047 and 2231: read from its bytes, by rules of
our own, without the parsers that the product builds and reads with.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator

_FIELD = re.compile(rb"([!-9;-~]+):[ \t]?(.*)", re.DOTALL)
_ENCODED_WORD = re.compile(rb"=\?([^?\s]+)\?([^?\s]*)\?([^?\s]*)\?=")
_ATEXT = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]"
_ID = re.compile(rb"<[!-;=?-~]+>")
_DATE = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
    rb"\d\d:\d\d:\d\d [+-]\d{4}"
)
_ADDRESS = re.compile(
    rb'(?:"(?:[^"\\]|\\.)*"|[^"<>,]*?)\s*<?(' + _ATEXT + rb"+@" + _ATEXT + rb"+)>?\s*(?:,\s*|$)", re.DOTALL
)
_PARAMETER = re.compile(rb';\s*([A-Za-z0-9*-]+)=("(?:[^"\\]|\\.)*"|[^\s;"]+)')
_ONCE = tuple(b"date from sender reply-to to cc bcc message-id in-reply-to references subject".split())
_ALWAYS = (b"date", b"from", b"message-id", b"subject", b"mime-version", b"content-type")
_OF_LONG_WORDS = (b"references", b"list-unsubscribe")
_HARD, _SOFT = 998, 78
_MIME_FIELDS = (b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-id", b"mime-version")


def problems_in(mime: bytes) -> list[str]:
    """Give what is wrong with a mail, a sentence each; [] when nothing is."""
    return list(_lines(mime)) + list(_entity(mime, is_top=True))


def _lines(mime: bytes) -> Iterator[str]:
    bare = re.sub(rb"\r\n", b"", mime)
    if b"\r" in bare or b"\n" in bare:
        yield "a line ends in CR or LF alone"
    if b"\x00" in mime:
        yield "there is a NUL"
    if any(byte > 127 for byte in mime):
        yield "there are bare 8-bit bytes"
    if not mime.endswith(b"\r\n"):
        yield "the last line has no end"
    longest = max(map(len, mime.split(b"\r\n")))
    if longest > _HARD:
        yield f"a line has {longest} characters"


def _entity(part: bytes, *, is_top: bool = False) -> Iterator[str]:
    head, found, body = part.partition(b"\r\n\r\n")
    if not found:
        head, body = (b"", part.removeprefix(b"\r\n")) if part.startswith(b"\r\n") else (part, b"")
    fields = list(_fields(head))
    names = Counter(name.lower() for name, _ in fields)
    for name, count in names.items():
        if count > 1 and (name in _ONCE or name in _MIME_FIELDS):
            yield f"{name.decode()} stands there {count} times"
    if is_top:
        yield from (f"{name.decode()} is missing" for name in _ALWAYS if name not in names)
    for name, value in fields:
        yield from _field(name.lower(), value)
    by_name = {name.lower(): value for name, value in fields}
    yield from _content(by_name, body)


def _fields(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in re.split(rb"\r\n(?![ \t])", head):
        if not line:
            continue
        found = _FIELD.fullmatch(line)
        yield (found[1], found[2]) if found else (b"?", line)


def _field(name: bytes, value: bytes) -> Iterator[str]:
    shown = name.decode()
    if name == b"?":
        yield f"no field: {value[:40]!r}"
        return
    lines = value.split(b"\r\n")
    if any(not line.strip() for line in lines[1:]):
        yield f"{shown} has a folded line of nothing but space"
    for line in lines:
        if len(line) > _SOFT and re.search(rb"\S\s+\S", line.strip()) and name not in _OF_LONG_WORDS:
            yield f"{shown} could be folded and is not: {len(line)} characters"
    unfolded = value.replace(b"\r\n", b"").strip()
    if re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", unfolded):
        yield f"{shown} holds a control character"
    yield from _encoded_words(shown, value)
    yield from _value(name, unfolded)
    if name in _MIME_FIELDS and _ENCODED_WORD.search(unfolded):
        yield f"{shown} has an encoded word where only RFC 2231 helps"


def _value(name: bytes, value: bytes) -> Iterator[str]:
    """Look at those fields of which the RFCs say what may stand in them."""
    ids = value.split() if name == b"references" else [value]
    if name == b"date" and not _DATE.fullmatch(value):
        yield f"no date: {value!r}"
    elif name in (b"message-id", b"in-reply-to", b"references") and not all(map(_ID.fullmatch, ids)):
        yield f"{name.decode()} is no id: {value[:80]!r}"
    elif name in (b"from", b"to", b"cc", b"reply-to") and not _is_address_list(value):
        yield f"{name.decode()} is no list of addresses: {value[:120]!r}"


def _is_address_list(value: bytes) -> bool:
    at = 0
    while at < len(value):
        found = _ADDRESS.match(value, at)
        if found is None or found.end() == at:
            return False
        at = found.end()
    return at > 0


def _encoded_words(shown: str, value: bytes) -> Iterator[str]:
    for word in _ENCODED_WORD.finditer(value):
        if len(word[0]) > 75:
            yield f"{shown} has an encoded word of {len(word[0])} characters"
        if word[1].lower() != b"utf-8" or word[2].lower() not in (b"b", b"q"):
            yield f"{shown} has an encoded word in {word[1].decode()}"
        before, after = value[: word.start()][-1:], value[word.end() :][:1]
        if before not in (b"", b" ", b"\t", b"\n", b"(") or after not in (b"", b" ", b"\t", b"\r", b")"):
            yield f"{shown} has an encoded word that touches others"
        if word[2].lower() == b"b":
            try:
                base64.b64decode(word[3], validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                yield f"{shown} has an encoded word that cuts a character"
    if any(_ENCODED_WORD.search(quoted) for quoted in re.findall(rb'"(?:[^"\\]|\\.)*"', value)):
        yield f"{shown} has an encoded word within quotes"


def _content(fields: dict[bytes, bytes], body: bytes) -> Iterator[str]:
    kind = fields.get(b"content-type", b"text/plain").replace(b"\r\n", b"")
    parameters = {name.lower(): value.strip(b'"') for name, value in _PARAMETER.findall(kind)}
    media_type = kind.partition(b";")[0].strip().lower()
    encoding = fields.get(b"content-transfer-encoding", b"7bit").strip().lower()
    if not re.fullmatch(rb"[a-z0-9.+-]+/[a-z0-9.+-]+", media_type):
        yield f"no media type: {media_type!r}"
    if media_type.startswith(b"multipart/"):
        yield from _multipart(parameters.get(b"boundary", b""), encoding, body)
        return
    if (
        media_type.startswith(b"text/")
        and b"content-disposition" not in fields
        and parameters.get(b"charset") != b"utf-8"
    ):
        yield f"the charset of {media_type.decode()} is {parameters.get(b'charset')!r}"
    if encoding == b"quoted-printable":
        yield from _quoted_printable(body)
    elif encoding == b"base64":
        yield from _base64(body)
    elif encoding != b"7bit":
        yield f"the encoding is {encoding!r}"


def _multipart(boundary: bytes, encoding: bytes, body: bytes) -> Iterator[str]:
    if not re.fullmatch(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", boundary):
        yield f"no boundary: {boundary!r}"
        return
    if encoding != b"7bit":
        yield "a multipart is encoded"
    pieces = re.split(rb"(?:^|\r\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r\n|$)", body)
    ends = pieces[1::2]
    if len(ends) < 2 or ends[-1] != b"--" or b"--" in ends[:-1]:
        yield "the boundaries do not match"
        return
    for part in pieces[2:-1:2]:
        yield from _entity(part.removeprefix(b"\r\n"))


def _quoted_printable(body: bytes) -> Iterator[str]:
    for line in body.split(b"\r\n"):
        if len(line) > 76:
            yield f"a quoted-printable line has {len(line)} characters"
        if line.endswith((b" ", b"\t")):
            yield "a quoted-printable line ends in space"
        if re.search(rb"=(?![0-9A-F]{2}|$)", line):
            yield f"no quoted-printable: {line[:60]!r}"


def _base64(body: bytes) -> Iterator[str]:
    if any(len(line) > 76 for line in body.split(b"\r\n")):
        yield "a base64 line has more than 76 characters"
    try:
        base64.b64decode(body.replace(b"\r\n", b""), validate=True)
    except binascii.Error:
        yield "no base64"
