"""The first sync of a mailbox: newest first, complete, and silent."""

from __future__ import annotations

import pytest

from tests.integration.sync.conftest import flags_there, ids_there, sync
from tests.mails import build_mail, build_mailbox
from tests.servers.dovecot import Dovecot
from webmail.sync.news import FIRST_PAGE

pytestmark = pytest.mark.integration


def test_the_newest_page_is_there_with_its_text_after_the_first_sync(dovecot: Dovecot, make_account, rows) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(200))
    account = make_account(mailbox)

    sync(account)

    newest = {f"{number}@mails.example" for number in range(200 - FIRST_PAGE, 200)}
    assert {message.message_id_header for message in rows(account).messages} == newest
    assert {message.body_state for message in rows(account).messages} == {"stored"}
    assert rows(account).account.sync_total == 200
    assert rows(account).account.is_backfilled is False


def test_the_backfill_completes_both_folders(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(450))
    dovecot.seed(mailbox, "Sent", [build_mail(f"sent-{n}") for n in range(70)], seen=True)
    account = make_account(mailbox)

    sync(account)
    run_jobs()

    assert rows(account).message_ids() == ids_there(dovecot, mailbox)
    assert rows(account).message_ids("Sent") == ids_there(dovecot, mailbox, "Sent")
    assert {message.body_state for message in rows(account).messages} == {"stored"}
    state = rows(account).account
    assert (state.is_backfilled, state.sync_done, state.sync_total) == (True, 520, 520)


def test_an_empty_mailbox_is_synced_at_once(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    account = make_account(dovecot.account())

    sync(account)
    run_jobs()

    assert rows(account).account.is_backfilled is True
    assert rows(account).account.status == "connected"


def test_news_overtakes_the_backfill(dovecot: Dovecot, make_account, rows) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(300))
    account = make_account(mailbox)
    sync(account)
    dovecot.deliver(mailbox.email, build_mail("news"))

    sync(account)

    assert "news@mails.example" in rows(account).message_ids()
    assert len(rows(account).message_ids()) == FIRST_PAGE + 1


def test_fetching_marks_nothing_when_marks_are_kept_in_step(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(60))
    account = make_account(mailbox, read_marks="keep")

    sync(account)
    run_jobs()

    assert set(flags_there(dovecot, mailbox)) == {frozenset()}
    assert rows(account).changes == []


def test_a_sync_that_finds_nothing_new_costs_few_commands(
    dovecot: Dovecot, make_account, run_jobs, count_commands
) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(60))
    account = make_account(mailbox)
    sync(account)
    run_jobs()

    commands = count_commands(lambda: sync(account))

    # CAPABILITY, LOGIN, CAPABILITY, ENABLE, one EXAMINE for each of the two folders, LOGOUT.
    assert commands <= 8
