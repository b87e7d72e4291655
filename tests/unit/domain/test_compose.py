"""What goes out, read back by another parser; quotes, subjects, recipients and signatures."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webmail.domain.addresses import Address
from webmail.domain.compose import (
    OutgoingFile,
    OutgoingMail,
    add_signature_html,
    add_signature_text,
    build_mail,
    forward_subject,
    new_message_id,
    quote_html,
    quote_text,
    reply_recipients,
    reply_references,
    reply_subject,
)
from webmail.domain.headers import parse_headers
from webmail.domain.mime import parse_message, part_content

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ME, CORA, CARL = Address("Rita", "rita@acme.example"), Address("Cora", "cora@x.example"), Address("", "carl@y.example")
quick = settings(deadline=None, max_examples=60)
# What a person can type into one line: anything but control characters and lone surrogates.
line = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=120)
anything = st.text(max_size=60)


def _mail(**parts: object) -> bytes:
    values = {"message_id": "id@acme.example", "date": NOW, "from_": ME, "to": [CORA], "subject": "S", "text": "T"}
    return build_mail(OutgoingMail(**(values | parts)))  # type: ignore[arg-type]


@quick
@given(line)
def test_any_subject_comes_back_as_it_was(subject: str) -> None:
    raw = _mail(subject=" ".join(subject.split()))

    assert parse_headers(raw).subject == " ".join(subject.split())
    other = message_from_bytes(raw)["Subject"]
    assert " ".join(str(make_header(decode_header(other))).split()) == " ".join(subject.split())


@quick
@given(line)
def test_any_name_comes_back_with_its_address(name: str) -> None:
    name = " ".join(name.split())
    raw = _mail(to=[Address(name, "cora@x.example"), CARL])

    found = parse_headers(raw).to
    assert [each.email for each in found] == ["cora@x.example", "carl@y.example"]
    value = str(message_from_bytes(raw)["To"])
    assert [email for _, email in getaddresses([value])] == ["cora@x.example", "carl@y.example"]


@quick
@given(st.text(st.characters(categories=("L", "N", "Zs", "P")), min_size=1, max_size=60))
def test_a_name_of_letters_and_marks_is_read_back_by_the_stdlib(name: str) -> None:
    name = " ".join(name.split())
    raw = _mail(to=[Address(name, "cora@x.example")])

    # compat32: the newer policy of Python 3.11 puts spaces between encoded words.
    [(found, email)] = getaddresses([re.sub(r"\r?\n", "", message_from_bytes(raw)["To"])])
    assert email == "cora@x.example"
    assert " ".join(str(make_header(decode_header(found))).split()) == name


@quick
@given(anything, anything, anything, anything)
def test_no_field_smuggles_in_another(subject: str, name: str, message_id: str, reference: str) -> None:
    parts = {"subject": subject, "to": [Address(name, "cora@x.example")], "references": [reference]}
    try:
        raw = _mail(message_id=message_id or "x", in_reply_to=reference, **parts)
    except ValueError:
        return

    head = raw.partition(b"\r\n\r\n")[0]
    names = [field.partition(b":")[0] for field in re.split(rb"\r\n(?![ \t])", head)]
    allowed = {b"Message-ID", b"Date", b"From", b"To", b"Subject", b"In-Reply-To", b"References", b"MIME-Version"}
    assert set(names) <= allowed | {b"Content-Type", b"Content-Transfer-Encoding"}
    assert len(names) == len(set(names))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", raw)


@pytest.mark.parametrize("bad", ["a\r\nBcc: x@y.example", "a\nb", "a\rb", "a\x00b"])
def test_line_breaks_in_fields_are_refused(bad: str) -> None:
    for parts in (
        {"subject": bad},
        {"message_id": bad},
        {"to": [Address(bad, "c@x.example")]},
        {"from_": Address("", bad)},
    ):
        with pytest.raises(ValueError, match="control character"):
            _mail(**parts)


@quick
@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=300))
def test_any_text_comes_back(text: str) -> None:
    raw = _mail(text=text)

    assert raw.isascii()
    assert parse_message(raw).text.split() == (text.replace("\r\n", "\n").replace("\r", "\n")).split()
    assert max(len(each) for each in raw.split(b"\r\n")) < 998


@quick
@given(st.binary(max_size=300), st.text(max_size=80), st.text(max_size=40))
def test_any_file_comes_back_whatever_it_is_called(content: bytes, name: str, media_type: str) -> None:
    raw = _mail(attachments=[OutgoingFile(name, media_type, content)])

    [part] = parse_message(raw).attachments
    assert part_content(raw, part.section) == content
    assert part.filename
    assert not re.search(r"[/\\\x00-\x1f]", part.filename)


def test_a_mail_with_everything_has_the_shape_that_clients_expect() -> None:
    picture = OutgoingFile("a.png", "image/png", b"png", "pic@acme.example")
    raw = _mail(
        html='<img src="cid:pic@acme.example">', attachments=[picture, OutgoingFile("cv.pdf", "application/pdf", b"p")]
    )

    shape = [part.get_content_type() for part in message_from_bytes(raw).walk()]
    assert shape == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
    ]


def test_a_domain_beyond_ascii_is_written_as_the_dns_knows_it() -> None:
    raw = _mail(to=[Address("Bücher", "a@bücher.example")])

    assert b"a@xn--bcher-kva.example" in raw


def test_long_ids_are_folded_and_never_encoded() -> None:
    ids = [f"{'x' * 200}{number}@mail.example" for number in range(20)]
    raw = _mail(in_reply_to=ids[-1], references=ids)

    assert list(parse_headers(raw).references) == ids
    assert b"=?" not in raw.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("subject", "reply", "forward"),
    [
        ("Role", "Re: Role", "Fwd: Role"),
        ("Re: Role", "Re: Role", "Fwd: Re: Role"),
        ("AW: Role", "Re: Role", "Fwd: AW: Role"),
        ("RE[2]: Role", "Re: Role", "Fwd: RE[2]: Role"),
        ("Fwd: Role", "Re: Fwd: Role", "Fwd: Role"),
        ("", "Re: ", "Fwd: "),
        ("Return: Role", "Re: Return: Role", "Fwd: Return: Role"),
    ],
)
def test_subjects_get_one_prefix(subject: str, reply: str, forward: str) -> None:
    assert reply_subject(subject) == reply
    assert forward_subject(subject) == forward


@pytest.mark.parametrize(
    ("from_", "reply_to", "to", "cc", "expected_to", "expected_cc"),
    [
        (CORA, [], [ME], [], [CORA], []),
        (CORA, [], [ME, CARL], [CORA], [CORA], [CARL]),
        (CORA, [CARL], [ME], [CORA], [CARL], [CORA]),
        (ME, [], [CORA], [CARL], [CORA], [CARL]),
        (ME, [], [ME], [], [ME], []),
        (CORA, [ME], [CARL], [], [ME], [CARL]),
    ],
)
def test_an_answer_goes_to_whom_one_expects(
    from_: Address,
    reply_to: list[Address],
    to: list[Address],
    cc: list[Address],
    expected_to: list[Address],
    expected_cc: list[Address],
) -> None:
    answer = {"from_": from_, "reply_to": reply_to, "to": to, "cc": cc, "own": {"rita@acme.example"}}

    assert reply_recipients(**answer, to_all=True) == (expected_to, expected_cc)  # type: ignore[arg-type]
    assert reply_recipients(**answer, to_all=False) == (expected_to, [])  # type: ignore[arg-type]


def test_references_go_on_from_the_answered_mail() -> None:
    assert reply_references("c", "b", ["a", "b"]) == ("c", ["a", "b", "c"])
    assert reply_references("c", "b", []) == ("c", ["b", "c"])
    assert reply_references("c", "", []) == ("c", ["c"])
    _, long = reply_references("new", "", [str(number) for number in range(100)])
    assert (long[0], long[-2:], len(long)) == ("0", ["99", "new"], 30)


def test_message_ids_are_unguessable_and_sound() -> None:
    assert new_message_id("acme.example") != new_message_id("acme.example")
    assert re.fullmatch(r"[0-9a-f]{32}@acme\.example", new_message_id("acme.example"))
    assert new_message_id("evil>\r\nx").endswith("@localhost")


def test_a_signature_stands_above_the_quote_once() -> None:
    body = "<div>Hi</div>" + quote_html('<div class="webmail-signature">Theirs</div>', "On Mon, Cora wrote:")

    once = add_signature_html(body, "<p>Mine</p>")
    twice = add_signature_html(once, "<p>Mine</p>")
    none = add_signature_html(twice, "")

    assert once == twice
    assert once.index("Mine") < once.index("webmail-quote") < once.index("Theirs")
    assert "Mine" not in none
    assert "Theirs" in none


def test_a_plain_signature_stands_above_the_quote_once() -> None:
    body = "Hi\n\n" + quote_text("Hello\n> older", "On Mon, Cora wrote:")

    signed = add_signature_text(body, "Mine")
    swapped = add_signature_text(signed, "Other", "Mine")

    assert signed == "Hi\n\n-- \nMine\n\nOn Mon, Cora wrote:\n> Hello\n>> older\n"
    assert swapped == signed.replace("Mine", "Other")
    assert add_signature_text("Hi", "") == "Hi"


def test_further_fields_come_back_whole_however_long() -> None:
    url, mailto = f"<https://mail.acme.example/u/{'x' * 300}>", "<mailto:rita@acme.example?subject=unsubscribe%20abc>"
    raw = _mail(headers={"List-Unsubscribe": f"{url}, {mailto}", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"})

    read = message_from_bytes(raw)
    assert re.sub(r"\r\n(?= )", "", read["List-Unsubscribe"]) == f"{url}, {mailto}"
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert parse_headers(raw).subject == "S"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("List-Unsubscribe", "<https://x>\r\nBcc: all@x.example"),
        ("List-Unsubscribe\r\nBcc", "x"),
        ("Bcc", "all@x.example"),
        ("from", "another@x.example"),
        ("Content-Type", "text/html"),
        ("X-Name", "Grüße"),
        ("", "x"),
    ],
)
def test_a_further_field_smuggles_nothing_in(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="header field"):
        _mail(headers={name: value})
