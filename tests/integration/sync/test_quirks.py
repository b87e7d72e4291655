"""What servers do in the wild (field notes, section 1): each quirk with a server that behaves so.

Dovecot stands behind a proxy that bends what it says. `docs/quirks.md` names the test of each quirk.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.integration.sync.conftest import ids_there, sync
from tests.mails import build_mail, build_mailbox
from tests.servers.dovecot import Dovecot
from tests.servers.fault_proxy import FaultProxy, Refusal
from webmail.providers.idle import QUIRKS, restart_s_of
from webmail.store.accounts import update_account
from webmail.store.folders import update_folder
from webmail.store.models import Account, utc_now
from webmail.store.session import transaction
from webmail.sync import watch

pytestmark = [pytest.mark.integration, pytest.mark.one_database]


@pytest.fixture
def proxy(dovecot: Dovecot) -> Iterator[FaultProxy]:
    running = FaultProxy(dovecot.plain_port)
    yield running
    running.stop()


@pytest.fixture
def connect(dovecot: Dovecot, proxy: FaultProxy, make_account) -> Callable[..., tuple]:
    """Make a mailbox with so many mails and an account that reaches it through the proxy."""

    def make(count: int = 0, **columns: object) -> tuple:
        mailbox = dovecot.account()
        if count:
            dovecot.seed(mailbox, "INBOX", build_mailbox(count))
        return mailbox, make_account(mailbox, imap_port=proxy.port, imap_security="plain", **columns)

    return make


def look_everywhere(account: Account, folders: dict) -> None:
    """Let the next sync look into the folders that are only followed, too."""
    with transaction() as s:
        update_account(s, account.id, retry_at=None)
        for folder in folders.values():
            if not folder.is_synced:
                update_folder(s, folder.id, synced_at=None)


def test_icloud_vanished_lines_that_nobody_asked_for_make_nothing_vanish(connect, proxy: FaultProxy, rows) -> None:
    _, account = connect(8)
    sync(account)
    lie = b"* VANISHED (EARLIER) 1:99999\r\n"
    proxy.reset(rewrite=lambda line: lie + line if b"[UIDVALIDITY" in line or b"[HIGHESTMODSEQ" in line else line)

    sync(account)

    assert len(rows(account).message_ids()) == 8
    assert rows(account).account.failures == 0


def test_icloud_one_mail_in_several_folders_is_one_message(connect, dovecot: Dovecot, rows, run_jobs) -> None:
    mailbox, account = connect()
    for folder in ("INBOX", "Sent"):
        dovecot.seed(mailbox, folder, [build_mail("both")])

    sync(account)
    run_jobs()

    assert len(rows(account).messages) == 1
    assert rows(account).message_ids() == rows(account).message_ids("Sent") == ["both@mails.example"]


@pytest.mark.parametrize(
    ("host", "restart_s"),
    [
        ("imap.mail.yahoo.com", 180),
        ("imap.aol.com", 180),
        ("imap.rambler.ru", 55),
        ("imap.163.com", 0),
        ("imap.126.com", 0),
        ("imap.naver.com", 0),
        ("imap.example.com", 540),
        ("imap.notyahoo.com", 540),
    ],
)
def test_idle_is_begun_anew_as_often_as_the_provider_needs_it(host: str, restart_s: float) -> None:
    assert restart_s_of(host) == restart_s


def test_quirks_are_data_with_their_sources() -> None:
    assert all(quirk.source and quirk.host_suffix.startswith(".") for quirk in QUIRKS)


def test_yahoo_lists_in_no_order(connect, dovecot: Dovecot, proxy: FaultProxy, rows, run_jobs) -> None:
    mailbox, account = connect(260)

    def shuffle(line: bytes) -> bytes:
        if not line.startswith(b"* SEARCH"):
            return line
        uids = line.split()[2:]
        return b"* SEARCH " + b" ".join(uids[1::2] + uids[::2][::-1]) + b"\r\n" if uids else line

    proxy.reset(rewrite=shuffle)
    sync(account)
    assert "259@mails.example" in rows(account).message_ids()
    run_jobs()
    dovecot.deliver(mailbox.email, build_mail("news"))
    sync(account)

    assert rows(account).message_ids() == ids_there(dovecot, mailbox)
    assert len(rows(account).messages) == 261


def test_netease_wants_to_be_told_who_asks(connect, proxy: FaultProxy, rows) -> None:
    _, account = connect(3)
    unsafe = Refusal(rb"EXAMINE|SELECT", b"NO EXAMINE Unsafe Login. Please contact kefu@188.com for help", times=99)

    def coremail(line: bytes) -> bytes:
        if b"* OK" in line and b"ready" in line.lower() and b"[CAPABILITY" in line:
            return line.replace(b"Dovecot", b"Coremail System IMap Server Ready(163com) Dovecot")
        if any(b" ID (" in command for command in proxy.commands):
            unsafe.times = 0
        return line

    proxy.reset(refusals=[unsafe], rewrite=coremail)

    sync(account)

    assert len(rows(account).message_ids()) == 3


def test_netease_and_naver_are_opened_anew_by_every_sync(connect, dovecot: Dovecot, proxy: FaultProxy, rows) -> None:
    mailbox, account = connect(1)
    sync(account)
    dovecot.deliver(mailbox.email, build_mail("news"))
    proxy.reset(rewrite=lambda line: b"" if re.match(rb"\* \d+ (RECENT|EXPUNGE)\r", line) else line)

    sync(account)

    assert "news@mails.example" in rows(account).message_ids()
    assert [command for command in proxy.commands if b"EXAMINE" in command and b"INBOX" in command]
    assert not [command for command in proxy.commands if b"NOOP" in command]


@pytest.mark.timeout(60)
def test_yandex_drops_idle_at_random_and_news_still_comes(connect, dovecot: Dovecot, proxy: FaultProxy, rows) -> None:
    mailbox, account = connect(1)
    sync(account)
    stop = threading.Event()
    watcher = threading.Thread(target=watch.run_watch, args=(stop,))
    watcher.start()
    try:
        wait_for(lambda: b"IDLE" in b"".join(proxy.commands))
        proxy.faults.cut_at = proxy.passed_bytes
        dovecot.deliver(mailbox.email, build_mail("while it is cut"))
        wait_for(lambda: b"".join(proxy.commands).count(b"IDLE") >= 2)
        with transaction() as s:
            update_account(s, account.id, wanted_at=None)
        dovecot.deliver(mailbox.email, build_mail("after"))
        wait_for(lambda: rows(account).account.wanted_at is not None)
    finally:
        stop.set()
        watcher.join()

    assert rows(account).account.status == "connected"


def wait_for(condition: Callable[[], bool], timeout_s: float = 25) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


def test_gmail_and_zoho_cap_sessions_and_two_are_enough(connect, dovecot: Dovecot, proxy: FaultProxy, rows) -> None:
    mailbox, account = connect(1)
    proxy.reset(most_sessions=2)
    stop = threading.Event()
    watcher = threading.Thread(target=watch.run_watch, args=(stop,))
    watcher.start()
    try:
        wait_for(lambda: b"IDLE" in b"".join(proxy.commands))
        for number in range(3):
            dovecot.deliver(mailbox.email, build_mail(f"more-{number}"))
            sync(account)
    finally:
        stop.set()
        watcher.join()

    assert proxy.most_sessions_seen == 2
    assert len(rows(account).message_ids()) == 4


def test_a_session_too_many_is_told_as_a_limit_and_never_as_a_wrong_password(connect, proxy: FaultProxy, rows) -> None:
    _, account = connect(1)
    proxy.reset(most_sessions=0)

    sync(account)

    state = rows(account).account
    assert (state.status, state.status_cause) == ("connected", "throttled")
    assert (state.retry_at - utc_now()).total_seconds() > 50


@pytest.mark.parametrize("count", [0, 3])
def test_zoho_is_never_asked_for_uid_0(
    connect, dovecot: Dovecot, proxy: FaultProxy, rows, run_jobs, count: int
) -> None:
    mailbox, account = connect(count)
    proxy.reset(refusals=[Refusal(rb"\b0:", b"BAD Invalid UID", times=99)])

    sync(account)
    run_jobs()
    dovecot.renumber(mailbox)
    sync(account)
    run_jobs()

    assert proxy.faults.refusals[0].met == 0
    assert rows(account).account.failures == 0
    assert len(rows(account).message_ids()) == count


def test_office_365_names_its_wait_and_drops_the_line(connect, proxy: FaultProxy, rows) -> None:
    _, account = connect(3)
    words = b"* BYE Request is throttled. Suggested Backoff Time: 120000 milliseconds\r\n"
    proxy.reset(refusals=[Refusal(rb"UID FETCH", words)])

    sync(account)

    state = rows(account).account
    assert (state.status, state.status_cause) == ("connected", "throttled")
    assert 115 < (state.retry_at - utc_now()).total_seconds() <= 121


def test_an_empty_list_wipes_no_folder(connect, dovecot: Dovecot, proxy: FaultProxy, rows) -> None:
    _, account = connect(3)
    sync(account)
    before = rows(account).folders
    with transaction() as s:
        for folder in before.values():
            update_folder(s, folder.id, is_synced=False)
    proxy.reset(rewrite=lambda line: b"" if line.startswith(b"* LIST") else line)

    sync(account)

    assert set(rows(account).folders) == set(before)
    assert len(rows(account).message_ids()) == 3
    proxy.reset()
    with transaction() as s:
        update_account(s, account.id, retry_at=None)
    sync(account)
    assert rows(account).account.status == "connected"
    assert rows(account).folders["INBOX"].is_synced


def test_a_hidden_gmail_label_is_not_a_deleted_one(connect, dovecot: Dovecot, proxy: FaultProxy, rows, user) -> None:
    mailbox, account = connect(3)
    sync(account)
    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX")
        client.move(client.search("ALL")[:1], "Archive")
    sync(account)
    assert len(rows(account).message_ids("Archive")) == 1
    hidden = Refusal(rb"(EXAMINE|SELECT) \"?Archive", b"NO [NONEXISTENT] Unknown Mailbox: Archive (Failure)", times=99)
    proxy.reset(refusals=[hidden], rewrite=lambda line: b"" if b"LIST" in line and b"Archive" in line else line)
    look_everywhere(account, rows(account).folders)

    sync(account)

    assert hidden.met > 0
    assert rows(account).account.status == "connected"
    assert len(rows(account).message_ids("Archive")) == 1


LIES: dict[str, Callable[[bytes], bytes]] = {
    "UIDNEXT is always 1": lambda line: re.sub(rb"\[UIDNEXT \d+\]", b"[UIDNEXT 1]", line),
    "UIDNEXT never grows": lambda line: re.sub(rb"\[UIDNEXT \d+\]", b"[UIDNEXT 5]", line),
    "UIDNEXT is far too high": lambda line: re.sub(rb"\[UIDNEXT \d+\]", b"[UIDNEXT 4000000000]", line),
    "UIDNEXT is not told": lambda line: b"" if b"[UIDNEXT" in line else line,
    "every size is 0": lambda line: re.sub(rb"RFC822\.SIZE \d+", b"RFC822.SIZE 0", line),
    "every size is huge": lambda line: re.sub(rb"RFC822\.SIZE \d+", b"RFC822.SIZE 4294967295", line),
    "EXISTS is too high": lambda line: re.sub(rb"^\* \d+ EXISTS", b"* 999 EXISTS", line),
    "EXISTS is 0": lambda line: re.sub(rb"^\* \d+ EXISTS", b"* 0 EXISTS", line),
    "lines end with LF": lambda line: line.replace(b"\r\n", b"\n"),
    "HIGHESTMODSEQ stands still": lambda line: re.sub(rb"HIGHESTMODSEQ \d+", b"HIGHESTMODSEQ 1", line),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_still_gives_every_mail_once(
    connect, dovecot: Dovecot, proxy: FaultProxy, rows, run_jobs, lie: str
) -> None:
    mailbox, account = connect(60)
    proxy.reset(rewrite=LIES[lie])

    for number in range(2):
        sync(account)
        run_jobs()
        dovecot.deliver(mailbox.email, build_mail(f"news-{number}"))
    sync(account)
    run_jobs()

    assert rows(account).message_ids() == ids_there(dovecot, mailbox)
    assert len(rows(account).messages) == 62
    assert {message.body_state for message in rows(account).messages} == {"stored"}
    assert all(message.snippet for message in rows(account).messages)


def test_gaps_of_a_million_uids_cost_no_million_steps(
    connect, dovecot: Dovecot, proxy: FaultProxy, rows, run_jobs
) -> None:
    mailbox, account = connect(120)
    ids_there(dovecot, mailbox)
    path = dovecot.path_of(mailbox, "INBOX")
    uidlist = path / "dovecot-uidlist"
    first, *lines = uidlist.read_text().splitlines()
    spread = [re.sub(r"^(\d+)", lambda found: str(int(found[1]) * 1_000_000), line) for line in lines]
    uidlist.write_text("\n".join([re.sub(r"N\d+", "N120000001", first), *spread]) + "\n")
    for each in path.glob("dovecot.index*"):
        each.unlink()
    proxy.reset()

    sync(account)
    run_jobs()

    assert max(placement.uid for placement in rows(account).placements()) == 120_000_000
    assert rows(account).message_ids() == ids_there(dovecot, mailbox)
    assert len(proxy.commands) < 80
