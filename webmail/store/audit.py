"""The audit log: who did what that others of the tenant may have to answer for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from webmail.store.models import AuditEntry
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
