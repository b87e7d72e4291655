"""A desk with a mailing: written, started, and sent as the sweep and the jobs do it."""

from __future__ import annotations

from datetime import timedelta
from email.message import Message as Mime
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from webmail.actions import mailings, pacing
from webmail.actions.mailings import MailingFields, StepFields
from webmail.domain.tables import RecipientRow
from webmail.jobs import sweep
from webmail.store import mailings as store
from webmail.store.models import Account, AuditEntry, Mailing, MailingRecipient, Submission, utc_now
from webmail.store.session import reading, transaction

if TYPE_CHECKING:
    from tests.integration.sending.conftest import Desk

FAST = {"minute": 100_000, "hour": 1_000_000, "day": 1_000_000}
TEXT = "<div>Dear {{ contact.first_name }}, a job as {{ job.title }} in Lyon.</div>"


class MassDesk:
    """One user, one mailbox, one mailing; nothing limits its pace unless the account says so."""

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
        """Let the sweep and the jobs go on, the pace aside, until nothing moves any more: a turn is short."""
        before: list[tuple[str, str]] | None = None
        while before != (now := [(each.state, each.filing) for each in self.submissions]):
            before = now
            with transaction() as s:
                s.execute(update(Account).values(mass_next_at=None))
            self.sweep()

    def sweep(self) -> None:
        """Let the sweep look once, and the jobs go on; waits are what they are."""
        pacing.recover_lost()
        sweep.sweep_mailings()
        self.desk.run_jobs()

    def let_days_pass(self, days: int) -> None:
        """Let the follow-ups come nearer."""
        with transaction() as s:
            past = timedelta(days=days)
            for recipient in s.scalars(select(MailingRecipient).where(MailingRecipient.next_step_at.is_not(None))):
                assert recipient.next_step_at is not None
                recipient.next_step_at -= past

    def let_waits_end(self) -> None:
        """Let be over whatever the provider has asked to wait for, or a process that is gone has claimed."""
        with transaction() as s:
            s.execute(update(Account).values(mass_until=None, mass_next_at=None))
            waiting = update(Submission).where(Submission.mailing_id.is_not(None))
            s.execute(waiting.where(Submission.state == "queued").values(not_before=None))
            past = utc_now() - timedelta(seconds=1)
            s.execute(waiting.where(Submission.claimed_until.is_not(None)).values(claimed_until=past))

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
