"""What becomes of a mailing's mail: of its submission, of its recipient, and of the message that shows it.

A recipient's `state` tells of the mails together: `sent` once the first one has left, whatever becomes of a follow-up;
`unsure` as long as one of them is.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from webmail.actions.filing import files_itself
from webmail.actions.sent import can_file, remove_from_conversation
from webmail.store import mailing_steps
from webmail.store.mailings import change_recipient
from webmail.store.messages import conversation_ids_of
from webmail.store.models import MailingRecipient, Submission, utc_now
from webmail.store.session import Session


def record_mail_sent(s: Session, submission: Submission, **values: Any) -> None:
    """Record that a mail of a mailing has left: its copy is to be filed, and the next follow-up gets its day.

    Where the server files sent mail by itself, the sync finds the copy; ten thousand of them are not searched for.

    Args:
        values: columns of the submission to set along with it.
    """
    now = utc_now()
    submission.state, submission.sent_at = "sent", submission.sent_at or now
    submission.held_reason, submission.error_sentence = "", ""
    submission.claimed_until = None
    submission.filing = _filing_of(submission)
    submission.filing_at = now
    for name, value in values.items():
        setattr(submission, name, value)
    if submission.filing != "pending":
        submission.mime = None
    submission.updated_at = now
    recipient = s.get(MailingRecipient, submission.recipient_id)
    if recipient is None:
        return
    recipient.state, recipient.sent_at, recipient.answer = "sent", recipient.sent_at or now, ""
    if submission.message_id is not None:
        [recipient.conversation_id] = conversation_ids_of(s, [submission.message_id])
    wait_days = mailing_steps.days_until_next(s, recipient.mailing_id, submission.step or 0)
    is_over = mailing_steps.has_answered(recipient)
    recipient.next_step_at = None if wait_days is None or is_over else now + timedelta(days=wait_days)
    s.flush()


def _filing_of(submission: Submission) -> str:
    account = submission.account
    if account is not None and files_itself(account):
        return "found"
    return "pending" if can_file(account) else "impossible"


def settle_mail(s: Session, submission: Submission, state: str, sentence: str, answer: str = "") -> None:
    """Give a mail that did not leave its final state, and its recipient what follows from it.

    Args:
        state: `failed` or `unsure`.
    """
    submission.state, submission.held_reason = state, ""
    submission.error_sentence, submission.server_answer = sentence[:500], answer or submission.server_answer
    submission.claimed_until, submission.updated_at = None, utc_now()
    is_first = not submission.step
    if state == "failed":
        take_back_message(s, submission)
        to_state = "failed" if is_first else "sent"
    else:
        to_state = "unsure"
    values = {"next_step_at": None, "answer": answer or sentence}
    change_recipient(s, submission.recipient_id or 0, ("queued", "sent", "unsure"), to_state, **values)
    s.flush()


def hold_back(s: Session, submission: Submission, because: str) -> None:
    """Cancel a mail that must not go any more; a recipient who has had none is left out.

    Args:
        because: as `MailingRecipient.left_out_because`; "" where an answer ended the follow-ups.
    """
    submission.state, submission.held_reason, submission.claimed_until = "cancelled", "", None
    submission.updated_at = utc_now()
    take_back_message(s, submission)
    recipient_id = submission.recipient_id or 0
    if submission.step:
        change_recipient(s, recipient_id, ("sent",), "sent", next_step_at=None)
    elif because:
        change_recipient(s, recipient_id, ("queued",), "left_out", left_out_because=because)
    else:
        change_recipient(s, recipient_id, ("queued",), "cancelled")
    s.flush()


def take_back_message(s: Session, submission: Submission) -> None:
    """Take a mail that did not leave out of its conversation; it is built anew when its turn comes again."""
    message_id, submission.message_id = submission.message_id, None
    submission.mime, submission.data_started_at = None, None
    s.flush()
    remove_from_conversation(s, submission.account, message_id)


def queue_again(s: Session, submission: Submission, *, wait_s: float = 0.0, sentence: str = "") -> None:
    """Put a mail that did not leave back among those that wait for their turn."""
    now = utc_now()
    take_back_message(s, submission)
    submission.state, submission.held_reason = "queued", "pacing"
    submission.not_before = now + timedelta(seconds=wait_s) if wait_s else None
    submission.error_sentence, submission.claimed_until = sentence[:500], None
    submission.updated_at = now
    s.flush()
