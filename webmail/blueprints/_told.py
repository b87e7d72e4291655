"""Sentences that were made below the pages, said in the language of the page: the filter `told`.

Refusals, the words of a failed sync and the like are English where they are raised and stored. Here they are looked up
in the catalogue, where `tools/messages.py` puts each of them under the context `told`, with names for what differs:
"%(email)s is no mail address.".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from babel.numbers import format_decimal
from markupsafe import Markup

from webmail.blueprints._languages import catalogue, page_language

CONTEXT = "told"
WORD = "word"
"""The context of words that such sentences are filled in with."""
_SEPARATOR = "\x04"
"""Between a context and its text in a catalogue's keys."""
_VALUE = re.compile(r"%\((\w+)\)s")
_NUMBER = re.compile(r"\d{1,3}(,\d{3})+")
_END = re.compile(r"[.?!] (?=\S)")
_MOST_SENTENCES = 6
_LONGEST = 2000


def told(sentence: Any) -> Any:
    """Say a sentence that comes from below in the page's language; as it is when the catalogue has none like it."""
    language = page_language()
    if language == "en" or not sentence:
        return sentence
    text = str(sentence)
    found = _look_up(language, text) if len(text) <= _LONGEST else text
    return Markup(found) if isinstance(sentence, Markup) else found  # noqa: S704  # what came in as markup is no less so


@lru_cache(2000)
def _look_up(language: str, text: str) -> str:
    found = _find(language, text)
    return _one_by_one(language, text) if found is None else found


def _find(language: str, text: str) -> str | None:
    known = catalogue(language)
    exact = known.pgettext(CONTEXT, text.replace("%", "%%"))
    if exact != text.replace("%", "%%"):
        return exact.replace("%%", "%")
    for pattern, translated in _patterns(language):
        match = pattern.fullmatch(text)
        if match:
            return translated % {name: _value(language, value) for name, value in match.groupdict().items()}
    return None


def _value(language: str, value: str) -> str:
    # A value may be a sentence in itself: "It was not filed. The mailbox is full."
    if value.endswith(".") and " " in value:
        return _look_up(language, value)
    if _NUMBER.fullmatch(value):
        return format_decimal(value.replace(",", ""), locale=language)
    known = catalogue(language)
    return ", ".join(known.pgettext(WORD, each) for each in value.split(", "))


def _one_by_one(language: str, text: str) -> str:
    # "What happened. What to do.": sentences from several places, of which one may have two itself.
    ends = [match.start() + 1 for match in _END.finditer(text)][:_MOST_SENTENCES]
    for end in reversed(ends):
        found = _find(language, text[:end])
        if found is not None:
            return f"{found} {_look_up(language, text[end + 1 :])}"
    return f"{text[: ends[0]]} {_look_up(language, text[ends[0] + 1 :])}" if ends else text


@lru_cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Give what recognises the sentences with values, those that say most first."""
    words: dict[Any, str] = getattr(catalogue(language), "_catalog", {})
    found = []
    for key, translated in words.items():
        context, _, text = key.partition(_SEPARATOR) if isinstance(key, str) else ("", "", "")
        if context == CONTEXT and _VALUE.search(text):
            found.append((len(_VALUE.sub("", text)), _pattern(text), translated))
    return [(pattern, translated) for _, pattern, translated in sorted(found, key=lambda each: -each[0])]


def _pattern(text: str) -> re.Pattern[str]:
    parts = _VALUE.split(text)
    written, seen = [], set()
    for at, part in enumerate(parts):
        if at % 2 == 0:
            written.append(re.escape(part.replace("%%", "%")))
        else:
            written.append(f"(?P={part})" if part in seen else f"(?P<{part}>.+?)")
            seen.add(part)
    return re.compile("".join(written), re.DOTALL)
