"""Sync of one account: server state + stored state -> steps -> stored state.

A *sync* is short: it tells the server what was done here, then brings the synced folders up to date, newest mail
first. A *backfill* reads what lies further down, in slices of at most two seconds. Between two batches it looks whether
a sync of its account is wanted, and does it at once on the line that it has; between two slices whether anybody has
news, and stands back: so news never waits for history.

Invariants:

1. One process at a time holds the account's lease; each commit checks it (`sync.lease`).
2. No transaction is open while the server is being waited for.
3. A folder's position moves in the transaction that stores what lies before it.
4. Nothing is written to the server but what a committed Change says.
5. Fetching never marks: PEEK, in folders opened with EXAMINE.

    wanted_at set -> sync: changes -> folders -> inbox -> sent -> read marks -> bodies of the first page
                  -> is_backfilled? done : backfill: slices of messages with their texts -> is_backfilled
"""

from __future__ import annotations

import random
import time
from datetime import timedelta

import structlog

from webmail import queue
from webmail.errors import LeaseLost, NeedsSignIn, ProviderError, Refused, Retryable
from webmail.store.accounts import clear_wanted, find_account, mark_failure, mark_success, stored_count, update_account
from webmail.store.folders import folders_of, save_folders
from webmail.store.messages import bodies_waiting
from webmail.store.models import Account, Folder, utc_now
from webmail.store.private_mail import count_left_out
from webmail.store.session import Session, after_commit, reading
from webmail.sync.backfill import backfill_slice
from webmail.sync.bodies import fetch_bodies
from webmail.sync.changes import push_changes
from webmail.sync.connections import open_imap_for
from webmail.sync.context import SyncContext
from webmail.sync.decide import retry_delay_s
from webmail.sync.farewell import tell_last_changes
from webmail.sync.follow import begin_following, follow_moves
from webmail.sync.lease import Lease, held_lease
from webmail.sync.news import FIRST_PAGE, pull_folder
from webmail.sync.older_mail import read_older
from webmail.sync.renames import is_renamed
from webmail.sync.requests import enqueue_backfill, enqueue_sync

log = structlog.get_logger(__name__)

_BACKFILL_TURN_S = 20.0
_TELL_S = 60.0
_PATIENCE_S, _LESS_PATIENCE_S = 30.0, 10.0
_ALARM_AFTER = 3
"""Passing failures in a row before the user is shown an error."""


def sync_account(account_id: int) -> None:
    """Bring an account up to date, as a job: whatever goes wrong is recorded with the account."""
    _run(account_id, backfills=False)


def backfill_account(account_id: int) -> None:
    """Go on with an account's first import for one turn, as a job; it asks for the next turn itself."""
    _run(account_id, backfills=True)


def _run(account_id: int, *, backfills: bool) -> None:
    with held_lease(account_id) as lease:
        if lease is None:
            return
        with reading() as s:
            account = find_account(s, account_id)
        if account is not None and not account.reads_mail and account.status in ("connected", "error"):
            _tell_only(lease, account)
            return
        if account is None or not _may_sync(account) or (backfills and account.is_backfilled):
            return
        try:
            _work(lease, account, backfills=backfills)
        except LeaseLost:
            log.warning("lease_lost", account=account_id)
        except ProviderError as error:
            _record_failure(lease, account, error)
        except Exception:
            # A mistake of ours, or a database that is away: tried again like all else, with growing waits.
            log.exception("sync_broke", account=account_id)
            _record_failure(lease, account, _broken_here())
    ask_for_more(account_id)


def _tell_only(lease: Lease, account: Account) -> None:
    """Tell a mailbox that is not read any more what was done to its mail here, such as marks that are put back."""
    tell_last_changes(lease, account, limit_s=_TELL_S)
    with lease.transaction() as s:
        clear_wanted(s, account.id, account.wanted_at)


def _may_sync(account: Account) -> bool:
    """Say whether an account is to be synced now; while it waits after a failure, the sweep will call again."""
    is_waiting = account.retry_at is not None and account.retry_at > utc_now()
    has_line = account.secret is not None and account.reads_mail and account.status in ("connected", "error")
    return has_line and not is_waiting


def _broken_here() -> Retryable:
    return Retryable(
        "Something went wrong here while this mailbox was synced.",
        side="imap",
        cause="broken_here",
        next_step="It is tried again by itself.",
    )


def _work(lease: Lease, account: Account, *, backfills: bool) -> None:
    started = time.monotonic()
    # A server that failed just now gets less patience: the worker is needed by the other accounts.
    timeout_s = _PATIENCE_S if account.failures == 0 else _LESS_PATIENCE_S
    with open_imap_for(account, timeout_s) as imap:
        context = SyncContext(lease, account, imap)
        _sync_once(context)
        while backfills and time.monotonic() - started < _BACKFILL_TURN_S:
            with reading() as s:
                current = find_account(s, account.id)
            if current is None or not _may_sync(current):
                return
            if current.wanted_at is not None:
                _sync_once(context)
            if not backfill_slice(context):
                break
            _report_progress(context)
            if queue.has_waiting(queue.NEWS):
                # Somebody's news: they go first, and the backfill's next turn stands behind them.
                break
        if backfills:
            log.info("turn_ended", account=account.id, round_trips=imap.round_trips)
        if context.refused:
            raise next(iter(context.refused.values()))


def _sync_once(context: SyncContext) -> None:
    account = context.account
    with reading() as s:
        wanted_at = getattr(find_account(s, account.id), "wanted_at", None)
    if push_changes(context):
        queue.publish(account.user_id, "conversation-changed", uuid="")
    folders = _folders(context)
    new = 0
    for folder in folders:
        new += _sync_if_there(context, folder)
    follow_moves(context)
    read_older(context, folders)
    with context.lease.transaction() as s:
        clear_wanted(s, account.id, wanted_at)
        if context.refused:
            update_account(s, account.id, last_synced_at=utc_now())
        else:
            mark_success(s, account.id)
        _save_progress(s, account.id, folders)
    queue.publish(account.user_id, "account-changed", uuid=str(account.uuid))
    log.info("synced", account=account.id, new=new, round_trips=context.imap.round_trips)


def _sync_if_there(context: SyncContext, folder: Folder) -> int:
    """Bring a folder up to date; one beside the inbox that is gone or hidden is remembered, and the rest goes on."""
    try:
        return _sync_folder(context, folder)
    except Refused as error:
        if error.cause == "folder_missing" and is_renamed(context, folder):
            return _sync_folder(context, folder)
        if folder.role == "inbox":
            raise
        context.refused[folder.id] = error
        return 0


def _sync_folder(context: SyncContext, folder: Folder) -> int:
    """Bring one folder up to date and show it, before the next one is looked at."""
    is_first = folder.uidvalidity is None
    new = pull_folder(context, folder)
    if is_first and new:
        queue.publish(context.account.user_id, "mail-new", count=0)
    if new or is_first or context.account.is_backfilled:
        # Also without news: what came last may have lost its line between header and body.
        with reading() as s:
            waiting = bodies_waiting(s, folder, FIRST_PAGE)
        fetch_bodies(context, waiting)
    if new:
        # The first import is silent: a count of 0 redraws the list without announcing anything.
        count = 0 if is_first or folder.role != "inbox" else new
        queue.publish(context.account.user_id, "mail-new", count=count)
        push_changes(context)
    return new


def _folders(context: SyncContext) -> list[Folder]:
    """Give the folders that are synced whole, inbox first; ask the server the first time, and when settings changed."""
    account = context.account
    names = [name for name in (account.imap_folder or "INBOX", account.outbox_folder) if name]
    with reading() as s:
        known = {folder.name: folder for folder in folders_of(s, account.id) if folder.is_synced}
    if set(known) != set(names):
        found = {folder.name: folder.role for folder in context.imap.list_folders() if folder.is_selectable}
        roles = {name: "" if role in ("inbox", "sent") else role for name, role in found.items()}
        if len(names) > 1:
            roles[names[1]] = "sent"
        roles[names[0]] = "inbox"
        with context.lease.transaction() as s:
            known = {folder.name: folder for folder in save_folders(s, account.id, roles, set(names))}
        begin_following(context, [folder for folder in known.values() if not folder.is_synced])
    return [known[name] for name in dict.fromkeys(names)]


def _save_progress(s: Session, account_id: int, folders: list[Folder]) -> None:
    total = sum(folder.server_count for folder in folders)
    account = find_account(s, account_id)
    # Counting takes longer the more there is, so it ends with the first import.
    is_over = account is not None and account.is_backfilled
    done = total if is_over else stored_count(s, account_id) + count_left_out(s, account_id)
    update_account(s, account_id, sync_done=min(done, total), sync_total=total)


def _report_progress(context: SyncContext) -> None:
    account = context.account
    with context.lease.transaction() as s:
        _save_progress(s, account.id, [folder for folder in folders_of(s, account.id) if folder.is_synced])
        after_commit(s, lambda: queue.publish(account.user_id, "account-changed", uuid=str(account.uuid)))


def ask_for_more(account_id: int) -> None:
    """After the lease is free: have done what was wanted meanwhile, or the next turn of the backfill."""
    with reading() as s:
        account = find_account(s, account_id)
    if account is None or not _may_sync(account):
        return
    if account.wanted_at is not None:
        enqueue_sync(account)
    if not account.is_backfilled:
        enqueue_backfill(account)


def _record_failure(lease: Lease, account: Account, error: ProviderError) -> None:
    """Write down why an account could not be reached, and when to try again.

    Only an explicit refusal of the credentials ends in `reconnect_needed`. What may pass is tried again with growing
    waits, and becomes visible as an error only after a few times.
    """
    log.warning("sync_failed", account=account.id, cause=error.cause, detail=error.detail[:300])
    try:
        with lease.transaction() as s:
            _save_failure(s, account, error)
    except LeaseLost:
        log.warning("lease_lost", account=account.id)


def _save_failure(s: Session, account: Account, error: ProviderError) -> None:
    current = find_account(s, account.id)
    if current is not None and current.status in ("connected", "error"):
        failures = current.failures + 1
        if isinstance(error, NeedsSignIn):
            status, retry_at = "reconnect_needed", None
        else:
            is_alarming = failures >= _ALARM_AFTER or isinstance(error, Refused)
            status = "error" if is_alarming else current.status
            asked = getattr(error, "retry_after_s", None) or 0.0
            retry_at = utc_now() + timedelta(seconds=max(asked, retry_delay_s(failures, random.random())))
        mark_failure(
            s,
            account.id,
            status=status,
            sentence=error.user_message,
            next_step=error.next_step,
            detail=error.server_answer,
            retry_at=retry_at,
            cause=error.cause,
        )
        after_commit(s, lambda: queue.publish(account.user_id, "account-changed", uuid=str(account.uuid)))
