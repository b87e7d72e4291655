"""The audit log: who did what that others of the tenant may have to answer for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from webmail.store.models import AuditEntry, User
from webmail.store.session import Session


def add_entry(
    s: Session, tenant_id: int, user_id: int | None, action: str, *, subject: UUID | None = None, **details: Any
) -> None:
    """Note what was done, in the transaction that does it.

    Args:
        action: such as `suppression_removed`; see `AuditEntry`.
        subject: the uuid of what it was done to.
        details: names and counts, JSON values; never a mail's text.
    """
    s.add(AuditEntry(tenant_id=tenant_id, user_id=user_id, action=action, subject_uuid=subject, details=details))


def entries_of(s: Session, tenant_id: int, limit: int) -> list[tuple[AuditEntry, str]]:
    """Give a tenant's newest entries, the oldest of them first, each with the address of who did it, "" for nobody."""
    query = (
        select(AuditEntry, User)
        .outerjoin(User, AuditEntry.user_id == User.id)
        .where(AuditEntry.tenant_id == tenant_id)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(limit)
    )
    rows = s.execute(query).all()
    return [(entry, (user.launch_email or user.email) if user is not None else "") for entry, user in reversed(rows)]
