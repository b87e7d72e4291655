"""A visit that only tells: to a mailbox that is being disconnected, or that is not read any more."""

from __future__ import annotations

import threading

import structlog

from webmail.errors import LeaseLost, ProviderError
from webmail.store.changes import pending_changes
from webmail.store.models import Account
from webmail.store.session import reading
from webmail.sync.changes import push_changes
from webmail.sync.connections import open_imap_for
from webmail.sync.context import SyncContext
from webmail.sync.lease import Lease

log = structlog.get_logger(__name__)

_ANSWER_S = 15


def tell_last_changes(lease: Lease, account: Account, *, limit_s: float) -> None:
    """Carry pending changes to the server, as far as that goes within the time; what is left stays pending.

    A server that answers a byte at a time cannot hold this up: the visit is left to itself, and whatever it still wants
    to write down fails once the lease is given back.

    Args:
        account: with its secret and its settings; one without either has nothing to tell.
    """
    with reading() as s:
        is_needed = bool(pending_changes(s, account.id)) and account.secret is not None and bool(account.imap_host)
    if not is_needed:
        return
    visit = threading.Thread(target=_visit, args=(lease, account), name="farewell", daemon=True)
    visit.start()
    visit.join(limit_s)
    if visit.is_alive():
        log.warning("farewell_cut_short", account=account.id)


def _visit(lease: Lease, account: Account) -> None:
    try:
        with open_imap_for(account, timeout_s=_ANSWER_S) as imap:
            count = push_changes(SyncContext(lease, account, imap))
        log.info("farewell", account=account.id, changes=count)
    except (ProviderError, LeaseLost) as error:
        log.warning("farewell_failed", account=account.id, error=type(error).__name__, detail=str(error)[:300])
    except Exception:
        log.exception("farewell_broken", account=account.id)
