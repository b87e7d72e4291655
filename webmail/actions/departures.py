"""Part with a mailbox: at once for the user, and within a minute for its server.

disconnect()         status `disconnecting` or `erasing`: no sync, no watch, nothing goes out any more; what was
                     queued becomes drafts, and the read marks to be put back are written down
finish_disconnect()  the job: at most 60 s for what the server must still learn, then the credentials are erased
                     -> `not_connected`, with its conversations, or gone with all that hung on it
recover_lost()       the sweep: finds a departure whose job got lost
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog

from webmail import queue
from webmail.actions._connect_steps import disconnected, stopped
from webmail.actions.submit import take_back
from webmail.errors import LeaseLost
from webmail.store import attempts, cache, departures, grants, leases
from webmail.store.accounts import find_account, load_account
from webmail.store.folders import folders_of
from webmail.store.models import Account, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, after_commit, reading, transaction
from webmail.store.submissions import load_submission
from webmail.store.webhooks import record_of_account
from webmail.store.wiping import wipe_deleted
from webmail.sync.farewell import tell_last_changes
from webmail.sync.lease import Lease, held_lease
from webmail.sync.read_marks import record_put_back
from webmail.sync.tokens import withdraw

log = structlog.get_logger(__name__)

_LIMIT_S = 60.0
_LOOK_EVERY = timedelta(seconds=15)
_ENDING = ("disconnecting", "erasing")


def disconnect(scope: Scope, uuid: UUID, *, erase: bool, put_back_marks: bool) -> None:
    """Disconnect a mailbox; one that is on its way out already can still be chosen to be erased.

    Args:
        erase: whether its conversations go too. They stay in the mailbox itself either way.
        put_back_marks: whether what the read-mark rule has marked becomes unread there again.

    Raises:
        NotFound: no such account.
    """
    with transaction() as s:
        account = load_account(s, scope, uuid)
        if account.status == "erasing" or (account.status == "not_connected" and not erase):
            return
        if account.status not in (*_ENDING, "not_connected"):
            record_of_account(s, account, "account.disconnected")
        if put_back_marks and account.secret is not None:
            record_put_back(s, account, {folder.id: folder for folder in folders_of(s, account.id)})
        account.status = "erasing" if erase else "disconnecting"
        account.status_sentence = account.status_next_step = account.status_detail = ""
        account.wanted_at = None
        account.retry_at = utc_now() + _LOOK_EVERY
        s.flush()
        leases.revoke(s, account.id)
        _end_attempts(s, scope, account)
        _turn_into_drafts(s, scope, account)
        after_commit(s, lambda: queue.publish(account.user_id, "account-changed", uuid=str(account.uuid)))
        after_commit(s, lambda: _enqueue(account))


def _end_attempts(s: Session, scope: Scope, account: Account) -> None:
    for attempt in attempts.running_attempts(s, scope):
        if attempt.account_id == account.id:
            attempts.end_attempt(attempt, "failed", stopped(attempt.steps, disconnected()))


def _turn_into_drafts(s: Session, scope: Scope, account: Account) -> None:
    """Take back what waits to go out. What is being handed over this moment is left to end as it will."""
    for uuid in departures.queued_submissions(s, account.id):
        take_back(s, load_submission(s, scope, uuid))


def _enqueue(account: Account) -> None:
    queue.enqueue("disconnect", account.id, job_id=f"disconnect-{account.uuid}-{account.sync_generation}")


def finish_disconnect(account_id: int) -> None:
    """Do what still needs the mailbox, then erase its credentials, or all of it; as a job, safe to run twice."""
    with held_lease(account_id) as lease:
        with reading() as s:
            account = find_account(s, account_id)
        if lease is None or account is None or account.status not in _ENDING:
            return
        try:
            is_erased = _finish(lease, account)
        except LeaseLost:
            log.warning("lease_lost", account=account_id)
            return
    log.info("disconnected", account=account_id, is_erased=is_erased)
    queue.publish(account.user_id, "account-changed", uuid=str(account.uuid))
    queue.publish(account.user_id, "mail-new", count=0)


def _finish(lease: Lease, account: Account) -> bool:
    """Tell the server, then end the account; gives whether it is gone with all that hung on it."""
    tell_last_changes(lease, account, limit_s=_LIMIT_S)
    withdraw(account.id)
    if account.status == "erasing":
        with lease.transaction() as s:
            departures.erase_answers(s, account.id)
        departures.erase_mail(account.id)
    with lease.transaction() as s:
        is_erased = _end(s, account.id)
    if is_erased:
        cache.erase_account(account.uuid)
        wipe_deleted()
    return is_erased


def _end(s: Session, account_id: int) -> bool:
    """Erase the credentials, and the account where that was asked for; gives whether it was."""
    account = find_account(s, account_id)
    if account is None or account.status not in _ENDING:
        return False
    if account.status == "erasing":
        departures.erase_account(s, account)
        return True
    grants.erase_grant(s, account_id)
    account.secret = None
    account.status = "not_connected"
    account.retry_at = account.wanted_at = None
    account.failures = 0
    return False


def recover_lost() -> None:
    """Enqueue the last job of each departure that nobody has ended yet, and drop what outlived an erased account."""
    now = utc_now()
    with transaction() as s:
        departures.erase_leftovers(s)
        waiting = departures.unfinished_departures(s, now)
        for account in waiting:
            account.retry_at = now + _LOOK_EVERY
    for account in waiting:
        _enqueue(account)
