"""What becomes of a mailing's mail: of its submission, of its recipient, and of the message that shows it.

A recipient's `state` tells of the mails together: `sent` once the first one has left, whatever becomes of a follow-up;
`unsure` as long as one of them is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from webmail.actions.filing import files_itself
from webmail.actions.outgoing import arrival_of_mime
from webmail.actions.sent import can_file, remove_from_conversation
from webmail.store import mailing_steps, pacing
from webmail.store import submissions as store
from webmail.store.accounts import find_account
from webmail.store.conversations import refresh_conversations
from webmail.store.mailings import change_recipient
from webmail.store.messages import ids_by_identity, take_in
from webmail.store.models import Account, Submission, utc_now
from webmail.store.session import Session, transaction
from webmail.store.webhook_payloads import record_refused
from webmail.store.webhooks import Fact, record

_AT_ONCE = 25


def show_sent(account_id: int) -> None:
    """Show the mails that have left just now in their conversations, a few at a time, and have their copies filed."""
    shown = _AT_ONCE
    while shown == _AT_ONCE:
        with transaction() as s:
            account, mails = find_account(s, account_id), pacing.unshown_mails(s, account_id, _AT_ONCE)
            show_mails(s, account, mails)
            shown = len(mails)


def show_mails(s: Session, account: Account | None, mails: Sequence[Submission]) -> None:
    """Take mails in as messages of their conversations, within a transaction; what is shown already stays as it is.

    Where the server files sent mail by itself, the sync finds the copy; ten thousand of them are not searched for.
    """
    built = store.load_mimes(s, [each.id for each in mails])
    arrivals = {each.id: arrival_of_mime(built[each.id], []) for each in mails if each.id in built}
    if account is None or not arrivals:
        return
    taken = take_in(s, account, None, list(arrivals.values()))
    refresh_conversations(s, account, taken.conversation_ids)
    ids = ids_by_identity(s, account.id, [each.identity for each in arrivals.values()])
    filing, told, states = _filing_of(account), [], pacing.mail_states(s, list(arrivals))
    for key, arrival in arrivals.items():
        values: dict[str, Any] = {"message_id": ids[arrival.identity]}
        if states.get(key) == "sent":
            told.append(Fact(account.user_id, account.uuid, ids[arrival.identity], key))
            values |= {"filing": filing, "filing_at": utc_now(), **({} if filing == "pending" else {"mime": None})}
        pacing.change_mail(s, key, **values)
    mailing_steps.note_conversations(s, list(arrivals))
    record(s, account.tenant_id, "message.sent", told)


def _filing_of(account: Account) -> str:
    if files_itself(account):
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
        if answer:
            record_refused(s, submission, {submission.to: answer})
        take_back_message(s, submission)
        to_state = "failed" if is_first else "sent"
    else:
        to_state = "unsure"
    values = {"next_step_at": None, "answer": answer or sentence}
    change_recipient(s, submission.recipient_id or 0, ("queued", "sent", "unsure"), to_state, **values)
    s.flush()


def settle_by_hand(s: Session, submission: Submission, *, was_sent: bool) -> None:
    """Take the user's word for a mail that was unsure; one that has not left is failed, and not tried again."""
    if was_sent:
        mailing_steps.record_mail_sent(s, submission)
        show_mails(s, submission.account, [submission])
    else:
        settle_mail(s, submission, "failed", "It was not sent, as you have said.")


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
