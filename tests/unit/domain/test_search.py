"""What people type, understood; and what was found, marked."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webmail.domain.search import SearchQuery, Term, excerpt, marked, parse_query


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("", SearchQuery()),
        (" ... :: ", SearchQuery()),
        ("Anna", SearchQuery((Term(("anna",), True),))),
        ("anna ", SearchQuery((Term(("anna",)),))),
        ("a", SearchQuery((Term(("a",)),))),
        ("anna off", SearchQuery((Term(("anna",)), Term(("off",), True)))),
        ('"cover letter"', SearchQuery((Term(("cover", "letter")),))),
        ('"cover lett', SearchQuery((Term(("cover", "lett"), True),))),
        ("„cover letter“ x", SearchQuery((Term(("cover", "letter")), Term(("x",))))),
        ("anna@acme.com ", SearchQuery((Term(("anna", "acme", "com")),))),
        ("from:anna to:Acme subject:offer ", SearchQuery(
            (Term(("anna",), False, "from"), Term(("acme",), False, "to"), Term(("offer",), False, "subject"))
        )),
        ('From:"Anna Smith"', SearchQuery((Term(("anna", "smith"), False, "from"),))),
        ("from:an", SearchQuery((Term(("an",), True, "from"),))),
        ("has:attachment is:unread is:starred", SearchQuery((), True, True, True)),
        ("in:Sent before:2026-11-30 after:2026-11-01", SearchQuery(
            place="sent", before=date(2026, 11, 30), after=date(2026, 11, 1)
        )),
        ("re: http://x.example ", SearchQuery((Term(("re",)), Term(("http", "x", "example"))))),
    ],
)  # fmt: skip
def test_what_is_typed_is_understood(typed: str, query: SearchQuery) -> None:
    assert parse_query(typed) == query


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("before:yesterday", "“before:” takes a day, written as before:2026-11-30."),
        ("after:2026-13-01", "“after:” takes a day, written as after:2026-11-30."),
        ("after:2026-W01-1", "“after:” takes a day, written as after:2026-11-30."),
        ("before:", "“before:” takes a day, written as before:2026-11-30."),
        ("has:wings", "“has:” knows one thing: has:attachment."),
        ("is:", "“is:” knows two things: is:unread and is:starred."),
        ("in:spam", "“in:” knows four places: in:inbox, in:sent, in:all and in:trash."),
        ("from:", "After “from:” write a name or an address, such as from:anna."),
        ('subject:"…"', "After “subject:” write words of the subject, such as subject:offer."),
    ],
)
def test_what_makes_no_sense_is_explained_and_the_rest_is_searched(typed: str, sentence: str) -> None:
    query = parse_query(f"anna {typed} offer ")

    assert query.problems == (sentence,)
    assert [term.words for term in query.terms] == [("anna",), ("offer",)]


@given(
    st.one_of(
        st.text(), st.from_regex(r'([a-z]{2,7}:)?"?[a-z0-9-]{0,12}"?( (from|in|is|has|before|after|to):?.{0,9})*')
    )
)
def test_nothing_that_is_typed_is_an_error(typed: str) -> None:
    query = parse_query(typed)

    assert all(word.isalnum() for term in query.terms for word in term.words)
    assert all(sentence.endswith(".") for sentence in query.problems)
    assert query.is_empty == (parse_query(typed) == SearchQuery(problems=query.problems))


def test_long_texts_are_cut() -> None:
    assert len(parse_query("word " * 10_000).terms) == 20


@given(st.text(), st.text())
def test_marked_pieces_are_the_text(text: str, typed: str) -> None:
    assert "".join(piece.text for piece in marked(text, parse_query(typed).pattern())) == text


def test_hits_are_marked() -> None:
    pieces = marked("Your résumé and offer", parse_query("resume off").pattern())

    assert [(piece.text, piece.is_hit) for piece in pieces] == [
        ("Your ", False), ("résumé", True), (" and ", False), ("offer", True),
    ]  # fmt: skip


def test_words_of_one_field_are_marked_there_only() -> None:
    query = parse_query("subject:offer salary from:anna")

    assert [piece.text for piece in marked("offer salary anna", query.pattern("subject")) if piece.is_hit] == [
        "offer",
        "salary",
    ]
    assert [piece.text for piece in marked("offer salary anna", query.pattern()) if piece.is_hit] == ["salary"]


def test_an_excerpt_begins_a_little_before_the_first_hit() -> None:
    text = "Hello. " * 50 + "We offer you\r\n\r\nthe salary. " + "Bye. " * 100
    pieces = excerpt(text, parse_query("offer ").pattern(), length=60)

    shown = "".join(piece.text for piece in pieces)
    assert shown.startswith("… Hello. ")
    assert "We offer you the salary." in shown
    assert len(shown) <= 62
    assert [piece.text for piece in pieces if piece.is_hit] == ["offer"]
    assert excerpt(text, parse_query("absent").pattern()) == []
    assert excerpt(text, None) == []


@given(st.text(), st.text(), st.integers(1, 300))
def test_an_excerpt_is_short(text: str, typed: str, length: int) -> None:
    shown = "".join(piece.text for piece in excerpt(text, parse_query(typed).pattern(), length=length))

    assert len(shown) <= length + 2
