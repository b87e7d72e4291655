"""What follows once a mail has left: its state, the mark on the message that it answers, the copy to be filed."""

from __future__ import annotations

from functools import partial
from typing import Any

from webmail import queue
from webmail.actions._draft_copy import forget_copy
from webmail.store import submissions as store
from webmail.store.changes import record_change
from webmail.store.conversations import refresh_conversations
from webmail.store.messages import conversation_ids_of
from webmail.store.models import Account, Folder, Placement, Submission, utc_now
from webmail.store.session import Session, after_commit
from webmail.store.webhooks import Fact, record
from webmail.sync.requests import request_sync

_ANSWERS = ("reply", "reply_all")


def publish_submission(s: Session, submission: Submission) -> None:
    """Tell the user's pages, once this is committed, that a submission changed, and with it its conversation."""
    user_id, uuid = submission.user_id, str(submission.uuid)
    conversation = store.conversation_uuid_of(s, submission.message_id)
    after_commit(s, partial(queue.publish, user_id, "submission-changed", uuid=uuid))
    if conversation:
        after_commit(s, partial(queue.publish, user_id, "conversation-changed", uuid=conversation))


def wake(submission: Submission) -> bool:
    """Put the sending of a queued submission on the queue, once in each generation."""
    return queue.enqueue("send", submission.id, job_id=f"send-{submission.uuid}-{submission.claim_token}")


def wake_filing(submission: Submission) -> bool:
    """Put the filing of a sent submission on the queue, once in each generation."""
    return queue.enqueue("file_sent_copy", submission.id, job_id=f"file-{submission.uuid}-{submission.claim_token}")


def can_file(account: Account | None) -> bool:
    """Say whether an account has a folder for copies that can be reached."""
    return account is not None and account.secret is not None and bool(account.imap_host and account.outbox_folder)


def record_sent(s: Session, submission: Submission, **values: Any) -> None:
    """Record that a mail has left, and ask for its copy to be filed.

    Args:
        values: columns of the submission to set along with it.
    """
    submission.state = "sent"
    submission.sent_at = submission.sent_at or utc_now()
    submission.held_reason, submission.error_sentence = "", ""
    submission.claimed_until = None
    submission.filing = "pending" if can_file(submission.account) else "impossible"
    submission.filing_at = utc_now()
    for name, value in values.items():
        setattr(submission, name, value)
    submission.updated_at = utc_now()
    s.flush()
    _take_its_place(s, submission)
    forget_copy(s, submission)
    _mark_answered(s, submission)
    _tell_of(s, submission)
    if submission.filing == "pending":
        after_commit(s, partial(wake_filing, submission))
    publish_submission(s, submission)


def _tell_of(s: Session, submission: Submission) -> None:
    """Have the tenant's server hear of it."""
    account_uuid = submission.account.uuid if submission.account is not None else None
    fact = Fact(submission.user_id, account_uuid, submission.message_id, submission.id)
    record(s, submission.tenant_id, "message.sent", [fact])


def _take_its_place(s: Session, submission: Submission) -> None:
    """Put a mail that waited for its time where it belongs among the others, now that it has left."""
    message = store.find_message(s, submission.message_id)
    if message is None or message.date_header_at is None or message.date_header_at <= message.sent_at:
        return
    message.sent_at = message.date_header_at
    s.flush()
    if submission.account is not None:
        refresh_conversations(s, submission.account, [message.conversation_id])


def _mark_answered(s: Session, submission: Submission) -> None:
    """Mark the message that this one answers, here at once and on the server by a Change."""
    source = store.find_message(s, submission.source_message_id)
    account = submission.account
    if source is None or account is None or source.is_answered or submission.mode not in _ANSWERS:
        return
    source.is_answered = True
    s.flush()
    if source.account_id != account.id or not account.reads_mail:
        return
    by_folder: dict[int, tuple[Folder, list[Placement]]] = {}
    for placement in store.placements_of(s, source.id):
        if not placement.is_answered:
            by_folder.setdefault(placement.folder_id, (placement.folder, []))[1].append(placement)
    for folder, placements in by_folder.values():
        record_change(
            s,
            account,
            kind="flag",
            reason="answered",
            folder=folder,
            uids=[placement.uid for placement in placements],
            message_ids=[source.id for _ in placements],
            payload={"add": ["\\Answered"], "remove": []},
        )
    if by_folder:
        request_sync(s, account)


def remove_from_conversation(s: Session, account: Account | None, message_id: int | None) -> None:
    """Take a mail that did not leave out of its conversation; a conversation of its own goes with it."""
    if message_id is None:
        return
    conversation_ids = conversation_ids_of(s, [message_id])
    conversation = store.conversation_uuid_of(s, message_id)
    store.delete_message(s, message_id)
    if account is not None:
        refresh_conversations(s, account, conversation_ids)
        after_commit(s, partial(queue.publish, account.user_id, "conversation-changed", uuid=conversation))
