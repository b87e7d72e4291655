"""The rule that synced mail becomes read in the user's own mailbox."""

from __future__ import annotations

import pytest

from tests.integration.sync.conftest import flags_there, sync
from tests.mails import build_mail, build_mailbox
from tests.servers.dovecot import Dovecot
from webmail.actions import mail
from webmail.store.models import utc_now

pytestmark = pytest.mark.integration


def test_all_synced_mail_of_the_inbox_is_marked_and_stays_unread_here(
    dovecot: Dovecot, make_account, rows, run_jobs
) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(120))
    dovecot.seed(mailbox, "Sent", [build_mail("sent")])
    account = make_account(mailbox)

    sync(account)
    run_jobs()

    assert set(flags_there(dovecot, mailbox)) == {frozenset({"\\Seen"})}
    assert flags_there(dovecot, mailbox, "Sent") == [frozenset()]
    assert rows(account).account.marked_count == 120
    assert sum(message.is_unread for message in rows(account).messages) == 120
    assert {(change.reason, change.state) for change in rows(account).changes} == {("read_marks", "done")}


def test_marks_are_put_back_but_not_on_mail_that_was_read_before(
    dovecot: Dovecot, make_account, rows, run_jobs, user
) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(8), seen=True)
    account = make_account(mailbox)
    dovecot.deliver(mailbox.email, build_mail("unread"))
    sync(account)

    count = mail.put_back_marks(user, account.uuid)
    run_jobs()

    assert count == 1
    assert sorted(map(len, flags_there(dovecot, mailbox))) == [0] + [1] * 8
    assert rows(account).account.marked_count == 0


def test_marks_are_put_back_after_the_server_has_numbered_anew(
    dovecot: Dovecot, make_account, rows, run_jobs, user
) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(5))
    account = make_account(mailbox)
    sync(account)
    run_jobs()
    dovecot.renumber(mailbox)
    sync(account)
    run_jobs()

    mail.put_back_marks(user, account.uuid)
    run_jobs()

    assert set(flags_there(dovecot, mailbox)) == {frozenset()}


def test_under_new_only_what_came_later_is_marked(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(5))
    account = make_account(mailbox, read_marks="new", read_marks_from=utc_now())
    sync(account)
    run_jobs()
    dovecot.deliver(mailbox.email, build_mail("later", date=utc_now()))

    sync(account)

    assert sorted(map(len, flags_there(dovecot, mailbox))) == [0] * 5 + [1]


def test_keep_in_step_goes_both_ways(dovecot: Dovecot, make_account, rows, run_jobs, user) -> None:
    mailbox = dovecot.account()
    for number in range(2):
        dovecot.deliver(mailbox.email, build_mail(number, subject=f"Topic {number}"))
    account = make_account(mailbox, read_marks="keep")
    sync(account)
    first, second = rows(account).conversations

    mail.mark_read(user, first.uuid)
    run_jobs()
    assert flags_there(dovecot, mailbox) == [frozenset({"\\Seen"}), frozenset()]

    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX")
        client.add_flags(client.search("ALL")[1:], ["\\Seen", "\\Flagged"])
        client.remove_flags(client.search("ALL")[:1], ["\\Seen"])
    sync(account)
    assert [message.is_unread for message in rows(account).messages] == [True, False]
    assert [row.unread_count for row in rows(account).conversations] == [1, 0]
    assert [row.is_flagged for row in rows(account).conversations] == [False, True]
    assert second.unread_count == 1
