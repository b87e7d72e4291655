"""Whom a recipient that is being typed may be: those who are written to often, and lately, first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from webmail.domain.words import words_of

MOST = 8
_HALF_LIFE_DAYS = 120
_HEARD = 0.2
"""Hearing from somebody makes it so much as likely to write to them as having written does."""


@dataclass(frozen=True)
class Known:
    """Somebody to write to: how often, and when last, a user wrote to them or heard from them."""

    name: str
    email: str
    written_count: int = 0
    heard_count: int = 0
    last_at: datetime | None = None


def likely(people: Iterable[Known], typed: str, now: datetime) -> list[Known]:
    """Give the likeliest of those who match what is typed, the best first.

    Args:
        people: all of them match; addresses are normalised.
        typed: as it stands in the field.
    """
    words = words_of(typed)
    own = {each.email: each for each in people}
    return sorted(own.values(), key=lambda each: (-_likelihood(each, words, now), each.name.casefold(), each.email))[
        :MOST
    ]


def _likelihood(person: Known, words: list[str], now: datetime) -> float:
    age_days = max((now - person.last_at).total_seconds() / 86400, 0) if person.last_at else 0
    likelihood: float = (person.written_count + _HEARD * person.heard_count) * 0.5 ** (age_days / _HALF_LIFE_DAYS)
    begins = words[:1] and any("".join(words_of(text)[:1]).startswith(words[0]) for text in (person.name, person.email))
    return likelihood * 3 if begins else likelihood
