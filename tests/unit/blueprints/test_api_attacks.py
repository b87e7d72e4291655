"""What an API is attacked with: each attempt is refused, and what it was after stays as it is."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.unit.blueprints.api_server import Server, check_shape, slug_of
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions import api_keys
from webmail.providers import network
from webmail.store.models import Submission, User
from webmail.store.scope import Scope
from webmail.store.search_index import index_messages
from webmail.store.session import reading, transaction

MAIL = (
    b"From: cara@home.example\r\nTo: rita@acme.example\r\nSubject: secret-word\r\n"
    b"Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\nHi"
)
SENT = {"to": ["a@b.example"], "subject": "Hi", "text": "Hello"}


@dataclass
class World:
    """Two tenants with the same names for everything; `own` attacks, `other` is attacked."""

    app: Flask
    own: Server
    other: Server
    own_slug: str
    conversation: str
    message: str
    account: str
    submission: str
    cursor: str


@pytest.fixture
def world(app: Flask, make_user: Callable[..., Scope]) -> World:
    scopes = [make_user(), make_user()]
    for scope in scopes:
        with transaction() as s:
            row = s.get(User, scope.user_id)
            assert row is not None
            row.external_id = "rita"
    own, other = (Server(app, slug_of(scope)) for scope in scopes)
    add_mailbox(scopes[0], "own@acme.example")
    account = add_mailbox(scopes[1])
    [message] = receive(account, MAIL)
    with transaction() as s:
        index_messages(s, [message.id])
    for server in (own, other):
        for at in range(3):
            server.ask("PUT", f"/contacts/c-{at}", {"name": "Cara", "addresses": ["cara@home.example"]})
    sent = other.ask("POST", "/users/rita/submissions", SENT)
    return World(
        app,
        own,
        other,
        slug_of(scopes[0]),
        str(conversation_of(message).uuid),
        str(message.uuid),
        str(account.uuid),
        sent.get_json()["id"],
        other.get("/contacts?limit=1")["next_cursor"],
    )


def count_sent() -> int:
    with reading() as s:
        return s.scalar(select(func.count()).select_from(Submission)) or 0


def raw(world: World, method: str, path: str, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {world.own.key}"} | more.pop("headers", {})
    return world.own.client.open(f"/api/v1{path}", method=method, headers=headers, **more)


def with_scopes(world: World, *scopes: str) -> Server:
    return Server(world.app, world.own_slug, *scopes)


def revoked(world: World) -> Any:
    server = with_scopes(world)
    api_keys.remove_keys(world.own_slug, "tests")
    return server.ask("GET", "/contacts")


def replayed(world: World) -> Any:
    key = {"Idempotency-Key": str(uuid4())}
    world.own.ask("POST", "/contacts", {"contacts": [{"id": "n-1"}]}, headers=key)
    return world.own.ask("POST", "/contacts", {"contacts": [{"id": "n-2"}]}, headers=key)


def webhook_at(url: str) -> Callable[[World], Any]:
    def ask(world: World) -> Any:
        network.configure(allow_private_hosts=False, ca_file=None)
        return world.own.ask("POST", "/webhook-endpoints", {"url": url, "events": ["message.received"]})

    return ask


def file(**fields: str) -> list[dict[str, str]]:
    return [{"filename": "cv.pdf", "content": "JVBERg=="} | fields]


def send(world: World, **fields: Any) -> Any:
    return world.own.ask("POST", "/users/rita/submissions", SENT | fields)


NESTED = "[" * 200_000
LISTS = b'{"to": [' + b"[]," * 1_000_000 + b"[]]}"
ATTACKS: dict[str, tuple[Callable[[World], Any], int]] = {
    "no key": (lambda w: w.own.client.get("/api/v1/contacts"), 401),
    "a guessed key": (lambda w: w.own.ask("GET", "/contacts", headers={"Authorization": "Bearer wm_guess"}), 401),
    "a key with SQL": (lambda w: w.own.ask("GET", "/contacts", headers={"Authorization": "Bearer ' OR 1=1"}), 401),
    "a session's cookie only": (
        lambda w: w.own.client.get("/api/v1/users", headers={"Cookie": "webmail_session=x"}),
        401,
    ),
    "a revoked key": (revoked, 401),
    "a key in the address": (lambda w: raw(w, "GET", f"/contacts?api_key={w.own.key}"), 400),
    "a key under another name": (lambda w: raw(w, "GET", f"/contacts?limit={w.own.key}"), 400),
    "reading mail without mail:read": (
        lambda w: with_scopes(w, "contacts:read", "users:read").ask("GET", "/users/rita/search?q=x"),
        403,
    ),
    "sending with mail:read": (
        lambda w: with_scopes(w, "mail:read").ask("POST", "/users/rita/submissions", SENT),
        403,
    ),
    "writing with contacts:read": (lambda w: with_scopes(w, "contacts:read").ask("PUT", "/contacts/c-0", {}), 403),
    "erasing mail with contacts:write": (
        lambda w: with_scopes(w, "contacts:write").ask("DELETE", "/contacts/c-0?erase=mail"),
        403,
    ),
    "exporting a user with users:read": (lambda w: with_scopes(w, "users:read").ask("GET", "/users/rita/export"), 403),
    "hearing of mail with mail:read": (
        lambda w: with_scopes(w, "mail:read").ask(
            "POST", "/webhook-endpoints", {"url": "https://ats.example/", "events": ["message.received"]}
        ),
        403,
    ),
    "a webhook inside the network": (webhook_at("https://169.254.169.254/latest"), 422),
    "a webhook inside the network, dressed as IPv6": (webhook_at("https://[::ffff:169.254.169.254]/latest"), 422),
    "a webhook by a name that leads inside": (webhook_at("https://localhost:8443/hook"), 422),
    "another tenant's conversation": (lambda w: w.own.ask("GET", f"/conversations/{w.conversation}/messages"), 404),
    "another tenant's account": (lambda w: w.own.ask("GET", f"/accounts/{w.account}"), 404),
    "another tenant's submission": (lambda w: w.own.ask("GET", f"/submissions/{w.submission}"), 404),
    "sending from another tenant's account": (lambda w: send(w, account=w.account), 422),
    "answering another tenant's message": (lambda w: send(w, reply_to_message=w.message), 422),
    "searching in another tenant's account": (
        lambda w: w.own.ask("GET", f"/users/rita/search?q=secret-word&account={w.account}"),
        200,
    ),
    "a forged cursor": (lambda w: w.own.ask("GET", "/contacts?cursor=eyJhdCI6WzBdfQ"), 422),
    "another tenant's cursor": (lambda w: w.own.ask("GET", f"/contacts?limit=1&cursor={w.cursor}"), 422),
    "another list's cursor": (lambda w: w.other.ask("GET", f"/users?limit=1&cursor={w.cursor}"), 422),
    "an idempotency key with another body": (replayed, 409),
    "an endless idempotency key": (
        lambda w: w.own.ask("POST", "/contacts", {"contacts": [{"id": "x"}]}, headers={"Idempotency-Key": "k" * 201}),
        422,
    ),
    "a header in the subject": (lambda w: send(w, subject="Hi\r\nBcc: all@acme.example"), 422),
    "a header in an address": (lambda w: send(w, to=["a@b.example\r\nBcc: x@y.example"]), 422),
    "two addresses in one": (lambda w: send(w, to=["a@b.example, c@d.example"]), 422),
    "a header in a name": (lambda w: send(w, cc=["Eve\nX-Evil: 1 <a@b.example>"]), 422),
    "another sender": (lambda w: send(w, **{"from": "boss@acme.example"}), 422),
    "headers of one's own": (lambda w: send(w, headers={"X-Evil": "1"}), 422),
    "a header in a file's type": (lambda w: send(w, attachments=file(media_type="text/plain\r\nX-Evil: 1")), 422),
    "a file that is no base64": (lambda w: send(w, attachments=file(content="<script>")), 422),
    "files without number": (lambda w: send(w, attachments=file() * 51), 422),
    "files beyond all size": (lambda w: send(w, attachments=file(content="A" * 4_000_000) * 6), 422),
    "another tenant in the body": (lambda w: w.own.ask("PUT", "/contacts/c-0", {"tenant_id": 2}), 422),
    "a role in the body": (lambda w: w.own.ask("PUT", "/users/rita", {"name": "R", "password_hash": "x"}), 422),
    "an oversize body": (
        lambda w: raw(w, "PUT", "/contacts/c-0", data=b" " * 300_000, content_type="application/json"),
        413,
    ),
    "an oversize body that does not tell its size": (
        lambda w: raw(
            w,
            "PUT",
            "/contacts/c-0",
            input_stream=io.BytesIO(b" " * 300_000),
            environ_overrides={"wsgi.input_terminated": True},
            content_type="application/json",
        ),
        413,
    ),
    "a body nested without end": (
        lambda w: raw(w, "PUT", "/contacts/c-0", data=NESTED.encode(), content_type="application/json"),
        400,
    ),
    "a million empty lists": (
        lambda w: raw(w, "POST", "/users/rita/submissions", data=LISTS, content_type="application/json"),
        413,
    ),
    "a packed body that grows without end": (
        lambda w: raw(
            w,
            "PUT",
            "/contacts/c-0",
            data=gzip.compress(b" " * 5_000_000),
            content_type="application/json",
            headers={"Content-Encoding": "gzip"},
        ),
        400,
    ),
    "a number of ten thousand digits": (
        lambda w: raw(
            w, "PUT", "/contacts/c-0", data=b'{"name": ' + b"9" * 10_000 + b"}", content_type="application/json"
        ),
        400,
    ),
    "a form in place of JSON": (lambda w: raw(w, "PUT", "/contacts/c-0", data={"name": "x"}), 415),
    "a NUL in a name": (lambda w: w.own.ask("PUT", "/contacts/c-0", {"name": "x\0"}), 422),
    "a NUL in an id": (lambda w: w.own.ask("GET", "/contacts/c%00"), 404),
    "a time before all times": (
        lambda w: w.own.ask("GET", "/contacts?updated_since=0001-01-01T00:00:00%2B14:00"),
        422,
    ),
    "half a character": (
        lambda w: raw(w, "PUT", "/contacts/c-0", data=b'{"name": "\\ud800"}', content_type="application/json"),
        422,
    ),
    "too many at once": (
        lambda w: w.own.ask("POST", "/contacts", {"contacts": [{"id": str(at)} for at in range(1001)]}),
        422,
    ),
    "an id that is a path": (lambda w: w.own.ask("POST", "/contacts", {"contacts": [{"id": "../users"}]}), 200),
    "an address that is none": (lambda w: w.own.ask("GET", "/nothing/here"), 404),
    "a method that is none": (lambda w: w.own.ask("POST", "/contacts/c-0"), 405),
    "an argument that nobody knows": (lambda w: w.own.ask("GET", "/contacts?tenant=1"), 422),
    "a page without end": (lambda w: w.own.ask("GET", "/contacts?limit=100000"), 422),
}
"""What is tried, and the status that it gets."""


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(world: World, name: str) -> None:
    attack, status = ATTACKS[name]
    sent = count_sent()

    answer = attack(world)

    assert answer.status_code == status, answer.get_data(as_text=True)
    text = answer.get_data(as_text=True)
    if status >= 400:
        assert answer.mimetype == "application/problem+json"
        check_shape("Problem", json.loads(text))
    assert "secret-word" not in text and world.own.key not in text
    assert count_sent() == sent
    assert world.other.get("/contacts/c-0")["name"] == "Cara"
    if status == 200:
        assert answer.get_json().get("data", answer.get_json().get("created")) in ([], 0)


def test_an_idempotency_key_gives_no_other_key_its_answer(world: World) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = {"url": "https://127.0.0.1:8443/hook", "events": ["message.received"]}
    first = world.own.ask("POST", "/webhook-endpoints", body, headers=key).get_json()

    again = with_scopes(world, "webhooks").ask("POST", "/webhook-endpoints", body, headers=key).get_json()

    assert first["secret"] != again["secret"]


def test_nothing_of_a_body_is_read_before_its_key_is_known(world: World) -> None:
    class Endless:
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("it was read")

    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = world.own.client.post(
            "/api/v1/users/rita/submissions",
            environ_overrides={"wsgi.input": Endless(), "CONTENT_LENGTH": "25000000"},
            content_type=kind,
            headers={"Authorization": "Bearer wm_guess"},
        )
        assert answer.status_code == 401


def test_what_a_page_forges_of_another_origin_is_not_answered(world: World) -> None:
    answer = world.own.client.options(
        "/api/v1/contacts", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    )

    assert not [name for name in dict(answer.headers) if name.lower().startswith("access-control")]
