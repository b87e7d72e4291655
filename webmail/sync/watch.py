"""Watch the inboxes of all accounts in one process, and ask for a sync when something stirs.

One asyncio loop holds one IDLE connection per account (RFC 2177). The watcher reads no mail and writes nothing to any
server: it only notes in the database that a sync is wanted. Which accounts there are is asked anew every two seconds;
a changed setting ends the old connection and opens a new one. A server without IDLE is polled, with jitter.

Where several watchers are at work they share the accounts between them: each says through Redis that it is there, and
all work out the same shares. One that dies is missed after ten seconds; whoever takes over a line asks for a sync
first, so nothing is missed meanwhile. Two that hold the same line for a moment only ask twice.

Errors are not the watcher's to judge: it asks for a sync, which meets the same error and records it with the account,
and tries its own line again with growing waits.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
import threading
from dataclasses import dataclass
from hashlib import blake2b

import structlog

from webmail import queue
from webmail.errors import ProviderError
from webmail.providers.base import Credentials, ServerSettings
from webmail.providers.idle import IdleConnection, IdleUnsupported
from webmail.store.accounts import find_account, inboxes_to_watch, update_account
from webmail.store.session import reading, transaction
from webmail.sync.connections import credentials_of
from webmail.sync.decide import keeper_of, retry_delay_s
from webmail.sync.requests import request_sync

log = structlog.get_logger(__name__)

_REFRESH_S = 2.0
_ROLL = "watchers"
_MISSED_AFTER_S = 10
_POLL_S = 30.0
"""How often an account is synced whose server knows no IDLE."""


@dataclass(frozen=True)
class Watched:
    """What a connection depends on; a new value means a new connection."""

    account_id: int
    settings: ServerSettings
    user_name: str
    secret_digest: bytes
    folder: str


def run_watch(stop: threading.Event) -> None:
    """Watch until told to stop."""
    asyncio.run(_watch(stop))


async def _watch(stop: threading.Event) -> None:
    tasks: dict[Watched, asyncio.Task[None]] = {}
    name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    try:
        while not stop.is_set():
            try:
                wanted = await asyncio.to_thread(_load_share, name)
            except Exception:
                log.exception("watch_refresh_failed")
                wanted = None
            if wanted is not None:
                _adjust(tasks, wanted)
            await asyncio.to_thread(stop.wait, _REFRESH_S)
    finally:
        await asyncio.to_thread(queue.leave_roll, _ROLL, name)
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def _load_share(name: str) -> set[Watched]:
    """Give the inboxes that are this watcher's to watch."""
    names = queue.call_roll(_ROLL, name, seconds=_MISSED_AFTER_S)
    with reading() as s:
        inboxes = inboxes_to_watch(s)
    return {
        Watched(
            inbox.account_id,
            ServerSettings(inbox.host, inbox.port or 993, inbox.security),
            inbox.user_name,
            blake2b(inbox.secret or b"", digest_size=16).digest(),
            inbox.folder or "INBOX",
        )
        for inbox in inboxes
        if len(names) < 2 or keeper_of(inbox.account_id, names) == name
    }


def _adjust(tasks: dict[Watched, asyncio.Task[None]], wanted: set[Watched]) -> None:
    for watched in [each for each in tasks if each not in wanted or tasks[each].done()]:
        tasks.pop(watched).cancel()
    for watched in wanted - tasks.keys():
        tasks[watched] = asyncio.create_task(_watch_account(watched))


def _credentials(account_id: int) -> Credentials | None:
    """Give an account's credentials as they are now; None when it is gone or has none."""
    with reading() as s:
        account = find_account(s, account_id)
    return None if account is None or account.secret is None else credentials_of(account)


async def _watch_account(watched: Watched) -> None:
    bell = _Bell()
    caller = asyncio.create_task(_call_for_sync(watched.account_id, bell))
    failures = 0
    try:
        while True:
            loop = asyncio.get_running_loop()
            started = loop.time()
            try:
                credentials = await asyncio.to_thread(_credentials, watched.account_id)
                if credentials is None:
                    return
                await IdleConnection(watched.settings, credentials, watched.folder).run(
                    on_news=bell.ring_live, on_ready=bell.ring_live
                )
            except IdleUnsupported:
                bell.ring()
                await asyncio.sleep(_POLL_S * (0.75 + 0.5 * random.random()))
                continue
            except ProviderError as error:
                log.info("watch_interrupted", account=watched.account_id, cause=error.cause)
            failures = 1 if loop.time() - started > 60 else failures + 1
            # The sync meets the same error and records it; what comes while nobody listens is found once somebody does.
            bell.ring()
            await asyncio.sleep(retry_delay_s(failures, random.random()))
    finally:
        caller.cancel()


class _Bell(asyncio.Event):
    """Rings for a sync; `is_live` while one of the rings came over a line that works."""

    is_live = False

    def ring(self) -> None:
        self.set()

    def ring_live(self) -> None:
        self.is_live = True
        self.set()


async def _call_for_sync(account_id: int, bell: _Bell) -> None:
    """Ask for a sync each time the bell rings; rings that come while asking are answered once."""
    while True:
        await bell.wait()
        bell.clear()
        is_live, bell.is_live = bell.is_live, False
        try:
            await asyncio.to_thread(_note_news, account_id, is_live=is_live)
        except Exception:
            log.exception("news_not_noted", account=account_id)
            await asyncio.sleep(1)
            bell.is_live |= is_live
            bell.ring()


def _note_news(account_id: int, *, is_live: bool) -> None:
    """Ask for a sync; news over a live line end the wait after a failure, because the server answers again."""
    with transaction() as s:
        account = find_account(s, account_id)
        if account is not None:
            if is_live:
                update_account(s, account_id, retry_at=None)
            request_sync(s, account)
