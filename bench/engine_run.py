"""Sync one mailbox with the engine, in this process alone, and say what it took: a child of `bench.sync`."""

from __future__ import annotations

import json
import resource
import ssl
import sys
import time
from pathlib import Path
from typing import Any

import structlog.testing
from imapclient import IMAPClient
from sqlalchemy import func, select

from bench.mailbox import build_mails
from tests.servers.setup import build_config, configure_process, migrate_new
from webmail.store import users
from webmail.store.conversations import list_page
from webmail.store.models import Account, Conversation, Message, utc_now
from webmail.store.scope import Scope
from webmail.store.secrets import seal
from webmail.store.session import reading, transaction
from webmail.sync import engine


def main(told: dict[str, Any]) -> dict[str, Any]:
    """Do what is told: {"data", "redis_url", "ca_file", "host", "port", "security", "email", "password"}."""
    data = Path(told["data"])
    database_url = told.get("database_url") or f"sqlite:///{data / 'webmail.db'}"
    config = build_config(data, redis_url=told["redis_url"], ca_file=Path(told["ca_file"]), database_url=database_url)
    migrate_new(database_url)
    configure_process(config)
    scope, account_id = _make_account(told)
    before, waited_before = _used(), _waited()
    started = time.monotonic()
    engine.sync_account(account_id)
    first_page_s = time.monotonic() - started
    with reading() as s:
        first_rows = len(list_page(s, scope, "inbox").rows)
    with structlog.testing.capture_logs() as events:
        _backfill(account_id)
    total_s = time.monotonic() - started
    cpu_s, waited_s = _used() - before, _waited() - waited_before
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with reading() as s:
        stored = s.scalar(select(func.count()).select_from(Message))
        with_text = s.scalar(select(func.count()).where(Message.body_state == "stored"))
        conversations = s.scalar(select(func.count()).select_from(Conversation))
    commands = sum(event["round_trips"] for event in events if event["event"] == "turn_ended")
    result = {
        "commands": commands,
        "waited_s": waited_s,
        "first_page_s": first_page_s,
        "first_rows": first_rows,
        "total_s": total_s,
        "cpu_s": cpu_s,
        "peak_mb": peak_mb,
        "stored": stored,
        "with_text": with_text,
        "conversations": conversations,
    }
    result["no_change_s"], result["no_change_commands"] = _timed_sync(account_id)
    _deliver(told, 10)
    result["ten_new_s"], result["ten_new_commands"] = _timed_sync(account_id)
    return result


def _timed_sync(account_id: int) -> tuple[float, int]:
    """Sync once; gives the seconds and the IMAP commands that it took, sign-in and all."""
    with structlog.testing.capture_logs() as events:
        started = time.monotonic()
        engine.sync_account(account_id)
        taken_s = time.monotonic() - started
    return taken_s, sum(event["round_trips"] for event in events if event["event"] == "synced")


def _deliver(told: dict[str, Any], count: int) -> None:
    """Put new mails into the inbox, as another client would."""
    with IMAPClient(told["host"], told["port"], ssl=told["security"] == "tls", ssl_context=_context(told)) as client:
        client.login(told["email"], told["password"])
        for mail in list(build_mails(count, seed=7)):
            client.append("INBOX", mail.raw.replace(b"\n", b"\r\n"))


def _context(told: dict[str, Any]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=told["ca_file"])


def _make_account(told: dict[str, Any]) -> tuple[Scope, int]:
    with transaction() as s:
        tenant = users.add_tenant(s, "bench")
        user = users.add_user(s, tenant, email="bench@ats.example", name="Bench", password_hash="")
        account = Account(
            tenant_id=tenant.id,
            user_id=user.id,
            email=told["email"],
            user_name=told["email"],
            secret=seal({"password": told["password"]}),
            imap_host=told["host"],
            imap_port=told["port"],
            imap_security=told["security"],
            smtp_host="localhost",
            smtp_port=1,
            imap_folder="INBOX",
            outbox_folder="Sent",
            read_marks=told.get("read_marks", "new"),
            wanted_at=utc_now(),
        )
        s.add(account)
        s.flush()
        return Scope(tenant.id, user.id), account.id


def _backfill(account_id: int) -> None:
    for _ in range(1000):
        with reading() as s:
            account = s.get_one(Account, account_id)
        if account.is_backfilled:
            return
        if account.failures:
            raise RuntimeError(account.status_detail or account.status_sentence)
        engine.backfill_account(account_id)
    raise RuntimeError("the backfill does not end")


def _waited() -> float:
    """Give how long this process was ready to go on while others had the cores: of no account on an idle machine."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def _used() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
