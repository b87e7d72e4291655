"""Where a typed address's mail is kept, asked for in the background: what was found is kept for everybody, by domain.

begin()     the form asks for an address whose domain no table knows -> a job, once for a domain
discover()  the job: MX, SRV and autoconfig, four seconds at most
look()      what is known by now: the form looks again until there is something, or nothing to come
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import structlog

from webmail import queue
from webmail.actions import presets
from webmail.domain.addresses import domain_of
from webmail.providers import discovery
from webmail.store.scope import Scope

log = structlog.get_logger(__name__)

_KEPT_S, _NOTHING_KEPT_S = 6 * 3600, 600
_MOST_LOOKUPS, _WINDOW_S = 30, 600
_LONGEST_DOMAIN = 253


@dataclass(frozen=True)
class Discovery:
    """What is known of an address: a provider's id, or what to fill in; `is_over` when nothing more is to come."""

    provider: str = ""
    filled: dict[str, str] | None = None
    is_over: bool = True


def begin(scope: Scope, email: str) -> bool:
    """Have an address's domain looked up, unless a table or an earlier lookup knows it; say whether that is going on.

    Nobody can have more than a few domains looked up: it would be a way to have strangers' servers asked.
    """
    domain = _domain(email)
    if not domain or presets.provider_for(email) or look(email).is_over:
        return False
    if not queue.is_within_limit(f"discover:{scope.user_id}", limit=_MOST_LOOKUPS, window_s=_WINDOW_S):
        return False
    queue.enqueue("discover", domain, job_id=f"discover-{sha256(domain.encode()).hexdigest()[:20]}")
    return True


def discover(domain: str) -> None:
    """Look a domain up and keep what was found, as a job."""
    found = discovery.discover(domain)
    kept = asdict(found) if found is not None else {}
    log.info("discovered", domain=domain, source=kept.get("source", ""), provider=kept.get("provider", ""))
    queue.keep(_key(domain), kept, seconds=_KEPT_S if found is not None else _NOTHING_KEPT_S)


def look(email: str) -> Discovery:
    """Give what is known of an address by now, without asking anybody."""
    domain = _domain(email)
    if not domain:
        return Discovery()
    try:
        kept = queue.peek(_key(domain))
    except queue.Unreachable as error:
        log.warning("discovery_unknown", error=str(error))
        return Discovery()
    if kept is None:
        return Discovery(is_over=False)
    if kept.get("provider"):
        return Discovery(provider=kept["provider"])
    return Discovery(filled=_filled(kept, email)) if kept else Discovery()


def _filled(kept: dict[str, Any], email: str) -> dict[str, str]:
    """Give what was found by the names of the form's fields."""
    filled = {"imap_folder": "INBOX", "ssl_enabled": "1"}
    for side in ("imap", "smtp"):
        server = kept.get(side)
        if server is not None:
            filled |= {f"{side}_host": server["host"], f"{side}_port": str(server["port"])}
            if server["user_name_form"] == "local_part":
                filled["user_name"] = email.strip().rpartition("@")[0]
    return filled


def _domain(email: str) -> str:
    """Give the domain of an address that looks whole, in ASCII; "" otherwise."""
    local, _, _ = email.strip().rpartition("@")
    domain = domain_of(email).removesuffix(".")
    if not local or "." not in domain or len(domain) > _LONGEST_DOMAIN:
        return ""
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""


def _key(domain: str) -> str:
    return f"discovery:{domain}"
