"""Words as search knows them: the same out of a stored mail and out of what somebody types, on every database.

Text is taken apart by these rules alone; the databases are given words, never text. Letters lose case, marks and
typographic shape (NFKD): "Résumé" is "resume", "Straße" is "strasse". What is neither letter nor digit divides words,
so an address is the words between its dots. Scripts that are written without spaces count each character as a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_WORD = 64
"""Longer words, most of them not for people, are cut."""

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


def words_of(text: str) -> list[str]:
    """Give the words of a text in order; never raises."""
    return [word[:MAX_WORD] for word in text.translate(_folded).split()]


def is_unspaced(word: str) -> bool:
    """Say whether a word is one character of a script without spaces."""
    return len(word) == 1 and _UNSPACED.match(word) is not None


def _fold(character: str) -> str:
    """Fold one character: "" for a mark, a space for what divides words."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    kept = "".join(each for each in folded if unicodedata.category(each)[0] != "M")
    if folded and not kept:
        return ""
    kept = "".join(each if each.isalnum() else " " for each in kept)
    return f" {kept} " if _UNSPACED.match(kept) else kept


class _Folded(dict[int, str]):
    """A table for `str.translate` that fills itself; a character is looked up once."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold(chr(code))
        return folded


class _InPlace(dict[int, str]):
    """The same, but each character stays one, so that places in the text stay places."""

    def __missing__(self, code: int) -> str:
        folded = _folded[code]
        if len(folded) != 1:
            folded = folded.strip() if len(folded.strip()) == 1 else chr(code)
        self[code] = folded if folded.isalnum() else " "
        return self[code]


_folded = _Folded()
_in_place = _InPlace()


def find_words(text: str, wanted: re.Pattern[str], *, limit: int = 50) -> list[tuple[int, int]]:
    """Give where a text has what `pattern_for()` looks for: (start, end) in order, at most `limit`."""
    places: list[tuple[int, int]] = []
    for found in wanted.finditer(text.translate(_in_place)):
        places.append(found.span())
        if len(places) == limit:
            break
    return places


def pattern_for(phrases: Iterable[tuple[tuple[str, ...], bool]]) -> re.Pattern[str] | None:
    """Build what `find_words()` looks for; None when nothing is wanted.

    Args:
        phrases: each the words that follow each other, and whether the last is only the beginning of a word.
    """
    pieces = sorted({_phrase_pattern(words, is_prefix) for words, is_prefix in phrases if words}, key=len, reverse=True)
    return re.compile("|".join(pieces)) if pieces else None


def _phrase_pattern(words: tuple[str, ...], is_prefix: bool) -> str:
    # "ß" keeps its one place in the text, where the words have two letters.
    bodies = [re.escape(word).replace("ss", "(?:ss|ß)") for word in words]
    if is_prefix:
        bodies[-1] += "[^ ]*"
    start = "" if is_unspaced(words[0]) else "(?<![^ ])"
    end = "" if is_unspaced(words[-1]) else "(?![^ ])"
    return start + " *".join(bodies) + end if any(map(is_unspaced, words)) else start + " +".join(bodies) + end
