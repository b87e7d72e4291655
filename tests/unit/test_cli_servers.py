"""The commands for a tenant's own server, run in this process on a database of the test's own."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from tests.unit.blueprints.api_server import slug_of
from tests.unit.blueprints.written import add_account
from webmail.actions import api_contacts, api_keys
from webmail.cli_servers import add_commands
from webmail.domain.webhooks import EVENTS
from webmail.errors import InputRefused, NotFound
from webmail.store.models import User, WebhookDelivery
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.store.webhooks import record_of_account


@pytest.fixture
def slug(user: Scope) -> str:
    return slug_of(user)


def tenant(*words: str) -> Result:
    group = click.Group()
    add_commands(group, lambda: None)
    return CliRunner().invoke(group, words)


def test_a_key_is_made_with_scopes_listed_and_taken_away(slug: str) -> None:
    made = tenant("api-key", slug, "--name", "sync", "--scope", "mail:read", "--scope", "mail:send")
    caller = api_keys.caller_of(made.output.strip())

    assert caller is not None and caller.scopes == {"mail:read", "mail:send"}
    assert tenant("api-key", slug, "--list").output.rstrip().endswith("mail:read mail:send")
    assert tenant("api-key", slug, "--name", "sync", "--remove").exit_code == 0
    assert api_keys.caller_of(made.output.strip()) is None
    assert isinstance(tenant("api-key", slug, "--scope", "everything").exception, InputRefused)


def test_an_endpoint_is_made_listed_turned_over_and_its_log_read(slug: str, user: Scope) -> None:
    made = tenant("webhook", slug, "--url", "https://127.0.0.1:8443/hook")
    uuid = made.output.split()[1]
    with transaction() as s:
        record_of_account(s, add_account(user), "account.connected")
    with reading() as s:
        delivery = s.scalars(select(WebhookDelivery)).one()

    listed = tenant("webhook", slug).output
    log = tenant("webhook-log", slug, uuid).output

    assert uuid in listed and all(name in listed for name in EVENTS) and "enabled" in listed
    assert f"{delivery.uuid}\taccount.connected\tpending\tnot yet" in log
    assert tenant("webhook-log", slug, uuid, "--send-again", str(delivery.uuid)).exit_code == 0
    assert tenant("webhook", slug, "--rotate", uuid).output.startswith("secret  whsec_")
    assert tenant("webhook", slug, "--remove", uuid).exit_code == 0 and tenant("webhook", slug).output == ""


def test_a_person_is_exported_and_erased(slug: str, user: Scope, tmp_path: Path) -> None:
    api_contacts.upsert(user.tenant_id, "c-1", {"name": "Cara", "addresses": ["cara@home.example"]})
    with reading() as s:
        name = str(s.get_one(User, user.user_id).uuid)
    file = tmp_path / "export.json"

    tenant("export", slug, "--contact", "c-1", "--to", str(file))

    assert json.loads(file.read_text())["contact"]["name"] == "Cara"
    assert json.loads(tenant("export", slug, "--user", name).output)["user"]["name"] == "Rita Recruiter"
    assert tenant("export", slug).exit_code == 2
    assert "0 messages" in tenant("erase-contact", slug, "c-1").output
    assert isinstance(tenant("erase-contact", slug, "c-1").exception, NotFound)
    assert "The user is gone.\n" in tenant("erase-user", slug, name).output
