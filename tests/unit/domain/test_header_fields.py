"""Our own cutting of a header into fields, held against the stdlib's."""

from __future__ import annotations

from email.parser import BytesHeaderParser

from hypothesis import example, given
from hypothesis import strategies as st

from webmail.domain.headers import headers_of, parse_headers, split_fields

NAMES = st.sampled_from(["From", "to", "SUBJECT", "Date", "Message-ID", "References", "Cc", "X-Odd", "In-Reply-To"])
VALUES = st.text(
    st.sampled_from("ab<>@.,;:\"'()=?_- \t\u00e9\u4e2d\x00")
    | st.characters(codec="utf-8", exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"),
    max_size=40,
)
FOLDS = st.sampled_from(["", "\r\n ", "\n\t", "\r\n\t "])
FIELD = st.builds(
    lambda name, gap, first, fold, rest: f"{name}{gap}{first}{fold}{rest}",
    NAMES,
    st.sampled_from([":", ": ", ":\t"]),
    VALUES,
    FOLDS,
    VALUES,
)
HEADERS = st.lists(FIELD | st.sampled_from(["no field at all", "Bcc", ": nameless", "Odd Name: x"]), max_size=8)


@given(
    lines=HEADERS,
    end=st.sampled_from(["\r\n", "\n"]),
    tail=st.sampled_from(["", "\r\nbody: not a field\r\n", "\nSubject: nor this\n"]),
)
@example(lines=["Subject: a", "no field at all", "To: b@c"], end="\r\n", tail="")
@example(lines=[], end="\n", tail="\nSubject: nor this\n")
def test_gives_what_the_stdlib_gives(lines: list[str], end: str, tail: str) -> None:
    raw = (end.join(lines) + (end if lines else "") + tail).encode()

    assert parse_headers(raw) == headers_of(BytesHeaderParser().parsebytes(raw))


def test_cuts_fields_where_they_begin_and_ends_at_the_body() -> None:
    fields = split_fields(b"Subject: a\r\n b\r\nTO : x\r\nsubject: c\r\n\r\nCc: no\r\n")

    assert fields == {"subject": ["a\r\n b", "c"], "to": ["x"]}


def test_a_body_without_colons_costs_no_more_than_its_header() -> None:
    # It took minutes when each character of the body was tried as the beginning of a field.
    assert split_fields(b"Subject: a\r\n\r\n" + b"a@b." * 200_000) == {"subject": ["a"]}
    assert split_fields(b"a@b." * 200_000) == {}
