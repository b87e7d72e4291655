"""Mailings of BENCH_RECIPIENTS people: added, started, paced mail by mail through an SMTP server, looked at on the way.

The pacing jobs run here, one turn after another as the sweep would ask for them, with the pause between mails taken
away: what is left is what a mail costs. The SMTP server is the tests' own, in a process of its own.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import func, select

from bench.stored import StoredMailbox, empty_mailbox, signed_in
from bench.table import Row, quantile, spread, timed
from tests.servers.certificates import TestAuthority
from tests.servers.redis import RedisServer
from tests.servers.setup import SECRETS
from tests.servers.smtp import SmtpServer
from webmail import queue
from webmail.actions import mailings, pacing, unsubscribe
from webmail.actions.mailings import MailingFields, StepFields
from webmail.domain.tables import RecipientRow
from webmail.providers import network
from webmail.store.accounts import update_account
from webmail.store.models import Submission
from webmail.store.secrets import seal
from webmail.store.session import reading, transaction

RECIPIENTS = int(os.environ.get("BENCH_RECIPIENTS", "10000"))
_PACED = int(os.environ.get("BENCH_PACED", "1000"))
_START_S, _FELT_MS, _GROWTH_MB = 2.0, 100, 20
_TIMES = 50
_PASSWORD = "bench"  # of a server that ends with this measurement
_HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
_TEXT = '<div>Dear {{ contact.first_name }}, we look for a {{ job.title }} in {{ contact.city | "Lyon" }}.</div>'
_MB = 1_000_000


def run() -> Iterator[Row]:
    """Write a mailing, start it, look at it, and let it go out for BENCH_PACED mails."""
    redis, authority = RedisServer(), TestAuthority()
    queue.configure(redis.url)
    try:
        with tempfile.TemporaryDirectory(prefix="wm-m-") as name, empty_mailbox() as box:
            folder = Path(name)
            (folder / "ca.pem").write_bytes(authority.certificate_pem)
            (folder / "localhost.pem").write_bytes(b"".join(authority.issue("localhost")))
            unsubscribe.configure(base_url="https://bench.example", secret_key=SECRETS["WEBMAIL_SECRET_KEY"])
            network.configure(allow_private_hosts=True, ca_file=folder / "ca.pem")
            with _smtp_server(folder) as port:
                _connect(box, port)
                yield from _measure(box)
    finally:
        network.configure(allow_private_hosts=False, ca_file=None)
        queue.connection().close()
        redis.stop()


def _measure(box: StoredMailbox) -> Iterator[Row]:
    uuid = _write(box)
    started, computed = time.perf_counter(), time.process_time()
    mailings.start(box.scope, uuid)
    wall_s, cpu_s = time.perf_counter() - started, time.process_time() - computed
    yield Row(
        f"starting a mailing to {RECIPIENTS:,}",
        f"{wall_s:.2f} s, {cpu_s:.2f} s computed",
        f"< {_START_S:.0f} s",
        _met(cpu_s < _START_S),
    )
    yield from _paced(box)
    client = signed_in(box.scope)
    yield _looked_at(client, f"/mailings/{uuid}", f"its page, {RECIPIENTS:,} recipients under way")
    yield _looked_at(client, "/mailings", "the list of mailings beside it")


def _write(box: StoredMailbox) -> UUID:
    uuid = mailings.create_mailing(box.scope, account_uuid=box.account.uuid)
    fields = MailingFields(
        name="Bench",
        account_uuid=None,
        job={"title": "nurse"},
        time_zone="UTC",
        uses_recipients_zone=False,
        window_from=0,
        window_until=1440,
        weekdays=list(range(7)),
        has_unsubscribe=True,
        steps=[StepFields("A job as {{ job.title }}", _TEXT, 0)],
    )
    mailings.save_mailing(box.scope, uuid, fields, revision=0)
    people = [
        RecipientRow(f"candidate{number}@candidates.example", f"Candidate {number}", {"first_name": f"C{number}"})
        for number in range(RECIPIENTS)
    ]
    mailings.add_recipients(box.scope, uuid, people)
    return uuid


def _paced(box: StoredMailbox) -> Iterator[Row]:
    """Let turns follow one another; the first is not counted: it fills the caches."""
    sizes = []
    pacing.pace_account(box.account.id)
    before, computed_s, passed_s = _sent(box), 0.0, 0.0
    while _sent(box) - before < min(_PACED, RECIPIENTS // 2):
        with transaction() as s:
            update_account(s, box.account.id, mass_next_at=None)
        sizes.append(_resident())
        computed, started = time.process_time(), time.perf_counter()
        pacing.pace_account(box.account.id)
        computed_s += time.process_time() - computed
        passed_s += time.perf_counter() - started
    count = _sent(box) - before
    yield Row(
        "a mail of it, paced: merged, claimed, handed over, shown",
        f"{computed_s / count * 1000:.1f} ms computed, {passed_s / count * 1000:.1f} ms on the clock",
        note=f"{count:,} mails in {len(sizes)} turns, SMTP server in a process of its own",
    )
    grown = (sizes[-1] - sizes[0]) / _MB
    yield Row(
        "memory of the pacing job",
        f"{sizes[-1] / _MB:.0f} MB, {grown:+.1f} MB over {len(sizes)} turns",
        f"< {_GROWTH_MB} MB more",
        _met(grown < _GROWTH_MB),
    )


def _looked_at(client: FlaskClient, url: str, what: str) -> Row:
    answer = client.get(url, headers=_HTMX)
    if answer.status_code != 200:
        raise RuntimeError(f"{url} answered {answer.status_code}")
    taken = timed(lambda: client.get(url, headers=_HTMX), _TIMES)
    return Row(what, spread(taken), f"< {_FELT_MS} ms", _met(quantile(taken, 0.95) < _FELT_MS))


def _connect(box: StoredMailbox, port: int) -> None:
    limits = {"minute": 100_000, "hour": 1_000_000, "day": 1_000_000}
    with transaction() as s:
        update_account(
            s,
            box.account.id,
            secret=seal({"password": _PASSWORD}),
            smtp_port=port,
            smtp_security="starttls",
            mass_limits=limits,
            files_sent_itself=True,
        )


@contextmanager
def _smtp_server(folder: Path) -> Iterator[int]:
    """Run the tests' SMTP server in a process of its own, so that what it computes is not counted; gives its port."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(folder, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join(10)


def _serve(folder: Path, line: Connection) -> None:
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    server = SmtpServer(folder, users={"rita": _PASSWORD})
    line.send(server.port)
    line.recv()
    server.stop()


def _sent(box: StoredMailbox) -> int:
    with reading() as s:
        query = select(func.count()).where(Submission.account_id == box.account.id, Submission.state == "sent")
        return s.scalar(query) or 0


def _resident() -> int:
    """Give the bytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _met(is_met: bool) -> str:
    return "met" if is_met else "NOT met"
