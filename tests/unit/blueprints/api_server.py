"""A tenant's own server that asks the API, and holds each answer to the API's document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from webmail.actions import api_keys
from webmail.blueprints._api_document import document
from webmail.store.models import Tenant
from webmail.store.scope import Scope
from webmail.store.session import reading

DOCUMENT = document("")
_PATHS = {re.compile(re.sub(r"{[a-z_]+}", "[^/]+", path)): paths for path, paths in DOCUMENT["paths"].items()}


def slug_of(scope: Scope) -> str:
    with reading() as s:
        tenant = s.get(Tenant, scope.tenant_id)
    assert tenant is not None
    return tenant.slug


class Server:
    """Asks with a key of its own, of all scopes unless some are given."""

    def __init__(self, app: Flask, slug: str, *scopes: str) -> None:
        self.client: Any = app.test_client()
        self.key = api_keys.add_key(slug, "tests", scopes or api_keys.SCOPES)

    def ask(
        self, method: str, path: str, body: object = None, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.key}"} | dict(headers or {})
        asked = {"json": body} if body is not None else {}
        answer = self.client.open(f"/api/v1{path}", method=method, headers=sent, **asked, **more)
        assert isinstance(answer, TestResponse)
        check_answer(method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()


def check_answer(method: str, path: str, answer: TestResponse) -> None:
    """Hold an answer to the document: its status is declared, and its body as its schema says."""
    operations = next((found for pattern, found in _PATHS.items() if pattern.fullmatch(path)), None)
    declared = (operations or {}).get(method.lower())
    if declared is None:
        assert answer.status_code in (401, 404, 405) and answer.mimetype == "application/problem+json"
        check_shape("Problem", answer.get_json())
        return
    described = declared["responses"].get(str(answer.status_code))
    assert described is not None, f"{method} {path}: {answer.status_code} is not in the document"
    if "content" not in described:
        assert answer.get_data() == b""
        return
    [(kind, content)] = described["content"].items()
    assert answer.mimetype == kind
    check_shape(content["schema"]["$ref"].rpartition("/")[2], answer.get_json())


def check_shape(name: str, value: object) -> None:
    """Hold a value to a schema of the document, by a validator that is not ours."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)
