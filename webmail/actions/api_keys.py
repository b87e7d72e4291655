"""Keys of tenants' own servers: made, listed, taken away, known again; only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from webmail.errors import InputRefused
from webmail.store import api_keys, audit, users
from webmail.store.models import ApiKey, Tenant
from webmail.store.session import Session, reading, transaction

SCOPES = (
    "contacts:read",
    "contacts:write",
    "users:read",
    "users:write",
    "mail:read",
    "mail:send",
    "webhooks",
)
"""What a key may be used for. `mail:read` lets it read the mail of all users of the tenant; `mail:send` lets it write
in their names."""
FIRST_SCOPES = ("contacts:read", "contacts:write")
"""What a key may do for which nobody has said more."""


@dataclass(frozen=True)
class Caller:
    """Whoever asks: a tenant, by one of its keys."""

    tenant_id: int
    key_id: int
    scopes: frozenset[str]


def add_key(slug: str, name: str, scopes: Sequence[str] = FIRST_SCOPES) -> str:
    """Make a key for a tenant's server, and give it: it is shown this once.

    Raises:
        InputRefused: no such tenant or scope.
    """
    wanted = list(dict.fromkeys(scopes)) or list(FIRST_SCOPES)
    unknown = [each for each in wanted if each not in SCOPES]
    if unknown:
        raise InputRefused("scope", f"There is no scope {unknown[0]}. There are {', '.join(SCOPES)}.")
    key = f"wm_{secrets.token_urlsafe(32)}"
    with transaction() as s:
        tenant_id, called = _tenant(s, slug).id, name[:64] or "server"
        api_keys.add_key(s, tenant_id, called, digest(key), wanted)
        audit.add_entry(s, tenant_id, None, "api_key_added", name=called, scopes=wanted)
    return key


def remove_keys(slug: str, name: str) -> int:
    """Take away all keys of that name, and say how many there were: they are refused from now on.

    Raises:
        InputRefused: no such tenant or key.
    """
    with transaction() as s:
        tenant_id = _tenant(s, slug).id
        count = api_keys.remove_keys(s, tenant_id, name)
        if count:
            audit.add_entry(s, tenant_id, None, "api_key_removed", name=name, count=count)
    if not count:
        raise InputRefused("name", f"The tenant has no API key named {name}.")
    return count


def list_keys(slug: str) -> list[ApiKey]:
    """Give a tenant's keys, oldest first.

    Raises:
        InputRefused: no such tenant.
    """
    with reading() as s:
        return api_keys.keys_of(s, _tenant(s, slug).id)


def caller_of(key: str) -> Caller | None:
    """Give who asks with this key; None for a key that nobody has."""
    with reading() as s:
        found = api_keys.find_key(s, digest(key))
    return Caller(found.tenant_id, found.id, frozenset(found.scopes)) if found is not None else None


def digest(key: str) -> str:
    """Give a key's hash; a key is random and long, so that nothing slower is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


def _tenant(s: Session, slug: str) -> Tenant:
    tenant = users.find_tenant(s, slug)
    if tenant is None:
        raise InputRefused("tenant", f"There is no tenant {slug}.")
    return tenant
