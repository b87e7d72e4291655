"""Hold a submission while sending or filing it, as `webmail.sync.lease` holds an account."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from webmail.errors import LeaseLost
from webmail.store import submissions as store
from webmail.store.session import Session, transaction

log = structlog.get_logger(__name__)

_RENEW_S = store.CLAIM_S / 4


class Claim:
    """The right to move a submission on, as long as nobody else has taken it over."""

    def __init__(self, submission_id: int, token: int) -> None:
        self.submission_id = submission_id
        self._token = token

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a transaction that commits only while the claim is ours.

        Raises:
            LeaseLost: it is another's by now; nothing was written.
        """
        with transaction() as s:
            store.renew_claim(s, self.submission_id, self._token)
            yield s

    def renew_until(self, stop: threading.Event) -> None:
        while not stop.wait(_RENEW_S):
            try:
                with self.transaction():
                    pass
            except LeaseLost:
                return
            except Exception as error:  # noqa: BLE001  # the database may be busy for a moment; the next round tries again
                log.warning("claim_renewal_failed", submission=self.submission_id, error=type(error).__name__)


@contextmanager
def held_claim(submission_id: int, token: int) -> Iterator[Claim]:
    """Keep a claim alive for the length of a block; it is given back by the block's last transaction, or runs out."""
    claim = Claim(submission_id, token)
    stop = threading.Event()
    keeper = threading.Thread(target=claim.renew_until, args=(stop,), name="claim-keeper", daemon=True)
    keeper.start()
    try:
        yield claim
    finally:
        stop.set()
        keeper.join()
