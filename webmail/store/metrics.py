"""How much of everything there is, in numbers alone: nothing here names or tells of anybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from webmail.store.models import Account, Mailing, Submission, WebhookDelivery
from webmail.store.session import Session

_ON_THE_WAY = ("queued", "sending", "unsure")


@dataclass(frozen=True)
class Figures:
    """What stands in the database at a moment."""

    accounts: dict[str, int]
    """Status -> mailboxes."""
    submissions: dict[str, int]
    """State -> mails that are on their way, or of which nobody knows."""
    mailings: dict[str, int]
    """State -> mailings."""
    deliveries: dict[str, int]
    """State -> webhook deliveries of the log."""
    overdue_s: float
    """For how long the mail that should have gone out first has been waiting."""


def figures(s: Session, now: datetime) -> Figures:
    """Count: a few small queries, each on an index or a small table."""
    due = select(func.min(Submission.not_before)).where(
        Submission.state == "queued", Submission.held_reason.in_(("", "undo", "scheduled", "retry"))
    )
    first = s.scalar(due.where(Submission.not_before <= now))
    return Figures(
        _counts(s, Account.status),
        {state: _counts(s, Submission.state, state).get(state, 0) for state in _ON_THE_WAY},
        _counts(s, Mailing.state),
        _counts(s, WebhookDelivery.state),
        (now - first).total_seconds() if first is not None else 0.0,
    )


def _counts(s: Session, column: InstrumentedAttribute[str], only: str = "") -> dict[str, int]:
    query = select(column, func.count()).group_by(column)
    return {value: count for value, count in s.execute(query.where(column == only) if only else query)}
