"""Bytes to text, whatever the sender said about them. Never raises, and never gives what no database takes."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

# What senders call a charset, and what the bytes then really are: mostly the larger one of the same vendor.
_MEANT = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "unknown-8bit": "utf-8",
    "x-unknown": "utf-8",
    "default": "utf-8",
    "utf8": "utf-8",
    "utf-8mb4": "utf-8",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "big5": "big5hkscs",
    "x-big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "x-euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp_ext",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "ansi": "cp1252",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "x-mac-roman": "mac_roman",
}
# Python's own escapes and the codings of host names are no charsets: some are slow, some make lone surrogates.
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def decode_bytes(content: bytes, charset: str | None) -> str:
    """Decode by the charset that is named, else by the likeliest one.

    Text that is damaged in a few places keeps its charset; what fits none is read as Western European.
    """
    if not charset and content.isascii():
        return content.decode("ascii")
    named = codec_name(charset)
    for candidate in dict.fromkeys((named, "utf-8")):
        if candidate:
            try:
                return _LONE_SURROGATES.sub("\ufffd", content.decode(candidate))
            except ValueError:
                continue
    return _mended(content, named or "utf-8") or content.decode("cp1252", "replace")


def codec_name(charset: str | None) -> str:
    """Give the Python name of a charset, "" when there is none of that name or it is no charset."""
    return _codec_name(charset[:200]) if charset else ""


@lru_cache(maxsize=256)
def _codec_name(charset: str) -> str:
    # RFC 2231 lets a language follow a star; some senders add quotes or what belongs to another parameter.
    name = charset.partition("*")[0].partition(";")[0].strip(" \t\"'").lower()
    name = _MEANT.get(name, name)
    try:
        found = codecs.lookup(name) if name.isascii() and name.isprintable() and len(name) < 40 else None
    except LookupError:
        return ""
    is_text = found is not None and getattr(found, "_is_text_encoding", True)
    return found.name if found is not None and is_text and found.name.replace("-", "_") not in _NO_CHARSETS else ""


def _mended(content: bytes, codec: str) -> str:
    """Decode with gaps; "" when there are more gaps than characters that tell for the charset."""
    try:
        text = _LONE_SURROGATES.sub("\ufffd", content.decode(codec, "replace"))
    except ValueError:  # a codec that takes no "replace"
        return ""
    gaps = text.count("\ufffd")
    telling = sum(not character.isascii() for character in text) - gaps
    return text if gaps <= telling else ""
