"""Keys of the API, and answers that are given again to a request that is sent again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from webmail.store.models import ApiAnswer, ApiKey
from webmail.store.session import Session, count_changed

KEPT_FOR = timedelta(hours=24)


def find_key(s: Session, key_hash: str) -> ApiKey | None:
    """Give the key of that hash, None when there is none."""
    return s.scalar(select(ApiKey).where(ApiKey.key_hash == key_hash))


def keys_of(s: Session, tenant_id: int) -> list[ApiKey]:
    """Give a tenant's keys, oldest first."""
    return list(s.scalars(select(ApiKey).where(ApiKey.tenant_id == tenant_id).order_by(ApiKey.id)))


def add_key(s: Session, tenant_id: int, name: str, key_hash: str, scopes: Sequence[str]) -> None:
    """Keep a key's hash."""
    s.add(ApiKey(tenant_id=tenant_id, name=name, key_hash=key_hash, scopes=list(scopes)))


def remove_keys(s: Session, tenant_id: int, name: str) -> int:
    """Forget a tenant's keys of that name; says how many there were."""
    return count_changed(s, delete(ApiKey).where(ApiKey.tenant_id == tenant_id, ApiKey.name == name))


def begin_answer(s: Session, tenant_id: int, key_hash: str, request_hash: str, now: datetime) -> tuple[ApiAnswer, bool]:
    """Give the row of an idempotency key, and whether it is new; forgets what is older than a day."""
    s.execute(delete(ApiAnswer).where(ApiAnswer.created_at < now - KEPT_FOR))
    insert = postgresql.insert if s.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {
        "uuid": uuid4(),
        "tenant_id": tenant_id,
        "key_hash": key_hash,
        "request_hash": request_hash,
        "created_at": now,
    }
    # How many rows an INSERT of a mapped class met is not told on PostgreSQL; what it returns is, on both.
    added = s.scalar(insert(ApiAnswer).values(values).on_conflict_do_nothing().returning(ApiAnswer.key_hash))
    query = select(ApiAnswer).where(ApiAnswer.tenant_id == tenant_id, ApiAnswer.key_hash == key_hash)
    return s.scalars(query).one(), added is not None


def take_over(s: Session, answer: ApiAnswer, now: datetime, patience: timedelta) -> bool:
    """Take a request over whose first try has ended without an answer; False while it may still be going on."""
    statement = (
        update(ApiAnswer)
        .where(ApiAnswer.id == answer.id, ApiAnswer.status.is_(None), ApiAnswer.created_at <= now - patience)
        .values(created_at=now)
    )
    return count_changed(s, statement) > 0


def finish_answer(s: Session, answer_id: int, status: int, secret: bytes) -> None:
    """Keep what was answered."""
    s.execute(update(ApiAnswer).where(ApiAnswer.id == answer_id).values(status=status, secret=secret))


def release_answer(s: Session, answer_id: int, begun_at: datetime) -> None:
    """Let the same request be taken over, as if it had begun at this time."""
    s.execute(update(ApiAnswer).where(ApiAnswer.id == answer_id).values(created_at=begun_at))
