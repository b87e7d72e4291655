"""How people are named in the rows of the list."""

from __future__ import annotations

import pytest

from webmail.blueprints._mail_words import sender_names


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], "Unknown sender"),
        ([""], "Unknown sender"),
        ([" ", ""], "Unknown sender"),
        (["Ana Alves"], "Ana Alves"),
        (["me", ""], "me"),
        (["me", "Ana Alves"], "me, Ana"),
        (["me", "Ana Alves", "Ben", "Cora"], "me … Ben, Cora"),
    ],
)
def test_a_row_always_names_somebody(names: list[str], shown: str) -> None:
    assert sender_names(names) == shown
