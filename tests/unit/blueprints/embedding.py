"""A host's page and its frame, as a browser treats them: what it sends along, and what it keeps."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from tests.servers.launches import Ats
from tests.unit.blueprints.conftest import CheckedClient
from webmail.store import frames, users
from webmail.store.models import User
from webmail.store.scope import Scope
from webmail.store.session import reading

BASE = "http://127.0.0.1:8000"
HOST = "https://ats.acme.example"
MAIL = b"""From: a@b.example
Subject: Hi
Date: Mon, 5 Jan 2026 10:00:00 +0000
Message-ID: <1@b>

Hello
""".replace(b"\n", b"\r\n")
WITHIN = {"Sec-Fetch-Dest": "iframe"}


def post_launch(client: CheckedClient, token: str, origin: str | None, **headers: str) -> TestResponse:
    """Post a launch as a form in a page at `origin` does, into a frame."""
    sent = WITHIN | ({"Origin": origin} if origin is not None else {}) | headers
    data = {"token": token, "zone": "Europe/Berlin"}
    return client.post("/embed/launch", data=data, base_url="https://mail.example", headers=sent)


class FramePage:
    """A frame after its launch; without cookies when `refuses_cookies`."""

    def __init__(self, app: Flask, ats: Ats, *, refuses_cookies: bool = False, client: Any = None, **claims: Any):
        self.client: Any = client or app.test_client(use_cookies=not refuses_cookies)
        launched = post_launch(self.client, ats.token(**claims), ats.origin)
        assert launched.status_code == 303, launched.get_data(as_text=True)
        entered = self.get(launched.location)
        assert entered.status_code == 303, entered.get_data(as_text=True)
        self.address = entered.location
        self.name = parse_qs(urlsplit(self.address).query)["frame"][0]

    def get(self, address: str, **headers: str) -> TestResponse:
        """Follow a link in the frame."""
        answer = self.client.get(address, base_url="https://mail.example", headers=WITHIN | headers)
        assert isinstance(answer, TestResponse)
        return answer

    def ask(self, path: str, method: str = "GET", data: dict[str, str] | None = None, **headers: str) -> TestResponse:
        """Ask as the page's scripts do: the session is named in a header."""
        sent = {"X-Webmail-Frame": self.name, "Sec-Fetch-Dest": "empty", "Referer": "https://mail.example/"} | headers
        answer = self.client.open(path, method=method, data=data, base_url="https://mail.example", headers=sent)
        assert isinstance(answer, TestResponse)
        return answer

    @property
    def csrf(self) -> str:
        return str(self.ask("/session").get_json()["csrf_token"])

    def submit(self, path: str, data: dict[str, str] | None = None) -> TestResponse:
        """Change something as the page does."""
        return self.ask(path, "POST", data, **{"X-CSRFToken": self.csrf})


def user_of(ats: Ats, external_id: str = "rita") -> User | None:
    """Give the user whom a tenant's launches have made; None when none has."""
    with reading() as s:
        tenant = users.find_tenant(s, ats.slug)
        assert tenant is not None
        return frames.find_launched_user(s, tenant.id, external_id)


def scope_of(ats: Ats, external_id: str = "rita") -> Scope:
    """Give the scope of the user whom a tenant's launches have made."""
    user = user_of(ats, external_id)
    assert user is not None
    return Scope(user.tenant_id, user.id)
