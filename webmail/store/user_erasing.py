"""Erase a user: shut out first, gone when the last mailbox is."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from sqlalchemy import Column, delete, select

from webmail.store.models import Account, Base, FrameSession, User
from webmail.store.scope import Scope
from webmail.store.session import Session


def shut_out(s: Session, user: User, now: datetime) -> None:
    """Leave of a user nothing to sign in with, to be named by, or to be launched as."""
    user.erasing_since = now
    user.external_id = user.password_hash = None
    user.email, user.launch_email, user.name = f"{uuid4()}@erased.invalid", "", ""
    user.session_epoch += 1
    s.execute(delete(FrameSession).where(FrameSession.user_id == user.id))


def leaving(s: Session) -> list[tuple[int, Scope, list[Account]]]:
    """Give the users who are being erased, with the accounts that are left of each."""
    found = s.scalars(select(User).where(User.erasing_since.is_not(None)).order_by(User.id)).all()
    return [
        (user.id, Scope(user.tenant_id, user.id), list(s.scalars(select(Account).where(Account.user_id == user.id))))
        for user in found
    ]


def erase_user(s: Session, user_id: int) -> None:
    """Delete a user without accounts with every row that is theirs, in whatever table."""
    for table in reversed(Base.metadata.sorted_tables):
        for column in table.columns:
            if _is_owner(column):
                s.execute(delete(table).where(column == user_id))
    s.execute(delete(User).where(User.id == user_id))


def _is_owner(column: Column[object]) -> bool:
    """Say whether a column names whose a row is; one that only notes who did something is emptied by itself."""
    return any(key.target_fullname == "users.id" and key.ondelete != "SET NULL" for key in column.foreign_keys)
