"""Key sets of tenants: known by their address, fetched now and then, and kept for when they cannot be had.

A set is looked at again when it is an hour old, and when a launch names a key that it does not hold, for keys are
changed without telling anybody. Whoever makes names of keys up can cause one look a minute and no more. What was there
at the last look stays good for a day, so that launches go on while the tenant's server is away; a key that the tenant
has taken out is refused an hour later at most, and at the latest after that day.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from webmail.domain.key_sets import read_key_set
from webmail.domain.launches import LaunchKey
from webmail.errors import InputRefused
from webmail.providers import key_sets as servers
from webmail.store import key_sets, users
from webmail.store.key_sets import KeySet
from webmail.store.models import utc_now
from webmail.store.session import reading, transaction

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(hours=1)
LOOK_AT_MOST_EVERY = timedelta(minutes=1)
KEPT_FOR = timedelta(days=1)


def follow(slug: str, url: str) -> int:
    """Take a tenant's launches by the keys that it publishes at an address; another address is followed no longer.

    Returns:
        How many keys are there now.

    Raises:
        InputRefused: no such tenant, or no keys are to be had there.
    """
    try:
        keys = read_key_set(servers.fetch(url))
    except ValueError as error:
        raise InputRefused("jwks_url", f"{url[:200]}: {error}") from None
    with transaction() as s:
        tenant = users.find_tenant(s, slug)
        if tenant is None:
            raise InputRefused("tenant", f"There is no tenant {slug}.")
        key_sets.keep(s, tenant.id, url, keys)
    return len(keys)


def follow_no_longer(slug: str, url: str) -> None:
    """Forget a tenant's key set: launches signed by its keys are refused from now on.

    Raises:
        InputRefused: no such tenant, or its keys are not taken from there.
    """
    with transaction() as s:
        tenant = users.find_tenant(s, slug)
        known = key_sets.find(s, tenant.id) if tenant is not None else None
        if known is None or known.url != url:
            raise InputRefused("jwks_url", f"No keys of a tenant {slug} are taken from {url[:200]}.")
        key_sets.forget(s, known.tenant_id)


def show(slug: str) -> KeySet | None:
    """Give a tenant's key set, None when it has none."""
    with reading() as s:
        tenant = users.find_tenant(s, slug)
        return key_sets.find(s, tenant.id) if tenant is not None else None


def keys_for(tenant_id: int, kid: str) -> list[LaunchKey]:
    """Give the keys of a tenant's set, looked at again where that may help; [] when there is none.

    Args:
        kid: the key that a launch names, by its own word.
    """
    with reading() as s:
        known = key_sets.find(s, tenant_id)
    if known is None:
        return []
    is_old = known.fetched_at <= utc_now() - LOOK_EVERY
    if (is_old or kid not in {key.kid for key in known.keys}) and _may_look(known):
        known = _look(known)
    return known.keys if known.fetched_at > utc_now() - KEPT_FOR else []


def _may_look(known: KeySet) -> bool:
    if known.tried_at > utc_now() - LOOK_AT_MOST_EVERY:
        return False
    with transaction() as s:  # of all that find it old at once, one goes
        return key_sets.begin_look(s, known, utc_now() - LOOK_AT_MOST_EVERY)


def _look(known: KeySet) -> KeySet:
    try:
        keys = read_key_set(servers.fetch(known.url))
    except ValueError as error:
        log.warning("key_set_not_fetched", tenant_id=known.tenant_id, url=known.url, error=str(error))
        return known
    with transaction() as s:
        return key_sets.replace(s, known, keys)
