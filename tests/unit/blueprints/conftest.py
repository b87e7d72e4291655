"""The application under test, and clients that look at every HTML answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.test import TestResponse

from tests.unit.blueprints.page_checks import check_answer
from webmail import assets
from webmail.app import create_app
from webmail.config import Config, load_config
from webmail.store import users
from webmail.store.models import User
from webmail.store.scope import Scope
from webmail.store.session import reading

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
"""What htmx sends when it will put the answer into a part of the page."""


class _CompiledTemplates(BytecodeCache):
    """Jinja's compiled templates, kept for the whole run: each test has an application of its own."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


_compiled = _CompiledTemplates()


def load_user(scope: Scope) -> User:
    """Load the user of a scope as the database has it now."""
    with reading() as s:
        return users.load_user(s, scope)


class CheckedClient(FlaskClient):
    """A test client that checks every HTML answer, and can fill in the CSRF field."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        answer = super().open(*args, **kwargs)
        check_answer(self.application, answer)
        return answer

    @property
    def token(self) -> str:
        """The CSRF token that a page of this session would hold."""
        with self.session_transaction() as session:
            is_signed_in = "_user_id" in session
        if is_signed_in:
            return str(self.get("/session").get_json()["csrf_token"])
        return self.get("/login").get_data(as_text=True).split('name="csrf_token" value="')[1].partition('"')[0]

    def submit(self, path: str, data: Mapping[str, Any] | None = None, *, htmx: bool = False) -> TestResponse:
        """Post a form as a page would: with its CSRF field, by htmx or without."""
        fields = {**(data or {}), "csrf_token": self.token}
        return self.post(path, data=fields, headers=PARTIAL if htmx else {})

    def get_partial(self, path: str) -> TestResponse:
        """Get what htmx would put into a part of the page."""
        return self.get(path, headers=PARTIAL)

    def sign_in_as(self, scope: Scope) -> CheckedClient:
        """Begin a session for the user, as the sign-in page does."""
        user = load_user(scope)
        with self.session_transaction() as session:
            session["_user_id"] = f"{user.uuid}.{user.session_epoch}..{uuid4()}"
            session["_fresh"] = True
        return self


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration as production has it; the database and the queue are those of the `database` fixture."""
    return load_config(
        {
            "WEBMAIL_DATA": str(tmp_path),
            "WEBMAIL_SECRET_KEY": "a key for tests",
            "WEBMAIL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        }
    )


def build_app(config: Config) -> Flask:
    """Build an application whose clients check what they get, in a process that is prepared."""
    app = create_app(config)
    app.jinja_env.bytecode_cache = _compiled
    app.test_client_class = CheckedClient
    app.testing = True
    return app


_apps: dict[str, tuple[Flask, dict[str, Any]]] = {}
"""The application of each base URL, and its options as they were at first."""


@pytest.fixture
def app(config: Config, database: Any, tmp_path: Path) -> Flask:
    """The web application on a fresh database; built once, its options are as new for each test."""
    assets.configure("cdn", tmp_path / "assets")
    if config.base_url not in _apps:
        built = build_app(config)
        _apps[config.base_url] = built, dict(built.config)
    app, options = _apps[config.base_url]
    app.config.clear()
    app.config.update(options | {"WEBMAIL": config, "SECRET_KEY": config.secret_key})
    return app


@pytest.fixture
def stranger(app: Flask) -> CheckedClient:
    """A browser in which nobody is signed in."""
    client = app.test_client()
    assert isinstance(client, CheckedClient)
    return client


@pytest.fixture
def client(app: Flask, user: Scope) -> CheckedClient:
    """A browser in which `user` is signed in."""
    client = app.test_client()
    assert isinstance(client, CheckedClient)
    return client.sign_in_as(user)
