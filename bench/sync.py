"""A first sync of realistic mailboxes from Dovecot, beside others that read the same, one after another.

BENCH_SYNC_MESSAGES names the sizes (10000,50000). Each reader has its own copy of the mailbox, of which Dovecot has no
index yet. Machines are seldom idle, so the seconds computed stand beside those on the clock.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from bench.delay import DelayedLine
from bench.mailbox import link_maildir, write_maildir
from bench.readers import commands, measure, traffic
from bench.table import Row
from tests.servers.certificates import TestAuthority
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.redis import RedisServer

SIZES = [int(each) for each in os.environ.get("BENCH_SYNC_MESSAGES", "10000,50000").split(",")]
_KEPT = Path(tempfile.gettempdir()) / "wm-bench"
_ROUND_TRIP_S = 0.04
_REACH_A_SECOND = 3000
_OTHERS = {
    "raw": "throws all bytes away",
    "imapclient": "IMAPClient, throws all away",
    "mbsync": "whole mails onto the disk",
    "offlineimap": "whole mails onto the disk",
}


class _Servers:
    """Dovecot and Redis for one measurement, and the mailboxes of each reader."""

    def __init__(self) -> None:
        authority = TestAuthority()
        self.folder = Path(tempfile.mkdtemp(prefix="wm-b-"))
        self.ca_file = self.folder / "ca.pem"
        self.ca_file.write_bytes(authority.certificate_pem)
        self.dovecot = Dovecot(authority)
        self.redis = RedisServer()

    def mailbox(self, count: int, name: str) -> Mailbox:
        box = self.dovecot.account(name)
        link_maildir(_KEPT / str(count), self.dovecot.folder / "mail" / box.email / "Maildir")
        return box

    def engine(self, box: Mailbox, port: int, security: str = "plain") -> dict[str, Any]:
        data = self.folder / box.email
        data.mkdir()
        told = {
            "data": str(data),
            "redis_url": self.redis.url,
            "ca_file": str(self.ca_file),
            "host": "localhost" if security == "tls" else "127.0.0.1",
            "port": port,
            "security": security,
            "email": box.email,
            "password": box.password,
        }
        taken = measure([sys.executable, "-m", "bench.engine_run", json.dumps(told)])
        shutil.rmtree(data)
        told_back: dict[str, Any] = json.loads(taken.output.splitlines()[-1])
        return told_back

    def stop(self) -> None:
        self.dovecot.stop()
        self.redis.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def run() -> Iterator[Row]:
    """Sync each size, directly and over a slow line, and let the others read the smallest."""
    for at, count in enumerate(SIZES):
        total = write_maildir(_KEPT / str(count), count)
        yield Row(f"mailbox of {count:,}", f"{total / 1e6:,.0f} MB", note="nearly all of it attachments")
        servers = _Servers()
        try:
            if at == 0:
                ours = yield from _ours(servers, count)
                yield from _others(servers, count, ours)
                yield from _ours(servers, count, security="tls")
            else:
                yield from _ours(servers, count)
            yield from _ours(servers, count, round_trip_s=_ROUND_TRIP_S)
        finally:
            servers.stop()


def _ours(
    servers: _Servers, count: int, *, security: str = "plain", round_trip_s: float = 0.0
) -> Generator[Row, None, dict[str, Any]]:
    box = servers.mailbox(count, "ours")
    line = DelayedLine(box.plain_port, round_trip_s) if round_trip_s else None
    port = line.port if line else (box.tls_port if security == "tls" else box.plain_port)
    told = servers.engine(box, port, security)
    if line:
        line.stop()
    sent, received = traffic(servers.dovecot, box.email)
    told |= {"sent": sent, "received": received}
    name = f"{count:,} mails" + (" over TLS" if security == "tls" else "")
    if round_trip_s:
        name += f", {round_trip_s * 1000:.0f} ms round trips"
    page_s, peak_mb, commands = told["first_page_s"], told["peak_mb"], told["no_change_commands"]
    within_s = 2 if round_trip_s else 1
    yield Row(f"{name}: first inbox page", f"{page_s:.2f} s", f"< {within_s} s", _met(page_s < within_s))
    yield _sync_row(name, told, "" if round_trip_s else f"{_REACH_A_SECOND:,} a second")
    yield Row(f"{name}: commands", str(told["commands"]), note="sent ahead of the answers to those before")
    yield Row(f"{name}: peak memory of the worker", f"{peak_mb:.0f} MB", "< 200 MB", _met(peak_mb < 200))
    unchanged = f"{told['no_change_s'] * 1000:.0f} ms, {commands} commands"
    yield Row(
        f"{name}: resync, no change", unchanged, "5 a folder", f"{_met(commands <= 10)}; two folders, with sign-in"
    )
    yield Row(f"{name}: ten new mails", f"{told['ten_new_s'] * 1000:.0f} ms, {told['ten_new_commands']} commands")
    return told


def _sync_row(name: str, told: dict[str, Any], reach: str) -> Row:
    rate, computed = told["stored"] / told["total_s"], told["stored"] / told["cpu_s"]
    alone = told["stored"] / (told["total_s"] - told["waited_s"])
    note = (
        f"{told['cpu_s']:.1f} s computed ({computed:,.0f} a second of it); without {told['waited_s']:.1f} s in which "
        f"others had the cores: {alone:,.0f} a second; {told['received'] / 1e6:.0f} MB fetched"
    )
    if reach:
        note = f"{_met(rate >= _REACH_A_SECOND)}; {note}"
    return Row(f"{name}: initial sync", f"{told['total_s']:.1f} s, {rate:,.0f} a second", reach, note)


def _others(servers: _Servers, count: int, ours: dict[str, Any]) -> Iterator[Row]:
    for reader, what in _OTHERS.items():
        if reader in ("mbsync", "offlineimap") and shutil.which(reader) is None:
            yield Row(f"{count:,} mails: {reader}", "not installed", note="apt install isync offlineimap3")
            continue
        box = servers.mailbox(count, reader)
        folder = servers.folder / reader
        taken = measure(commands(box, box.plain_port, folder)[reader])
        shutil.rmtree(folder, ignore_errors=True)
        _, received = traffic(servers.dovecot, box.email)
        note = (
            f"{what}; we: {ours['total_s'] / taken.wall_s:.2f} of its time, {ours['cpu_s'] / taken.cpu_s:.2f} of its "
            f"computing; {received / 1e6:.0f} MB fetched, we {ours['received'] / 1e6:.0f} MB (no attachments)"
        )
        if taken.status:
            note = f"ENDED WITH {taken.status}; {note}"
        yield Row(f"{count:,} mails: {reader}", f"{taken.wall_s:.1f} s, {taken.cpu_s:.1f} s computed", note=note)


def _met(is_met: bool) -> str:
    return "met" if is_met else "NOT met"
