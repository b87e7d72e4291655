"""A line on which everything goes wrong at every place: nothing is lost, nothing is doubled, the status is right."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.integration.sync.conftest import Rows, ids_there, sync
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.fault_proxy import FaultProxy, Refusal
from webmail.actions import mail
from webmail.actions.verify import verify
from webmail.store.accounts import update_account
from webmail.store.folders import update_folder
from webmail.store.models import Account, utc_now
from webmail.store.scope import Scope
from webmail.store.session import transaction
from webmail.sync import engine

pytestmark = [pytest.mark.integration, pytest.mark.one_database]

IS_LONG = bool(os.environ.get("WEBMAIL_SOAK"))
"""`make soak` cuts after every byte; otherwise at other places every day, as many as the suite can afford."""
CUTS = 10_000_000 if IS_LONG else 15


@pytest.fixture
def proxy(dovecot: Dovecot) -> Iterator[FaultProxy]:
    running = FaultProxy(dovecot.plain_port)
    yield running
    running.stop()


@pytest.fixture
def simple_proxy(simple_dovecot: Dovecot) -> Iterator[FaultProxy]:
    running = FaultProxy(simple_dovecot.plain_port)
    yield running
    running.stop()


class World:
    """One mailbox behind the proxy: synced once, then changed on both sides, so that a sync has everything to do."""

    def __init__(self, server: Dovecot, proxy: FaultProxy, make_account: Callable[..., Account], user: Scope) -> None:
        self.server, self.proxy, self.user = server, proxy, user
        self.mailbox: Mailbox = server.account()
        # Each its own conversation, so that one is archived and the others stay.
        server.seed(self.mailbox, "INBOX", [build_mail(n, subject=f"Topic {n}") for n in range(5)])
        self.account = make_account(self.mailbox, imap_port=proxy.port, imap_security="plain", read_marks="keep")
        self.rows = Rows(self.account.id)

    def prepare(self, run_jobs: Callable[[], object]) -> None:
        """Sync, then leave something to be done in both directions."""
        sync(self.account)
        run_jobs()
        topics = {each.subject: each for each in self.rows.conversations}
        mail.archive(self.user, topics["Topic 0"].uuid)
        mail.mark_read(self.user, topics["Topic 1"].uuid)
        mail.delete(self.user, topics["Topic 4"].uuid)
        for number in (7, 8):
            self.server.deliver(self.mailbox.email, build_mail(number, subject=f"Topic {number}"))
        with self.server.open(self.mailbox) as client:
            client.select_folder("INBOX")
            uids = client.search("ALL")
            client.add_flags(uids[2:3], ["\\Flagged"])
            client.delete_messages(uids[3:4])
            client.expunge()

    def settle(self, run_jobs: Callable[[], object]) -> None:
        """Let the line be good, the wait be over, and everything be done that is still to do."""
        self.proxy.reset()
        with transaction() as s:
            update_account(s, self.account.id, retry_at=None, wanted_at=utc_now())
            for folder in self.rows.folders.values():
                if not folder.is_synced:
                    update_folder(s, folder.id, synced_at=utc_now() - timedelta(hours=1))
        sync(self.account)
        run_jobs()

    def check(self) -> None:
        """See that both sides are the same, and as both wanted it."""
        reports = list(verify(str(self.account.uuid), fixes=False))
        assert all(report.is_same for report in reports), reports
        state = self.rows.account
        assert (state.status, state.failures, state.retry_at) == ("connected", 0, None)
        assert {message.body_state for message in self.rows.messages} == {"stored"}

    def check_prepared(self) -> None:
        """See that what was done on both sides before the fault has happened on both, once."""
        self.check()
        assert present(self.server, self.mailbox) == [f"{n}@mails.example" for n in (1, 2, 7, 8)]
        for folder, number in (("Archive", 0), ("Trash", 4)):
            assert ids_there(self.server, self.mailbox, folder) == [f"{number}@mails.example"]
            assert self.rows.message_ids(folder) == [f"{number}@mails.example"]
        assert len(self.rows.messages) == 7
        flags = {message.subject: (message.is_unread, message.is_flagged) for message in self.rows.messages}
        assert (flags["Topic 1"], flags["Topic 2"]) == ((False, False), (True, True))
        assert {change.state for change in self.rows.changes} == {"done"}


def present(server: Dovecot, mailbox: Mailbox) -> list[str]:
    """Give the Message-IDs of the inbox without what only waits for an EXPUNGE."""
    with server.open(mailbox) as client:
        client.select_folder("INBOX", readonly=True)
        found = client.fetch(client.search("UNDELETED"), ["ENVELOPE"])
    return sorted(each[b"ENVELOPE"].message_id.decode().strip("<>") for each in found.values())


@pytest.fixture
def make_world(make_account, make_user) -> Callable[[Dovecot, FaultProxy], World]:
    def make(server: Dovecot, proxy: FaultProxy) -> World:
        scope = make_user()
        return World(server, proxy, lambda mailbox, **rest: make_account(mailbox, scope=scope, **rest), scope)

    return make


def cut_points(total: int) -> range:
    """Give where to cut: every byte in the long form, else as often as the suite can afford."""
    step = max(1, total // CUTS)
    return range(utc_now().toordinal() % step, total, step)


@pytest.mark.timeout(36_000 if IS_LONG else 900)
@pytest.mark.parametrize("kind", ["full", "simple"])
def test_cut_anywhere_within_a_sync_in_both_directions(
    request: pytest.FixtureRequest, make_world, run_jobs, kind: str
) -> None:
    server = request.getfixturevalue("dovecot" if kind == "full" else "simple_dovecot")
    proxy = request.getfixturevalue("proxy" if kind == "full" else "simple_proxy")
    world = make_world(server, proxy)
    world.prepare(run_jobs)
    proxy.reset()
    sync(world.account)
    total = proxy.passed_bytes
    world.settle(run_jobs)
    world.check_prepared()

    for at in cut_points(total):
        world = make_world(server, proxy)
        world.prepare(run_jobs)
        proxy.reset(cut_at=at)
        sync(world.account)

        world.settle(run_jobs)
        world.check_prepared()


@pytest.mark.timeout(36_000 if IS_LONG else 900)
def test_cut_anywhere_within_a_first_sync(dovecot: Dovecot, proxy: FaultProxy, make_world, run_jobs) -> None:
    world = make_world(dovecot, proxy)
    sync(world.account)
    total = proxy.passed_bytes

    for at in cut_points(total):
        world = make_world(dovecot, proxy)
        proxy.reset(cut_at=at)
        sync(world.account)

        world.settle(run_jobs)
        world.check()
        assert world.rows.message_ids() == [f"{n}@mails.example" for n in range(5)]


ANSWERS: dict[str, tuple[bytes, bytes, str, str, float]] = {
    # name: what is asked, what is answered, cause, status, least wait in seconds
    "throttled": (rb"UID FETCH", b"NO [THROTTLED] Request is throttled", "throttled", "connected", 60),
    "throttled with a time": (
        rb"UID FETCH",
        b"NO Request is throttled. Suggested Backoff Time: 90000 milliseconds",
        "throttled",
        "connected",
        90,
    ),
    "too many sessions": (rb"LOGIN", b"NO [LIMIT] Too many simultaneous connections", "throttled", "connected", 60),
    "unavailable": (rb"UID SEARCH", b"NO [UNAVAILABLE] Try later", "unavailable", "connected", 3),
    "unavailable at sign-in": (rb"LOGIN", b"NO [UNAVAILABLE] Try later", "unavailable", "connected", 3),
    "goodbye": (rb"UID FETCH", b"* BYE Server is shutting down\r\n", "unavailable", "connected", 3),
    "goodbye for no reason": (rb"EXAMINE", b"* BYE\r\n", "connection_dropped", "connected", 3),
    "a line that ends": (rb"UID FETCH", b"", "connection_dropped", "connected", 3),
    "full": (rb"UID FETCH", b"NO [OVERQUOTA] Quota exceeded", "overquota", "error", 3),
    "signed out": (
        rb"UID FETCH",
        b"NO [AUTHENTICATIONFAILED] Session expired",
        "password_refused",
        "reconnect_needed",
        0,
    ),
    "refused sign-in": (
        rb"LOGIN",
        b"NO [AUTHENTICATIONFAILED] Authentication failed",
        "password_refused",
        "reconnect_needed",
        0,
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_has_its_status_and_its_wait(
    dovecot: Dovecot, proxy: FaultProxy, make_world, run_jobs, name: str
) -> None:
    command, answer, cause, status, least_wait_s = ANSWERS[name]
    world = make_world(dovecot, proxy)
    world.prepare(run_jobs)
    proxy.reset(refusals=[Refusal(command, answer)])

    sync(world.account)

    state = world.rows.account
    assert (state.status, state.status_cause, bool(state.status_sentence)) == (status, cause, True)
    if status == "reconnect_needed":
        assert state.retry_at is None
        with transaction() as s:
            update_account(s, world.account.id, status="connected")
    else:
        wait_s = (state.retry_at - utc_now()).total_seconds()
        assert least_wait_s <= wait_s + 1 < least_wait_s + 10
    world.settle(run_jobs)
    world.check_prepared()


def test_a_move_into_a_full_mailbox_fails_alone(dovecot: Dovecot, proxy: FaultProxy, make_world, run_jobs) -> None:
    world = make_world(dovecot, proxy)
    world.prepare(run_jobs)
    proxy.reset(refusals=[Refusal(rb"MOVE.*Archive", b"NO [OVERQUOTA] Quota exceeded")])

    sync(world.account)

    states = {(change.kind, change.payload.get("role", "")): change.state for change in world.rows.changes}
    assert (states["move", "archive"], states["move", "trash"]) == ("failed", "done")
    assert world.rows.account.status == "connected"
    world.settle(run_jobs)
    world.check()
    assert "0@mails.example" in world.rows.message_ids()


def test_waits_grow_and_are_never_in_step(dovecot: Dovecot, proxy: FaultProxy, make_world) -> None:
    worlds = [make_world(dovecot, proxy) for _ in range(4)]
    waits: list[list[float]] = [[], [], []]

    for round_of_waits in waits:
        for world in worlds:
            proxy.reset(refusals=[Refusal(rb"EXAMINE", b"* BYE\r\n")])
            sync(world.account)
            round_of_waits.append((world.rows.account.retry_at - utc_now()).total_seconds())
            with transaction() as s:
                update_account(s, world.account.id, retry_at=None)

    for waited, base in zip(waits, (5, 10, 20), strict=True):
        assert all(0.7 * base < each < 1.26 * base for each in waited)
        assert len({round(each, 2) for each in waited}) > 1
    assert {world.rows.account.status for world in worlds} == {"error"}


def test_a_line_that_stalls_is_given_up_and_the_rest_is_done_later(
    dovecot: Dovecot, proxy: FaultProxy, make_world, run_jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_PATIENCE_S", 0.5)
    world = make_world(dovecot, proxy)
    world.prepare(run_jobs)
    proxy.reset()
    sync(world.account)
    total = proxy.passed_bytes

    for at in (0, total // 3, total - 400):
        world = make_world(dovecot, proxy)
        world.prepare(run_jobs)
        proxy.reset(stall_at=at)
        sync(world.account)

        assert world.rows.account.status_cause == "timed_out"
        assert world.rows.account.status == "connected"
        world.settle(run_jobs)
        world.check_prepared()


def test_a_byte_at_a_time_is_only_slow(dovecot: Dovecot, proxy: FaultProxy, make_world, run_jobs) -> None:
    world = make_world(dovecot, proxy)
    world.prepare(run_jobs)
    proxy.reset(is_dripping=True)

    sync(world.account)

    assert world.rows.account.failures == 0
    world.settle(run_jobs)
    world.check_prepared()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\xfe garbage\r\n",
        b"* 1 FETCH (UID (((\r\n",
        b"{99999}\r\n",
        b"* 7 EXPUNGE\r\n",
        b"\r\n\r\n",
        b'"' * 3000,
    ],
)
def test_garbage_in_the_middle_loses_and_doubles_nothing(
    dovecot: Dovecot, proxy: FaultProxy, make_world, run_jobs, garbage: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_PATIENCE_S", 1.0)
    for at in (60, 1500, 4200):
        world = make_world(dovecot, proxy)
        world.prepare(run_jobs)
        proxy.reset(garbage_at=at, garbage=garbage)
        sync(world.account)

        assert world.rows.account.status in ("connected", "error")
        world.settle(run_jobs)
        world.settle(run_jobs)
        world.check_prepared()
