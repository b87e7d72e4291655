"""A mailbox as it lies in the store after its import, made from a seed without any server.

Words are drawn from 30,000 with the frequencies of a language (Zipf), so that some stand in nearly every mail, most in
hardly any; a third of the mails quote the one before. Conversations have one to eight messages.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient

from tests.servers.postgres import PostgresServer
from tests.servers.setup import SECRETS, migrate_new
from webmail import assets
from webmail.app import create_app
from webmail.config import load_config
from webmail.store import session, users
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import save_folders
from webmail.store.messages import Arrival, NewAttachment, take_in
from webmail.store.models import Account, Folder
from webmail.store.scope import Scope
from webmail.store.session import transaction

NEWEST = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
_BATCH = 500
_STEMS = "an ber con del est for gen hal in jor kan lim mon nor op per qua ren sal ter un ver wil xen yor zel".split()
_FILE = NewAttachment("2", "cv.pdf", "application/pdf", 90_000, "", is_inline=False, encoding="base64")


def vocabulary(rng: random.Random) -> list[str]:
    """Make 30,000 words, the frequent ones first."""
    known = dict.fromkeys("the to and of you for is in we on with interview position offer salary candidate".split())
    while len(known) < 30_000:
        known["".join(rng.choices(_STEMS, k=rng.randint(1, 4)))] = None
    return list(known)


@dataclass
class StoredMailbox:
    """A user with one mailbox of so many messages, in the database that this process is configured for."""

    scope: Scope
    account: Account
    inbox: Folder
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    count: int = 0

    def __post_init__(self) -> None:
        self.words = vocabulary(self.rng)
        self._weights = list(accumulate(1 / (rank + 2) for rank in range(len(self.words))))
        self._thread, self._left, self._last = "", 0, ""

    def fill(self, count: int, *, with_bodies: bool) -> None:
        """Add messages, as a sync does, until there are so many."""
        while self.count < count:
            arrivals = [self._arrival(with_body=with_bodies) for _ in range(min(_BATCH, count - self.count))]
            with transaction() as s:
                taken = take_in(s, self.account, self.inbox, arrivals)
                refresh_conversations(s, self.account, taken.conversation_ids)

    def sentence(self, count: int) -> str:
        """Give so many words, each as likely as it is frequent."""
        return " ".join(self.rng.choices(self.words, cum_weights=self._weights, k=count))

    def _arrival(self, *, with_body: bool) -> Arrival:
        self.count += 1
        if not self._left:
            self._thread, self._left = f"thread-{self.count}", self.rng.randint(1, 8)
        self._left -= 1
        person = self.words[100 + self.rng.randrange(3000)]
        values: dict[str, Any] = {
            "subject": self.sentence(6),
            "sent_at": NEWEST - timedelta(minutes=5) * (1_000_000 - self.count),
            "from_name": f"{person.title()} {self.words[100 + self.rng.randrange(3000)].title()}",
            "from_email": f"{person}@candidates.example",
            "to": [["Rita Recruiter", "rita@agency.example"]],
            "is_unread": self.rng.random() < 0.05,
            "is_flagged": self.rng.random() < 0.002,
            "snippet": self.sentence(25)[:200],
            **(self._body() if with_body else {}),
        }
        files = (_FILE,) if self.rng.random() < 0.12 else ()
        return Arrival(f"m{self.count}", [self._thread], values, attachments=files, uid=self.count)

    def _body(self) -> dict[str, Any]:
        text = self.sentence(self.rng.randint(40, 400))
        quoted = f"\n\n> {self._last}" if self.rng.random() < 0.33 else ""
        self._last = text
        return {"text": text + quoted, "snippet": text[:200], "body_state": "stored"}


@contextmanager
def empty_mailbox() -> Iterator[StoredMailbox]:
    """Make a database (SQLite, or what WEBMAIL_TEST_DATABASE names) with a user and a mailbox without mail."""
    with tempfile.TemporaryDirectory(prefix="wm-bench-") as folder:
        server = PostgresServer() if os.environ.get("WEBMAIL_TEST_DATABASE") == "postgresql" else None
        url = server.url(server.create()) if server else f"sqlite:///{Path(folder) / 'webmail.db'}"
        try:
            migrate_new(url)
            session.configure(url, (SECRETS["WEBMAIL_ENCRYPTION_KEYS"],))
            yield _mailbox()
        finally:
            session.engine().dispose()
            if server:
                server.stop()


def _mailbox() -> StoredMailbox:
    with transaction() as s:
        user = users.add_user(
            s, users.add_tenant(s, "bench"), email="rita@agency.example", name="R", password_hash=None
        )
        values = {"email": "rita@agency.example", "user_name": "rita", "smtp_host": "localhost", "smtp_port": 1}
        account = Account(tenant_id=user.tenant_id, user_id=user.id, is_backfilled=True, **values)
        s.add(account)
        s.flush()
        [inbox] = save_folders(s, account.id, {"INBOX": "inbox"}, {"INBOX"})
        return StoredMailbox(Scope(user.tenant_id, user.id), account, inbox)


def signed_in(scope: Scope) -> FlaskClient:
    """Give a client of the whole web application, with the user's session."""
    with tempfile.TemporaryDirectory() as folder:
        assets.configure("cdn", Path(folder))
        app: Flask = create_app(load_config({**SECRETS, "WEBMAIL_DATA": folder}))
    client = app.test_client()
    with session.reading() as s:
        user = users.load_user(s, scope)
    with client.session_transaction() as cookie:
        cookie["_user_id"] = f"{user.uuid}.{user.session_epoch}..{uuid4()}"
        cookie["_fresh"] = True
    return client
