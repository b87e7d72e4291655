"""Which drafts have still to be copied into their mailbox, and by whom."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from webmail.store.changes import OPEN
from webmail.store.models import Change, Submission
from webmail.store.session import Session, count_changed
from webmail.store.submissions import CLAIM_S


def copies_due(s: Session, now: datetime) -> list[Submission]:
    """Give the drafts whose copy is due and that nobody copies."""
    query = select(Submission).where(
        Submission.draft_due_at <= now,
        Submission.state == "draft",
        or_(Submission.claimed_until.is_(None), Submission.claimed_until <= now),
    )
    return list(s.scalars(query.limit(100)))


def claim_copy(s: Session, submission_id: int, now: datetime) -> int | None:
    """Take a draft whose copy is due; gives the claim's token, None when it is not to be had."""
    taken = count_changed(
        s,
        update(Submission)
        .where(
            Submission.id == submission_id,
            Submission.state == "draft",
            Submission.draft_due_at <= now,
            or_(Submission.claimed_until.is_(None), Submission.claimed_until <= now),
        )
        .values(claim_token=Submission.claim_token + 1, claimed_until=now + timedelta(seconds=CLAIM_S)),
    )
    return s.scalar(select(Submission.claim_token).where(Submission.id == submission_id)) if taken else None


def begun_copies(s: Session, account_id: int, submission_id: int) -> list[Change]:
    """Give the copies of a draft that were begun, and of which nobody knows whether they were made."""
    query = select(Change).where(Change.account_id == account_id, Change.kind == "append", Change.state.in_(OPEN))
    return [each for each in s.scalars(query) if each.payload.get("draft") == submission_id]
