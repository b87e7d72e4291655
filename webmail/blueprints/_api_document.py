"""The API's document: OpenAPI 3.1, made of the same declarations that check the requests."""

from __future__ import annotations

import re
from typing import Any

from webmail.actions.api_keys import SCOPES
from webmail.blueprints._api import OPERATIONS, PER_MINUTE, Operation
from webmail.blueprints._api_shapes import SHAPES
from webmail.domain.webhooks import EVENTS

_PLACE = re.compile(r"<(?:(uuid):)?([a-z_]+)>")
_PROBLEMS = {
    "400": "The request cannot be read, or carries a key in its address.",
    "401": "No key, or none that is known.",
    "403": "The key has not the scope that this takes.",
    "404": "There is no such thing, or not in this tenant.",
    "422": "A field or an argument cannot be used; `field` says which.",
    "429": "Too many requests; Retry-After says when to go on.",
}
_WITH_BODY = {"413": "The body is too large.", "415": "The body is no JSON."}


def document(base_url: str) -> dict[str, Any]:
    """Build the document.

    Args:
        base_url: this installation's address, "" to leave it out.
    """
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS.values():
        paths.setdefault(_PLACE.sub(r"{\2}", each.path), {})[each.method.lower()] = _operation(each)
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Mail for your ATS",
            "version": "1",
            "description": f"JSON only. A key may ask {PER_MINUTE} times a minute. Lists come in pages.",
        },
        "paths": paths,
        "webhooks": {name: {"post": _webhook(name)} for name in EVENTS},
        "components": {
            "schemas": dict(SHAPES),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": f"A key with scopes: {', '.join(SCOPES)}."}
            },
        },
        "security": [{"key": []}],
    }
    return described | ({"servers": [{"url": f"{base_url}/api/v1"}]} if base_url else {"servers": [{"url": "/api/v1"}]})


def _operation(each: Operation) -> dict[str, Any]:
    answers = {str(status): _answer(shape) for status, shape in each.answers.items()}
    problems = _PROBLEMS | (_WITH_BODY if each.body else {}) | ({"409": _TAKEN} if each.method == "POST" else {})
    answers |= {status: _problem(words) for status, words in problems.items()}
    described: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.summary,
        "description": f"{each.about}\n\nScope: `{each.scope}`".strip(),
        "parameters": _parameters(each),
        "responses": answers,
    }
    if each.body:
        described["requestBody"] = {"required": True, "content": _content(each.body)}
    return described


_TAKEN = "The Idempotency-Key belongs to another request, or the first one is still being worked on."


def _parameters(each: Operation) -> list[dict[str, Any]]:
    places = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"} | ({"format": "uuid"} if kind else {}),
        }
        for kind, name in _PLACE.findall(each.path)
    ]
    arguments = [
        {
            "name": one.name,
            "in": "query",
            "required": one.is_required,
            "schema": dict(one.shape),
            "description": one.about,
        }
        for one in each.arguments
    ]
    again = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "maxLength": 200},
        "description": "The same request under the same key is done once, and answered alike for 24 hours.",
    }
    return [*places, *arguments, *([again] if each.method == "POST" else [])]


def _answer(shape: str) -> dict[str, Any]:
    return {"description": "Done.", "content": _content(shape)} if shape else {"description": "Done."}


def _content(shape: str, kind: str = "application/json") -> dict[str, Any]:
    return {kind: {"schema": {"$ref": f"#/components/schemas/{shape}"}}}


def _problem(words: str) -> dict[str, Any]:
    return {"description": words, "content": _content("Problem", "application/problem+json")}


def _webhook(name: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": name,
        "description": "Signed as Standard Webhooks has it: `webhook-id`, `webhook-timestamp`, `webhook-signature`.",
        "requestBody": {"content": _content("Event")},
        "responses": {
            "2XX": {"description": "Taken."},
            "410": {"description": "Disables it."},
        },
    }
