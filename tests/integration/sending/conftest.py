"""A recruiter with a mailbox that sends: what was written, what went out, what lies in Sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.message import Message as Mime
from email.parser import BytesParser
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from tests.integration.sending.mass_desk import FAST, MassDesk
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.smtp import SmtpServer
from webmail import queue
from webmail.actions import drafts, submit
from webmail.actions.drafts import DraftFields
from webmail.store import submissions as store
from webmail.store.models import Account, Change, Message, Submission, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.sync import engine


class Desk:
    """One user, one mailbox, one way out."""

    def __init__(
        self, user: Scope, account: Account, mailbox: Mailbox, dovecot: Dovecot, smtp: SmtpServer, run_jobs: Any
    ) -> None:
        self.user, self.mailbox, self.dovecot, self.smtp, self.run_jobs = user, mailbox, dovecot, smtp, run_jobs
        self.account_id, self.account_uuid = account.id, account.uuid

    def receive(self, number: int = 1, **parts: Any) -> Message:
        """Have a mail delivered and synced, and give it as it is stored."""
        raw = parts.pop("raw", None) or build_mail(number, recipient=self.mailbox.email, **parts)
        self.dovecot.deliver(self.mailbox.email, raw)
        self.sync()
        return self.messages[-1]

    def sync(self) -> None:
        """Sync now, and run what follows from it."""
        engine.sync_account(self.account_id)
        self.run_jobs()

    def write(self, *, body: str = "<div>Good day</div>", **fields: Any) -> UUID:
        """Write a new mail."""
        uuid = drafts.open_draft(self.user, mode="new", account_uuid=self.account_uuid)
        self.save(uuid, **({"to": "cora@candidates.example", "subject": "Interview", "body_html": body} | fields))
        return uuid

    def save(self, uuid: UUID, *, revision: int | None = None, **fields: Any) -> int:
        """Save a draft with some fields changed."""
        draft = self.submission(uuid)
        values: dict[str, Any] = {
            name: getattr(draft, name) for name in ("to", "cc", "bcc", "subject", "is_plain", "body_html", "body_text")
        }
        written = DraftFields(**({"account_uuid": None} | values | fields))
        return drafts.save_draft(self.user, uuid, written, revision=draft.revision if revision is None else revision)

    def queue(self, **fields: Any) -> UUID:
        """Write a mail and press *Send*; no job has run yet."""
        uuid = self.write(**fields)
        submit.submit(self.user, uuid)
        return uuid

    def send(self, uuid: UUID) -> None:
        """Press *Send* and let the jobs run."""
        submit.submit(self.user, uuid)
        self.run_jobs()

    def submission(self, uuid: UUID) -> Submission:
        """Give a submission as it is stored."""
        with reading() as s:
            return store.load_submission(s, self.user, uuid)

    def mime(self, uuid: UUID) -> bytes:
        """Give a mail as it waits to go out."""
        with reading() as s:
            return store.load_mime(s, self.submission(uuid).id) or b""

    def change(self, uuid: UUID, **values: Any) -> None:
        """Put a submission into the state that a crash leaves, or let time go by for it."""
        with transaction() as s:
            s.execute(update(Submission).where(Submission.uuid == uuid).values(uuid=uuid, **values))

    def forget_jobs(self) -> None:
        """Lose what is on the queue, as a Redis that starts empty does."""
        queue.connection().flushdb()

    def let_time_pass(self, uuid: UUID) -> None:
        """Make whatever a submission waits for be over, and let the sweep and the jobs go on."""
        past = utc_now() - timedelta(seconds=1)
        waiting = self.submission(uuid)
        values = {name: past for name in ("not_before", "claimed_until", "filing_at") if getattr(waiting, name)}
        self.change(uuid, **values)
        submit.recover_lost()
        self.run_jobs()

    @property
    def account(self) -> Account:
        with reading() as s:
            return s.get_one(Account, self.account_id)

    def set_account(self, **values: Any) -> None:
        with transaction() as s:
            s.execute(update(Account).where(Account.id == self.account_id).values(**values))

    @property
    def messages(self) -> list[Message]:
        with reading() as s:
            return list(s.scalars(select(Message).where(Message.account_id == self.account_id).order_by(Message.id)))

    @property
    def changes(self) -> list[Change]:
        with reading() as s:
            return list(s.scalars(select(Change).where(Change.account_id == self.account_id).order_by(Change.id)))

    @property
    def sent_folder(self) -> list[bytes]:
        return [raw for raw, _ in self.dovecot.messages(self.mailbox, "Sent")]

    @property
    def sent_mail(self) -> Mime:
        """The one mail that went out."""
        assert len(self.smtp.received) == 1
        return BytesParser().parsebytes(self.smtp.received[0].mime)


@pytest.fixture
def make_desk(
    user: Scope, make_account: Callable[..., Account], dovecot: Dovecot, smtp_server: SmtpServer, run_jobs: Any
) -> Callable[..., Desk]:
    """Make a desk; without a word, the server is known to file nothing by itself, so that nobody waits for it."""

    def make(**columns: Any) -> Desk:
        mailbox = dovecot.account()
        account = make_account(mailbox, smtp=smtp_server, **({"files_sent_itself": False} | columns))
        return Desk(user, account, mailbox, dovecot, smtp_server, run_jobs)

    return make


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()


@pytest.fixture
def make_mass(make_desk: Callable[..., Desk]) -> Callable[..., MassDesk]:
    """Make a desk with a mailing whose pace nothing limits."""

    def make(**columns: Any) -> MassDesk:
        return MassDesk(make_desk(**({"mass_limits": FAST} | columns)))

    return make


@pytest.fixture
def mass(make_mass: Callable[..., MassDesk]) -> MassDesk:
    return make_mass()
