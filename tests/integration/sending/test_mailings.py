"""Mailings through a real SMTP server: each recipient once, at the pace, in conversations of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.message import Message as Mime
from email.parser import BytesParser
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from tests.integration.sending.conftest import Desk
from webmail.actions import mailings, pacing, suppressions
from webmail.actions.mailings import MailingFields, StepFields
from webmail.domain.tables import RecipientRow
from webmail.errors import InputRefused
from webmail.jobs import sweep
from webmail.store import mailings as store
from webmail.store.models import Account, AuditEntry, Mailing, MailingRecipient, Submission, Suppression, utc_now
from webmail.store.session import reading, transaction

pytestmark = pytest.mark.integration

FAST = {"minute": 100_000, "hour": 1_000_000, "day": 1_000_000}
TEXT = "<div>Dear {{ contact.first_name }}, a job as {{ job.title }} in Lyon.</div>"


class MassDesk:
    """A desk with a mailing."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.user = desk, desk.user
        self.uuid = mailings.create_mailing(desk.user, account_uuid=desk.account_uuid)

    def write(self, *, follow_ups: int = 0, **fields: Any) -> None:
        """Write the mailing: one mail, and so many follow-ups after three days each."""
        steps = [StepFields("A job as {{ job.title }}", TEXT, 0)]
        steps += [StepFields("", f"<div>Reminder {number + 1}</div>", 3) for number in range(follow_ups)]
        values: dict[str, Any] = {
            "name": "Nurses",
            "account_uuid": None,
            "job": {"title": "Nurse"},
            "time_zone": "Europe/Paris",
            "uses_recipients_zone": False,
            "window_from": 0,
            "window_until": 1440,
            "weekdays": list(range(7)),
            "has_unsubscribe": True,
            "steps": steps,
        }
        mailings.save_mailing(self.user, self.uuid, MailingFields(**(values | fields)), revision=self.mailing.revision)

    def add(self, *emails: str) -> mailings.Added:
        rows = [RecipientRow(each, f"Ana {each[:3]}", {"first_name": f"Ana-{each[:3]}"}) for each in emails]
        return mailings.add_recipients(self.user, self.uuid, rows)

    def start(self, *emails: str, **fields: Any) -> None:
        self.write(**fields)
        self.add(*emails)
        mailings.start(self.user, self.uuid)

    def run(self) -> None:
        """Let the sweep and the jobs go on, all waits over."""
        with transaction() as s:
            s.execute(update(Account).values(mass_next_at=None))
        pacing.recover_lost()
        sweep.sweep_mailings()
        self.desk.run_jobs()

    def let_days_pass(self, days: int) -> None:
        with transaction() as s:
            past = timedelta(days=days)
            for recipient in s.scalars(select(MailingRecipient).where(MailingRecipient.next_step_at.is_not(None))):
                assert recipient.next_step_at is not None
                recipient.next_step_at -= past

    @property
    def mailing(self) -> Mailing:
        with reading() as s:
            return store.load_mailing(s, self.user, self.uuid)

    @property
    def counts(self) -> store.Counts:
        with reading() as s:
            return store.counts(s, self.mailing.id)

    @property
    def recipients(self) -> dict[str, MailingRecipient]:
        with reading() as s:
            return {each.email: each for each in store.list_recipients(s, self.mailing.id)}

    @property
    def submissions(self) -> list[Submission]:
        with reading() as s:
            return list(s.scalars(select(Submission).where(Submission.mailing_id.is_not(None)).order_by(Submission.id)))

    def change(self, email: str, **values: Any) -> None:
        with transaction() as s:
            s.execute(update(MailingRecipient).where(MailingRecipient.email == email).values(**values))

    @property
    def received(self) -> list[Mime]:
        return [BytesParser().parsebytes(each.mime) for each in self.desk.smtp.received]

    @property
    def audit(self) -> list[AuditEntry]:
        with reading() as s:
            return list(s.scalars(select(AuditEntry).order_by(AuditEntry.id)))


@pytest.fixture
def make_mass(make_desk: Callable[..., Desk]) -> Callable[..., MassDesk]:
    def make(**columns: Any) -> MassDesk:
        return MassDesk(make_desk(**({"mass_limits": FAST} | columns)))

    return make


@pytest.fixture
def mass(make_mass: Callable[..., MassDesk]) -> MassDesk:
    return make_mass()


def test_each_gets_a_mail_of_their_own_filed_and_threaded(mass: MassDesk) -> None:
    mass.start("ana@there.example", "ben@there.example", "cem@there.example")

    mass.run()

    assert sorted(str(mail["To"]) for mail in mass.received) == [
        "Ana ana <ana@there.example>",
        "Ana ben <ben@there.example>",
        "Ana cem <cem@there.example>",
    ]
    assert len({mail["Message-ID"] for mail in mass.received}) == 3
    assert [mail["Cc"] for mail in mass.received] == [None] * 3
    assert {mail["Subject"] for mail in mass.received} == {"A job as Nurse"}
    assert "Dear Ana-ana, a job as Nurse" in mass.received[0].as_string()
    assert all("unsubscribe" in mail["List-Unsubscribe"] for mail in mass.received)
    assert len({message.conversation_id for message in mass.desk.messages}) == 3
    assert len(mass.desk.sent_folder) == 3
    assert [(each.state, each.filing) for each in mass.submissions] == [("sent", "appended")] * 3
    assert (mass.counts.sent, mass.counts.queued, mass.mailing.state) == (3, 0, "done")
    assert [(entry.action, entry.details["recipients"]) for entry in mass.audit] == [("mailing_started", 3)]
