"""Ask for a sync: a mark in the database first, then a job that may get lost."""

from __future__ import annotations

from webmail import queue
from webmail.store.accounts import update_account
from webmail.store.models import Account, utc_now
from webmail.store.session import Session, after_commit


def request_sync(s: Session, account: Account) -> None:
    """Have the account synced soon.

    If a sync is running, it sees the mark between two slices; if the job gets lost, the sweep finds the mark.
    """
    update_account(s, account.id, wanted_at=utc_now())
    after_commit(s, lambda: enqueue_sync(account))


def enqueue_sync(account: Account) -> bool:
    """Put the account's sync on the queue, once in each generation."""
    return queue.enqueue("sync", account.id, job_id=f"sync-{account.uuid}-{account.sync_generation}")


def enqueue_backfill(account: Account) -> bool:
    """Put the next part of the account's first import on the queue, once in each generation."""
    return queue.enqueue("backfill", account.id, job_id=f"backfill-{account.uuid}-{account.sync_generation}")


def enqueue_verify(account: Account) -> bool:
    """Put the next part of comparing the account with its server on the queue, once in each generation."""
    return queue.enqueue("verify", account.id, job_id=f"verify-{account.uuid}-{account.sync_generation}")
