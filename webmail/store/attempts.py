"""Attempts to connect a mailbox, and how far each of them has come.

An attempt is written by whoever checks it, one step at a time, as long as it is `running`. Anything that ends it
takes its secret away in the same transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update

from webmail.errors import NotFound
from webmail.store.models import ConnectAttempt, User, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, count_changed

KEPT_FOR = timedelta(days=1)
"""How long a finished attempt can still be looked at."""


def load_attempt(s: Session, scope: Scope, uuid: UUID) -> ConnectAttempt:
    """Give one of the user's attempts.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    query = select(ConnectAttempt).where(
        ConnectAttempt.uuid == uuid,
        ConnectAttempt.tenant_id == scope.tenant_id,
        ConnectAttempt.user_id == scope.user_id,
    )
    attempt = s.scalar(query)
    if attempt is None:
        raise NotFound("This attempt to connect is over. Begin again from the Connect tab.")
    return attempt


def lock_user(s: Session, user_id: int) -> None:
    """Let the attempts of one user begin and end one after another, where the database has several writers."""
    s.execute(select(User.id).where(User.id == user_id).with_for_update())


def running_attempts(s: Session, scope: Scope) -> list[ConnectAttempt]:
    """Give the user's attempts that are not over, oldest first."""
    query = select(ConnectAttempt).where(
        ConnectAttempt.tenant_id == scope.tenant_id,
        ConnectAttempt.user_id == scope.user_id,
        ConnectAttempt.state == "running",
    )
    return list(s.scalars(query.order_by(ConnectAttempt.id)))


def find_running(s: Session, attempt_id: int) -> ConnectAttempt | None:
    """Give an attempt by its key, for whoever checks it; None when it is over or gone."""
    query = select(ConnectAttempt).where(ConnectAttempt.id == attempt_id, ConnectAttempt.state == "running")
    return s.scalar(query.with_for_update())


def claim(s: Session, attempt_id: int, now: datetime, free_before: datetime) -> ConnectAttempt | None:
    """Take an attempt for checking.

    Args:
        free_before: who began before this is thought to be gone.

    Returns:
        None when it is over, or when somebody else is at it.
    """
    taken = count_changed(
        s,
        update(ConnectAttempt)
        .where(
            ConnectAttempt.id == attempt_id,
            ConnectAttempt.state == "running",
            or_(ConnectAttempt.began_at.is_(None), ConnectAttempt.began_at < free_before),
        )
        .values(began_at=now),
    )
    return s.get(ConnectAttempt, attempt_id) if taken else None


def save_steps(s: Session, attempt_id: int, steps: list[dict[str, Any]]) -> bool:
    """Write down how the checks stand; False when the attempt is over, and nothing was written."""
    return bool(
        count_changed(
            s,
            update(ConnectAttempt)
            .where(ConnectAttempt.id == attempt_id, ConnectAttempt.state == "running")
            .values(steps=steps),
        )
    )


def end_attempt(attempt: ConnectAttempt, state: str, steps: list[dict[str, Any]]) -> None:
    """Give an attempt its final state, `connected` or `failed`, and take its secret away."""
    attempt.state = state
    attempt.steps = steps
    attempt.secret = None
    attempt.finished_at = utc_now()


def quiet_attempts(s: Session, before: datetime) -> list[ConnectAttempt]:
    """Give the running attempts of which nothing has been heard since `before`."""
    query = select(ConnectAttempt).where(
        ConnectAttempt.state == "running",
        ConnectAttempt.created_at < before,
        or_(ConnectAttempt.began_at.is_(None), ConnectAttempt.began_at < before),
    )
    return list(s.scalars(query))


def forget_old(s: Session, scope: Scope) -> None:
    """Delete the user's attempts that ended long ago."""
    s.execute(
        delete(ConnectAttempt).where(
            ConnectAttempt.user_id == scope.user_id, ConnectAttempt.finished_at < utc_now() - KEPT_FOR
        )
    )
