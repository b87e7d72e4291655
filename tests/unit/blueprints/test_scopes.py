"""Nobody reaches what is another's: every route with an id in it, asked by a colleague and by another tenant's user.

The routes are taken from the application itself, so that a new one is asked, too; an id of a new kind makes the test
fail until `World` has one. What is asked for must not be there, and nothing in the database may have changed by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.mailed import load as load_mailing
from tests.unit.blueprints.mailed import recipients, written_mailing
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions import mail_templates
from webmail.store.models import (
    Account,
    Attachment,
    Base,
    Change,
    ConnectAttempt,
    Contact,
    ContactAddress,
    MailingFile,
    Message,
    SavedSearch,
    Signature,
    Submission,
    SubmissionAttachment,
    Suppression,
    TrustedSender,
)
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction

SECRET, OF_ALL = "zanzibar", "maputo"
"""Words that stand in all that is a user's own, and in what a tenant has together."""
OF_THE_TENANT = {"contact_uuid", "suppression_uuid", "external_id"}
"""What all users of a tenant have together: it is only kept from other tenants."""
NO_IDS = {"key", "filename", "provider", "token"}
"""Arguments of routes that name nothing of a user's."""
OTHERS_WAYS = {"api", "unsubscribe", "static", "assets", "oauth"}
"""Blueprints that take no session: keys and signed links guard them, and have tests of their own."""
SILENT = {
    "selection.undo": "there is nothing to take back",
    "profile.remove_sender": "it is gone, whoever's it was",
    "conversations.messages": "without a script it leads to the conversation, which is not there",
}
"""Routes that say the same of what is another's and of what there never was, though no 404."""
FIELDS = {
    "revision": "0",
    "version": "1",
    "name": "x",
    "was_sent": "1",
    "sharing": "all",
    "text": "a@x.example",
    "column": "email",
    "at": f"{datetime.now() + timedelta(days=2):%Y-%m-%dT10:00}",
    "until": f"{datetime.now() + timedelta(days=2):%Y-%m-%dT10:00}",
}
"""Enough of each form that its route gets as far as looking for what is meant."""
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(16)
NAMING = {
    "account": "account_uuid",
    "account_uuid": "account_uuid",
    "template": "template_uuid",
    "use_template_0": "template_uuid",
    "template_0": "template_uuid",
    "contact": "contact_uuid",
    "signature": "signature_uuid",
    "recipient": "recipient_uuid",
    "message": "message_uuid",
    "open": "conversation_uuid",
    "conversations": "conversation_uuid",
    "uuid": "conversation_uuid",
    "after": "change_uuid",
}
"""Fields of forms and addresses that name something, and what."""
MAIL = (
    "From: Cara <cara@home.example>\r\nTo: {to}\r\nSubject: {secret} mail\r\nMessage-ID: <{name}@x.example>\r\n"
    "Date: Mon, 5 Jan 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\n{secret}\r\n--b\r\nContent-Type: text/plain; name={secret}.txt\r\n"
    "Content-Disposition: attachment; filename={secret}.txt\r\n\r\n{secret}\r\n--b--\r\n"
)


@dataclass
class World:
    """One of everything that is a user's own, with a word in it that nobody else may read; `ids` by argument name."""

    scope: Scope
    ids: dict[str, Any]

    def path(self, rule: Rule) -> str:
        """Fill a rule in with ids of this world."""
        files = {"file_uuid": self.ids["draft_file" if "draft_uuid" in rule.arguments else "mailing_file"]}
        with_values = {name: (self.ids | files)[name] for name in rule.arguments}
        return str(rule.build(with_values)[1])  # type: ignore[index]  # it has what it takes


def build_world(scope: Scope, word: str) -> World:
    """Give a user one of everything."""
    name = f"{word}-{scope.user_id}"
    account = add_mailbox(scope, f"{name}@acme.example")
    [message] = receive(account, MAIL.format(to=account.email, secret=word, name=name).encode())
    fields = mail_templates.TemplateFields(name=name, subject=word, html=word)
    ids = {
        "account_uuid": account.uuid,
        "message_uuid": message.uuid,
        "conversation_uuid": conversation_of(message).uuid,
        "template_uuid": mail_templates.add_template(scope, fields),
        "mailing_uuid": written_mailing(scope, emails=(f"{name}@people.example",), html=f"<div>{word}</div>"),
    }
    mailing = load_mailing(scope, ids["mailing_uuid"])
    [recipient] = recipients(scope, mailing.uuid).values()
    rows = {**_own_rows(scope, account, message, word), **_tenant_rows(scope)}
    rows["mailing_file"] = MailingFile(
        mailing_id=mailing.id, filename=f"{word}.txt", media_type="text/plain", size_bytes=8, content=word.encode()
    )
    with transaction() as s:
        s.add_all(rows.values())
        s.flush()
        rows["draft_file"] = SubmissionAttachment(
            submission_id=rows["draft_uuid"].id, filename=f"{word}.txt", media_type="text/plain", content=word.encode()
        )
        address = rows["contact_uuid"].addresses[0]
        s.add(ContactAddress(tenant_id=scope.tenant_id, address=address, contact_id=rows["contact_uuid"].id))
        s.add(rows["draft_file"])
        s.flush()
        rows["attachment_uuid"] = s.scalars(select(Attachment).where(Attachment.message_id == message.id)).one()
        return World(
            scope,
            ids
            | {"recipient_uuid": recipient.uuid}
            | {key: row.uuid for key, row in rows.items()}
            | {"external_id": rows["contact_uuid"].external_id},
        )


def _own_rows(scope: Scope, account: Account, message: Message, word: str) -> dict[str, Any]:
    own: dict[str, Any] = {"tenant_id": scope.tenant_id, "user_id": scope.user_id}
    at = own | {"account_id": account.id}
    mail = {"to": f"{word}@x.example", "subject": word, "body_html": word}
    batch, moved = uuid4(), {"kind": "move", "reason": "archive", "message_ids": [message.id]}
    return {
        "signature_uuid": Signature(**at, name=word, html=word),
        "draft_uuid": Submission(**at, **mail),
        "submission_uuid": Submission(**at, **mail, state="failed", message_id=message.id, error_sentence=word),
        "sender_uuid": TrustedSender(**own, email=f"{word}@x.example"),
        "search_uuid": SavedSearch(**own, name=word, query=word),
        "attempt_uuid": ConnectAttempt(**own, settings={"email": f"{word}@acme.example"}),
        "change_uuid": Change(
            **at, kind="flag", reason="star", message_ids=[message.id], payload={"add": ["\\Flagged"]}
        ),
        "batch": Change(**at, **moved, uuid=batch, payload={"batch": str(batch)}),
    }


def _tenant_rows(scope: Scope) -> dict[str, Any]:
    name = f"{OF_ALL}-{scope.user_id}"
    email = f"{name}@home.example"
    return {
        "contact_uuid": Contact(tenant_id=scope.tenant_id, external_id=name, name=name, addresses=[email]),
        "suppression_uuid": Suppression(tenant_id=scope.tenant_id, email=email, reason="by_hand", detail=name),
    }


def rules_with_ids(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Give each route that takes an id, once for GET and once for POST."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        is_other_way = rule.endpoint.partition(".")[0] in OTHERS_WAYS
        names = {name for name in rule.arguments if "uuid" in name or name not in NO_IDS}
        if is_other_way or not names:
            continue
        yield from ((method, rule) for method in ("GET", "POST") if method in (rule.methods or ()))


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Read all rows of all tables."""
    with reading() as s:
        return {
            table.name: sorted((tuple(row) for row in s.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


@pytest.fixture(params=["another tenant", "the same tenant"])
def worlds(request: pytest.FixtureRequest, make_user: Callable[..., Scope]) -> tuple[World, World]:
    """Who attacks, and who is attacked."""
    slug = "acme"
    attacked = build_world(make_user(tenant=slug), SECRET)
    return build_world(make_user(tenant=slug if request.param == "the same tenant" else "other"), "plain"), attacked


def test_no_route_gives_or_changes_what_is_anothers(app: Flask, worlds: tuple[World, World]) -> None:
    own, other = worlds
    is_colleague = own.scope.tenant_id == other.scope.tenant_id
    client = signed_in(app, own)
    form = {**FIELDS, "csrf_token": client.token}
    before = everything()
    given: list[tuple[Any, ...]] = []
    for method, rule in rules_with_ids(app):
        if is_colleague and rule.arguments <= OF_THE_TENANT:
            continue
        data = form | {"picture": (BytesIO(PICTURE), "x.png")} if method == "POST" else None
        answer = client.open(other.path(rule), method=method, data=data)
        is_refused = answer.status_code in (403, 404) or rule.endpoint in SILENT
        if not is_refused or SECRET.encode() in answer.get_data():
            given.append((method, rule.rule, answer.status_code))

    assert not given, "\n".join(map(str, given))
    assert everything() == before


def signed_in(app: Flask, world: World) -> CheckedClient:
    client = app.test_client()
    assert isinstance(client, CheckedClient)
    return client.sign_in_as(world.scope)


def test_no_form_takes_what_is_anothers(app: Flask, worlds: tuple[World, World]) -> None:
    """The way is the user's own; every field that may name something names what is another's."""
    own, other = worlds
    hidden = (SECRET,) if own.scope.tenant_id == other.scope.tenant_id else (SECRET, OF_ALL + f"-{other.scope.user_id}")
    client = signed_in(app, own)
    before, given, answers = hidden_rows(hidden), [], set()
    for method, rule in rules_of_pages(app):
        fields = {name: str(other.ids[key]) for name, key in NAMING.items()}
        place = "query_string" if method == "GET" else "data"
        form = {**FIELDS, **fields, "csrf_token": client.token}
        answer = client.open(own.path(rule), method=method, **{place: form})
        answers.add(answer.status_code)
        if any(word.encode() in answer.get_data() for word in hidden):
            given.append((method, rule.rule, answer.status_code))

    assert not given, "\n".join(map(str, given))
    assert hidden_rows(hidden) == before
    assert {200, 303} <= answers


def rules_of_pages(app: Flask) -> list[tuple[str, Rule]]:
    """Give all routes of pages: those that look first, those that end something last."""
    rules = [
        (method, rule)
        for rule in app.url_map.iter_rules()
        for method in ("GET", "POST")
        if method in (rule.methods or ()) and rule.endpoint.partition(".")[0] not in OTHERS_WAYS | {"events", "health"}
        if not rule.arguments & NO_IDS and rule.endpoint not in ("auth.logout", "auth.login", "embed.launch")
    ]
    endings = ("delete", "discard", "remove", "clear", "cancel", "disconnect", "drop", "start", "send", "password")
    return sorted(rules, key=lambda each: (each[0], any(word in each[1].rule for word in endings), each[1].rule))


def hidden_rows(words: tuple[str, ...]) -> dict[str, list[str]]:
    """Read all rows in which one of these words stands."""
    return {
        name: [repr(row) for row in rows if any(word in repr(row) for word in words)]
        for name, rows in everything().items()
    }
