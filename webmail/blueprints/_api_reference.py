"""The API's document as people read it: the same paths and shapes, in the order in which a page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webmail.blueprints._api_document import document

_SUBJECTS = {
    "contacts": "Contacts",
    "users": "Users",
    "accounts": "Mailboxes",
    "conversations": "Mail",
    "submissions": "Mail",
    "search": "Mail",
    "webhook-endpoints": "Webhooks",
    "export": "Export",
}
"""A part of a path -> what its operations are listed under; the last part that is here decides."""


@dataclass(frozen=True)
class Row:
    """A field or an argument."""

    name: str
    kind: str
    """In words, with its limits."""
    shape: str = ""
    """The shape that it holds, to lead there."""
    is_required: bool = False
    about: str = ""


@dataclass(frozen=True)
class Entry:
    """An operation."""

    name: str
    method: str
    path: str
    summary: str
    about: list[str]
    arguments: list[Row]
    body: str
    answers: list[tuple[str, str, str]]
    """Status, words, shape."""


def sections(base_url: str) -> dict[str, list[Entry]]:
    """Give all operations, by what they are about."""
    found: dict[str, list[Entry]] = {}
    for path, methods in document(base_url)["paths"].items():
        parts = [part for part in path.split("/") if part in _SUBJECTS]
        for method, described in methods.items():
            found.setdefault(_SUBJECTS[parts[-1]], []).append(_entry(path, method, described))
    return found


def shapes(base_url: str) -> dict[str, list[Row]]:
    """Give the fields of each shape, by its name."""
    schemas: Mapping[str, Any] = document(base_url)["components"]["schemas"]
    return {
        name: [
            _row(field, schema, is_required=field in shape.get("required", ()))
            for field, schema in shape.get("properties", {}).items()
        ]
        for name, shape in schemas.items()
    }


def _entry(path: str, method: str, described: Mapping[str, Any]) -> Entry:
    return Entry(
        described["operationId"],
        method.upper(),
        path,
        described["summary"],
        described["description"].split("\n\n"),
        [
            _row(one["name"], one["schema"], is_required=one["required"], about=one.get("description", ""))
            for one in described["parameters"]
        ],
        _shape_of(described.get("requestBody", {})),
        [
            (status, answer["description"], _shape_of(answer))
            for status, answer in sorted(described["responses"].items())
        ],
    )


def _shape_of(holder: Mapping[str, Any]) -> str:
    contents = list(holder.get("content", {}).values())
    return str(contents[0]["schema"]["$ref"]).rpartition("/")[2] if contents else ""


def _row(name: str, schema: Mapping[str, Any], *, is_required: bool, about: str = "") -> Row:
    of = schema.get("items", schema)
    shape = str(of.get("$ref", "")).rpartition("/")[2]
    return Row(name, _kind(schema), shape, is_required, about or str(schema.get("description", "")))


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else list(schema.get("type", ["anything"]))
    words = " or ".join(kinds)
    if kinds[0] == "array":
        words = f"list of {_kind(schema['items'])}"
    elif "properties" in schema:
        words = "{ " + ", ".join(schema["properties"]) + " }" + "".join(f" or {each}" for each in kinds[1:])
    details = [str(schema[key]) for key in ("format", "contentEncoding") if key in schema]
    details += [f"up to {schema[key]:,}" for key in ("maxLength", "maxItems", "maximum") if key in schema]
    details += [f"{schema['default']!r} when left out".lower()] if "default" in schema else []
    return f"{words} ({', '.join(details)})" if details else words
