"""When folders are compared with the server: by themselves, a folder at a time, and all at once for an operator.

By itself each folder is compared once a day, at night as far as that can be told (its turn moves by a random hour), in
turns of two seconds on the queue that has the least right of way. A turn ends as soon as a sync of the account is
wanted. How far it has come is a column of the folder, and so is the receipt at the end.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog

from webmail import queue
from webmail.errors import LeaseLost, ProviderError, Refused, Retryable
from webmail.providers.imap import ImapSession
from webmail.store.accounts import find_account
from webmail.store.folders import folders_of, update_folder
from webmail.store.models import Account, Folder, utc_now
from webmail.store.session import after_commit, reading
from webmail.store.verification import next_folder_to_verify
from webmail.sync.changes import push_changes
from webmail.sync.connections import open_imap_for
from webmail.sync.context import SyncContext
from webmail.sync.engine import ask_for_more
from webmail.sync.lease import Lease, held_lease
from webmail.sync.verify import FolderCheck, Progress, head_sample

log = structlog.get_logger(__name__)

_TURN_S = 2.0
_HEADS_EVERY_DAYS = 14
"""By itself, each message's header fields are compared once in so many days: they never change, and cost most."""
_AGAIN_H = (20, 28)
_AFTER_TROUBLE = timedelta(hours=1)
_LEASE_WAIT_S = 60.0


def verify_account(account_id: int) -> None:
    """Go on comparing the account's folder that is next, for one turn, as a job; what differs is mended."""
    with held_lease(account_id) as lease:
        if lease is None:
            return
        with reading() as s:
            account = find_account(s, account_id)
            folder = next_folder_to_verify(s, account_id, utc_now())
        if account is None or folder is None or not _may_verify(account):
            return
        try:
            with open_imap_for(account) as imap:
                _turn(SyncContext(lease, account, imap), folder)
        except LeaseLost:
            log.warning("lease_lost", account=account_id)
        except ProviderError as error:
            # The next sync meets the same trouble and tells the user; here it only means: later.
            log.warning("verify_failed", account=account_id, folder=folder.id, cause=error.cause)
            _put_off(lease, folder)
        except Exception:
            log.exception("verify_broke", account=account_id, folder=folder.id)
            _put_off(lease, folder)
    ask_for_more(account_id)


def _may_verify(account: Account) -> bool:
    is_calm = account.wanted_at is None and account.retry_at is None and account.is_backfilled
    return is_calm and account.secret is not None and account.reads_mail and account.status == "connected"


def _turn(context: SyncContext, folder: Folder) -> None:
    started = time.monotonic()
    check = FolderCheck(
        folder,
        fixes=True,
        compares_head=head_sample(utc_now().toordinal(), _HEADS_EVERY_DAYS),
        progress=Progress.load(folder.verify_progress),
    )
    while not check.is_over and time.monotonic() - started < _TURN_S:
        check.step(context)
        with context.lease.transaction() as s:
            update_folder(s, folder.id, verify_progress={} if check.is_over else check.progress.dump())
            current = find_account(s, context.account.id)
        if current is None or not _may_verify(current):
            break
    if check.is_over:
        save_receipt(context, check)


def save_receipt(context: SyncContext, check: FolderCheck) -> None:
    """Write down how a comparison ended, with the folder, and tell the open pages."""
    account, progress = context.account, check.progress
    now = utc_now()
    log.info("verified", account=account.id, folder=check.folder.id, count=progress.count, mended=progress.mended)
    with context.lease.transaction() as s:
        update_folder(
            s,
            check.folder.id,
            verified_at=now,
            verified_count=progress.count,
            verified_matched=progress.matched,
            mended=progress.mended,
            verify_progress={},
            verify_after=now + timedelta(hours=random.uniform(*_AGAIN_H)),
        )
        after_commit(s, lambda: queue.publish(account.user_id, "account-changed", uuid=str(account.uuid)))


def _put_off(lease: Lease, folder: Folder) -> None:
    try:
        with lease.transaction() as s:
            update_folder(s, folder.id, verify_after=utc_now() + _AFTER_TROUBLE)
    except LeaseLost:
        log.warning("lease_lost", account=folder.account_id)


def verify_now(account: Account, *, fixes: bool) -> Iterator[tuple[Folder, FolderCheck | ProviderError]]:
    """Compare every folder of an account now, all header fields included; the lease is given back every two seconds.

    Yields:
        Each folder with its finished comparison, or with the reason why it could not be compared.

    Raises:
        ProviderError: the mailbox cannot be reached, or somebody works on the account without end.
    """
    with open_imap_for(account) as imap:
        with _lease_of(account) as lease:
            push_changes(SyncContext(lease, account, imap))
        with reading() as s:
            folders = [folder for folder in folders_of(s, account.id) if folder.synced_at is not None]
        for folder in sorted(folders, key=lambda each: not each.is_synced):
            try:
                yield folder, _compare_whole(account, imap, folder, fixes=fixes)
            except Refused as error:
                yield folder, error


def _compare_whole(account: Account, imap: ImapSession, folder: Folder, *, fixes: bool) -> FolderCheck:
    check = FolderCheck(folder, fixes=fixes)
    while not check.is_over:
        with _lease_of(account) as lease:
            context = SyncContext(lease, account, imap)
            started = time.monotonic()
            while not check.is_over and time.monotonic() - started < _TURN_S:
                check.step(context)
            if check.is_over and fixes:
                save_receipt(context, check)
    return check


@contextmanager
def _lease_of(account: Account) -> Iterator[Lease]:
    """Take the account's lease, waiting for whoever has it."""
    deadline = time.monotonic() + _LEASE_WAIT_S
    while time.monotonic() < deadline:
        with held_lease(account.id) as lease:
            if lease is not None:
                yield lease
                return
        time.sleep(0.2)
    raise Retryable("Another process works on this mailbox without end.", side="imap", cause="busy")
