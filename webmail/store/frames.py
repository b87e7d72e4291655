"""Sessions of frames, and the launches that began them."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from webmail.store.models import FrameSession, Tenant, UsedLaunch, User, utc_now
from webmail.store.session import Session

SESSION_HOURS = 12
_KEPT_DAYS = 2
"""How long the row of a session that has ended stays, so that its page can still be told so where it stands."""


def use_up(s: Session, tenant_id: int, jti: str, expires_at: datetime) -> bool:
    """Note that a launch has been taken; False when it had been before. Forgets those that are too old by now."""
    s.execute(delete(UsedLaunch).where(UsedLaunch.expires_at < utc_now() - timedelta(minutes=5)))
    digest = hashlib.sha256(jti.encode()).hexdigest()
    insert = postgresql.insert if s.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(UsedLaunch).values(tenant_id=tenant_id, jti_hash=digest, expires_at=expires_at)
    # How many rows an INSERT of a mapped class met is not told on PostgreSQL; what it returns is, on both.
    return s.scalar(statement.on_conflict_do_nothing().returning(UsedLaunch.jti_hash)) is not None


def find_launched_user(s: Session, tenant_id: int, external_id: str) -> User | None:
    """Give the user whom a tenant calls so, None when there is none yet."""
    return s.scalar(select(User).where(User.tenant_id == tenant_id, User.external_id == external_id))


def add_session(s: Session, user: User, *, origin: str, data: dict[str, Any]) -> FrameSession:
    """Begin a session in a frame."""
    s.execute(delete(FrameSession).where(FrameSession.ends_at < utc_now() - timedelta(days=_KEPT_DAYS)))
    row = FrameSession(
        tenant_id=user.tenant_id,
        user_id=user.id,
        origin=origin,
        data=data,
        ends_at=utc_now() + timedelta(hours=SESSION_HOURS),
    )
    s.add(row)
    s.flush()
    return row


def find_session(s: Session, uuid: UUID) -> tuple[FrameSession, list[str]] | None:
    """Give a session, ended or not, with the origins of its tenant; None when there is none."""
    query = (
        select(FrameSession, Tenant.origins)
        .join(Tenant, Tenant.id == FrameSession.tenant_id)
        .where(FrameSession.uuid == uuid)
    )
    row = s.execute(query).one_or_none()
    return None if row is None else (row[0], list(row[1]))


def save_data(s: Session, session_id: int, data: dict[str, Any]) -> None:
    """Store what a session keeps."""
    s.execute(update(FrameSession).where(FrameSession.id == session_id).values(data=data))


def end_session(s: Session, session_id: int) -> None:
    """End a session for every page that lives from it."""
    s.execute(update(FrameSession).where(FrameSession.id == session_id).values(ends_at=utc_now(), data={}))
