"""What disconnecting an account would end, counted before it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from webmail.store.models import Account, Conversation, Submission
from webmail.store.session import Session


@dataclass(frozen=True)
class Departure:
    """What hangs on an account: `queued` are the subjects of mails that have not gone out yet, oldest first."""

    account: Account
    queued: list[str]
    conversation_count: int


def load_departure(s: Session, account: Account) -> Departure:
    """Count what ends, or becomes a draft, when this account (already checked to be the user's) is disconnected."""
    queued = select(Submission.subject).where(Submission.account_id == account.id, Submission.state == "queued")
    count = select(func.count()).select_from(Conversation).where(Conversation.account_id == account.id)
    return Departure(account, list(s.scalars(queued.order_by(Submission.id))), s.scalar(count) or 0)
