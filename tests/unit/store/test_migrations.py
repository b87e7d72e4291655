"""Steps from the first tables to the newest, with mail in them, while others are at work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Uuid, bindparam, inspect, text

from tests.servers.postgres import PostgresServer
from tests.servers.setup import SECRETS
from webmail.domain.search import parse_query
from webmail.store import session
from webmail.store.conversations import list_page
from webmail.store.migrate import alembic_config, is_migrated, migrate
from webmail.store.models import Base
from webmail.store.scope import Scope
from webmail.store.search import search_page
from webmail.store.suppressions import suppressed_among
from webmail.store.types import UtcDateTime

NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
INDEX_OF_SEARCH = "message_index"


@pytest.fixture
def empty(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, which this process is configured for."""
    if database_kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        name = server.create()
        url = server.url(name)
    session.configure(url, (SECRETS["WEBMAIL_ENCRYPTION_KEYS"],))
    yield url
    session.engine().dispose()
    if database_kind != "sqlite":
        server.drop(name)


def insert_old(table: str, **values: object) -> None:
    """Insert a row as the first version had it: what is not given is 0, false, empty or null, as its type wants."""
    with session.engine().begin() as connection:
        columns = {each["name"]: each for each in inspect(connection).get_columns(table)}
        row = dict(values)
        for name, column in columns.items():
            kind = str(column["type"]).upper()
            if name in row or column["nullable"] or name == "id":
                continue
            if name == "uuid":
                row[name] = uuid4()
            elif "TIME" in kind or "DATE" in kind:
                row[name] = NOW
            elif "JSON" in kind:
                row[name] = "[]"
            elif "BOOL" in kind:
                row[name] = False
            elif "INT" in kind:
                row[name] = 0
            else:
                row[name] = ""
        kinds = {datetime: UtcDateTime(), type(NOW): UtcDateTime()}
        types = [
            bindparam(name, type_=Uuid() if name == "uuid" else kinds.get(type(value)))
            for name, value in row.items()
            if name == "uuid" or type(value) in kinds
        ]
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join(
            f"CAST(:{name} AS JSON)" if "JSON" in str(columns[name]["type"]).upper() else f":{name}" for name in row
        )
        if connection.dialect.name == "sqlite":
            marks = ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})").bindparams(*types), row)


def fill_first_tables() -> Scope:
    insert_old("tenants", id=1, slug="acme")
    insert_old("users", id=1, tenant_id=1, email="rita@acme.example")
    owner = {"tenant_id": 1, "user_id": 1}
    insert_old("accounts", id=1, **owner, email="rita@acme.example", status="connected", fingerprint="{}")
    insert_old("folders", id=1, account_id=1, name="INBOX", role="inbox")
    insert_old("conversations", id=1, **owner, account_id=1, subject="Old offer", message_count=1, in_inbox=True)
    body = "zebra " * 10
    insert_old("messages", id=1, **owner, account_id=1, conversation_id=1, identity="m", subject="Old offer", text=body)
    insert_old("placements", id=1, account_id=1, message_id=1, folder_id=1, uid=1)
    insert_old("attachments", id=1, message_id=1, section="2", filename="cv.pdf")
    return Scope(1, 1)


def test_old_mail_survives_every_step_and_is_found(empty: str) -> None:
    command.upgrade(alembic_config(), "0001")
    scope = fill_first_tables()

    migrate()

    assert is_migrated()
    with session.reading() as s:
        assert [row.subject for row in list_page(s, scope, "inbox").rows] == ["Old offer"]
        assert [hit.subject for hit in search_page(s, scope, parse_query("zebra offer"), zone=UTC).hits] == [
            "Old offer"
        ]
        for table in ("placements", "attachments", "folders", "accounts"):
            assert s.scalar(text(f"SELECT count(*) FROM {table}")) == 1


def test_addresses_of_before_there_was_one_spelling_are_found_and_stand_there_once(empty: str) -> None:
    command.upgrade(alembic_config(), "0024")
    addresses = ["ana@xn--bcher-kva.example", "ana@bücher.example", "ben@xn--bcher-kva.example", "cara@home.example"]
    insert_old("tenants", id=1, slug="acme")
    for email in addresses:
        insert_old("suppressions", tenant_id=1, email=email)

    migrate()

    with session.reading() as s:
        found = suppressed_among(s, 1, ["ANA@xn--bcher-kva.example", "ben@bücher.example", "cara@home.example"])
        assert found == {"ana@bücher.example", "ben@bücher.example", "cara@home.example"}
        assert s.scalar(text("SELECT count(*) FROM suppressions")) == 3


def test_the_steps_lead_to_the_tables_that_the_product_works_with(empty: str) -> None:
    migrate()

    with session.engine().connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _parents: (
                    not (kind == "table" and str(name).startswith(INDEX_OF_SEARCH))
                ),
            },
        )
        assert compare_metadata(context, Base.metadata) == []


def test_a_step_that_fails_leaves_nothing_behind(empty: str) -> None:
    command.upgrade(alembic_config(), "0004")
    with session.engine().begin() as connection:
        connection.execute(text("CREATE TABLE tenant_keys (id INTEGER)"))

    with pytest.raises(Exception, match="tenant_keys"):
        command.upgrade(alembic_config(), "head")

    names = set(inspect(session.engine()).get_table_names())
    assert INDEX_OF_SEARCH not in names
    with session.engine().connect() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    with session.engine().begin() as connection:
        connection.execute(text("DROP TABLE tenant_keys"))
    migrate()
    assert is_migrated()


def test_every_step_can_be_taken_back(empty: str) -> None:
    command.upgrade(alembic_config(), "head")
    command.downgrade(alembic_config(), "0001")
    command.upgrade(alembic_config(), "head")

    assert is_migrated()


@pytest.mark.integration
def test_two_that_migrate_at_once_do_so_one_after_the_other(empty: str, tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WEBMAIL_")}
    environ |= {**SECRETS, "WEBMAIL_DATA": str(tmp_path), "WEBMAIL_DATABASE_URL": empty}
    start: Callable[[], subprocess.Popen[bytes]] = lambda: subprocess.Popen(  # noqa: E731  # twice the same
        [sys.executable, "-m", "webmail.cli", "migrate"], env=environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )

    both = [start(), start()]

    said = [each.communicate(timeout=90)[1] for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert is_migrated()
