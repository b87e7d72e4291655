"""One, two and four workers on PostgreSQL: first imports of several mailboxes at once, then news for all of them.

Workers are the product's own, as processes; jobs come to them through Redis. How far it scales is decided by the
cores: Dovecot and PostgreSQL want theirs, too, so beside the rate stands what the workers have computed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from sqlalchemy import func, select

from bench.mailbox import link_maildir, write_maildir
from bench.table import Row
from tests.mails import build_mail
from tests.servers.certificates import TestAuthority
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.setup import SECRETS, build_config, configure_process, migrate_new, release_process
from tests.servers.tied import TiedProcess
from webmail import queue
from webmail.config import Config
from webmail.store import users
from webmail.store.models import Account, Message, User, utc_now
from webmail.store.secrets import seal
from webmail.store.session import reading, transaction
from webmail.sync.requests import request_sync

WORKERS = [int(each) for each in os.environ.get("BENCH_WORKERS", "1,2,4").split(",")]
_ACCOUNTS = int(os.environ.get("BENCH_SCALE_ACCOUNTS", "8"))
_EACH = int(os.environ.get("BENCH_SCALE_MESSAGES", "500"))
_NEWS_EACH = 5
_KEPT = Path(tempfile.gettempdir()) / "wm-bench"
_ROOT = Path(__file__).parents[1]
_LIMIT_S = 600.0


def run() -> Iterator[Row]:
    """Measure each number of workers on a database, a Redis and mailboxes of its own."""
    write_maildir(_KEPT / str(_EACH), _EACH)
    with tempfile.TemporaryDirectory(prefix="wm-s-") as name, ExitStack() as stack:
        authority = TestAuthority()
        ca_file = Path(name) / "ca.pem"
        ca_file.write_bytes(authority.certificate_pem)
        postgres, redis, dovecot = PostgresServer(), RedisServer(), Dovecot(authority)
        for server in (postgres, redis, dovecot):
            stack.callback(server.stop)
        for count in WORKERS:
            redis.clear()
            url = postgres.url(postgres.create())
            migrate_new(url)
            data = Path(name) / str(count)
            data.mkdir()
            config = build_config(data, redis_url=redis.url, ca_file=ca_file, database_url=url)
            configure_process(config)
            yield from _measure(config, dovecot, count)
            release_process()


def _measure(config: Config, dovecot: Dovecot, count: int) -> Iterator[Row]:
    boxes = [dovecot.account(f"scale{count}") for _ in range(_ACCOUNTS)]
    for box in boxes:
        link_maildir(_KEPT / str(_EACH), dovecot.folder / "mail" / box.email / "Maildir")
    account_ids = _connect(boxes)
    total = _stored_there(dovecot, boxes)
    workers = [_worker(config, number) for number in range(count)]
    _wait(lambda: queue.connection().scard("rq:workers") == count)
    started_s = _computed(workers)
    import_s = _timed(account_ids, lambda: _are_imported(account_ids))
    imported_s = _computed(workers)
    for box in boxes:
        for number in range(_NEWS_EACH):
            dovecot.deliver(box.email, build_mail(f"news{number}"))
    news_s = _timed(account_ids, lambda: _count() >= total + _NEWS_EACH * _ACCOUNTS)
    ended_s = _computed(workers)
    for worker in workers:
        worker.stop()
    name = f"{count} worker{'s' if count > 1 else ''} on PostgreSQL"
    yield Row(
        f"{name}: {_ACCOUNTS} first imports",
        f"{import_s:.1f} s, {total / import_s:,.0f} a second",
        note=f"{total:,} mails on {os.cpu_count()} cores, which Dovecot and PostgreSQL share; "
        f"{imported_s - started_s:.1f} s computed by the workers",
    )
    news = _NEWS_EACH * _ACCOUNTS
    note = f"{_NEWS_EACH} each; {(ended_s - imported_s) / _ACCOUNTS * 1000:.0f} ms computed for an account"
    yield Row(f"{name}: news for all", f"{news_s:.2f} s, {news / news_s:,.0f} a second", note=note)


def _computed(workers: list[TiedProcess]) -> float:
    """Give the seconds that the workers have computed so far, with the jobs' processes that have ended."""
    keepers = {worker.pid for worker in workers}
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15])) if int(fields[1]) in keepers else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def _worker(config: Config, number: int) -> TiedProcess:
    environment = {
        **SECRETS,
        "WEBMAIL_DATA": str(config.data),
        "WEBMAIL_DATABASE_URL": config.database_url,
        "WEBMAIL_REDIS_URL": config.redis_url,
        "WEBMAIL_ALLOW_PRIVATE_HOSTS": "1",
        "WEBMAIL_CA_FILE": str(config.ca_file),
    }
    settings = [f"{name}={value}" for name, value in environment.items()]
    command = ["/usr/bin/env", *settings, sys.executable, str(_ROOT / "worker.py")]
    return TiedProcess(command, config.data / f"worker{number}.log")


def _connect(boxes: list[Mailbox]) -> list[int]:
    with transaction() as s:
        tenant = users.add_tenant(s, "bench")
        user = users.add_user(s, tenant, email="bench@ats.example", name="Bench", password_hash="")
        accounts = [_account(user, box) for box in boxes]
        s.add_all(accounts)
        s.flush()
        return [account.id for account in accounts]


def _account(user: User, box: Mailbox) -> Account:
    return Account(
        tenant_id=user.tenant_id,
        user_id=user.id,
        email=box.email,
        user_name=box.email,
        secret=seal({"password": box.password}),
        imap_host="127.0.0.1",
        imap_port=box.plain_port,
        imap_security="plain",
        smtp_host="localhost",
        smtp_port=1,
        outbox_folder="Sent",
        read_marks="new",
        read_marks_from=utc_now(),
    )


def _stored_there(dovecot: Dovecot, boxes: list[Mailbox]) -> int:
    """Count the mails of all mailboxes; the servers' indexes are made by the way, so nobody's first import pays."""
    count = 0
    for box in boxes:
        with dovecot.open(box) as client:
            for folder in ("INBOX", "Sent"):
                count += client.select_folder(folder, readonly=True)[b"EXISTS"]
    return count


def _timed(account_ids: list[int], is_done: Callable[[], bool]) -> float:
    started = time.monotonic()
    with transaction() as s:
        for account_id in account_ids:
            request_sync(s, s.get_one(Account, account_id))
    _wait(is_done)
    return time.monotonic() - started


def _are_imported(account_ids: list[int]) -> bool:
    with reading() as s:
        left = select(func.count()).where(Account.id.in_(account_ids), Account.is_backfilled.is_(False))
        return s.scalar(left) == 0


def _count() -> int:
    with reading() as s:
        return s.scalar(select(func.count()).select_from(Message)) or 0


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)
