"""What the tests of connecting and parting share: a form that fits the test servers, and one press of *Connect*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import JobRunner
from tests.integration.providers.conftest import Line, ScriptedServer
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.smtp import SmtpServer
from webmail.actions import connect
from webmail.actions.connect import ConnectForm
from webmail.store.accounts import list_accounts
from webmail.store.attempts import load_attempt
from webmail.store.models import Account, ConnectAttempt
from webmail.store.scope import Scope
from webmail.store.session import reading

FormMaker = Callable[..., ConnectForm]
Presser = Callable[..., ConnectAttempt]


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Mailbox:
    return dovecot.account()


@pytest.fixture
def form(mailbox: Mailbox, smtp_server: SmtpServer) -> FormMaker:
    """Build what is typed for the mailbox: `form(password="wrong")`."""

    def make(**typed: Any) -> ConnectForm:
        values = {
            "provider": "",
            "email": mailbox.email,
            "password": mailbox.password,
            "user_name": typed.get("email", mailbox.email),
            "imap_host": "localhost",
            "imap_port": mailbox.tls_port,
            "smtp_host": "localhost",
            "smtp_port": smtp_server.port,
            "imap_folder": "INBOX",
            "outbox_folder": "Sent",
            "ssl_enabled": True,
            "reads_mail": True,
            "read_marks": "all",
        }
        return ConnectForm(**(values | typed))

    return make


@pytest.fixture
def press(user: Scope, run_jobs: JobRunner) -> Presser:
    """Press *Connect*, let every job run, and give the attempt: `press(form, account_uuid=None)`."""

    def run(typed: ConnectForm, account_uuid: UUID | None = None) -> ConnectAttempt:
        uuid = connect.start_attempt(user, typed, account_uuid)
        run_jobs()
        return look_at(user, uuid)

    return run


def look_at(scope: Scope, uuid: UUID) -> ConnectAttempt:
    """Give an attempt as it stands."""
    with reading() as s:
        return load_attempt(s, scope, uuid)


def steps_of(attempt: ConnectAttempt) -> dict[str, dict[str, Any]]:
    """Give an attempt's steps by their keys."""
    return {step["key"]: step for step in attempt.steps}


@pytest.fixture
def scripted() -> Iterator[Callable[[Callable[[Line], None]], ScriptedServer]]:
    """Start a server that plays a dialogue: `scripted(lambda line: line.say(b"* OK"))`."""
    servers: list[ScriptedServer] = []

    def start(script: Callable[[Line], None]) -> ScriptedServer:
        servers.append(ScriptedServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def only_account(scope: Scope) -> Account:
    with reading() as s:
        (account,) = list_accounts(s, scope)
    return account
