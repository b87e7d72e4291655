"""Contacts: what a tenant's server tells of them, and the pane with a user's conversations with one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.servers.launches import Ats
from tests.unit.blueprints.embedding import BASE, HOST, FramePage
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions import api_keys
from webmail.store import frames, users
from webmail.store.scope import Scope
from webmail.store.search_index import index_messages
from webmail.store.session import reading, transaction


def mail(sender: str, to: str = "rita@acme.example", *, subject: str = "Hi", cc: str = "") -> bytes:
    more = f"Cc: {cc}\r\n" if cc else ""
    head = f"From: {sender}\r\nTo: {to}\r\n{more}Subject: {subject}\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n"
    name = subject.replace(" ", "-")
    return f"{head}Message-ID: <{name}@x.example>\r\n\r\ncara@candidates.example was here\r\n".encode()


@pytest.fixture
def ats(app: Flask) -> Ats:
    return Ats("acme", HOST, BASE)


class Server:
    """A tenant's own server, with a key of its own unless another is given."""

    def __init__(self, app: Flask, slug: str, key: str | None = None) -> None:
        self._client: Any = app.test_client()
        self._key = api_keys.add_key(slug, "tests") if key is None else key

    def ask(self, method: str, external_id: str, body: Mapping[str, Any] | None = None) -> TestResponse:
        path = f"/api/v1/contacts/{external_id}"
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        answer = self._client.open(path, method=method, json=body, headers=headers)
        assert isinstance(answer, TestResponse)
        return answer


@pytest.fixture
def server(app: Flask, ats: Ats) -> Server:
    return Server(app, "acme")


CARA = {"name": "Cara Candidate", "addresses": ["Cara@Candidates.example", "cara@home.example"]}


def scope_of(slug: str, external_id: str = "rita") -> Scope:
    with reading() as s:
        tenant = users.find_tenant(s, slug)
        assert tenant is not None
        user = frames.find_launched_user(s, tenant.id, external_id)
        assert user is not None
        return Scope(tenant.id, user.id)


def take_in(scope: Scope, *mails: bytes) -> list[str]:
    """Receive mails and index them as a sync does; gives the uuids of their conversations."""
    stored = receive(add_mailbox(scope), *mails)
    with transaction() as s:
        index_messages(s, [message.id for message in stored])
    return [str(conversation_of(message).uuid) for message in stored]


def test_a_contact_is_told_of_changed_and_forgotten(server: Server) -> None:
    made, again = server.ask("PUT", "c-7", CARA), server.ask("PUT", "c-7", CARA)

    assert (made.status_code, again.status_code) == (201, 200)
    shown = server.ask("GET", "c-7").get_json()
    assert (shown["id"], shown["name"]) == ("c-7", "Cara Candidate")
    assert shown["addresses"] == ["cara@candidates.example", "cara@home.example"]
    assert server.ask("DELETE", "c-7").status_code == 204
    assert server.ask("GET", "c-7").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"name": 7},
        {"name": "x" * 201},
        {"addresses": "cara@home.example"},
        {"addresses": ["no address"]},
        {"addresses": [None]},
        {"addresses": ["a@b.example"] * 21},
    ],
)
def test_what_is_no_contact_is_refused_with_its_field(server: Server, body: dict[str, Any]) -> None:
    answer = server.ask("PUT", "c-7", body)

    assert answer.status_code == 422 and answer.mimetype == "application/problem+json"
    assert answer.get_json()["field"].partition("[")[0] in ("name", "addresses")
    assert server.ask("GET", "c-7").status_code == 404


@pytest.mark.parametrize("key", ["", "wm_guessed", "Bearer", "' OR 1=1 --"])
def test_without_a_known_key_nothing_is_told(app: Flask, server: Server, key: str) -> None:
    server.ask("PUT", "c-7", CARA)

    for method in ("GET", "PUT", "DELETE"):
        answer = Server(app, "acme", key).ask(method, "c-7", CARA)
        assert answer.status_code == 401 and "Cara" not in answer.get_data(as_text=True)
    assert server.ask("GET", "c-7").status_code == 200


def test_another_tenants_key_reaches_none_of_it(app: Flask, server: Server) -> None:
    server.ask("PUT", "c-7", CARA)
    Ats("globex", "https://ats.globex.example", BASE)
    other = Server(app, "globex")

    assert other.ask("GET", "c-7").status_code == 404 and other.ask("DELETE", "c-7").status_code == 404
    other.ask("PUT", "c-7", {"name": "Somebody else", "addresses": []})
    assert server.ask("GET", "c-7").get_json()["name"] == "Cara Candidate"


def test_the_pane_shows_conversations_with_the_contacts_addresses_only(app: Flask, ats: Ats, server: Server) -> None:
    server.ask("PUT", "c-7", CARA)
    FramePage(app, ats)
    mails = [
        mail("Cara <cara@candidates.example>", subject="from her"),
        mail("rita@acme.example", "CARA@home.example", subject="to her"),
        mail("boss@acme.example", "ben@acme.example", cc="cara@candidates.example", subject="copied to her"),
        mail("not-cara@candidates.example", subject="another address"),
        mail("cara@candidates.example.evil.example", subject="a longer address"),
        mail("ben@home.example", subject="only named in the text"),
    ]
    take_in(scope_of("acme"), *mails)

    page = FramePage(app, ats, page="contact", contact="c-7")
    text = page.get(page.address).get_data(as_text=True)

    assert page.address.startswith("/embed/contact/c-7?frame=")
    for subject in ("from her", "to her", "copied to her"):
        assert subject in text
    for subject in ("another address", "a longer address", "only named"):
        assert subject not in text
    assert "to=cara@candidates.example" in text or "to=cara%40candidates.example" in text


def test_a_conversation_opens_in_place_and_leads_back(app: Flask, ats: Ats, server: Server) -> None:
    server.ask("PUT", "c-7", CARA)
    FramePage(app, ats)
    uuid = take_in(scope_of("acme"), mail("cara@candidates.example", subject="from her"))[0]
    page = FramePage(app, ats, contact="c-7")

    text = page.get(f"/conversations/{uuid}?contact=c-7&frame={page.name}").get_data(as_text=True)

    back = re.search(r'data-back data-key="u" href="([^"]+)"', text)
    assert back is not None and "contact=c-7" in back[1] and "from her" in text


def test_a_colleagues_mail_with_the_same_person_stays_theirs(app: Flask, ats: Ats, server: Server) -> None:
    server.ask("PUT", "c-7", CARA)
    FramePage(app, ats, sub="ben", email="ben@acme.example")
    take_in(scope_of("acme", "ben"), mail("cara@candidates.example", "ben@acme.example", subject="private"))

    page = FramePage(app, ats, contact="c-7")

    assert "private" not in page.get(page.address).get_data(as_text=True)


def test_another_tenants_contact_is_nobody(app: Flask, ats: Ats, server: Server) -> None:
    server.ask("PUT", "c-7", CARA)
    other = Ats("globex", "https://ats.globex.example", BASE)

    page = FramePage(app, other, contact="c-7")
    answer = page.get(page.address)

    assert answer.status_code == 404 and "Cara" not in answer.get_data(as_text=True)
