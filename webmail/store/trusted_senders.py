"""Whose pictures from elsewhere a user always shows."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, delete, select

from webmail.domain.addresses import normalise_email
from webmail.store.models import TrustedSender
from webmail.store.scope import Scope
from webmail.store.session import Session


def is_trusted(s: Session, scope: Scope, email: str) -> bool:
    """Say whether pictures of mail from this address are shown without being asked for."""
    return bool(email) and s.scalar(_owned(scope).where(TrustedSender.email == normalise_email(email))) is not None


def list_trusted(s: Session, scope: Scope) -> list[TrustedSender]:
    """Give them all, by address."""
    return list(s.scalars(_owned(scope).order_by(TrustedSender.email)))


def add_trusted(s: Session, scope: Scope, email: str) -> None:
    """Note an address; one that is there stays."""
    if email and not is_trusted(s, scope, email):
        s.add(TrustedSender(tenant_id=scope.tenant_id, user_id=scope.user_id, email=normalise_email(email)))


def remove_trusted(s: Session, scope: Scope, uuid: UUID) -> str:
    """Take an address out; gives which it was, "" where it is out already."""
    row = s.scalar(_owned(scope).where(TrustedSender.uuid == uuid))
    if row is None:
        return ""
    s.execute(delete(TrustedSender).where(TrustedSender.id == row.id))
    return row.email


def _owned(scope: Scope) -> Select[TrustedSender]:
    return select(TrustedSender).where(
        TrustedSender.tenant_id == scope.tenant_id, TrustedSender.user_id == scope.user_id
    )
