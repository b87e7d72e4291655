"""Webhooks over the API: endpoints, what is written down for them, what may be a receiver."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from tests.unit.blueprints.api_server import Server, slug_of
from tests.unit.blueprints.received import add_mailbox, receive
from webmail.domain.webhooks import EVENTS
from webmail.providers import network
from webmail.store import session
from webmail.store.models import WebhookDelivery, WebhookEvent
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.store.webhooks import record_received

HOOK = {"url": "https://127.0.0.1:8443/hook", "events": ["message.received", "message.sent"]}
MAIL = (
    b"From: cara@home.example\r\nTo: rita@acme.example\r\nSubject: %d\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\nHi"
)


@pytest.fixture
def server(app: Flask, user: Scope) -> Server:
    return Server(app, slug_of(user))


def test_an_endpoint_is_made_changed_turned_over_and_forgotten(server: Server) -> None:
    made = server.ask("POST", "/webhook-endpoints", HOOK).get_json()
    path = f"/webhook-endpoints/{made['id']}"
    turned = server.ask("POST", f"{path}/rotate-secret").get_json()

    assert made["secret"].startswith("whsec_") and turned["secret"] != made["secret"]
    changed = server.ask("PUT", path, {"url": HOOK["url"], "events": ["message.sent"], "is_enabled": False}).get_json()
    assert (changed["events"], changed["is_enabled"]) == (["message.sent"], False)
    assert "secret" not in server.get(path)
    assert [each["id"] for each in server.get("/webhook-endpoints")["data"]] == [made["id"]]
    assert server.ask("DELETE", path).status_code == 204 and server.ask("GET", path).status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/hook",
        "https://localhost/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0x7f000001/",
        "https://10.0.0.1:8443/",
        "http://ats.example/",
        "https://ats.example:25/",
        "https://user@ats.example/",
        "file:///etc/passwd",
        "https://nowhere.invalid/",
    ],
)
def test_a_receiver_inside_the_network_is_refused(server: Server, url: str) -> None:
    network.configure(allow_private_hosts=False, ca_file=None)

    answer = server.ask("POST", "/webhook-endpoints", HOOK | {"url": url})

    assert answer.status_code == 422 and answer.get_json()["field"] == "url"
    assert server.get("/webhook-endpoints")["data"] == []


def test_another_tenants_endpoint_and_its_log_are_not_there(app: Flask, server: Server, make_user: object) -> None:
    made = server.ask("POST", "/webhook-endpoints", HOOK).get_json()
    other = Server(app, slug_of(make_user()))  # type: ignore[operator]
    path = f"/webhook-endpoints/{made['id']}"

    for method, at in (("GET", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/rotate-secret")):
        assert other.ask(method, f"{path}{at}").status_code == 404
    assert server.get(path)["url"] == HOOK["url"]


def test_an_unknown_event_is_refused(server: Server) -> None:
    answer = server.ask("POST", "/webhook-endpoints", HOOK | {"events": ["message.read"]})

    assert answer.status_code == 422 and len(EVENTS) == 6


def test_what_comes_costs_one_query_where_nobody_listens_and_few_where_somebody_does(
    server: Server, user: Scope
) -> None:
    account = add_mailbox(user)
    stored = receive(account, *(MAIL % at for at in range(300)))
    statements: list[str] = []
    event.listen(session.engine(), "before_cursor_execute", lambda *args: statements.append(args[2]))

    with transaction() as s:
        record_received(s, account, [each.id for each in stored])
    quiet = len([each for each in statements if not each.startswith(("BEGIN", "COMMIT"))])
    server.ask("POST", "/webhook-endpoints", HOOK)
    statements.clear()
    with transaction() as s:
        record_received(s, account, [each.id for each in stored])

    assert quiet == 1 and len(statements) < 10
    with reading() as s:
        assert s.scalar(select(func.count()).select_from(WebhookEvent)) == 300
        assert s.scalar(select(func.count()).select_from(WebhookDelivery)) == 300
