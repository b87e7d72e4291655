"""What people type to search: words, "quoted phrases", and a few operators; and what was found, marked.

    anna "cover letter" from:acme to:jobs subject:offer has:attachment before:2026-11-30 after:2026-11-01
    is:unread is:starred in:inbox|sent|all|trash

All of it must hold. The last word, while it is typed, is the beginning of one. Nothing typed is an error: what cannot
be meant is explained in a sentence, and the rest is searched for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from webmail.domain.words import find_words, pattern_for, words_of

PLACES = ("inbox", "sent", "all", "trash")
MAX_QUERY = 500
_MAX_TERMS = 20
_LEAD = 20
"""Characters that an excerpt shows before its first hit."""
_MIN_PREFIX = 2
"""One letter is a word, not the beginning of one: it would begin nearly everything."""

_PIECE = re.compile(r'(?:(?P<name>[a-z]{2,8}):)?(?:"(?P<quoted>[^"]*)(?P<end>"?)|(?P<bare>[^\s"]+))?', re.IGNORECASE)
_QUOTE_MARKS = re.compile(r"(?:^|\n)[>\s]+")
_QUOTES = str.maketrans("“”„«»", '"""""')


@dataclass(frozen=True)
class Term:
    """Words that follow each other: one, or a phrase."""

    words: tuple[str, ...]
    is_prefix: bool = False
    """The last word is only the beginning of one."""
    field: str = ""
    """Where they stand: `from`, `to` (Cc too), `subject`, or "" for anywhere."""


@dataclass(frozen=True)
class SearchQuery:
    """What was typed, understood."""

    terms: tuple[Term, ...] = ()
    has_attachment: bool = False
    is_unread: bool = False
    is_starred: bool = False
    place: str = ""
    """One of `PLACES`; "" when none was named."""
    before: date | None = None
    """Mail from before this day."""
    after: date | None = None
    """Mail from this day or later."""
    problems: tuple[str, ...] = ()
    """What could not be understood, a sentence each."""

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to look for."""
        return replace(self, problems=()) == SearchQuery()

    def pattern(self, *fields: str) -> re.Pattern[str] | None:
        """Build what `marked()` looks for in a text that answers to any of these fields, or to words anywhere."""
        return pattern_for((each.words, each.is_prefix) for each in self.terms if each.field in ("", *fields))


@dataclass
class _Reading:
    """A query while it is read."""

    terms: list[Term] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def parse_query(typed: str) -> SearchQuery:
    """Understand what somebody typed; never raises."""
    typed = typed[:MAX_QUERY].translate(_QUOTES)
    reading = _Reading()
    for found in _PIECE.finditer(typed):
        is_open = found.end() == len(typed) and not found["end"]
        name = (found["name"] or "").casefold()
        value = found["quoted"] if found["quoted"] is not None else found["bare"] or ""
        if name in _READERS:
            _READERS[name](reading, name, value, is_open)
        else:
            _add_words(reading, "", f"{name} {value}", is_open)
    terms, problems = tuple(reading.terms[:_MAX_TERMS]), tuple(dict.fromkeys(reading.problems))
    return SearchQuery(terms, problems=problems, **reading.values)


def _add_words(reading: _Reading, where: str, value: str, is_open: bool) -> None:
    words = tuple(words_of(value))
    if words:
        is_prefix = is_open and len(words[-1]) >= _MIN_PREFIX
        reading.terms.append(Term(words, is_prefix, where))


def _read_person(reading: _Reading, name: str, value: str, is_open: bool) -> None:
    if words_of(value):
        _add_words(reading, name, value, is_open)
    else:
        what = "words of the subject" if name == "subject" else "a name or an address"
        reading.problems.append(f"After “{name}:” write {what}, such as {name}:{_EXAMPLES[name]}.")


def _read_has(reading: _Reading, _name: str, value: str, _is_open: bool) -> None:
    if value.casefold() in ("attachment", "attachments", "file", "files"):
        reading.values["has_attachment"] = True
    else:
        reading.problems.append("“has:” knows one thing: has:attachment.")


def _read_is(reading: _Reading, _name: str, value: str, _is_open: bool) -> None:
    names = {"unread": "is_unread", "starred": "is_starred", "flagged": "is_starred"}
    if value.casefold() in names:
        reading.values[names[value.casefold()]] = True
    else:
        reading.problems.append("“is:” knows two things: is:unread and is:starred.")


def _read_in(reading: _Reading, _name: str, value: str, _is_open: bool) -> None:
    if value.casefold() in PLACES:
        reading.values["place"] = value.casefold()
    else:
        reading.problems.append("“in:” knows four places: in:inbox, in:sent, in:all and in:trash.")


def _read_day(reading: _Reading, name: str, value: str, _is_open: bool) -> None:
    try:
        # Python reads more forms than people are told of, such as weeks.
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            raise ValueError
        reading.values[name] = date.fromisoformat(value)
    except ValueError:
        reading.problems.append(f"“{name}:” takes a day, written as {name}:2026-11-30.")


_EXAMPLES = {"from": "anna", "to": "jobs@acme.com", "subject": "offer"}
_READERS: dict[str, Callable[[_Reading, str, str, bool], None]] = {
    "from": _read_person,
    "to": _read_person,
    "subject": _read_person,
    "has": _read_has,
    "is": _read_is,
    "in": _read_in,
    "before": _read_day,
    "after": _read_day,
}


@dataclass(frozen=True)
class Piece:
    """A piece of a text, and whether it is what was searched for."""

    text: str
    is_hit: bool


def marked(text: str, wanted: re.Pattern[str] | None) -> list[Piece]:
    """Cut a text into pieces that were searched for and pieces between them; together they are the text."""
    pieces: list[Piece] = []
    at = 0
    for start, end in find_words(text, wanted) if wanted else ():
        if start > at:
            pieces.append(Piece(text[at:start], is_hit=False))
        pieces.append(Piece(text[start:end], is_hit=True))
        at = end
    if at < len(text):
        pieces.append(Piece(text[at:], is_hit=False))
    return pieces


def excerpt(text: str, wanted: re.Pattern[str] | None, *, length: int = 200) -> list[Piece]:
    """Cut out the part of a text in which what was searched for first stands, marked; [] when it stands nowhere."""
    places = find_words(text, wanted, limit=1) if wanted else []
    if not places:
        return []
    start = max(places[0][0] - _LEAD, 0)
    if start:
        start = text.find(" ", start, places[0][0]) + 1 or places[0][0]
    part = " ".join(_QUOTE_MARKS.sub(" ", text[start : start + length * 2]).split())[:length]
    return [*([Piece("… ", is_hit=False)] if start else []), *marked(part, wanted)]
