"""A mailing's follow-ups: when the next one is due, and who gets none any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, null, or_, select, update

from webmail.store.models import MailingRecipient, MailingStep, Message, Submission, utc_now
from webmail.store.session import Session

_ENDS = ("replied_at", "bounced_at", "unsubscribed_at", "complained_at")
UNSHOWN = "unshown"
"""Where `Submission.filing` says so, the mail has left a moment ago, and its conversation does not show it yet."""


def days_until_next(s: Session, mailing_id: int, step: int) -> int | None:
    """Give how many days after a step the next one is due; None when there is none."""
    query = select(MailingStep.wait_days).where(MailingStep.mailing_id == mailing_id, MailingStep.number == step + 1)
    return s.scalar(query)


def has_answered() -> ColumnElement[bool]:
    """Say whether something came back that ends the follow-ups: an answer, a bounce, a wish for no more."""
    return or_(*(getattr(MailingRecipient, name).is_not(None) for name in _ENDS))


def end_answered(s: Session, mailing_id: int) -> None:
    """Take the next follow-up off all from whom something came back."""
    statement = update(MailingRecipient).where(
        MailingRecipient.mailing_id == mailing_id, MailingRecipient.next_step_at.is_not(None), has_answered()
    )
    s.execute(statement.values(next_step_at=None))


def record_mail_sent(s: Session, submission: Submission, **values: Any) -> None:
    """Record that a mail of a mailing has left, and when the next follow-up is due; `show_sent()` does the rest.

    Args:
        values: columns of the submission to set along with it.
    """
    now = utc_now()
    columns: dict[str, Any] = {
        "state": "sent",
        "sent_at": submission.sent_at or now,
        "held_reason": "",
        "error_sentence": "",
        "claimed_until": None,
        "filing": UNSHOWN,
        "updated_at": now,
    }
    s.execute(update(Submission).where(Submission.id == submission.id).values(**columns | values))
    _note_with_recipient(s, submission, now)


def _note_with_recipient(s: Session, submission: Submission, now: datetime) -> None:
    wait_days = days_until_next(s, submission.mailing_id or 0, submission.step or 0)
    next_at: ColumnElement[Any] = null()
    if wait_days is not None:
        due_at = literal(now + timedelta(days=wait_days), MailingRecipient.next_step_at.type)
        next_at = case((has_answered(), null()), else_=due_at)
    s.execute(
        update(MailingRecipient)
        .where(MailingRecipient.id == submission.recipient_id)
        .values(
            state="sent",
            sent_at=func.coalesce(MailingRecipient.sent_at, now),
            answer="",
            next_step_at=next_at,
        )
    )


def note_conversations(s: Session, submission_ids: Sequence[int]) -> None:
    """Note with the recipients of these mails in which conversation they lie."""
    conversation = (
        select(Message.conversation_id)
        .join(Submission, Submission.message_id == Message.id)
        .where(Submission.id.in_(submission_ids), Submission.recipient_id == MailingRecipient.id)
        .limit(1)
        .scalar_subquery()
    )
    of_these = select(Submission.recipient_id).where(Submission.id.in_(submission_ids))
    s.execute(
        update(MailingRecipient).where(MailingRecipient.id.in_(of_these)).values(conversation_id=conversation),
        execution_options={"synchronize_session": False},
    )
