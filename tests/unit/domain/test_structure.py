"""The parts of a message: from BODYSTRUCTURE as IMAPClient gives it, and what their fields hold."""

from __future__ import annotations

import base64
import binascii
import quopri
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.response_types import BodyData

from tests.unit.domain.wild import WILD_BYTES, WILD_TEXT, at_most
from webmail.domain.structure import (
    MAX_PARTS,
    Part,
    decode_text,
    decode_transfer,
    join_parameters,
    leaf_parts,
    offer_hidden_texts,
    safe_filename,
    text_parts,
)

PLAIN = (b"TEXT", b"PLAIN", (b"CHARSET", b"utf-8"), None, None, b"7BIT", 100, 4, None, None, None, None)
HTML = (b"text", b"html", (b"charset", b"iso-8859-1"), None, None, b"QUOTED-PRINTABLE", 400, 9, None, None, None, None)
PDF = (b"application", b"pdf", (b"name", b"cv.pdf"), None, None, b"base64", 4000, None,
       (b"attachment", (b"filename", b"CV Ann.pdf")), None, None)  # fmt: skip
LOGO = (b"image", b"png", None, b"<logo@x>", None, b"base64", 400, None, (b"inline", None), None, None)


def multipart(subtype: bytes, *children: Any) -> Any:
    return (*children, subtype, (b"boundary", b"b"), None, None)


def leaves(structure: Any) -> list[Part]:
    return leaf_parts(BodyData.create(structure))


def test_a_single_part_is_section_one() -> None:
    assert leaves(PLAIN) == [Part("1", "text/plain", "utf-8", "7bit", 100)]


def test_parts_are_numbered_as_the_server_numbers_them() -> None:
    related = multipart(b"related", multipart(b"alternative", PLAIN, HTML), LOGO)

    parts = leaves(multipart(b"mixed", related, PDF))

    assert [(part.section, part.media_type, part.container) for part in parts] == [
        ("1.1.1", "text/plain", "alternative"),
        ("1.1.2", "text/html", "alternative"),
        ("1.2", "image/png", "related"),
        ("2", "application/pdf", "mixed"),
    ]
    assert [part.is_attachment for part in parts] == [False, False, True, True]
    assert (parts[3].filename, parts[3].size_bytes, parts[3].disposition) == ("CV Ann.pdf", 3000, "attachment")
    assert (parts[2].content_id, parts[2].disposition) == ("logo@x", "inline")


def test_a_mail_inside_a_mail_is_one_part() -> None:
    envelope = (b"Mon", b"Subject", None, None, None, None, None, None, None, b"<x@y>")
    inner = multipart(b"mixed", PLAIN, PDF)
    mail = (
        b"message",
        b"rfc822",
        None,
        None,
        None,
        b"7bit",
        9000,
        envelope,
        inner,
        200,
        None,
        (b"attachment", None),
        None,
        None,
    )

    parts = leaves(multipart(b"mixed", PLAIN, mail))

    assert [(part.section, part.media_type, part.filename) for part in parts] == [
        ("1", "text/plain", ""),
        ("2", "message/rfc822", "message.eml"),
    ]


@pytest.mark.parametrize(
    "structure",
    [
        None,
        (),
        (b"mixed",),
        ((), b"mixed"),
        ([], b"mixed"),
        (b"text",),
        (b"text", b"plain"),
        (None,) * 12,
        7,
        b"text",
        [[]],
        (b"text", b"plain", b"odd", None, None, None, b"x"),
        ((b"text",), (b"image", 7), b"mixed"),
    ],
)
def test_a_structure_that_makes_no_sense_gives_what_can_be_told(structure: Any) -> None:
    assert all(part.media_type.count("/") == 1 for part in leaf_parts(structure))


def test_one_broken_part_does_not_hide_the_others() -> None:
    parts = leaf_parts(([PLAIN, (b"image",), PDF], b"mixed"))

    assert [part.section for part in parts] == ["1", "3"]


LEAVES = st.one_of(st.none(), st.integers(), st.binary(max_size=8), st.text(max_size=5))
LISTS = st.recursive(LEAVES, lambda inner: st.one_of(st.lists(inner), st.lists(inner).map(tuple)), max_leaves=30)


@given(LISTS)
def test_no_structure_stops_a_sync(structure: Any) -> None:
    repr(leaf_parts(structure)).encode("utf-8")


def test_depth_and_number_of_parts_are_bounded() -> None:
    deep: Any = PLAIN
    for _ in range(1000):
        deep = ([deep], b"mixed")

    with at_most(1):
        assert leaf_parts(deep) == []
        assert len(leaf_parts(([PLAIN] * 5000, b"mixed"))) == MAX_PARTS


@pytest.mark.parametrize(
    ("parameters", "joined"),
    [
        ({"filename": "cv.pdf"}, {"filename": "cv.pdf"}),
        ({"filename*": "UTF-8''L%C3%A9b%20CV.pdf"}, {"filename": "Léb CV.pdf"}),
        ({"filename*": "iso-8859-1'de'Gr%FC%DFe.pdf"}, {"filename": "Grüße.pdf"}),
        ({"filename": "plain.pdf", "filename*": "utf-8''%C3%A4.pdf"}, {"filename": "ä.pdf"}),
        ({"filename*1": "b.pdf", "filename*0": "a"}, {"filename": "ab.pdf"}),
        ({"filename*0*": "utf-8''a%C3%A4", "filename*1": "%41", "filename*2*": "%42"}, {"filename": "aä%41B"}),
        ({"filename*10": "k", **{f"filename*{n}": "abcdefghij"[n] for n in range(10)}}, {"filename": "abcdefghijk"}),
        ({"filename*0*": "utf-8''%E6%97", "filename*1*": "%A5.pdf"}, {"filename": "日.pdf"}),
        ({"filename": "=?utf-8?q?=C3=A4.pdf?="}, {"filename": "ä.pdf"}),
        ({"filename*0": "=?utf-8?b?w6Q=", "filename*1": "?=.pdf"}, {"filename": "ä.pdf"}),
        ({"filename*": "no-quotes%C3%A4"}, {"filename": "no-quotesä"}),
        ({"filename*": "nonsense''%FF%FE.pdf"}, {"filename": "ÿþ.pdf"}),
        ({"a*b*c": "x"}, {"a*b*c": "x"}),
        ({"charset": "utf-8", "name": ""}, {"charset": "utf-8", "name": ""}),
    ],
)  # fmt: skip
def test_parameters_are_joined_and_decoded(parameters: dict[str, str], joined: dict[str, str]) -> None:
    assert join_parameters(parameters) == joined


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cv.pdf", "cv.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\cv.pdf", "cv.pdf"),
        ("/", ""),
        ("..", ""),
        (" . ", ""),
        ("cv\x00.pdf", "cv.pdf"),
        ("cv\r\nX-Evil: 1.pdf", "cvX-Evil: 1.pdf"),
        ("cv\u202efdp.exe", "cvfdp.exe"),
        ("cv\u2066\u200b\u061c.pdf", "cv.pdf"),
        ("a  \t b.pdf", "a b.pdf"),
        ("cv.pdf ", "cv.pdf"),
        ("cv.exe.", "cv.exe"),
        (".htaccess", "htaccess"),
        ("Lebenslauf Jörg 田中.pdf", "Lebenslauf Jörg 田中.pdf"),
        ("x" * 300 + ".pdf", "x" * 180 + ".pdf"),
        ("x" * 300, "x" * 200),
        ("a." + "x" * 300, "a." + "x" * 15),
    ],
)
def test_file_names_can_be_shown_and_saved(name: str, safe: str) -> None:
    assert safe_filename(name) == safe


@given(WILD_TEXT)
def test_no_file_name_leads_out_of_its_folder(name: str) -> None:
    safe = safe_filename(name)

    assert "/" not in safe and "\\" not in safe and safe not in (".", "..")
    assert len(safe) <= 200 and not any(ord(each) < 32 or each in "\x7f\u202e\u2028" for each in safe)
    assert safe_filename(safe) == safe


def part(media_type: str, container: str = "mixed", **values: Any) -> Part:
    return Part(values.pop("section", "1"), media_type, container=container, **values)


def test_the_first_text_and_the_first_html_are_shown() -> None:
    plain, html = part("text/plain", "alternative"), part("text/html", "alternative")

    assert text_parts([plain, html]) == text_parts([html, plain]) == (plain, html)
    assert text_parts([part("image/png")]) == (None, None)
    assert text_parts([part("text/plain", disposition="attachment"), part("text/html", filename="a.html")]) == (
        None,
        None,
    )
    assert text_parts([part("text/plain", disposition="inline")])[0] is not None


def test_a_lists_footer_is_not_taken_for_the_mail() -> None:
    html, footer = part("text/html", section="1"), part("text/plain", section="2")

    assert text_parts([html, footer]) == (None, html)
    assert text_parts([footer, html]) == (footer, None)


def test_text_after_a_picture_can_still_be_read() -> None:
    parts = leaves(multipart(b"mixed", PLAIN, LOGO, PLAIN))

    assert [(each.section, each.filename, each.is_attachment) for each in parts] == [
        ("1", "", False),
        ("2", "", True),
        ("3", "text.txt", True),
    ]
    nested = multipart(b"alternative", PLAIN, multipart(b"mixed", HTML, PDF, HTML))
    assert [each.filename for each in leaves(nested)] == ["", "", "CV Ann.pdf", "text.html"]
    assert offer_hidden_texts([]) == []


@pytest.mark.parametrize(
    ("data", "encoding", "content"),
    [
        (b"SGVsbG8=", "base64", b"Hello"),
        (b"SGVs\r\nbG8=\r\n", "BASE64", b"Hello"),
        (b"SGVsbG8", "base64", b"Hello"),
        (b"SGVsbG8= ", " base64 ", b"Hello"),
        (b"SGVsbG8hI", "base64", b"Hello!"),
        (b"SGk=SGVsbG8=", "base64", b"HiHello"),
        (b"!*(SGVs-bG8=", "base64", b"Hello"),
        (b"====", "base64", b""),
        (b"", "base64", b""),
        (b"a=3Db=\r\nc=zz=E4", "quoted-printable", b"a=bc=zz\xe4"),
        (b"a_b", "quoted-printable", b"a_b"),
        (b"plain =3D", "7bit", b"plain =3D"),
        (b"plain", "", b"plain"),
        (b"plain", "x-nonsense", b"plain"),
        (b"begin 644 a.txt\n%2&5L;&\\\n \nend\n", "x-uuencode", b"Hello"),
        (b"begin 644 a.txt\n%2&5L;&\\XXXX\n`\nend\n", "uuencode", b"Hello"),
    ],
)
def test_transfer_encodings_are_undone_as_far_as_they_go(data: bytes, encoding: str, content: bytes) -> None:
    assert decode_transfer(data, encoding) == content


@given(st.binary(max_size=300))
def test_what_was_encoded_rightly_comes_back(content: bytes) -> None:
    assert decode_transfer(base64.encodebytes(content), "base64") == content
    assert decode_transfer(quopri.encodestring(content), "quoted-printable").replace(b"\r\n", b"\n") == content.replace(
        b"\r\n", b"\n"
    )
    uu = (
        b"begin 644 x\n"
        + b"".join(binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45))
        + b"end\n"
    )
    assert decode_transfer(uu, "x-uue") == content


@given(
    WILD_BYTES,
    st.sampled_from(["base64", "quoted-printable", "uuencode", "x"]),
    st.sampled_from(["utf-8", "", "gb2312", "utf-7", "a\x00"]),
)
def test_any_bytes_decode_to_text_that_can_be_stored(data: bytes, encoding: str, charset: str) -> None:
    text = decode_text(decode_transfer(data, encoding), charset)

    text.encode("utf-8")
    assert "\x00" not in text and "\r" not in text


def test_megabytes_decode_in_time() -> None:
    with at_most(3):
        for data in (
            b"=" * 500_000,
            b"QQ==" * 200_000,
            b"=E4" * 500_000,
            b"M" * 500_000,
            (b"M" + b"!" * 60 + b"\n") * 30_000,
        ):
            for encoding in ("base64", "quoted-printable", "uuencode"):
                decode_transfer(data, encoding)


def test_line_ends_become_one_and_a_mark_of_the_byte_order_goes() -> None:
    assert decode_text(b"\xef\xbb\xbfa\r\nb\rc\nd\x00", "utf-8") == "a\nb\nc\nd"
