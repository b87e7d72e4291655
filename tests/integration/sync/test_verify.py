"""`webmail verify`, and the comparison that runs by itself: what differs is found, told in words, and mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import delete, event, update

from tests.integration.sync.conftest import Rows, ids_there, sync
from tests.mails import build_mail, build_mailbox
from tests.servers.dovecot import Dovecot
from tests.servers.jobs import waiting_jobs
from webmail import queue
from webmail.actions import mail
from webmail.actions.verify import FolderReport, verify
from webmail.errors import InputRefused, NotFound
from webmail.jobs.sweep import sweep_verifications
from webmail.store import session
from webmail.store.accounts import update_account
from webmail.store.folders import update_folder
from webmail.store.models import Account, Message, Placement, utc_now
from webmail.store.session import Session, transaction
from webmail.sync import verify as verify_module
from webmail.sync import verify_turns

pytestmark = pytest.mark.integration

COUNT = 30


@pytest.fixture(params=["full", "simple"])
def server(request: pytest.FixtureRequest) -> Dovecot:
    """A server with all extensions, and one without MOVE, UIDPLUS, CONDSTORE and IDLE."""
    return request.getfixturevalue({"full": "dovecot", "simple": "simple_dovecot"}[request.param])


@pytest.fixture
def synced(server: Dovecot, make_account, rows, run_jobs):
    mailbox = server.account()
    server.seed(mailbox, "INBOX", build_mailbox(COUNT))
    account = make_account(mailbox)
    sync(account)
    run_jobs()
    return mailbox, account, rows(account)


def inbox_report(account: Account, *, fixes: bool) -> FolderReport:
    return next(each for each in verify(account.email, fixes=fixes) if each.name == "INBOX")


def lose_a_message(s: Session, placements: list[Placement]) -> None:
    s.execute(delete(Message).where(Message.id == placements[3].message_id))


def lose_a_placement(s: Session, placements: list[Placement]) -> None:
    s.execute(delete(Placement).where(Placement.id == placements[3].id))


def invent_a_placement(s: Session, placements: list[Placement]) -> None:
    s.get_one(Placement, placements[5].id).uid = placements[-1].uid + 1_000_000


def change_flags(s: Session, placements: list[Placement]) -> None:
    s.execute(update(Placement).where(Placement.id == placements[3].id).values(is_flagged=True, is_seen=False))


def mix_up_two(s: Session, placements: list[Placement]) -> None:
    s.execute(update(Placement).where(Placement.id == placements[3].id).values(message_id=placements[9].message_id))


FAULTS: dict[str, tuple[Callable[[Session, list[Placement]], None], str, int]] = {
    "a message is lost": (lose_a_message, "is on the server and not here", COUNT - 1),
    "a placement is lost": (lose_a_placement, "is on the server and not here", COUNT - 1),
    "a UID is invented": (invent_a_placement, "is here and not on the server any more", COUNT - 1),
    "flags differ": (change_flags, "on the server and", COUNT - 1),
    "a UID means another message": (mix_up_two, "is another message on the server", COUNT - 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_differs_is_told_in_words_and_mended(synced, fault: str) -> None:
    _, account, stored = synced
    if fault == "flags differ" and stored.folders["INBOX"].highestmodseq is None:
        pytest.skip("without CONDSTORE the sync that comes first compares the flags anyway")
    break_it, sentence, matched = FAULTS[fault]
    before = state_of(stored)
    with transaction() as s:
        break_it(s, stored.placements())

    told = inbox_report(account, fixes=False)
    assert (told.matched, told.count, told.is_same) == (matched, COUNT, False)
    assert any(sentence in line for line in told.lines)
    assert state_of(stored) != before

    assert not inbox_report(account, fixes=True).is_same
    again = inbox_report(account, fixes=False)
    assert (again.matched, again.count, again.lines) == (COUNT, COUNT, [])
    assert state_of(stored) == before
    assert {message.body_state for message in stored.messages} == {"stored"}


def state_of(stored: Rows) -> list[tuple[int, str, bool, bool]]:
    headers = {message.id: message.message_id_header for message in stored.messages}
    return sorted(
        (each.uid, headers.get(each.message_id, ""), each.is_seen, each.is_flagged) for each in stored.placements()
    )


def test_equal_sides_are_told_so_folder_by_folder(synced) -> None:
    _, account, _ = synced

    reports = {report.name: report for report in verify(str(account.uuid), fixes=False)}

    assert all(report.is_same for report in reports.values())
    assert (reports["INBOX"].matched, reports["INBOX"].count) == (COUNT, COUNT)
    assert {"INBOX", "Sent", "Archive", "Trash"} <= set(reports)


def test_what_waits_to_be_told_is_no_difference(synced, user) -> None:
    _, account, stored = synced
    mail.archive(user, stored.conversations[0].uuid)

    reports = {report.name: report for report in verify(account.email, fixes=False)}

    assert reports["INBOX"].is_same
    assert reports["Archive"].is_same


def test_news_that_comes_meanwhile_is_no_difference(synced, server: Dovecot) -> None:
    mailbox, account, _ = synced
    server.deliver(mailbox.email, build_mail("news"))
    with server.open(mailbox) as client:
        client.select_folder("INBOX")
        client.add_flags(client.search("ALL")[:3], ["\\Flagged"])
        client.delete_messages(client.search("ALL")[5:7])
        client.expunge()

    report = inbox_report(account, fixes=False)

    assert (report.matched, report.count, report.lines) == (COUNT - 1, COUNT - 1, [])


def test_a_move_that_nobody_noticed_is_found(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(5))
    account = make_account(mailbox)
    sync(account)
    run_jobs()
    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX")
        client.move(client.search("ALL")[:2], "Archive")
    sync(account)
    with transaction() as s:
        s.execute(delete(Placement).where(Placement.folder_id == rows(account).folders["Archive"].id))

    reports = {report.name: report for report in verify(account.email, fixes=True)}

    assert "2 messages had been moved here unnoticed." in reports["Archive"].lines
    assert rows(account).message_ids("Archive") == ids_there(dovecot, mailbox, "Archive")


def test_several_steps_make_one_comparison(synced, monkeypatch: pytest.MonkeyPatch) -> None:
    _, account, stored = synced
    monkeypatch.setattr(verify_module, "STEP", 7)
    with transaction() as s:
        for at in (0, 6, 7, 29):
            lose_a_placement(s, [*[None] * 3, stored.placements()[at]])

    report = inbox_report(account, fixes=True)

    assert (report.matched, report.count) == (COUNT - 4, COUNT)
    assert "4 messages were missing here and were fetched." in report.lines


def test_each_folder_is_compared_by_itself_and_keeps_its_receipt(
    synced, run_jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, account, stored = synced
    with transaction() as s:
        lose_a_placement(s, stored.placements())
    with transaction() as s:
        mix_up_two(s, stored.placements())

    monkeypatch.setattr(verify_turns, "_HEADS_EVERY_DAYS", 1)
    for _ in range(8):
        sweep_verifications()
        run_jobs()

    inbox = stored.folders["INBOX"]
    assert (inbox.verified_matched, inbox.verified_count) == (COUNT - 2, COUNT)
    assert inbox.mended == {"missing": 1, "another": 1}
    assert inbox.verify_after > utc_now() + timedelta(hours=19)
    assert stored.folders["Sent"].verified_at is not None
    assert stored.folders["Archive"].verified_at is not None
    assert inbox_report(account, fixes=False).is_same
    sweep_verifications()
    assert waiting_jobs() == []


@contextmanager
def wanted_at_the_second_commit(account: Account) -> Iterator[None]:
    """Have a sync wanted from the second commit on, which falls into a comparison's first step."""
    commits = count(1)

    def wish(s: Session) -> None:
        if next(commits) == 2:
            update_account(s, account.id, wanted_at=utc_now())

    event.listen(session._sessions, "before_commit", wish)
    try:
        yield
    finally:
        event.remove(session._sessions, "before_commit", wish)


def test_a_comparison_goes_on_where_it_was_left_and_lets_news_go_first(
    synced, run_jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, account, stored = synced
    monkeypatch.setattr(verify_module, "STEP", 10)

    sweep_verifications()
    with wanted_at_the_second_commit(account):
        ran = run_jobs()

    assert [each.partition("-")[0] for each in ran] == ["verify", "sync"]
    assert stored.folders["INBOX"].verify_progress["count"] == 10
    assert stored.folders["INBOX"].verified_at is None
    sweep_verifications()
    run_jobs()
    assert stored.folders["INBOX"].verified_matched == COUNT


def test_no_comparison_begins_while_mail_waits(synced) -> None:
    _, account, _ = synced
    queue.enqueue("backfill", account.id, job_id="somebody-elses-import")

    sweep_verifications()

    assert waiting_jobs() == ["somebody-elses-import"]


def test_a_folder_that_cannot_be_opened_is_put_off(synced, run_jobs) -> None:
    _, _, stored = synced
    with transaction() as s:
        for folder in stored.folders.values():
            values = {"name": "Gone"} if folder.name == "Archive" else {"verify_after": utc_now() + timedelta(days=1)}
            update_folder(s, folder.id, **values)

    sweep_verifications()
    run_jobs()

    assert stored.folders["Gone"].verify_after > utc_now()
    assert stored.account.status == "connected"


def test_a_name_that_means_no_mailbox_or_several_is_refused(synced, make_user, make_account, server: Dovecot) -> None:
    mailbox, account, _ = synced
    make_account(mailbox, scope=make_user())

    with pytest.raises(NotFound):
        list(verify("nobody@test.example", fixes=False))
    with pytest.raises(InputRefused, match=str(account.uuid)):
        list(verify(account.email, fixes=False))
    with transaction() as s:
        update_account(s, account.id, reads_mail=False)
    with pytest.raises(InputRefused):
        list(verify(str(account.uuid), fixes=False))


def test_a_dry_run_mends_nothing(synced) -> None:
    _, account, stored = synced
    with transaction() as s:
        lose_a_placement(s, stored.placements())

    inbox_report(account, fixes=False)

    assert len(stored.placements()) == COUNT - 1
    assert stored.folders["INBOX"].verified_at is None
