"""Say what is wrong with a JSON value, by the same JSON Schema that the API's document shows of it.

Only the words that our shapes use are known here; an unknown one is a mistake of ours and raises. Objects are closed
unless they say otherwise: a field that nobody knows is refused, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

Shape = Mapping[str, Any]

_KNOWN = frozenset(
    "$ref type properties required additionalProperties minLength maxLength minimum maximum enum items minItems "
    "maxItems format contentEncoding description examples default".split()
)
_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")
"""Neither database takes these, and no person types them."""
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "null": type(None),
}


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a value: `field` is where ("" for all of it), such as `addresses[2]`."""

    field: str
    sentence: str


def flaw_in(value: object, shape: Shape, named: Mapping[str, Shape], field: str = "") -> Flaw | None:
    """Give the first thing that is wrong with a value, None when it is as its shape says.

    Args:
        named: the shapes that a `$ref` may name.
    """
    unknown = shape.keys() - _KNOWN
    if unknown:
        raise ValueError(f"A shape says {sorted(unknown)}, which nothing here understands.")
    if "$ref" in shape:
        return flaw_in(value, named[str(shape["$ref"]).rpartition("/")[2]], named, field)
    wrong_type = _flaw_of_type(value, shape, field)
    if wrong_type is not None or value is None:
        return wrong_type
    if isinstance(value, str):
        return _flaw_in_text(value, shape, field)
    if isinstance(value, dict):
        return _flaw_in_object(value, shape, named, field)
    if isinstance(value, list):
        return _flaw_in_list(value, shape, named, field)
    return _flaw_in_number(value, shape, field) if isinstance(value, int) and not isinstance(value, bool) else None


def _flaw_of_type(value: object, shape: Shape, field: str) -> Flaw | None:
    wanted = shape.get("type", ())
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    if not kinds or any(_is_of(value, kind) for kind in kinds):
        return None
    return Flaw(field, f"{_shown(field)} takes {' or '.join(_article(kind) for kind in kinds)}.")


def _is_of(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _flaw_in_text(value: str, shape: Shape, field: str) -> Flaw | None:
    if _NO_CHARACTER.search(value):
        return Flaw(field, f"{_shown(field)} holds a character that is none.")
    if not shape.get("minLength", 0) <= len(value) <= shape.get("maxLength", len(value)):
        return Flaw(field, f"{_shown(field)} takes {_range(shape, 'Length')} characters.")
    if "enum" in shape and value not in shape["enum"]:
        return Flaw(field, f"{_shown(field)} takes one of {', '.join(str(each) for each in shape['enum'])}.")
    kind = shape.get("format")
    if (kind == "uuid" and not _is_uuid(value)) or (kind == "date-time" and not _is_moment(value)):
        return Flaw(field, f"{_shown(field)} takes {'an id' if kind == 'uuid' else 'a time with its zone (RFC 3339)'}.")
    return None


def _is_uuid(value: str) -> bool:
    try:
        return str(UUID(value)) == value.lower()
    except ValueError:
        return False


def _is_moment(value: str) -> bool:
    try:
        moment = datetime.fromisoformat(value)
        return moment.tzinfo is not None and moment.astimezone(UTC) is not None
    except (ValueError, OverflowError):
        return False


def _flaw_in_number(value: int, shape: Shape, field: str) -> Flaw | None:
    least, most = shape.get("minimum", value), shape.get("maximum", value)
    return None if least <= value <= most else Flaw(field, f"{_shown(field)} takes a number from {least} to {most}.")


def _flaw_in_list(value: list[Any], shape: Shape, named: Mapping[str, Shape], field: str) -> Flaw | None:
    if not shape.get("minItems", 0) <= len(value) <= shape.get("maxItems", len(value)):
        return Flaw(field, f"{_shown(field)} takes {_range(shape, 'Items')} items.")
    flaws = (flaw_in(each, shape.get("items", {}), named, f"{field}[{at}]") for at, each in enumerate(value))
    return next((flaw for flaw in flaws if flaw is not None), None)


def _flaw_in_object(value: dict[str, Any], shape: Shape, named: Mapping[str, Shape], field: str) -> Flaw | None:
    properties: Mapping[str, Shape] = shape.get("properties", {})
    others = shape.get("additionalProperties", False)
    for name in shape.get("required", ()):
        if name not in value:
            return Flaw(_within(field, name), f"{_shown(_within(field, name))} is missing.")
    if len(value) > shape.get("maxItems", 200):
        return Flaw(field, f"{_shown(field)} takes up to 200 names.")
    for name, each in value.items():
        if name not in properties and others is False:
            return Flaw(_within(field, name[:80]), f"There is no field {name[:80]!r} here.")
        flaw = flaw_in(each, properties.get(name, others or {}), named, _within(field, name))
        if flaw is not None:
            return flaw
    return None


def _range(shape: Shape, of: str) -> str:
    least, most = shape.get(f"min{of}", 0), shape.get(f"max{of}")
    return f"from {least} to {most}" if least and most else f"at least {least}" if least else f"up to {most}"


def _within(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


def _shown(field: str) -> str:
    return field or "The body"


def _article(kind: str) -> str:
    return {"object": "an object", "array": "a list", "integer": "a whole number", "string": "a text"}.get(
        kind, "true or false" if kind == "boolean" else "null"
    )
