"""Whole mails taken apart, in good order and in none."""

from __future__ import annotations

import base64
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.wild import HEADERISH, WILD_BYTES, at_most
from webmail.domain.mime import parse_message, part_content


def mixed(*parts: bytes, subtype: bytes = b"mixed", tail: bytes = b"--b--\r\n") -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return b"Subject: s\r\nContent-Type: multipart/" + subtype + b"; boundary=b\r\n\r\n" + body + tail


def test_a_mail_as_mail_programs_write_it_is_taken_apart() -> None:
    mail = EmailMessage(policy=policy.SMTP)
    mail["Subject"], mail["From"] = "Grüße", "Jörg <j@example.com>"
    mail.set_content("Plain ä\n")
    mail.add_alternative("<p>HTML ä <img src='cid:logo@x'></p>", subtype="html")
    mail.get_payload()[1].add_related(b"PNG", "image", "png", cid="<logo@x>")
    mail.add_attachment(b"%PDF" * 100, maintype="application", subtype="pdf", filename="Lebenslauf Jörg.pdf")

    parsed = parse_message(mail.as_bytes())

    assert (parsed.headers.subject, parsed.text) == ("Grüße", "Plain ä\n")
    assert "HTML ä" in parsed.html and parsed.problems == []
    assert [(part.section, part.filename, part.content_id) for part in parsed.attachments] == [
        ("1.2.2", "", "logo@x"),
        ("2", "Lebenslauf Jörg.pdf", ""),
    ]
    assert abs(parsed.attachments[1].size_bytes - 400) < 20
    assert part_content(mail.as_bytes(), "2") == b"%PDF" * 100
    assert part_content(mail.as_bytes(), "1.2.2") == b"PNG"
    assert part_content(mail.as_bytes(), "9") == b""


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\r\nbody", "body"),
        (b"Subject: s\r\n\r\nbody", "body"),
        (b"Content-Type: text/plain; charset=koi8-r\r\n\r\n" + "Привет".encode("koi8-r"), "Привет"),
        (b"Content-Type: text/plain\r\n\r\n" + "Grüße".encode(), "Grüße"),
        (b"Content-Type: text/plain\r\n\r\n" + "Grüße".encode("latin-1"), "Grüße"),
        (b"Content-Type: text/plain; charset=\"utf-8\r\n\r\nbody", "body"),
        (b"Content-Type: nonsense\r\n\r\nbody", "body"),
        (b"Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n"
         + base64.b64encode("Grüße".encode("utf-16")), "Grüße"),
        (b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=\r\n=C3=9Fe", "Grüße"),
        (b"Content-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ", "Grüße"),
        (b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n%2&5L;&\\\r\nend\r\n", "Hello"),
        (b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nno boundary named\r\n", "--b\n\nno boundary named\n"),
        (mixed(b"\r\nfirst", tail=b""), "first"),
        (mixed(b"Content-Type: text/plain\r\n\r\nfirst", b"Content-Type: text/plain\r\n\r\nsecond"), "first"),
        (b"Content-Type: text/html\r\n\r\n<p>only</p>", ""),
        (b"", ""),
    ],
)  # fmt: skip
def test_the_text_is_found(raw: bytes, text: str) -> None:
    assert parse_message(raw).text == text


def test_nothing_that_was_written_is_out_of_reach() -> None:
    parsed = parse_message(mixed(b"\r\nfirst", b"Content-Type: image/png\r\n\r\nPNG", b"\r\nsecond"))

    assert parsed.text == "first"
    assert [(part.section, part.filename) for part in parsed.attachments] == [("2", ""), ("3", "text.txt")]
    assert part_content(mixed(b"\r\nfirst", b"\r\nsecond"), "2") == b"second"


@pytest.mark.parametrize(
    ("field", "filename"),
    [
        (b'Content-Disposition: attachment; filename="cv.pdf"', "cv.pdf"),
        (b"Content-Disposition: attachment; filename=cv.pdf", "cv.pdf"),
        ('Content-Disposition: attachment; filename="Größe.pdf"'.encode(), "Größe.pdf"),
        ('Content-Disposition: attachment; filename="Größe.pdf"'.encode("latin-1"), "Größe.pdf"),
        (b"Content-Disposition: attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.pdf", "Größe.pdf"),
        (b"Content-Disposition: attachment; filename*0*=utf-8''Gr%C3%B6; filename*1*=%C3%9Fe.pdf", "Größe.pdf"),
        (b'Content-Disposition: attachment; filename="=?utf-8?q?Gr=C3=B6=C3=9Fe=2Epdf?="', "Größe.pdf"),
        (b'Content-Type: application/pdf; name="cv.pdf"', "cv.pdf"),
        (b'Content-Disposition: attachment; filename="../../cv.pdf"', "cv.pdf"),
        (b'Content-Disposition: attachment; filename="a;b.pdf"', "a;b.pdf"),
        (b"Content-Type: message/rfc822", "message.eml"),
        (b"Content-Disposition: attachment", ""),
    ],
)
def test_file_names_are_read_however_they_are_written(field: bytes, filename: str) -> None:
    attachment = parse_message(mixed(b"\r\ntext", field + b"\r\n\r\ncontent")).attachments[0]

    assert attachment.filename == filename


def nested(depth: int) -> bytes:
    opened = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    return b"Subject: deep\r\n" + opened + b"Content-Type: text/plain\r\n\r\nbottom\r\n"


def test_nesting_is_read_to_a_depth_that_no_honest_mail_has() -> None:
    assert parse_message(nested(40)).text == "bottom"


@pytest.mark.parametrize("depth", [100, 1000])
def test_a_mail_nested_beyond_reason_is_still_listed(depth: int) -> None:
    with at_most(5):
        parsed = parse_message(nested(depth))

    assert parsed.headers.subject == "deep" and parsed.text == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: message/rfc822\r\n\r\n" * 900,
        mixed(*[b"\r\nx"] * 8_000),
        mixed(*[b"Content-Type: text/plain; charset=utf-8\r\n\r\nx"] * 3_000),
        b"Content-Type: multipart/mixed" + b';"; a' * 20_000 + b"\r\n\r\nhi",
        b"Content-Type: multipart/mixed" + b';a*0="x' * 15_000 + b"\r\n\r\nhi",
        b"Content-Disposition: attachment" + b'; filename*0*="' * 8_000 + b"\r\n\r\nhi",
        nested(45) + b"\r\n" * 30_000,
        b"X: " + b"a" * 1_000_000 + b"\r\n\r\nhi",
        b"A: b\r\n" * 30_000 + b"\r\nhi",
        b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 1_000_000,
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=\r\n" * 100_000,
    ],
)
def test_no_mail_keeps_a_worker_busy(raw: bytes) -> None:
    with at_most(4):
        parsed = parse_message(raw)

    assert len(parsed.text) <= 2 * 1024 * 1024 and len(parsed.attachments) <= 1000


@given(st.lists(HEADERISH, max_size=4), WILD_BYTES)
def test_no_mail_stops_a_sync(fields: list[bytes], body: bytes) -> None:
    names = (
        b"Content-Type: multipart/mixed; boundary=",
        b"Content-Type: ",
        b"Content-Disposition: ",
        b"Content-Transfer-Encoding: ",
    )
    head = b"".join(name + value + b"\r\n" for name, value in zip(names, fields, strict=False))

    parsed = parse_message(head + b"\r\n" + body)

    repr(parsed).encode("utf-8")
    part_content(head + b"\r\n" + body, "1")


@given(WILD_BYTES)
def test_no_bytes_stop_a_sync(raw: bytes) -> None:
    repr(parse_message(raw)).encode("utf-8")
