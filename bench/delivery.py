"""From a mail server's EXISTS line to the database and to an open page, in the whole product as it runs.

Dovecot itself waits up to half a second before it says EXISTS, so that is told apart: a line of our own idles on the
same mailbox, and what it hears is the beginning.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Queue

import requests
from argon2 import PasswordHasher
from imapclient import IMAPClient
from sqlalchemy import func, select

from bench.table import Row, quantile, spread
from tests.mails import build_mail
from tests.servers.app import RunningApp
from tests.servers.certificates import TestAuthority
from tests.servers.dovecot import Dovecot, Mailbox
from webmail.store import users
from webmail.store.models import Account, Message, utc_now
from webmail.store.secrets import seal
from webmail.store.session import reading, transaction

COUNT = int(os.environ.get("BENCH_DELIVERIES", "40"))
_EMAIL, _PASSWORD = "bench@ats.example", "correct horse battery"
_HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
_REACH_MS = 250


def run() -> Iterator[Row]:
    """Start everything, connect a mailbox, and deliver mails one after another."""
    authority = TestAuthority()
    with tempfile.TemporaryDirectory(prefix="wm-l-") as folder:
        ca_file = Path(folder) / "ca.pem"
        ca_file.write_bytes(authority.certificate_pem)
        server, app = Dovecot(authority), RunningApp(ca_file)
        try:
            app.enter()
            yield from _measure(server, app)
            app.leave()
        finally:
            app.stop()
            server.stop()


def _measure(server: Dovecot, app: RunningApp) -> Iterator[Row]:
    box = server.account("live")
    account_id = _connect(box)
    browser = _sign_in(app.url)
    told: Queue[float] = Queue()
    heard: Queue[float] = Queue()
    _in_background(lambda: _follow(browser, app.url, told))
    _in_background(lambda: _idle(server, box, heard))
    _wait(lambda: _is_ready(account_id))
    time.sleep(4)  # the watcher looks for new accounts every two seconds
    to_exists, to_database, to_page = [], [], []
    for number in range(COUNT):
        while not told.empty():
            told.get()
        delivered = time.perf_counter()
        server.deliver(box.email, build_mail(f"live{number}"))
        exists = heard.get(timeout=10)
        stored = _wait(lambda wanted=number + 1: _stored() >= wanted)
        to_exists.append((exists - delivered) * 1000)
        to_database.append((stored - exists) * 1000)
        to_page.append((told.get(timeout=10) - exists) * 1000)
        time.sleep(0.3)
    page = sorted(to_page)
    is_met = quantile(page, 0.95) < _REACH_MS
    yield Row("delivery to the server's EXISTS line", spread(sorted(to_exists)), note="Dovecot's own waiting")
    yield Row("EXISTS line to the database", spread(sorted(to_database)), note=f"{COUNT} mails, each by itself")
    yield Row("EXISTS line to the open page", spread(page), f"p95 < {_REACH_MS} ms", "met" if is_met else "NOT met")


def _connect(box: Mailbox) -> int:
    with transaction() as s:
        tenant = users.add_tenant(s, "bench")
        digest = PasswordHasher().hash(_PASSWORD)
        user = users.add_user(s, tenant, email=_EMAIL, name="Bench", password_hash=digest)
        account = Account(
            tenant_id=tenant.id,
            user_id=user.id,
            email=box.email,
            user_name=box.email,
            secret=seal({"password": box.password}),
            imap_host=box.host,
            imap_port=box.tls_port,
            smtp_host="localhost",
            smtp_port=1,
            outbox_folder="Sent",
            wanted_at=utc_now(),
        )
        s.add(account)
        s.flush()
        return account.id


def _sign_in(url: str) -> requests.Session:
    browser = requests.Session()
    form = browser.get(f"{url}/login", timeout=30).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    assert token is not None
    fields = {"csrf_token": token[1], "email": _EMAIL, "password": _PASSWORD}
    browser.post(f"{url}/login", data=fields, timeout=30).raise_for_status()
    return browser


def _follow(browser: requests.Session, url: str, told: Queue[float]) -> None:
    """Be an open page, until the application stops: hear of new mail, fetch the list anew, note when it was there."""
    page = requests.Session()
    page.cookies.update(browser.cookies)
    with suppress(requests.RequestException), browser.get(f"{url}/events", stream=True, timeout=120) as stream:
        for line in stream.iter_lines(chunk_size=1):
            if line == b"event: mail-new":
                page.get(f"{url}/inbox", headers=_HTMX, timeout=30).raise_for_status()
                told.put(time.perf_counter())


def _idle(server: Dovecot, box: Mailbox, heard: Queue[float]) -> None:
    with suppress(IMAPClient.Error, OSError), server.open(box) as client:
        client.select_folder("INBOX", readonly=True)
        client.idle()
        while True:
            if any(b"EXISTS" in each for each in client.idle_check(timeout=60)):
                heard.put(time.perf_counter())


def _is_ready(account_id: int) -> bool:
    with reading() as s:
        return s.get_one(Account, account_id).is_backfilled


def _stored() -> int:
    with reading() as s:
        return s.scalar(select(func.count()).select_from(Message)) or 0


def _wait(is_so: Callable[[], bool]) -> float:
    deadline = time.perf_counter() + 30
    while not is_so():
        if time.perf_counter() > deadline:
            raise TimeoutError
        time.sleep(0.002)
    return time.perf_counter()


def _in_background(act: Callable[[], object]) -> None:
    threading.Thread(target=act, daemon=True).start()
