"""*Only mail with contacts*: all other mail stays in the mailbox, unread by us, and leaves no trace here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.integration.connect.test_erasure import files_with, tables_with
from tests.integration.sync.conftest import Rows, ids_there, sync
from tests.mails import BASE, build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.fault_proxy import FaultProxy
from webmail.actions import privacy
from webmail.actions.verify import verify
from webmail.config import Config
from webmail.domain.uid_sets import unpack_uids
from webmail.store.models import Account, Contact, ContactAddress
from webmail.store.private_mail import left_out_of
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.sync.requests import request_sync

pytestmark = pytest.mark.integration

MARKER = "qvxzkjwprivatemarker"
TAIL = "rivatemarker"
COUNT, WITH_CONTACTS = 100, 20


@pytest.fixture
def proxy(dovecot: Dovecot) -> Iterator[FaultProxy]:
    made = FaultProxy(dovecot.plain_port)
    yield made
    made.stop()


def add_contact(scope: Scope, *addresses: str) -> None:
    with transaction() as s:
        contact = Contact(tenant_id=scope.tenant_id, name="Somebody", addresses=list(addresses))
        s.add(contact)
        s.flush()
        s.add_all(ContactAddress(tenant_id=scope.tenant_id, address=each, contact_id=contact.id) for each in addresses)


def private(number: int | str, sender: str = "", **columns: object) -> bytes:
    at = BASE + timedelta(minutes=number) if isinstance(number, int) else BASE
    values = {"sender": sender or f"Mum <{MARKER}@family.example>", "subject": MARKER, "body": MARKER, "date": at}
    return build_mail(number, **(values | columns))  # type: ignore[arg-type]  # the names are those of build_mail


def mixed() -> list[bytes]:
    """A hundred mails: every fifth is Cara's, five are Dan's, the others are private."""
    mails = []
    for number in range(COUNT):
        if number % 5 == 0:
            mails.append(build_mail(number, sender="Cara <cara@home.example>"))
        elif number % 20 == 3:
            mails.append(build_mail(number, sender="Dan <Dan@home.example>"))
        else:
            mails.append(private(number))
    return mails


class World:
    def __init__(self, server: Dovecot, proxy: FaultProxy, make_account: Callable[..., Account], user: Scope) -> None:
        self.server, self.proxy, self.user = server, proxy, user
        self.mailbox: Mailbox = server.account()
        self.make_account = make_account

    def connect(self, **columns: object) -> None:
        settings = {"imap_port": self.proxy.port, "imap_security": "plain", "only_contacts": True}
        self.account = self.make_account(self.mailbox, **(settings | columns))
        self.rows = Rows(self.account.id)

    def sync_again(self, run_jobs: Callable[..., list[str]]) -> None:
        with transaction() as s:
            request_sync(s, self.account)
        run_jobs()

    def matched(self) -> tuple[int, int]:
        report = next(each for each in verify(self.account.email, fixes=True) if each.name == "INBOX")
        return report.matched, report.count


@pytest.fixture
def world(dovecot: Dovecot, proxy: FaultProxy, make_account: Callable[..., Account], user: Scope) -> World:
    return World(dovecot, proxy, make_account, user)


def asked_of(commands: list[bytes]) -> dict[int, set[str]]:
    """Give what was asked of each UID beyond its flags and the fields by which it is chosen."""
    asked: dict[int, set[str]] = {}
    for line in commands:
        found = re.match(rb"\S+ UID FETCH ([\d:,]+) \((.*)\)", line)
        if not found:
            continue
        items = found[2].decode()
        if "BODY" not in items or items.startswith("UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID FROM TO CC BCC "):
            continue
        for uid in unpack_uids(found[1].decode()):
            asked.setdefault(uid, set()).add(items)
    return asked


def test_of_a_hundred_mails_only_those_with_contacts_are_read(
    world: World, run_jobs: Callable[..., list[str]], database: Config, capfd: pytest.CaptureFixture[str]
) -> None:
    add_contact(world.user, "cara@home.example")
    world.server.seed(world.mailbox, "INBOX", mixed())
    world.connect()

    sync(world.account)
    run_jobs()

    rows = world.rows
    assert len(rows.messages) == WITH_CONTACTS and {each.from_email for each in rows.messages} == {"cara@home.example"}
    assert all(message.body_state == "stored" for message in rows.messages)
    kept = {placement.uid for placement in rows.placements()}
    assert len(kept) == WITH_CONTACTS and asked_of(world.proxy.commands).keys() == kept
    assert sum("\\Seen" in flags for _, flags in world.server.messages(world.mailbox)) == WITH_CONTACTS
    assert rows.account.is_backfilled and rows.account.sync_done == rows.account.sync_total == COUNT
    assert tables_with(TAIL) == set() and files_with(TAIL, database.data) == []
    assert world.matched() == (WITH_CONTACTS, WITH_CONTACTS)
    printed = capfd.readouterr()
    assert TAIL not in printed.out + printed.err


def test_a_contact_who_is_told_of_later_brings_the_older_mail_in(
    world: World, run_jobs: Callable[..., list[str]]
) -> None:
    add_contact(world.user, "cara@home.example")
    mails = mixed()
    mails.append(build_mail("client", sender="boss@client.example", answers="3@mails.example"))
    world.server.seed(world.mailbox, "INBOX", mails)
    world.connect()
    sync(world.account)
    run_jobs()
    before = len(world.rows.messages)
    world.proxy.reset()

    add_contact(world.user, "dan@home.example")
    world.sync_again(run_jobs)

    found = [each for each in world.rows.messages if each.from_email.lower() == "dan@home.example"]
    assert (before, len(found), len(world.rows.messages)) == (WITH_CONTACTS, 5, WITH_CONTACTS + 6)
    assert "client" in " ".join(world.rows.message_ids()), "what answers it comes along"
    assert any(b"HEADER From" in line for line in world.proxy.commands)
    assert world.matched() == (WITH_CONTACTS + 6, WITH_CONTACTS + 6)
    world.proxy.reset()
    world.sync_again(run_jobs)
    assert not any(b"HEADER From" in line for line in world.proxy.commands), "what was looked for is not again"


def test_many_new_contacts_are_found_by_looking_at_all_that_was_left_out(
    world: World, run_jobs: Callable[..., list[str]]
) -> None:
    world.server.seed(world.mailbox, "INBOX", mixed())
    world.connect()
    sync(world.account)
    run_jobs()
    assert world.rows.messages == []
    world.proxy.reset()

    add_contact(world.user, "cara@home.example", *(f"x{number}@nowhere.example" for number in range(30)))
    world.sync_again(run_jobs)

    assert len(world.rows.messages) == WITH_CONTACTS
    assert not any(b"HEADER From" in line for line in world.proxy.commands)


def test_an_answer_that_was_read_before_what_it_answers_comes_in_all_the_same(
    world: World, run_jobs: Callable[..., list[str]]
) -> None:
    add_contact(world.user, "cara@home.example")
    mails = [build_mail("first", sender="cara@home.example")]
    mails += [private(number) for number in range(70)]
    mails.append(build_mail("answer", sender="boss@client.example", answers="first@mails.example"))
    world.server.seed(world.mailbox, "INBOX", mails)
    world.connect()

    sync(world.account)
    run_jobs()

    assert world.rows.message_ids() == ["answer@mails.example", "first@mails.example"]


def test_news_is_chosen_from_and_private_mail_that_goes_is_no_trouble(
    world: World, run_jobs: Callable[..., list[str]]
) -> None:
    add_contact(world.user, "cara@home.example")
    world.server.seed(world.mailbox, "INBOX", mixed()[:10])
    world.connect()
    sync(world.account)
    run_jobs()

    world.server.seed(
        world.mailbox, "INBOX", [private("p1"), build_mail("n1", sender="cara@home.example"), private("p2")]
    )
    world.sync_again(run_jobs)
    assert "n1@mails.example" in world.rows.message_ids() and len(world.rows.messages) == 3
    with world.server.open(world.mailbox) as client:
        client.select_folder("INBOX")
        client.delete_messages([2, 11, 13])
        client.expunge()
    world.proxy.reset()
    world.sync_again(run_jobs)

    assert len(world.rows.messages) == 3
    with reading() as s:
        left_out = left_out_of(s, world.rows.folders["INBOX"].id)
    assert left_out.isdisjoint({1, 2, 11, 12, 13}) and len(left_out) == 7
    assert asked_of(world.proxy.commands) == {}
    assert not any(b"HEADER.FIELDS" in line for line in world.proxy.commands), "nothing private is looked at again"


def test_a_bounce_is_kept_when_it_is_about_a_contact(world: World, run_jobs: Callable[..., list[str]]) -> None:
    add_contact(world.user, "cara@home.example")
    extra = 'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n'

    def report(name: str, address: str) -> bytes:
        status = f"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; {address}\r\nAction: failed\r\n"
        body = f"--b\r\n\r\nIt failed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n{status}\r\n--b--"
        return build_mail(name, sender="MAILER-DAEMON@mx.example", extra=extra, body=body)

    reports = [report("about-cara", "cara@home.example"), report("about-mum", f"{MARKER}@family.example")]
    world.server.seed(world.mailbox, "INBOX", reports)
    world.connect()

    sync(world.account)
    run_jobs()

    assert world.rows.message_ids() == ["about-cara@mails.example"]
    assert tables_with(TAIL) == set()


def test_switching_it_on_erases_and_off_brings_all_back(
    world: World, run_jobs: Callable[..., list[str]], database: Config
) -> None:
    add_contact(world.user, "cara@home.example")
    world.server.seed(world.mailbox, "INBOX", mixed())
    world.connect(only_contacts=False)
    sync(world.account)
    run_jobs()
    assert len(world.rows.messages) == COUNT
    assert privacy.count_private(world.user, world.account.uuid) == COUNT - WITH_CONTACTS

    privacy.keep_only_contacts(world.user, world.account.uuid)
    run_jobs()

    assert len(world.rows.messages) == WITH_CONTACTS
    assert tables_with(TAIL) == set() and files_with(TAIL, database.data) == []
    assert len(ids_there(world.server, world.mailbox)) == COUNT, "the mailbox keeps all of it"
    assert world.matched() == (WITH_CONTACTS, WITH_CONTACTS)
    world.sync_again(run_jobs)
    assert len(world.rows.messages) == WITH_CONTACTS

    privacy.keep_everything(world.user, world.account.uuid)
    run_jobs()

    assert len(world.rows.messages) == COUNT and world.matched() == (COUNT, COUNT)
