"""Hold an account's lease while working on it.

A thread renews the lease every few seconds, because one slow answer from a server may take longer than the lease
lasts. It ends with the process: after kill -9 the lease runs out and somebody else goes on. Whoever sees that process
on the same machine need not wait for that: an owner's name says on which machine it runs, and under which number.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from socket import gethostname

import structlog

from webmail.errors import LeaseLost
from webmail.store import leases
from webmail.store.models import utc_now
from webmail.store.session import Session, reading, transaction

log = structlog.get_logger(__name__)

_RENEW_S = leases.LEASE_S / 4


class Lease:
    """The right to write an account's synced state, as long as nobody else has taken it."""

    def __init__(self, account_id: int, token: int) -> None:
        self.account_id = account_id
        self._token = token

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a transaction that commits only while the lease is ours.

        Raises:
            LeaseLost: it is another's by now; nothing was written.
        """
        with transaction() as s:
            leases.guard(s, self.account_id, self._token)
            yield s

    def renew_until(self, stop: threading.Event) -> None:
        while not stop.wait(_RENEW_S):
            try:
                with self.transaction():
                    pass
            except LeaseLost:
                return
            except Exception as error:  # noqa: BLE001  # see below
                # The database may be busy for a moment; the next round tries again, and commits check the token anyway.
                log.warning("lease_renewal_failed", account=self.account_id, error=type(error).__name__)


@contextmanager
def held_lease(account_id: int) -> Iterator[Lease | None]:
    """Take an account's lease for the length of a block; None when another process holds it."""
    with transaction() as s:
        token = leases.acquire(s, account_id, owner_name(os.getpid()))
    if token is None:
        yield None
        return
    lease = Lease(account_id, token)
    stop = threading.Event()
    keeper = threading.Thread(target=lease.renew_until, args=(stop,), name="lease-keeper", daemon=True)
    keeper.start()
    try:
        yield lease
    finally:
        stop.set()
        keeper.join()
        with transaction() as s:
            leases.release(s, account_id, token)


def owner_name(pid: int) -> str:
    """Name a process of this machine as the owner of leases."""
    return f"{_machine() or gethostname()[:40]}:{pid}"


def revoke_of_the_dead() -> None:
    """Take their leases from processes of this machine that are gone, however they ended."""
    machine = _machine()
    if machine is None:
        return
    with reading() as s:
        held = leases.held(s, f"{machine}:", utc_now())
    dead = [(account_id, owner) for account_id, owner in held if not _is_alive(int(owner.rpartition(":")[2]))]
    if not dead:
        return
    with transaction() as s:
        for account_id, owner in dead:
            log.warning("lease_of_a_dead_process", account=account_id, owner=owner)
            leases.revoke_from(s, account_id, owner)


@cache
def _machine() -> str | None:
    """Name where process numbers mean what they mean here: this run of the kernel, and the space of numbers in it.

    None where the system does not tell.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return None


def _is_alive(pid: int) -> bool:
    """Say whether a process runs; one that has ended and that nobody has asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
