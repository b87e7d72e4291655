"""What is on its way out: individual mails one by one, a mailing's as a number."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload, selectinload

from webmail.store.models import Account, Mailing, Submission
from webmail.store.scope import Scope
from webmail.store.session import Session

_ON_ITS_WAY = ("queued", "sending", "unsure", "failed")


@dataclass(frozen=True)
class MailingOnItsWay:
    """A mailing of which something waits, is unsure or has failed, and how much."""

    mailing: Mailing
    counts: dict[str, int]
    """By the submission's state."""


def _mine(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return (
        Submission.tenant_id == scope.tenant_id,
        Submission.user_id == scope.user_id,
        Submission.state.in_(_ON_ITS_WAY),
    )


def list_outbox(s: Session, scope: Scope) -> list[Submission]:
    """Give the user's individual mails that have not arrived, with account and files, the one due next first."""
    query = (
        select(Submission)
        .where(*_mine(scope), Submission.mailing_id.is_(None))
        .options(joinedload(Submission.account).selectinload(Account.signatures), selectinload(Submission.attachments))
        .order_by(Submission.not_before, Submission.id)
    )
    return list(s.scalars(query))


def count_outbox(s: Session, scope: Scope) -> int:
    """Count what `list_outbox()` gives."""
    return s.scalar(select(func.count()).where(*_mine(scope), Submission.mailing_id.is_(None))) or 0


def list_mailings_on_their_way(s: Session, scope: Scope) -> list[MailingOnItsWay]:
    """Give the mailings that are not through, newest first."""
    numbers = (
        select(Submission.mailing_id, Submission.state, func.count())
        .where(*_mine(scope), Submission.mailing_id.is_not(None))
        .group_by(Submission.mailing_id, Submission.state)
    )
    counts: dict[int | None, dict[str, int]] = {}
    for mailing_id, state, count in s.execute(numbers):
        counts.setdefault(mailing_id, {})[state] = count
    shown = select(Mailing).where(Mailing.id.in_(counts), Mailing.hidden_at.is_(None))
    mailings = s.scalars(shown.order_by(Mailing.id.desc()))
    return [MailingOnItsWay(each, counts[each.id]) for each in mailings]
