"""Real servers, and a fresh database in a configured process, for every test that asks for them.

Servers live as long as one pytest process (each xdist worker has its own); mailboxes, databases and users are fresh for
each test. Nothing here replaces the product's own code.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from argon2 import PasswordHasher

from tests.servers.certificates import TestAuthority
from tests.servers.dovecot import SIMPLE, Dovecot, Mailbox
from tests.servers.jobs import run_jobs as run_all_jobs
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.setup import build_config, configure_process, migrate_new, release_process
from tests.servers.smtp import SmtpServer
from tests.servers.tokens import TokenHub
from webmail.config import Config
from webmail.store import session, users
from webmail.store.models import Account, utc_now
from webmail.store.scope import Scope
from webmail.store.secrets import seal

USER_PASSWORD = "correct horse battery"

_HERE = Path(__file__).parent
_TWICE = [
    _HERE / name
    for name in (
        "unit/store",
        "unit/blueprints/test_inbox.py",
        "unit/blueprints/test_conversations.py",
        "unit/blueprints/test_search.py",
        "unit/blueprints/test_embed.py",
        "unit/blueprints/test_shared.py",
        "integration/sync",
        "integration/sending",
        "integration/connect/test_connect.py",
        "integration/connect/test_endings.py",
    )
]
"""What `make test` runs on both databases: all that locks, counts or compares, and each kind of query of the pages."""

AccountMaker = Callable[..., Account]
JobRunner = Callable[..., list[str]]


@pytest.fixture(scope="session")
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture(scope="session")
def certificates(authority: TestAuthority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and for localhost and elsewhere.example a pem of certificate and key."""
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    for name in ("localhost", "elsewhere.example"):
        certificate, key = authority.issue(name)
        (folder / f"{name}.pem").write_bytes(certificate + key)
    return folder


@pytest.fixture(scope="session")
def token_hub() -> Iterator[TokenHub]:
    """Where the mail servers ask whose a token is; add identity servers to its `servers`."""
    hub = TokenHub()
    yield hub
    hub.stop()


@pytest.fixture(scope="session")
def dovecot(authority: TestAuthority, token_hub: TokenHub) -> Iterator[Dovecot]:
    """Takes its own password from any mailbox, and the tokens that `token_hub` vouches for."""
    server = Dovecot(authority, introspection_url=token_hub.url)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def simple_dovecot(authority: TestAuthority) -> Iterator[Dovecot]:
    """A server that claims neither MOVE nor UIDPLUS nor CONDSTORE nor IDLE."""
    server = Dovecot(authority, capability=SIMPLE)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _redis() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def redis_server(_redis: RedisServer) -> RedisServer:
    """A Redis-compatible server without anything in it."""
    _redis.clear()
    return _redis


@pytest.fixture
def smtp_server(dovecot: Dovecot, certificates: Path, token_hub: TokenHub) -> Iterator[SmtpServer]:
    """STARTTLS; every mailbox of `dovecot` may sign in, and mail to them is delivered."""
    server = SmtpServer(certificates, dovecot=dovecot, token_owner=token_hub.email_of)
    yield server
    server.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a database on the one that WEBMAIL_TEST_DATABASE names; `both`: on PostgreSQL too where it pays."""
    if "database_kind" not in metafunc.fixturenames:
        return
    wanted = os.environ.get("WEBMAIL_TEST_DATABASE") or "sqlite"
    kinds = [wanted]
    if wanted == "both":
        is_kind_alike = metafunc.definition.get_closest_marker("one_database") is not None
        runs_twice = not is_kind_alike and any(metafunc.definition.path.is_relative_to(each) for each in _TWICE)
        kinds = ["sqlite", "postgresql"] if runs_twice else ["sqlite"]
    if kinds != ["sqlite"]:
        metafunc.parametrize("database_kind", kinds)


@pytest.fixture(scope="session")
def database_kind() -> str:
    """`sqlite` or `postgresql`."""
    return "sqlite"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables, to be copied."""
    file = tmp_path_factory.mktemp("template") / "webmail.db"
    migrate_new(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _postgres_template(postgres: PostgresServer) -> str:
    """A database with all tables, to be copied."""
    name = postgres.create()
    migrate_new(postgres.url(name))
    return name


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database with all tables; it lies beside the test's other data, or in PostgreSQL."""
    if database_kind == "sqlite":
        shutil.copy(request.getfixturevalue("_sqlite_template"), tmp_path / "webmail.db")
        yield f"sqlite:///{tmp_path / 'webmail.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create(request.getfixturevalue("_postgres_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(database_url: str, redis_server: RedisServer, certificates: Path, tmp_path: Path) -> Iterator[Config]:
    """A fresh database; this process is configured for it, for Redis and for the test servers."""
    config = build_config(
        tmp_path, redis_url=redis_server.url, ca_file=certificates / "ca.pem", database_url=database_url
    )
    configure_process(config)
    yield config
    release_process()


@lru_cache(maxsize=1)
def _password_hash() -> str:
    return PasswordHasher().hash(USER_PASSWORD)


@pytest.fixture
def make_user(database: Config) -> Callable[..., Scope]:
    """Make a user, in a fresh tenant unless a slug is given; each signs in with `USER_PASSWORD`."""

    def make(email: str = "", *, tenant: str = "", name: str = "Rita Recruiter") -> Scope:
        with session.transaction() as s:
            slug = tenant or f"tenant-{uuid4().hex[:8]}"
            row = users.find_tenant(s, slug) or users.add_tenant(s, slug)
            address = email or f"user-{uuid4().hex[:8]}@ats.example"
            made = users.add_user(s, row, email=address, name=name, password_hash=_password_hash())
            return Scope(row.id, made.id)

    return make


@pytest.fixture
def user(make_user: Callable[..., Scope]) -> Scope:
    """A user in a tenant of its own."""
    return make_user()


@pytest.fixture
def make_account(user: Scope) -> AccountMaker:
    """Make a connected account for a mailbox: `make_account(mailbox, smtp=None, scope=user, **columns)`."""

    def make(mailbox: Mailbox, *, smtp: SmtpServer | None = None, scope: Scope = user, **columns: Any) -> Account:
        values = {
            "email": mailbox.email,
            "user_name": mailbox.email,
            "secret": seal({"password": mailbox.password}),
            "imap_host": mailbox.host,
            "imap_port": mailbox.tls_port,
            "imap_security": "tls",
            "smtp_host": "localhost",
            "smtp_port": smtp.port if smtp else 1,
            "smtp_security": smtp.security if smtp else "starttls",
            "imap_folder": "INBOX",
            "outbox_folder": "Sent",
            "wanted_at": utc_now(),
        }
        with session.transaction() as s:
            account = Account(tenant_id=scope.tenant_id, user_id=scope.user_id, **(values | columns))
            s.add(account)
        return account

    return make


@pytest.fixture
def run_jobs(database: Config) -> JobRunner:
    """Run all enqueued jobs here and now, until none is left: `run_jobs(timeout_s=60)` gives their ids."""
    return run_all_jobs
