"""Merge fields: `{{ contact.first_name }}`, and with a fallback `{{ contact.first_name | "there" }}`.

There is no logic, no call and no nesting: a field is a group, a name and perhaps a fallback, and what is put in its
place is never read again. Whatever has two braces and is no field is broken: it is told, and never sent.

The editor may put tags between the braces, and make a link of `contact.name`; a field is found all the same as long as
it stands on one line. Text is read once and kept in pieces, so that a mailing fills it in thousands of times.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from urllib.parse import quote, unquote

GROUPS = ("contact", "user", "job")
CONTACT_FIELDS = ("first_name", "last_name", "name", "email", "company")
USER_FIELDS = ("name", "first_name", "email")

Values = Mapping[str, Mapping[str, str]]
"""The values of each group, by name: {"contact": {"first_name": "Ana"}, "user": {…}, "job": {…}}."""

_INVISIBLE = "\u00ad\u200b\u2060\ufeff"
_LINE_END = "\x00"
"""Stands where a new line or block begins; no field reaches over it."""
_FIELD = re.compile(
    rf"\{{\{{\s*({'|'.join(GROUPS)})\s*\.\s*([^\W\d]\w{{0,63}})\s*"
    r"(?:\|\s*(?:[\"“”„]([^\"“”„{}\x00]{0,200})[\"“”]|['‘’]([^'‘’{}\x00]{0,200})['‘’])\s*)?\}\}",
    re.IGNORECASE,
)
_BROKEN = re.compile(
    rf"\{{\s*(?:{'|'.join(GROUPS)})\s*\.[^{{}}\x00]{{0,200}}\}}{{0,2}}"
    r"|\{\{[^{}\x00]{0,200}\}{0,2}|[^{}\x00]{0,40}\}\}",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"<!--(?:.*?-->|.*)|</?[a-zA-Z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*+>", re.DOTALL)
_TAG_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
_ATTRIBUTE = re.compile(r"([a-zA-Z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_CHARACTER = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});|.", re.DOTALL)
_INLINE = frozenset(
    "a abbr b bdi bdo big cite code del em font i ins kbd mark q s samp small span strike strong sub sup tt u var "
    "wbr".split()
)
_ENCODED = re.compile(r"%7B%7B.{0,300}?%7D%7D", re.IGNORECASE)
_MOST_FILLED = 1_000_000
"""How many characters the values of one text may come to: more is no mail, and would fill the memory."""
_URL_SAFE = ":/?#[]@!$&'()*+,;=%~"


@dataclass(frozen=True)
class MergeField:
    """A field as it is written; `fallback` is None where there is none, or an empty one."""

    group: str
    name: str
    fallback: str | None = None

    @property
    def label(self) -> str:
        """What it is called everywhere: `contact.first_name`."""
        return f"{self.group}.{self.name}"


@dataclass(frozen=True)
class Merged:
    """A text with its fields filled in; with anything in `missing` it is not fit to be sent.

    `missing`: labels of fields that have no value, or far too much of one, and broken ones as they are written; each
    once.
    """

    text: str
    missing: list[str]


@dataclass(frozen=True)
class _Slot:
    """Where a value goes: its field, or what is broken, and how the value is written there."""

    field: MergeField | None
    broken: str = ""
    write: Callable[[str], str] = str


_Pieces = tuple["str | _Slot", ...]


def fields_in(text: str, *, is_html: bool = True) -> list[MergeField]:
    """Give the fields of a text, each once, in the order in which they stand.

    Args:
        is_html: False for a subject or any other plain text.
    """
    slots = (piece for piece in _pieces(text, is_html) if isinstance(piece, _Slot))
    return list(dict.fromkeys(slot.field for slot in slots if slot.field is not None))


def unknown_in(text: str, known: Collection[str], *, is_html: bool = True) -> list[str]:
    """Give what cannot be filled in, each once: labels that are not in `known`, and what is broken, as it is written.

    Args:
        known: labels, such as "contact.first_name", in lower case.
    """
    slots = [piece for piece in _pieces(text, is_html) if isinstance(piece, _Slot)]
    found = (slot.broken if slot.field is None else slot.field.label for slot in slots)
    return list(dict.fromkeys(each for each in found if each not in known))


def render_html(html: str, values: Values) -> Merged:
    """Fill in the fields of cleaned HTML; values are text, and are escaped for where they stand."""
    return _fill(_html_pieces(html), values)


def render_text(text: str, values: Values) -> Merged:
    """Fill in the fields of plain text, such as a subject; a value brings no line breaks."""
    return _fill(_text_pieces(text), values)


def write_field(group: str, name: str, fallback: str = "") -> str:
    """Write a field as people type it."""
    return f'{{{{ {group}.{name} | "{fallback}" }}}}' if fallback else f"{{{{ {group}.{name} }}}}"


def _pieces(text: str, is_html: bool) -> _Pieces:
    return _html_pieces(text) if is_html else _text_pieces(text)


def _fill(pieces: _Pieces, values: Values) -> Merged:
    written: list[str] = []
    missing: dict[str, None] = {}
    left = _MOST_FILLED
    for piece in pieces:
        if isinstance(piece, str):
            written.append(piece)
            continue
        value = _value_of(piece.field, values) if piece.field else ""
        left -= len(value)
        if value and left >= 0:
            written.append(piece.write(value))
        else:
            missing[piece.field.label if piece.field else piece.broken] = None
    return Merged("".join(written), list(missing))


def _value_of(field: MergeField, values: Values) -> str:
    group = values.get(field.group, {})
    value = group.get(field.name)
    if value is None:
        value = next((each for name, each in group.items() if name.casefold() == field.name), "")
    return " ".join(str(value).split()) or field.fallback or ""


@lru_cache(maxsize=64)
def _text_pieces(text: str) -> _Pieces:
    pieces: list[str | _Slot] = []
    at = 0
    for start, end, field in _found(text.translate(dict.fromkeys(map(ord, _INVISIBLE), " "))):
        pieces += [text[at:start], _Slot(field, "" if field else _one_line(text[start:end]))]
        at = end
    return (*pieces, text[at:])


def _found(text: str) -> Iterator[tuple[int, int, MergeField | None]]:
    """Give where the fields stand, and what is broken, from the first to the last."""
    at = 0
    for match in [*_FIELD.finditer(text), None]:
        until = match.start() if match else len(text)
        for broken in _BROKEN.finditer(text, at, until):
            yield broken.start(), broken.end(), None
        if match:
            fallback = " ".join((match[3] or match[4] or "").split()) or None
            yield match.start(), match.end(), MergeField(match[1].lower(), match[2].casefold(), fallback)
            at = match.end()


@lru_cache(maxsize=16)
def _html_pieces(html: str) -> _Pieces:
    """Read HTML as the text that a reader sees, and keep the tags in their places around it."""
    shown, spans, tags = _shown(html)
    pieces: list[str | _Slot] = []
    at = 0
    for start, end, field in _found(shown):
        first, last = spans[start][0], spans[end - 1][1]
        pieces += _with_attributes(html[at:first])
        pieces.append(_Slot(field, "" if field else _one_line(shown[start:end]), write=_escaped))
        pieces += _with_attributes("".join(_unbalanced([tag for place, tag in tags if first < place < last])))
        at = last
    return (*pieces, *_with_attributes(html[at:]))


def _shown(html: str) -> tuple[str, list[tuple[int, int]], list[tuple[int, str]]]:
    """Give the visible text, for each of its characters where it stands in the HTML, and the tags with their places."""
    characters: list[str] = []
    spans: list[tuple[int, int]] = []
    tags: list[tuple[int, str]] = []
    at = 0
    for token in [*_TOKEN.finditer(html), None]:
        for found in _CHARACTER.finditer(html, at, token.start() if token else len(html)):
            character = unescape(found[0])[:1]
            if character and character not in _INVISIBLE:
                characters.append(character.replace("\u00a0", " "))
                spans.append(found.span())
        if token is None:
            break
        at = token.end()
        name = _TAG_NAME.match(token[0])
        tags.append((token.start(), token[0]))
        if name and name[1].lower() not in _INLINE:
            characters.append(_LINE_END)
            spans.append(token.span())
    return "".join(characters), spans, tags


def _unbalanced(tags: list[str]) -> list[str]:
    """Leave out what opens and closes within a field: an empty link would be all that is left of it."""
    kept: list[str] = []
    for tag in tags:
        name = _TAG_NAME.match(tag)
        opener = _TAG_NAME.match(kept[-1]) if kept and not kept[-1].startswith("</") else None
        if tag.startswith("</") and name and opener and opener[1].lower() == name[1].lower():
            kept.pop()
        else:
            kept.append(tag)
    return kept


def _with_attributes(html: str) -> Iterator[str | _Slot]:
    """Cut HTML where fields stand within tags: a link's address and its title take them, nothing else does."""
    at = 0
    for tag in _TOKEN.finditer(html):
        if "{" not in tag[0] and "}" not in tag[0] and "%7b" not in tag[0].lower():
            continue
        for attribute in _ATTRIBUTE.finditer(tag[0]):
            group = 2 if attribute[2] is not None else 3
            start, end = (tag.start() + each for each in attribute.span(group))
            yield html[at:start]
            yield from _attribute_pieces(attribute[1].lower(), unescape(attribute[group]))
            at = end
    yield html[at:]


def _attribute_pieces(name: str, value: str) -> Iterator[str | _Slot]:
    is_address = name == "href"
    text = _ENCODED.sub(lambda found: unquote(found[0]), value) if is_address else value
    if is_address or name in ("title", "alt"):
        at = 0
        for start, end, field in _found(text):
            write = _escaped if not is_address else _as_address if _is_scheme(text[:start]) else _as_part_of_address
            if write is _as_address:
                at = start
            else:
                yield _escaped(text[at:start])
                at = start
            yield _Slot(field, "" if field else _one_line(text[start:end]), write=write)
            at = end
        yield _escaped(text[at:])
    elif "{{" in value or "}}" in value:
        yield _Slot(None, _one_line(value))
    else:
        yield _escaped(value)


def _is_scheme(text: str) -> bool:
    return text.strip().lower() in ("https://", "http://")


def _as_address(value: str) -> str:
    address = value if re.match(r"https?://", value, re.IGNORECASE) else f"https://{value}"
    return _escaped(quote(address, safe=_URL_SAFE))


def _as_part_of_address(value: str) -> str:
    return _escaped(quote(value, safe=""))


def _escaped(value: str) -> str:
    return escape(value, quote=True)


def _one_line(text: str) -> str:
    return " ".join(text.replace(_LINE_END, " ").split())[:80]
