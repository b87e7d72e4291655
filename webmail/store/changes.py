"""The ledger: everything written, or still to be written, into a user's mailbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, update

from webmail.store.models import Account, Change, Folder, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, count_changed

OPEN = ("pending", "carrying")
"""States in which the server has not been heard to know it."""


def record_change(
    s: Session,
    account: Account,
    *,
    kind: str,
    reason: str,
    folder: Folder | None,
    uids: Sequence[int] = (),
    message_ids: Sequence[int] = (),
    payload: dict[str, Any] | None = None,
) -> Change:
    """Write a change down before anything is done about it (one entry for a batch).

    Args:
        kind: `flag`, `move`, `delete` or `append`.
        reason: `user`, `read_marks`, `put_back`, `sent_copy`, `draft`, `answered` or `undo`.
        folder: where the messages lie; the UIDs count under its present UIDVALIDITY.
        message_ids: our own keys, in the order of `uids`.
    """
    change = Change(
        tenant_id=account.tenant_id,
        user_id=account.user_id,
        account_id=account.id,
        kind=kind,
        reason=reason,
        folder_id=folder.id if folder else None,
        uidvalidity=folder.uidvalidity if folder else None,
        uids=list(uids),
        message_ids=list(message_ids),
        payload=payload or {},
    )
    s.add(change)
    s.flush()
    return change


def pending_changes(s: Session, account_id: int) -> list[Change]:
    """Give what the server must still learn, in the order in which it was done. Appends are the outbox's own."""
    query = (
        select(Change)
        .where(Change.account_id == account_id, Change.state.in_(OPEN), Change.kind != "append")
        .order_by(Change.id)
    )
    return list(s.scalars(query))


def pending_message_ids(s: Session, account_id: int) -> set[int]:
    """Give the messages whose state here wins over the server's, because it has not been told yet."""
    query = select(Change.message_ids).where(Change.account_id == account_id, Change.state.in_(OPEN))
    return {message_id for ids in s.scalars(query) for message_id in ids}


def latest_moves(s: Session, account_id: int, message_ids: Iterable[int]) -> list[Change]:
    """Give the user's latest archive or delete of these messages: all changes recorded in that one go, newest first."""
    wanted = set(message_ids)
    query = (
        select(Change)
        .where(
            Change.account_id == account_id,
            Change.kind == "move",
            Change.reason == "user",
            Change.state.in_((*OPEN, "done")),
        )
        .order_by(Change.id.desc())
        .limit(50)
    )
    moves = [change for change in s.scalars(query) if wanted & set(change.message_ids)]
    if not moves:
        return []
    batch = moves[0].payload.get("batch")
    return [change for change in moves if change.payload.get("batch") == batch]


def moves_of_batch(s: Session, scope: Scope, batch: str) -> list[Change]:
    """Give the user's moves that were recorded in one go, by account, newest first."""
    accounts = select(Account.id).where(Account.tenant_id == scope.tenant_id, Account.user_id == scope.user_id)
    query = (
        select(Change)
        .where(
            Change.account_id.in_(accounts),
            Change.state.in_((*OPEN, "done")),
            Change.kind == "move",
            Change.reason == "user",
            Change.payload["batch"].as_string() == batch,
        )
        .order_by(Change.account_id, Change.id.desc())
    )
    return list(s.scalars(query))


def read_mark_changes(s: Session, account_id: int) -> list[Change]:
    """Give the ledger's entries of the read-mark rule that were carried out and not put back."""
    query = select(Change).where(
        Change.account_id == account_id, Change.reason == "read_marks", Change.state.in_((*OPEN, "done"))
    )
    return list(s.scalars(query.order_by(Change.id)))


def claim(s: Session, change_id: int) -> Change | None:
    """Take a change for carrying out, also one that a crash left behind; None when it was cancelled meanwhile."""
    taken = count_changed(
        s,
        update(Change)
        .where(Change.id == change_id, Change.state.in_(OPEN))
        .values(state="carrying", attempts=Change.attempts + 1),
    )
    return s.get(Change, change_id) if taken else None


def cancel(s: Session, change_id: int) -> bool:
    """Take back a change that nobody has begun to carry out; False when it is too late for that."""
    cancelled = count_changed(
        s,
        update(Change)
        .where(Change.id == change_id, Change.state == "pending")
        .values(state="cancelled", done_at=utc_now()),
    )
    return cancelled > 0


def load_change(s: Session, change_id: int) -> Change:
    """Give a change that is known to be there."""
    return s.get_one(Change, change_id)


def finish_change(change: Change, state: str, error: str = "") -> None:
    """Give a change its final state: `done`, `failed`, `cancelled` or `undone`."""
    change.state = state
    change.error = error
    change.done_at = utc_now()
