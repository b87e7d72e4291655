"""Find work in the database that no job stands for, and enqueue it (design, section 4, rules 1 and 3).

A job can get lost: Redis restarted empty, a worker killed with it in hand, a back-off that has run out. So once a
second the rows are asked who waits. Ids with a generation make this harmless where the job is still there.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import structlog

from webmail import queue
from webmail.actions import api_privacy, connect, departures, draft_copies, pacing, privacy, snoozes, submit, webhooks
from webmail.actions.mailings import wake_pacing
from webmail.store import pacing as pacing_store
from webmail.store.accounts import POLL_S, accounts_due, update_account
from webmail.store.models import Account, utc_now
from webmail.store.session import reading, transaction
from webmail.store.verification import accounts_to_verify
from webmail.sync.lease import revoke_of_the_dead
from webmail.sync.requests import enqueue_backfill, enqueue_sync, enqueue_verify

log = structlog.get_logger(__name__)

_EVERY_S = 1.0
_LOST_AFTER_S = 12.0
"""A job that Redis has listed for so long, with nobody at work, is lost."""

_RENEW_EVERY_S = 600.0
_MOST_VERIFIED = 2
"""Accounts that are compared with their servers at a time: proof is worth little of a machine that mail waits for."""

_renewal_due_at = 0.0
_stuck_since: dict[tuple[int, int], float] = {}
"""Since when (monotonic) Redis lists a job for an account and generation that nobody works on."""
_stuck_pacing: dict[tuple[int, int], float] = {}
"""The same for the jobs that pace mailings."""


def run_sweep(stop: threading.Event) -> None:
    """Sweep once a second until told to stop; a failure is logged and the next round tries again."""
    while not stop.wait(_EVERY_S):
        for sweep in (
            revoke_of_the_dead,
            sweep_accounts,
            submit.recover_lost,
            pacing.recover_lost,
            sweep_mailings,
            draft_copies.recover_lost,
            connect.recover_lost,
            departures.recover_lost,
            webhooks.recover_lost,
            api_privacy.recover_lost,
            privacy.recover_lost,
            snoozes.wake_due,
            keep_grants_alive,
            sweep_verifications,
        ):
            try:
                sweep()
            except Exception:
                log.exception("sweep_failed", sweep=sweep.__name__)


def keep_grants_alive() -> None:
    """Now and then, have those grants used that nobody has used for most of a day: idle ones die."""
    global _renewal_due_at
    if time.monotonic() >= _renewal_due_at:
        _renewal_due_at = time.monotonic() + _RENEW_EVERY_S
        queue.enqueue("renew_grants", job_id="renew-grants")


def sweep_accounts() -> None:
    """Enqueue the sync or backfill of each account that is due and that nobody works on."""
    now = utc_now()
    with reading() as s:
        due = accounts_due(s, now, now - timedelta(seconds=POLL_S))
    stuck: dict[tuple[int, int], float] = {}
    for account in due:
        is_news = account.wanted_at is not None or account.is_backfilled or account.last_synced_at is None
        if not (enqueue_sync(account) if is_news else enqueue_backfill(account)):
            key = (account.id, account.sync_generation)
            stuck[key] = _stuck_since.get(key, time.monotonic())
            if time.monotonic() - stuck[key] > _LOST_AFTER_S:
                _start_generation(account)
    _stuck_since.clear()
    _stuck_since.update(stuck)


def sweep_mailings() -> None:
    """Enqueue the pacing of each account whose mailings have something to do."""
    with reading() as s:
        due = pacing_store.accounts_due(s, utc_now())
    stuck: dict[tuple[int, int], float] = {}
    for account in due:
        if not wake_pacing(account):
            key = (account.id, account.mass_generation)
            stuck[key] = _stuck_pacing.get(key, time.monotonic())
            if time.monotonic() - stuck[key] > _LOST_AFTER_S:
                log.warning("pacing_lost", account=account.id, generation=account.mass_generation)
                with transaction() as s:
                    pacing_store.start_generation(s, account.id, account.mass_generation)
    _stuck_pacing.clear()
    _stuck_pacing.update(stuck)


def sweep_verifications() -> None:
    """Have folders compared with their servers, as far as nobody waits for a first import."""
    if queue.has_waiting(queue.BACKFILL) or queue.has_waiting(queue.NEWS):
        return
    with reading() as s:
        due = accounts_to_verify(s, utc_now(), _MOST_VERIFIED)
    for account in due:
        enqueue_verify(account)


def _start_generation(account: Account) -> None:
    log.warning("job_lost", account=account.id, generation=account.sync_generation)
    with transaction() as s:
        update_account(s, account.id, sync_generation=Account.sync_generation + 1)
