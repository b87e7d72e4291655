"""Submissions: drafts, what waits to go out, and how far each has come.

A draft that nobody has written in (`updated_at` is still `created_at`) is *untouched*: it is listed nowhere, and swept
away after a day. The mails of mailings are `webmail.store.pacing`'s, thousands at a time: no list here shows them.
Whoever sends or files a submission holds a claim: `claim_token` tells the holder, `claimed_until` when everybody else
may take over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.orm import joinedload, selectinload, undefer

from webmail.errors import LeaseLost, NotFound
from webmail.store.changes import OPEN
from webmail.store.models import (
    Account,
    Attachment,
    Change,
    Conversation,
    Folder,
    Message,
    Placement,
    Submission,
    SubmissionAttachment,
    utc_now,
)
from webmail.store.scope import Scope
from webmail.store.session import Session, count_changed

CLAIM_S = 20
"""A claim that has not been renewed for so long belongs to a process that is gone."""

_UNFINISHED = ("queued", "sending", "unsure", "failed")
_UNTOUCHED_FOR = timedelta(days=1)


def _owned(scope: Scope) -> Select[Submission]:
    return (
        select(Submission)
        .where(Submission.tenant_id == scope.tenant_id, Submission.user_id == scope.user_id)
        .options(joinedload(Submission.account).selectinload(Account.signatures), selectinload(Submission.attachments))
    )


def _touched() -> ColumnElement[bool]:
    return Submission.updated_at > Submission.created_at


def is_touched(submission: Submission) -> bool:
    """Say whether somebody has written in a draft."""
    return submission.updated_at > submission.created_at


def load_submission(s: Session, scope: Scope, uuid: UUID) -> Submission:
    """Give one of the user's submissions with its account (with signature) and its files (without content).

    Raises:
        NotFound: there is none, or it is another user's.
    """
    submission = s.scalar(_owned(scope).where(Submission.uuid == uuid))
    if submission is None:
        raise NotFound("This draft is not here any more.")
    return submission


def find_submission(s: Session, submission_id: int) -> Submission | None:
    """Give a submission by its key, for jobs, with its account; None when it is gone."""
    return s.scalar(select(Submission).where(Submission.id == submission_id).options(joinedload(Submission.account)))


def load_mime(s: Session, submission_id: int) -> bytes | None:
    """Give a submission's mail as it goes out, None when it is not kept any more."""
    return s.scalar(select(Submission.mime).where(Submission.id == submission_id))


def load_mimes(s: Session, submission_ids: Sequence[int]) -> dict[int, bytes]:
    """Give a few submissions' mails as they go out, without those that are not kept any more."""
    query = select(Submission.id, Submission.mime).where(Submission.id.in_(submission_ids))
    return {key: mime for key, mime in s.execute(query.where(Submission.mime.is_not(None))) if mime is not None}


def recently_sent(s: Session, scope: Scope) -> list[UUID]:
    """Give what the user has sent last, newest first: by comparing, a page notices what it has not seen yet."""
    query = (
        select(Submission.uuid)
        .where(Submission.tenant_id == scope.tenant_id, Submission.user_id == scope.user_id, Submission.state == "sent")
        .where(Submission.mailing_id.is_(None))
        .order_by(Submission.updated_at.desc())
        .limit(20)
    )
    return list(s.scalars(query))


def list_drafts(s: Session, scope: Scope) -> list[Submission]:
    """Give the user's drafts, the one that was written in last first."""
    query = _owned(scope).where(Submission.state == "draft", _touched())
    return list(s.scalars(query.order_by(Submission.updated_at.desc(), Submission.id.desc())))


def count_drafts(s: Session, scope: Scope) -> int:
    """Count what `list_drafts()` gives."""
    query = select(func.count()).where(
        Submission.tenant_id == scope.tenant_id,
        Submission.user_id == scope.user_id,
        Submission.state == "draft",
        _touched(),
    )
    return s.scalar(query) or 0


def unfinished(s: Session, scope: Scope) -> list[Submission]:
    """Give what was sent off and has not arrived: queued, sending, unsure and failed, oldest first."""
    query = _owned(scope).where(Submission.state.in_(_UNFINISHED), Submission.mailing_id.is_(None))
    return list(s.scalars(query.order_by(Submission.id)))


def draft_of_conversation(s: Session, scope: Scope, conversation_id: int) -> Submission | None:
    """Give the draft, written in last, that answers or forwards a message of this conversation."""
    query = (
        _owned(scope)
        .join(Message, Submission.source_message_id == Message.id)
        .where(Message.conversation_id == conversation_id, Submission.state == "draft", _touched())
        .order_by(Submission.updated_at.desc(), Submission.id.desc())
        .limit(1)
    )
    return s.scalar(query)


def draft_for(s: Session, scope: Scope, mode: str, source_message_id: int | None) -> Submission | None:
    """Give the draft that opening one again should show.

    Args:
        source_message_id: the message that is answered or forwarded; None for a new mail, of which only an untouched
            one is used again.
    """
    query = _owned(scope).where(Submission.state == "draft", Submission.mode == mode)
    if source_message_id is None:
        query = query.where(Submission.source_message_id.is_(None), Submission.updated_at == Submission.created_at)
    else:
        query = query.where(Submission.source_message_id == source_message_id)
    return s.scalar(query.order_by(Submission.updated_at.desc(), Submission.id.desc()).limit(1))


def submissions_by_message(s: Session, message_ids: Sequence[int]) -> dict[int, Submission]:
    """Give the submission behind each of these messages, by message; those that came otherwise are left out."""
    query = select(Submission).where(Submission.message_id.in_(list(message_ids))).order_by(Submission.id)
    return {each.message_id: each for each in s.scalars(query) if each.message_id is not None}


def mime_of_message(s: Session, message_id: int) -> bytes | None:
    """Give a mail that was sent from here as it went out, as long as it is kept."""
    query = select(Submission.mime).where(Submission.message_id == message_id, Submission.mime.is_not(None))
    return s.scalar(query.order_by(Submission.id.desc()).limit(1))


def find_message(s: Session, message_id: int | None) -> Message | None:
    """Give a message by its key, without text; None when it is gone."""
    return None if message_id is None else s.get(Message, message_id)


def placements_of(s: Session, message_id: int) -> list[Placement]:
    """Give where a message lies on the server, each place with its folder."""
    query = select(Placement).where(Placement.message_id == message_id, Placement.uid > 0)
    return list(s.scalars(query.options(joinedload(Placement.folder))))


def attachments_of(s: Session, message_id: int) -> list[Attachment]:
    """Give the attachments of a message."""
    return list(s.scalars(select(Attachment).where(Attachment.message_id == message_id).order_by(Attachment.id)))


def attachment_uuid_of(s: Session, attachment_id: int | None) -> UUID | None:
    """Give the id by which an attachment is opened, None when it is gone."""
    return s.scalar(select(Attachment.uuid).where(Attachment.id == attachment_id))


def delete_message(s: Session, message_id: int) -> None:
    """Delete a message that never left; what is kept of its conversation is the caller's to refresh."""
    s.execute(delete(Message).where(Message.id == message_id))


def open_append(s: Session, account_id: int, submission_id: int) -> Change | None:
    """Give the append that was written down for a submission and not finished."""
    query = select(Change).where(Change.account_id == account_id, Change.kind == "append", Change.state.in_(OPEN))
    return next((each for each in s.scalars(query) if each.payload.get("submission") == submission_id), None)


def conversation_uuid_of(s: Session, message_id: int | None) -> str:
    """Give the conversation that a message lies in, "" for none: what pages are told of."""
    if message_id is None:
        return ""
    query = select(Conversation.uuid).join(Message, Message.conversation_id == Conversation.id)
    uuid = s.scalar(query.where(Message.id == message_id))
    return str(uuid or "")


def load_files(s: Session, submission_id: int) -> list[SubmissionAttachment]:
    """Give a submission's files with their content."""
    query = select(SubmissionAttachment).where(SubmissionAttachment.submission_id == submission_id)
    return list(s.scalars(query.options(undefer(SubmissionAttachment.content)).order_by(SubmissionAttachment.id)))


def save_content(s: Session, file_id: int, content: bytes) -> None:
    """Store the content of a file that was listed before it could be fetched; one that was removed stays away."""
    values = {"content": content, "size_bytes": len(content)}
    s.execute(update(SubmissionAttachment).where(SubmissionAttachment.id == file_id).values(**values))


def drop_files(s: Session, submission_id: int) -> None:
    """Delete a submission's files."""
    s.execute(delete(SubmissionAttachment).where(SubmissionAttachment.submission_id == submission_id))


def delete_draft(s: Session, submission_id: int, *, untouched_only: bool = False) -> None:
    """Delete a draft with its files; where it is for sweeping, only if nobody has written in it meanwhile."""
    statement = delete(Submission).where(Submission.id == submission_id, Submission.state == "draft")
    s.execute(statement.where(Submission.updated_at == Submission.created_at) if untouched_only else statement)


def queue_draft(s: Session, submission: Submission) -> bool:
    """Turn a draft into a queued mail; False when it is none any more, or was saved again since it was read."""
    return bool(
        count_changed(
            s,
            update(Submission)
            .where(
                Submission.id == submission.id,
                Submission.state == "draft",
                Submission.revision == submission.revision,
                Submission.updated_at == submission.updated_at,
            )
            .values(state="queued"),
        )
    )


def change_state(s: Session, submission_id: int, from_states: Sequence[str], to_state: str) -> bool:
    """Take a submission from one of these states to another; False when it is in none of them by now."""
    return bool(
        count_changed(
            s,
            update(Submission)
            .where(Submission.id == submission_id, Submission.state.in_(from_states))
            .values(state=to_state, updated_at=utc_now()),
        )
    )


def claim_for_sending(s: Session, submission_id: int, now: datetime) -> int | None:
    """Take a queued submission that is due; gives the claim's token, None when it is not to be had."""
    due = (
        Submission.state == "queued",
        or_(Submission.not_before.is_(None), Submission.not_before <= now),
    )
    return _claim(s, submission_id, now, due, {"state": "sending", "attempts": Submission.attempts + 1})


def claim_for_filing(s: Session, submission_id: int, now: datetime) -> int | None:
    """Take a sent submission whose copy is to be filed; gives the claim's token, None when it is not to be had."""
    due = (
        Submission.state == "sent",
        Submission.filing == "pending",
        or_(Submission.claimed_until.is_(None), Submission.claimed_until <= now),
    )
    return _claim(s, submission_id, now, due, {"filing_attempts": Submission.filing_attempts + 1})


def claim_lost(s: Session, submission_id: int, now: datetime) -> int | None:
    """Take over a submission whose sender is gone; gives the claim's token, None when it is not to be had."""
    due = (Submission.state == "sending", Submission.claimed_until <= now)
    return _claim(s, submission_id, now, due, {})


def _claim(
    s: Session,
    submission_id: int,
    now: datetime,
    due: tuple[ColumnElement[bool], ...],
    values: dict[str, object],
) -> int | None:
    claim = {"claim_token": Submission.claim_token + 1, "claimed_until": now + timedelta(seconds=CLAIM_S)}
    taken = count_changed(s, update(Submission).where(Submission.id == submission_id, *due).values(**claim | values))
    if not taken:
        return None
    return s.scalar(select(Submission.claim_token).where(Submission.id == submission_id))


def renew_claim(s: Session, submission_id: int, token: int) -> None:
    """Hold a claim for another while, and hold its row until the end of this transaction.

    Raises:
        LeaseLost: somebody else has taken it.
    """
    held = count_changed(
        s,
        update(Submission)
        .where(Submission.id == submission_id, Submission.claim_token == token)
        .values(claimed_until=utc_now() + timedelta(seconds=CLAIM_S)),
    )
    if not held:
        raise LeaseLost


def submissions_due(s: Session, now: datetime) -> list[Submission]:
    """Give the queued submissions that may go out now; those of an account to be reconnected, or whose way out
    is blocked, wait for that.
    """
    query = (
        select(Submission)
        .join(Account, Submission.account_id == Account.id)
        .where(
            Submission.state == "queued",
            or_(Submission.not_before.is_(None), Submission.not_before <= now),
            Submission.mailing_id.is_(None),
            Account.status.in_(("connected", "error")),
            Account.sends_by != "blocked",
            Account.secret.is_not(None),
        )
    )
    return list(s.scalars(query))


def filings_due(s: Session, now: datetime) -> list[Submission]:
    """Give the sent submissions whose copy waits to be filed and whom nobody is filing."""
    query = (
        select(Submission)
        .join(Account, Submission.account_id == Account.id)
        .where(
            Submission.filing == "pending",
            Submission.state == "sent",
            Submission.mailing_id.is_(None),
            or_(Submission.filing_at.is_(None), Submission.filing_at <= now),
            or_(Submission.claimed_until.is_(None), Submission.claimed_until <= now),
            Account.status.in_(("connected", "error")),
            Account.secret.is_not(None),
        )
    )
    return list(s.scalars(query))


def lost(s: Session, now: datetime) -> list[Submission]:
    """Give the submissions that a process was sending when it ended."""
    query = select(Submission).where(
        Submission.state == "sending", Submission.claimed_until <= now, Submission.mailing_id.is_(None)
    )
    return list(s.scalars(query))


def proven_ids(s: Session) -> list[int]:
    """Give the unsure submissions whose mail has turned up in a Sent folder since."""
    query = (
        select(Submission.id)
        .join(Placement, Placement.message_id == Submission.message_id)
        .join(Folder, Placement.folder_id == Folder.id)
        .where(
            Submission.state == "unsure",
            Submission.mailing_id.is_(None),
            Folder.role == "sent",
            Placement.uid > 0,
        )
    )
    return list(s.scalars(query))


def untouched_ids(s: Session, now: datetime) -> list[int]:
    """Give the drafts that were opened long ago and never written in."""
    query = select(Submission.id).where(
        Submission.state == "draft",
        Submission.updated_at == Submission.created_at,
        Submission.created_at < now - _UNTOUCHED_FOR,
    )
    return list(s.scalars(query))


def start_generation(s: Session, submission_id: int, token: int) -> None:
    """Give a submission's next job a new id, where the old one is lost although the queue still lists it."""
    s.execute(
        update(Submission)
        .where(Submission.id == submission_id, Submission.state == "queued", Submission.claim_token == token)
        .values(claim_token=token + 1, not_before=utc_now())
    )
