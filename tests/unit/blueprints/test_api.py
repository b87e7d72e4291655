"""The API: what a tenant's own server can ask for, each answer held to the API's document."""

from __future__ import annotations

import base64
import email.policy
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from tests.unit.blueprints.api_server import DOCUMENT, Server, slug_of
from tests.unit.blueprints.received import add_mailbox, receive
from tests.unit.blueprints.written import add_account
from webmail import queue
from webmail.actions import api_contacts, api_keys
from webmail.blueprints._api import PER_MINUTE
from webmail.blueprints.api import OPERATIONS
from webmail.store import api_keys as answers
from webmail.store.models import Account, User, utc_now
from webmail.store.scope import Scope
from webmail.store.search_index import index_messages
from webmail.store.session import reading, transaction
from webmail.store.submissions import load_mime

MAIL = (
    "From: Cara <cara@home.example>\r\nTo: rita@acme.example\r\nSubject: {subject}\r\n"
    "Date: Mon, 5 Jan 2026 1{hour}:00:00 +0000\r\nMessage-ID: <{subject}@x.example>\r\n"
    "Content-Type: text/html\r\n\r\n<p>zebra</p><script>steal()</script>"
)


@pytest.fixture
def server(app: Flask, user: Scope) -> Server:
    with transaction() as s:
        row = s.get(User, user.user_id)
        assert row is not None
        row.external_id = "rita"
    return Server(app, slug_of(user))


def take_in(account: Account, *subjects: str) -> None:
    mails = [MAIL.format(subject=subject, hour=at).encode() for at, subject in enumerate(subjects)]
    stored = receive(account, *mails)
    with transaction() as s:
        index_messages(s, [message.id for message in stored])


def pages(server: Server, path: str) -> list[dict[str, Any]]:
    """Walk through all pages of two rows."""
    rows, cursor = [], ""
    while True:
        page = server.get(f"{path}{'&' if '?' in path else '?'}limit=2{cursor}")
        assert len(page["data"]) <= 2
        rows += page["data"]
        if page["next_cursor"] is None:
            return rows
        cursor = f"&cursor={page['next_cursor']}"


def test_the_document_and_the_routes_are_the_same(app: Flask) -> None:
    served = app.test_client().get("/api/v1/openapi.json").get_json()
    routes = {
        (method, rule.rule.removeprefix("/api/v1").replace("<uuid:", "{").replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1") and rule.endpoint not in ("api.show_document", "api.show_docs")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert {(method.upper(), path) for path, found in served["paths"].items() for method in found} == routes
    assert len(routes) == len(OPERATIONS)
    assert {name: each for name, each in served.items() if name != "servers"} == {
        name: each for name, each in DOCUMENT.items() if name != "servers"
    }
    for shape in served["components"]["schemas"].values():
        Draft202012Validator.check_schema(shape)


def test_contacts_are_told_of_listed_and_changed_without_losing_what_was_left_out(server: Server) -> None:
    whole = {
        "name": "Cara  Candidate",
        "first_name": "Cara",
        "company": "Initech",
        "addresses": ["Cara@Home.example", "cara@home.example"],
        "tags": ["nurse"],
        "fields": {"city": "Lyon"},
        "time_zone": "Europe/Paris",
    }
    assert server.ask("PUT", "/contacts/c-1", whole).status_code == 201
    assert server.ask("PUT", "/contacts/c-1", {"name": "Cara Dupont"}).status_code == 200

    shown = server.get("/contacts/c-1")
    assert (shown["name"], shown["company"], shown["fields"]) == ("Cara Dupont", "Initech", {"city": "Lyon"})
    assert shown["addresses"] == ["cara@home.example"] and shown["tags"] == ["nurse"]
    assert server.ask("DELETE", "/contacts/c-1").status_code == 204
    assert server.ask("GET", "/contacts/c-1").status_code == 404


def test_many_contacts_come_in_pages_and_by_what_changed_since(server: Server) -> None:
    people = [{"id": f"c-{at}", "addresses": [f"c{at}@home.example"]} for at in range(5)]
    told = server.ask("POST", "/contacts", {"contacts": [*people, {"id": "a/b"}, {"id": "x", "addresses": ["no no"]}]})

    assert told.get_json() | {"refused": []} == {"created": 5, "updated": 0, "refused": []}
    assert [(each["index"], each["field"]) for each in told.get_json()["refused"]] == [(5, "id"), (6, "addresses")]
    assert [each["id"] for each in pages(server, "/contacts")] == [f"c-{at}" for at in range(5)]

    last = server.get("/contacts/c-4")["updated_at"]
    server.ask("PUT", "/contacts/c-1", {"name": "Changed"})
    since = (utc_now() - timedelta(days=1)).isoformat().replace("+", "%2B")
    assert len(pages(server, f"/contacts?updated_since={since}")) == 5
    changed = pages(server, f"/contacts?updated_since={last.replace('+', '%2B')}")
    assert [each["id"] for each in changed] == ["c-4", "c-1"]


def test_two_that_tell_of_the_same_person_at_once_make_one(server: Server, user: Scope) -> None:
    with ThreadPoolExecutor(4) as pool:
        told = [pool.submit(api_contacts.upsert, user.tenant_id, "c-1", {"name": "Cara"}) for _ in range(8)]

    assert sum(each.result() for each in told) == 1 and len(pages(server, "/contacts")) == 1


def test_users_and_accounts_are_listed_with_their_status(server: Server, user: Scope) -> None:
    add_account(user, status="reconnect_needed", status_cause="password_refused", status_since=utc_now())
    assert server.ask("PUT", "/users/ben", {"name": "Ben", "email": "ben@acme.example"}).status_code == 201
    assert server.ask("PUT", "/users/ben", {"name": "Benno"}).status_code == 200

    assert [each["id"] for each in pages(server, "/users")] == ["rita", "ben"]
    ben = server.get("/users/ben")
    assert (ben["name"], ben["email"]) == ("Benno", "ben@acme.example")
    [account] = pages(server, "/accounts?user=rita")
    assert (account["status"], account["cause"]) == ("reconnect_needed", "password_refused")
    assert account["user"]["id"] == "rita" and server.get(f"/accounts/{account['id']}") == account
    assert pages(server, "/accounts?user=ben") == []


def test_conversations_of_a_contact_are_read_cleaned(server: Server, user: Scope) -> None:
    server.ask("PUT", "/contacts/c-1", {"addresses": ["cara@home.example"]})
    take_in(add_mailbox(user), "one", "two", "three")

    found = pages(server, "/contacts/c-1/conversations")

    assert [each["subject"] for each in found] == ["three", "two", "one"]
    assert found[0]["user"]["id"] == "rita" and found[0]["account"]["email"] == "rita@acme.example"
    [message] = pages(server, f"/conversations/{found[0]['id']}/messages")
    assert "zebra" in message["html"] and "script" not in message["html"]
    assert message["from"] == {"name": "Cara", "email": "cara@home.example"}


def test_search_takes_the_products_operators_and_comes_in_pages(server: Server, user: Scope) -> None:
    take_in(add_mailbox(user), "one", "two", "three")

    assert [each["subject"] for each in pages(server, "/users/rita/search?q=zebra")] == ["three", "two", "one"]
    assert [each["subject"] for each in pages(server, "/users/rita/search?q=subject:two")] == ["two"]
    assert pages(server, "/users/rita/search?q=from:nobody") == []


def mime_of(uuid: str) -> str:
    from uuid import UUID

    from sqlalchemy import select

    from webmail.store.models import Submission

    with reading() as s:
        found = s.scalar(select(Submission).where(Submission.uuid == UUID(uuid)))
        assert found is not None
        return (load_mime(s, found.id) or b"").decode()


def test_a_mail_is_sent_with_the_signature_once_or_not_at_all(server: Server, user: Scope) -> None:
    account = add_account(user, signature="<p>Rita of Acme</p>")
    mail = {"to": ["Cara <cara@home.example>"], "bcc": ["boss@acme.example"], "subject": "Hi", "text": "Hello"}

    signed = server.ask("POST", "/users/rita/submissions", mail).get_json()
    html = {"to": ["a@b.example"], "subject": "Hi", "html": "<p>Hello</p>"}
    rich = server.ask("POST", "/users/rita/submissions", html).get_json()
    bare = server.ask("POST", "/users/rita/submissions", mail | {"signature": False}).get_json()

    assert signed["state"] == "queued" and signed["account"] == str(account.uuid) and signed["conversation"]
    assert server.get(f"/submissions/{signed['id']}") == signed
    assert mime_of(signed["id"]).count("Rita of Acme") == 1 and "boss@acme" not in mime_of(signed["id"])
    assert mime_of(rich["id"]).count("Rita of Acme") == 2  # once in each of the two forms of the body
    assert "Rita of Acme" not in mime_of(bare["id"])


def test_a_mail_takes_files_along_within_limits(server: Server, user: Scope) -> None:
    add_account(user)
    mail = {"to": ["cara@home.example"], "subject": "Offer", "text": "Here it is", "signature": False}
    offer = {"filename": "../of\u202efer.pdf", "content": base64.b64encode(b"%PDF" * 100).decode()}
    notes = {"filename": "notes", "media_type": "text/plain", "content": base64.encodebytes(b"x" * 300).decode()}

    sent = server.ask("POST", "/users/rita/submissions", mail | {"attachments": [offer, notes, offer]})
    parsed = email.message_from_string(mime_of(sent.get_json()["id"]), policy=email.policy.default)
    files = [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        for part in parsed.iter_attachments()  # type: ignore[attr-defined]  # the default policy makes EmailMessage
    ]

    assert [each[:2] for each in files] == [
        ("of fer.pdf", "application/pdf"),
        ("notes", "text/plain"),
        ("of fer (2).pdf", "application/pdf"),
    ]
    assert files[0][2] == files[2][2] == b"%PDF" * 100 and files[1][2].strip() == b"x" * 300
    too_large = base64.b64encode(b"x" * 8_000_000).decode()
    for field, attachments in (
        ("attachments[0].content", [offer | {"content": "no base64!"}]),
        ("attachments[1].media_type", [offer, offer | {"media_type": "text/html\r\nX: y"}]),
        ("attachments[0].filename", [offer | {"filename": ""}]),
        ("attachments", [{"filename": f"{at}.bin", "content": too_large} for at in range(2)]),
        ("attachments", [offer] * 101),
    ):
        refused = server.ask("POST", "/users/rita/submissions", mail | {"attachments": attachments})
        assert (refused.status_code, refused.get_json()["field"]) == (422, field)


def test_an_answer_goes_into_its_conversation(server: Server, user: Scope) -> None:
    server.ask("PUT", "/contacts/c-1", {"addresses": ["cara@home.example"]})
    take_in(add_mailbox(user), "offer")
    [conversation] = pages(server, "/contacts/c-1/conversations")
    [message] = pages(server, f"/conversations/{conversation['id']}/messages")

    sent = server.ask("POST", "/users/rita/submissions", {"reply_to_message": message["id"], "text": "Yes"}).get_json()

    assert sent["conversation"] == conversation["id"]
    mime = mime_of(sent["id"])
    assert "In-Reply-To: <offer@x.example>" in mime and "cara@home.example" in mime and "Subject: Re: offer" in mime


def test_a_request_that_comes_again_is_done_once(server: Server, user: Scope) -> None:
    add_account(user)
    mail = {"to": ["cara@home.example"], "subject": "Hi", "text": "Hello"}
    key = {"Idempotency-Key": str(uuid4())}

    first = server.ask("POST", "/users/rita/submissions", mail, headers=key)
    again = server.ask("POST", "/users/rita/submissions", mail, headers=key)

    assert first.status_code == again.status_code == 202 and first.get_json() == again.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_request_that_was_refused_may_be_tried_again_under_its_key(server: Server, user: Scope) -> None:
    mail = {"to": ["cara@home.example"], "subject": "Hi", "text": "Hello"}
    refused = server.ask("POST", "/users/rita/submissions", mail, headers={"Idempotency-Key": "k"})
    add_account(user)

    assert refused.status_code == 422
    assert server.ask("POST", "/users/rita/submissions", mail, headers={"Idempotency-Key": "k"}).status_code == 202


def test_a_request_whose_answer_got_lost_makes_nothing_twice(server: Server, user: Scope) -> None:
    add_account(user)
    mail = {"to": ["cara@home.example"], "subject": "Hi", "text": "Hello"}
    key = {"Idempotency-Key": "lost"}
    first = server.ask("POST", "/users/rita/submissions", mail, headers=key)
    with transaction() as s:
        row = s.query(answers.ApiAnswer).one()
        row.status = row.secret = None

    assert server.ask("POST", "/users/rita/submissions", mail, headers=key).status_code == 409
    with transaction() as s:
        row = s.query(answers.ApiAnswer).one()
        row.created_at = utc_now() - timedelta(minutes=2)
    again = server.ask("POST", "/users/rita/submissions", mail, headers=key)

    assert again.status_code == 202 and again.get_json()["id"] == first.get_json()["id"]
    with transaction() as s:
        s.query(answers.ApiAnswer).one().created_at = utc_now() - timedelta(hours=25)
    fresh = server.ask("POST", "/users/rita/submissions", mail, headers=key)
    assert fresh.get_json()["id"] != first.get_json()["id"]


def test_each_answer_says_what_is_left_and_a_key_stops_at_its_rate(server: Server) -> None:
    first = server.ask("GET", "/users")
    left = int(first.headers["RateLimit"].partition("r=")[2].partition(";")[0])
    assert left == PER_MINUTE - 1 and first.headers["RateLimit-Policy"] == f'"key";q={PER_MINUTE};w=60'
    caller = api_keys.caller_of(server.key)
    assert caller is not None
    window = int(time.time() // 60)
    for minute in (window, window + 1):
        queue.connection().set(f"limit:api:{caller.key_id}:{minute}", PER_MINUTE)

    refused = server.ask("GET", "/users")

    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 60


def test_a_contact_is_exported_and_erased_with_the_mail(server: Server, user: Scope) -> None:
    server.ask("PUT", "/contacts/c-1", {"name": "Cara", "addresses": ["cara@home.example"]})
    take_in(add_mailbox(user), "one", "two")

    export = server.get("/contacts/c-1/export")
    erased = server.ask("DELETE", "/contacts/c-1?erase=mail").get_json()

    assert export["contact"]["name"] == "Cara" and [each["subject"] for each in export["messages"]] == ["one", "two"]
    assert erased == {"contacts": 1, "messages": 2, "submissions": 0, "recipients": 0}
    assert pages(server, "/users/rita/search?q=zebra") == []


def test_a_user_is_exported_and_erased(server: Server) -> None:
    server.ask("PUT", "/users/ben", {"name": "Ben"})

    assert server.get("/users/ben/export")["user"]["name"] == "Ben"
    assert server.ask("DELETE", "/users/ben").get_json()["is_done"] is True
    assert server.ask("GET", "/users/ben").status_code == 404
    assert server.ask("PUT", "/users/ben", {"name": "Another Ben"}).status_code == 201
