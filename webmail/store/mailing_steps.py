"""A mailing's follow-ups: when the next one is due, and who gets none any more."""

from __future__ import annotations

from sqlalchemy import or_, select, update

from webmail.store.models import MailingRecipient, MailingStep
from webmail.store.session import Session

_ENDS = ("replied_at", "bounced_at", "unsubscribed_at", "complained_at")


def days_until_next(s: Session, mailing_id: int, step: int) -> int | None:
    """Give how many days after a step the next one is due; None when there is none."""
    query = select(MailingStep.wait_days).where(MailingStep.mailing_id == mailing_id, MailingStep.number == step + 1)
    return s.scalar(query)


def has_answered(recipient: MailingRecipient) -> bool:
    """Say whether something came back that ends the follow-ups: an answer, a bounce, a wish for no more."""
    return any(getattr(recipient, name) is not None for name in _ENDS)


def end_answered(s: Session, mailing_id: int) -> None:
    """Take the next follow-up off all from whom something came back."""
    s.execute(
        update(MailingRecipient)
        .where(
            MailingRecipient.mailing_id == mailing_id,
            MailingRecipient.next_step_at.is_not(None),
            or_(*(getattr(MailingRecipient, name).is_not(None) for name in _ENDS)),
        )
        .values(next_step_at=None)
    )
