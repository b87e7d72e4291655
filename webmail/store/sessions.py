"""Sessions outside of frames: their cookies say whose they are, and here is which of them have ended."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from webmail.store.models import EndedSession, FrameSession, User, utc_now
from webmail.store.session import Session

KEPT_DAYS = 14
"""For how long a cookie is good that nobody renews (`webmail.app`)."""


def find_user(s: Session, user_uuid: UUID, session_uuid: UUID) -> User | None:
    """Give the user of a session; None when the user is gone or the session has ended."""
    has_ended = exists().where(EndedSession.uuid == session_uuid)
    return s.scalar(select(User).where(User.uuid == user_uuid, ~has_ended))


def end(s: Session, session_uuid: UUID) -> None:
    """Note that a session has ended; forgets those whose cookies are too old by now."""
    s.execute(delete(EndedSession).where(EndedSession.ended_at < utc_now() - timedelta(days=KEPT_DAYS + 1)))
    insert = postgresql.insert if s.get_bind().dialect.name == "postgresql" else sqlite.insert
    s.execute(insert(EndedSession).values(uuid=session_uuid, ended_at=utc_now()).on_conflict_do_nothing())


def end_all(s: Session, user: User) -> None:
    """End every session of a user, in frames and outside of them."""
    user.session_epoch += 1
    s.execute(update(FrameSession).where(FrameSession.user_id == user.id).values(ends_at=utc_now(), data={}))
