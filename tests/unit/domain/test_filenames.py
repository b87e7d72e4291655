"""Names of files that strangers gave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webmail.domain.filenames import distinct_filenames, saved_filename


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("CV Zoë.pdf", "CV Zoë.pdf"),
        ("../../etc/passwd", "etc passwd"),
        ("C:\\Windows\\x.dll", "C Windows x.dll"),
        ("cv\u202efdp.exe", "cv fdp.exe"),
        ("a\r\nb\x00.txt", "a b .txt"),
        ("con.txt", "_con.txt"),
        ("....", "attachment"),
        ("", "attachment"),
        ("n" * 300 + ".pdf", "n" * 116 + ".pdf"),
    ],
)
def test_a_name_is_made_safe(given_name: str, name: str) -> None:
    assert saved_filename(given_name) == name


def test_equal_names_are_told_apart() -> None:
    assert distinct_filenames(["cv.pdf", "CV.pdf", "cv.pdf", "cv (2).pdf", "notes", "notes"]) == [
        "cv.pdf", "CV (2).pdf", "cv (3).pdf", "cv (2) (2).pdf", "notes", "notes (2)",
    ]  # fmt: skip


@given(st.lists(st.text(max_size=200), max_size=8))
def test_any_names_become_distinct_and_lead_nowhere(names: list[str]) -> None:
    made = distinct_filenames(names)

    assert len({name.casefold() for name in made}) == len(names)
    for name in made:
        assert name
        assert not set(name) & set("/\\\x00\r\n")
        assert name not in (".", "..")
