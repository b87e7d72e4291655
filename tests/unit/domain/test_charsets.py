"""Bytes to text, whatever was said about them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.wild import WILD_BYTES, at_most
from webmail.domain.charsets import codec_name, decode_bytes


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        ("Grüße".encode(), "utf-8", "Grüße"),
        ("Grüße".encode(), None, "Grüße"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode(), "no-such-charset", "Grüße"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        ("Grüße".encode("latin-1"), None, "Grüße"),
        ("“quoted” – €5".encode("cp1252"), "iso-8859-1", "“quoted” – €5"),
        ("“quoted” and plain".encode("cp1252"), "us-ascii", "“quoted” and plain"),
        ("Здравствуйте".encode("koi8-r"), "KOI8-R", "Здравствуйте"),
        ("Здравствуйте".encode("cp1251"), "windows-1251", "Здравствуйте"),
        ("中文简历㎡".encode("gb18030"), "gb2312", "中文简历㎡"),
        ("中文".encode("big5"), "Big5", "中文"),
        ("①㈱髙橋".encode("cp932"), "Shift_JIS", "①㈱髙橋"),
        ("日本語ﾃｽﾄ".encode("iso2022_jp_ext"), "iso-2022-jp", "日本語ﾃｽﾄ"),
        ("안녕하세요 뷁".encode("cp949"), "ks_c_5601-1987", "안녕하세요 뷁"),
        ("สวัสดี".encode("cp874"), "windows-874", "สวัสดี"),
        ("שלום".encode("iso8859_8"), "iso-8859-8-i", "שלום"),
        ("ğışİ".encode("cp1254"), "iso-8859-9", "ğışİ"),
        ("ä".encode(), '"utf-8"', "ä"),
        ("ä".encode(), "utf-8;format=flowed", "ä"),
        ("ä".encode(), "utf-8*en", "ä"),
        ("ä".encode("utf-16"), "utf-16", "ä"),
        (b"caf\x81\xe9", "cp1252", "caf\ufffdé"),
        (b"", "utf-8", ""),
    ],
)
def test_text_is_read_as_its_sender_meant_it(content: bytes, charset: str | None, text: str) -> None:
    assert decode_bytes(content, charset) == text


@pytest.mark.parametrize("text", ["Grüße an alle, die schön schreiben", "こんにちは、田中です", "Привет всем"])
def test_text_that_was_cut_in_the_midst_of_a_character_stays_readable(text: str) -> None:
    content = text.encode()[:-1]

    assert decode_bytes(content, "utf-8").startswith(text[:-2])
    assert decode_bytes(b"x" + content[1:], None)[1:].startswith(text[1:-2]) or ord(text[0]) > 127


@pytest.mark.parametrize(
    "name", ["idna", "punycode", "unicode_escape", "raw-unicode-escape", "undefined", "rot13", "hex", "zlib", "bz2"]
)
def test_pythons_own_codings_are_no_charsets(name: str) -> None:
    assert codec_name(name) == ""
    assert decode_bytes(rb"\ud800 xn--a", name) == r"\ud800 xn--a"


@pytest.mark.parametrize("name", ["", None, "a\x00b", "x" * 5000, "ütf-8", "\ud800", "../utf-8", "%s"])
def test_odd_names_do_no_harm(name: str | None) -> None:
    assert codec_name(name) == "" and decode_bytes(b"abc", name) == "abc"


def test_no_charset_smuggles_lone_surrogates_in() -> None:
    assert decode_bytes(b"+2AA-", "utf-7") == "\ufffd"


NAMES = "utf-8 utf-7 utf-16 utf-32 gb2312 big5 iso-2022-jp iso-2022-kr hz euc-kr shift_jis x cp037"
CHARSETS = st.sampled_from([*NAMES.split(), None])


@given(WILD_BYTES, CHARSETS)
def test_any_bytes_give_text_that_can_be_stored(content: bytes, charset: str | None) -> None:
    decode_bytes(content, charset).encode("utf-8")


@given(st.text(max_size=60), st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-7", "gb18030"]))
def test_what_fits_its_charset_comes_back(text: str, charset: str) -> None:
    assert decode_bytes(text.encode(charset), charset) == text


def test_megabytes_cost_little() -> None:
    with at_most(2):
        for charset in ("utf-8", "iso-2022-jp", "utf-7", "idna", "punycode", None):
            decode_bytes(b"\xe4a-b " * 200_000, charset)
