"""Where tenants publish their keys, and the keys as they were last seen there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from webmail.domain.launches import LaunchKey
from webmail.store.models import TenantKeySet, utc_now
from webmail.store.secrets import seal, unseal
from webmail.store.session import Session, count_changed


@dataclass(frozen=True)
class KeySet:
    """A tenant's key set, unsealed."""

    id: int
    tenant_id: int
    url: str
    keys: list[LaunchKey] = field(repr=False)
    fetched_at: datetime
    tried_at: datetime


def find(s: Session, tenant_id: int) -> KeySet | None:
    """Give a tenant's key set, None when it has none."""
    row = s.scalar(select(TenantKeySet).where(TenantKeySet.tenant_id == tenant_id))
    return None if row is None else _opened(row)


def keep(s: Session, tenant_id: int, url: str, keys: Sequence[LaunchKey]) -> None:
    """Note where a tenant's keys are, and what they are now; in place of what was noted before."""
    forget(s, tenant_id)
    now = utc_now()
    s.add(TenantKeySet(tenant_id=tenant_id, secret=seal(_written(url, keys)), fetched_at=now, tried_at=now))
    s.flush()


def begin_look(s: Session, known: KeySet, before: datetime) -> bool:
    """Note that a set is looked at now; False when somebody else did so since `before`, or it is another by now."""
    statement = update(TenantKeySet).where(TenantKeySet.id == known.id, TenantKeySet.tried_at <= before)
    return count_changed(s, statement.values(tried_at=utc_now())) > 0


def replace(s: Session, known: KeySet, keys: Sequence[LaunchKey]) -> KeySet:
    """Note what a set holds now; does nothing where it was forgotten meanwhile."""
    now = utc_now()
    values = {"secret": seal(_written(known.url, keys)), "fetched_at": now}
    s.execute(update(TenantKeySet).where(TenantKeySet.id == known.id).values(values))
    return KeySet(known.id, known.tenant_id, known.url, list(keys), now, known.tried_at)


def forget(s: Session, tenant_id: int) -> bool:
    """Forget a tenant's key set; says whether there was one."""
    return count_changed(s, delete(TenantKeySet).where(TenantKeySet.tenant_id == tenant_id)) > 0


def _written(url: str, keys: Sequence[LaunchKey]) -> dict[str, Any]:
    return {"url": url, "keys": [{"kid": key.kid, "algorithm": key.algorithm, "jwk": key.jwk} for key in keys]}


def _opened(row: TenantKeySet) -> KeySet:
    content = unseal(row.secret)
    keys = [LaunchKey(each["kid"], each["algorithm"], each["jwk"], is_published=True) for each in content["keys"]]
    return KeySet(row.id, row.tenant_id, content["url"], keys, row.fetched_at, row.tried_at)
