"""What a sync has to do in a folder, decided from what is stored and what SELECT said. No I/O.

The state of a folder is (UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ, number of messages). As long as UIDVALIDITY stands,
UIDs only ever grow (RFC 9051, section 2.3.1.1), so:

- new mail is what lies at or above the stored UIDNEXT;
- something was expunged if there are fewer messages than the stored number plus the new ones;
- flags changed if HIGHESTMODSEQ rose (RFC 7162), and without CONDSTORE only looking tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

FLAG_WINDOW = 200
"""Without CONDSTORE the flags of this many newest messages are compared at each sync …"""
FULL_FLAG_COMPARE = timedelta(minutes=10)
"""… and those of all of them this often."""


@dataclass(frozen=True)
class StoredFolder:
    """What is stored of a folder; `uidvalidity` is None before its first sync."""

    uidvalidity: int | None
    uidnext: int
    highestmodseq: int | None
    server_count: int
    flags_compared_at: datetime | None


@dataclass(frozen=True)
class ServerFolder:
    """What SELECT said of a folder; `highestmodseq` is None without CONDSTORE."""

    uidvalidity: int
    uidnext: int
    highestmodseq: int | None
    exists: int


@dataclass(frozen=True)
class Plan:
    """The steps to take in a folder.

    Args:
        begin: read it as one never seen: its newest page now, the rest by backfill.
        forget_uids: the stored UIDs belong to an older UIDVALIDITY.
        fetch_from: fetch all UIDs from here on; None when there is nothing new.
        flags_since: take flags changed since this MODSEQ; None when none did or CONDSTORE is missing.
        compare_flags: "none", "window" or "all", for servers without CONDSTORE.
    """

    begin: bool = False
    forget_uids: bool = False
    fetch_from: int | None = None
    flags_since: int | None = None
    compare_flags: str = "none"


def plan_folder(stored: StoredFolder, server: ServerFolder, now: datetime) -> Plan:
    """Decide what to do in a folder."""
    if stored.uidvalidity is None:
        return Plan(begin=True)
    if stored.uidvalidity != server.uidvalidity:
        return Plan(begin=True, forget_uids=True)
    fetch_from = stored.uidnext if server.uidnext > stored.uidnext or server.uidnext == 0 else None
    if server.highestmodseq is None:
        return Plan(fetch_from=fetch_from, compare_flags=_compare(stored, now))
    if stored.highestmodseq is None:
        return Plan(fetch_from=fetch_from, compare_flags="all")
    changed = server.highestmodseq > stored.highestmodseq
    return Plan(fetch_from=fetch_from, flags_since=stored.highestmodseq if changed else None)


def _compare(stored: StoredFolder, now: datetime) -> str:
    if stored.flags_compared_at is None or now - stored.flags_compared_at >= FULL_FLAG_COMPARE:
        return "all"
    return "window"


def has_expunged(stored: StoredFolder, new_count: int, server: ServerFolder, gone_count: int = 0) -> bool:
    """Say whether messages are gone from the server, given how many came, and how many are known to have gone."""
    return server.exists != stored.server_count + new_count - gone_count


def keeper_of(account_id: int, names: Sequence[str]) -> str:
    """Give which of several watchers keeps an account's line (rendezvous hashing).

    When one joins or leaves, only the accounts that it gets or had change hands.

    Args:
        names: those at work, at least one.
    """
    return max(names, key=lambda name: blake2b(f"{name} {account_id}".encode(), digest_size=8).digest())


def retry_delay_s(failures: int, spread: float) -> float:
    """Give the wait before the next try after so many failures in a row: 5 s doubling to 15 minutes.

    Args:
        failures: 1 after the first.
        spread: a random number from 0 to 1; the wait varies by a quarter, so that accounts do not come in step.
    """
    wait = min(5.0 * 2.0 ** (max(failures, 1) - 1), 900.0)
    return wait * (0.75 + 0.5 * spread)
