"""Hold an account's lease while working on it.

A thread renews the lease every few seconds, because one slow answer from a server may take longer than the lease
lasts. It ends with the process: after kill -9 the lease runs out and somebody else goes on.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from webmail.errors import LeaseLost
from webmail.store import leases
from webmail.store.session import Session, transaction

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
        token = leases.acquire(s, account_id, f"{socket.gethostname()}:{os.getpid()}"[:64])
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
