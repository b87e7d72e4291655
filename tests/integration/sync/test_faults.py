"""A line on which everything goes wrong at every place: nothing is lost, nothing is doubled, the status is right."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.integration.sync.conftest import Rows, ids_there, sync
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.fault_proxy import FaultProxy
from webmail.actions import mail
from webmail.actions.verify import verify
from webmail.store.accounts import update_account
from webmail.store.folders import update_folder
from webmail.store.models import Account, utc_now
from webmail.store.scope import Scope
from webmail.store.session import transaction

pytestmark = pytest.mark.integration

IS_LONG = bool(os.environ.get("WEBMAIL_SOAK"))
"""`make soak` cuts after every byte; otherwise as often as a minute allows."""
CUTS = 10_000_000 if IS_LONG else 30


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
    """Give where to cut: every byte in the long form, else as often as a minute allows."""
    step = max(1, total // CUTS)
    return range(utc_now().toordinal() % step, total, step)


@pytest.mark.timeout(36_000 if IS_LONG else 120)
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


@pytest.mark.timeout(36_000 if IS_LONG else 120)
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
