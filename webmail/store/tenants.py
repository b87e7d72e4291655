"""Tenants as launches need them: the keys that sign for them."""

from __future__ import annotations

from sqlalchemy import delete, select

from webmail.domain.launches import LaunchKey
from webmail.store.models import TenantKey
from webmail.store.secrets import seal, unseal
from webmail.store.session import Session, count_changed


def keys_of(s: Session, tenant_id: int) -> list[LaunchKey]:
    """Give a tenant's keys, unsealed, newest first."""
    query = select(TenantKey).where(TenantKey.tenant_id == tenant_id).order_by(TenantKey.id.desc())
    return [LaunchKey(key.kid, key.algorithm, unseal(key.secret)) for key in s.scalars(query)]


def add_key(s: Session, tenant_id: int, key: LaunchKey) -> None:
    """Register a key; a name that is taken fails at the flush."""
    s.add(TenantKey(tenant_id=tenant_id, kid=key.kid, algorithm=key.algorithm, secret=seal(key.jwk)))
    s.flush()


def remove_key(s: Session, tenant_id: int, kid: str) -> bool:
    """Forget a key; says whether there was one of that name."""
    return count_changed(s, delete(TenantKey).where(TenantKey.tenant_id == tenant_id, TenantKey.kid == kid)) > 0
