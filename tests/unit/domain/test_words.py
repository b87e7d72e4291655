"""Words, folded alike wherever they come from."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webmail.domain.words import MAX_WORD, find_words, is_unspaced, pattern_for, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\n.,;!? ", []),
        ("Résumé RESUME re\u0301sume\u0301", ["resume"] * 3),
        ("Straße ﬁne Ⅳ x²", ["strasse", "fine", "iv", "x2"]),
        ("anna.smith-jones_x@acme.example", ["anna", "smith", "jones", "x", "acme", "example"]),
        ("Ελλάδα ΕΛΛΑΔΑ", ["ελλαδα", "ελλαδα"]),
        ("Привет, Ёлка", ["привет", "елка"]),
        ("İstanbul", ["istanbul"]),
        ("北京大学 offer", ["北", "京", "大", "学", "offer"]),
        ("'a' \\ :* <-> \x00 \ud800", ["a"]),
        ("x" * 100, ["x" * MAX_WORD]),
    ],
)
def test_words_are_folded(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text())
def test_words_are_letters_and_digits_and_fold_to_themselves(text: str) -> None:
    words = words_of(text)

    assert all(word.isalnum() and len(word) <= MAX_WORD for word in words)
    assert words_of(" ".join(words)) == words


@given(st.text(), st.text())
def test_texts_side_by_side_have_the_words_of_both(one: str, other: str) -> None:
    assert words_of(f"{one} {other}") == words_of(one) + words_of(other)


@given(st.text(), st.lists(st.tuples(st.text(min_size=1), st.booleans()), max_size=4))
def test_places_lie_in_the_text_in_order(text: str, typed: list[tuple[str, bool]]) -> None:
    wanted = pattern_for((tuple(words_of(each)), is_prefix) for each, is_prefix in typed)
    places = find_words(text, wanted) if wanted else []

    assert all(0 <= start < end <= len(text) for start, end in places)
    assert all(before[1] <= after[0] for before, after in pairwise(places))


@pytest.mark.parametrize(
    ("text", "words", "is_prefix", "found"),
    [
        ("Ein Résumé, bitte", ("resume",), False, ["Résumé"]),
        ("Die Straße", ("strasse",), False, ["Straße"]),
        ("interviews", ("interview",), False, []),
        ("interviews", ("interview",), True, ["interviews"]),
        ("cover - letter", ("cover", "letter"), False, ["cover - letter"]),
        ("我在北京大学", ("北", "京"), False, ["北京"]),
        ("x_y.z", ("y",), False, ["y"]),
    ],
)
def test_words_are_found_in_the_text_as_it_is_written(
    text: str, words: tuple[str, ...], is_prefix: bool, found: list[str]
) -> None:
    wanted = pattern_for([(words, is_prefix)])
    assert wanted is not None

    assert [text[start:end] for start, end in find_words(text, wanted)] == found


def test_a_pattern_of_nothing_is_none() -> None:
    assert pattern_for([]) is None
    assert pattern_for([((), True)]) is None


def test_only_scripts_without_spaces_are_unspaced() -> None:
    assert is_unspaced("京")
    assert not is_unspaced("a")
    assert not is_unspaced("한국")
