"""Shapes: our small validator agrees with a whole one on everything that the API's shapes say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from webmail.domain.shapes import flaw_in

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "age": {"type": ["integer", "null"], "minimum": 1, "maximum": 9},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "minItems": 1, "maxItems": 2},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
        "self": {"$ref": "#/components/schemas/Other"},
    },
    "required": ["name"],
    "additionalProperties": False,
}
OTHER: dict[str, Any] = {"type": "boolean"}
NAMED = {"Other": OTHER}
_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-2, 11), st.sampled_from(["", "a", "b", "abcd", "abcdef"]))
_VALUES = st.one_of(
    _LEAVES, st.lists(_LEAVES, max_size=3), st.dictionaries(st.sampled_from("abc"), _LEAVES, max_size=2)
)


@given(st.dictionaries(st.sampled_from([*PERSON["properties"], "strange"]), _VALUES))
def test_it_agrees_with_a_whole_validator(value: dict[str, Any]) -> None:
    whole = Draft202012Validator(PERSON | {"components": {"schemas": NAMED}})

    assert (flaw_in(value, PERSON, NAMED) is None) == whole.is_valid(value)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], ""),
        ({}, "name"),
        ({"name": "x", "role": "admin"}, "role"),
        ({"name": "x\0"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "x", "tags": ["ok", "long"]}, "tags[1]"),
        ({"name": "x", "fields": {"city": 7}}, "fields.city"),
    ],
)
def test_a_flaw_says_where_it_is(value: object, field: str) -> None:
    flaw = flaw_in(value, PERSON, NAMED)

    assert flaw is not None and flaw.field == field and flaw.sentence.endswith(".")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("uuid", "6f1d8b9e-0c55-4c5e-9a62-0d9a3e6f1b11", "6f1d8b9e"),
        ("date-time", "2026-01-05T10:00:00+00:00", "2026-01-05T10:00:00"),
    ],
)
def test_formats_are_checked(kind: str, good: str, bad: str) -> None:
    shape = {"type": "string", "format": kind}

    assert flaw_in(good, shape, {}) is None and flaw_in(bad, shape, {}) is not None


def test_a_word_that_nobody_checks_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="pattern"):
        flaw_in("x", {"type": "string", "pattern": "x"}, {})
