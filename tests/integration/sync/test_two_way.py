"""What is done here happens there, and the other way round."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.sync.conftest import flags_there, ids_there, sync
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from webmail.actions import mail
from webmail.errors import InputRefused
from webmail.store.conversations import list_page
from webmail.store.session import reading

pytestmark = pytest.mark.integration


@pytest.fixture(params=["full", "simple"])
def server(request: pytest.FixtureRequest) -> Dovecot:
    """A server with all extensions, and one without MOVE, UIDPLUS, CONDSTORE and IDLE."""
    name = {"full": "dovecot", "simple": "simple_dovecot"}[request.param]
    return request.getfixturevalue(name)


@pytest.fixture
def synced(server: Dovecot, make_account, rows):
    """A mailbox with two conversations, synced."""
    mailbox = server.account()
    for number in range(2):
        server.deliver(mailbox.email, build_mail(number, subject=f"Topic {number}"))
    account = make_account(mailbox)
    sync(account)
    return mailbox, account, rows(account)


def view(user, name: str) -> list[str]:
    with reading() as s:
        return [row.subject for row in list_page(s, user, name).rows]


def present(server: Dovecot, mailbox: Mailbox, folder: str = "INBOX") -> list[str]:
    """Give the Message-IDs of a folder without what only waits for an EXPUNGE."""
    with server.open(mailbox) as client:
        client.select_folder(folder, readonly=True)
        if client.search("DELETED"):
            uids = client.search("UNDELETED")
            found = client.fetch(uids, ["ENVELOPE"]) if uids else {}
            return sorted(each[b"ENVELOPE"].message_id.decode().strip("<>") for each in found.values())
    return ids_there(server, mailbox, folder)


@pytest.mark.parametrize(
    ("act", "folder", "shown"), [(mail.archive, "Archive", "all"), (mail.delete, "Trash", "trash")]
)
def test_archive_and_delete_move_there_and_undo_moves_back(
    server: Dovecot, synced, user, run_jobs, act: Callable, folder: str, shown: str
) -> None:
    mailbox, account, stored = synced
    target = stored.conversations[0]

    act(user, target.uuid)
    assert view(user, "inbox") == ["Topic 1"]
    run_jobs()
    sync(account)

    assert present(server, mailbox) == ["1@mails.example"]
    assert ids_there(server, mailbox, folder) == ["0@mails.example"]
    assert view(user, "inbox") == ["Topic 1"]
    assert "Topic 0" in view(user, shown)

    mail.undo_move(user, target.uuid)
    assert "Topic 0" in view(user, "inbox")
    run_jobs()
    sync(account)

    assert present(server, mailbox) == ["0@mails.example", "1@mails.example"]
    assert present(server, mailbox, folder) == []
    assert sorted(view(user, "inbox")) == ["Topic 0", "Topic 1"]
    assert len(stored.messages) == 2


def test_undo_before_the_server_was_told_writes_nothing(server: Dovecot, synced, user, run_jobs) -> None:
    mailbox, _, stored = synced

    mail.archive(user, stored.conversations[0].uuid)
    mail.undo_move(user, stored.conversations[0].uuid)
    run_jobs()

    assert ids_there(server, mailbox) == ["0@mails.example", "1@mails.example"]
    assert sorted(view(user, "inbox")) == ["Topic 0", "Topic 1"]
    with pytest.raises(InputRefused):
        mail.undo_move(user, stored.conversations[0].uuid)


@pytest.mark.parametrize("folder", ["Archive", "Trash"])
def test_a_move_made_there_is_seen_as_a_move(dovecot: Dovecot, make_account, rows, user, run_jobs, folder: str) -> None:
    mailbox = dovecot.account()
    dovecot.deliver(mailbox.email, build_mail(0, subject="Topic 0"))
    account = make_account(mailbox)
    sync(account)
    run_jobs()

    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX")
        client.move(client.search("ALL"), folder)
    sync(account)

    assert view(user, "inbox") == []
    assert rows(account).message_ids(folder) == ["0@mails.example"]
    assert view(user, "trash") == (["Topic 0"] if folder == "Trash" else [])

    with dovecot.open(mailbox) as client:
        client.select_folder(folder)
        client.move(client.search("ALL"), "INBOX")
    sync(account)

    assert view(user, "inbox") == ["Topic 0"]
    assert len(rows(account).messages) == 1


def test_flags_set_there_show_here(server: Dovecot, synced) -> None:
    mailbox, account, stored = synced

    with server.open(mailbox) as client:
        client.select_folder("INBOX")
        client.add_flags(client.search("ALL")[:1], ["\\Flagged", "\\Answered"])
    sync(account)

    assert [(each.is_flagged, each.is_answered) for each in stored.messages] == [(True, True), (False, False)]


def test_what_is_expunged_there_leaves_the_inbox_here(server: Dovecot, synced, user) -> None:
    mailbox, account, stored = synced

    with server.open(mailbox) as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search("ALL")[:1])
        client.expunge()
    sync(account)

    assert view(user, "inbox") == ["Topic 1"]
    assert stored.message_ids() == ["1@mails.example"]
    assert len(stored.messages) == 2


def test_a_change_that_the_server_refuses_for_good_is_shown_as_it_is_there(
    dovecot: Dovecot, make_account, rows, user, run_jobs
) -> None:
    mailbox = dovecot.account()
    dovecot.deliver(mailbox.email, build_mail(0, subject="Topic 0"))
    account = make_account(mailbox)
    sync(account)
    with dovecot.open(mailbox) as client:
        client.delete_folder("Archive")
        client.create_folder("Archive/below")
        client.delete_folder("Archive/below")

    mail.archive(user, rows(account).conversations[0].uuid)
    run_jobs()

    states = [change.state for change in rows(account).changes if change.kind == "move"]
    inbox = view(user, "inbox")
    assert (states, inbox) in ((["failed"], ["Topic 0"]), (["done"], []))


def test_the_same_mail_in_two_folders_is_one_message(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [build_mail("both"), build_mail("both"), build_mail("one")])
    dovecot.seed(mailbox, "Sent", [build_mail("both")])
    account = make_account(mailbox)

    sync(account)
    run_jobs()

    assert len(rows(account).messages) == 2
    assert rows(account).message_ids() == ["both@mails.example", "both@mails.example", "one@mails.example"]
    assert rows(account).message_ids("Sent") == ["both@mails.example"]


def test_flags_survive_a_move(server: Dovecot, synced, user, run_jobs) -> None:
    mailbox, _, stored = synced
    run_jobs()

    mail.archive(user, stored.conversations[0].uuid)
    run_jobs()

    assert flags_there(server, mailbox, "Archive") == [frozenset({"\\Seen"})]


def test_a_star_goes_there_and_one_that_is_set_there_comes_here(server: Dovecot, synced, user, run_jobs, rows) -> None:
    mailbox, account, stored = synced
    here, there = stored.conversations[0], stored.conversations[1]

    mail.star(user, here.uuid)
    assert view(user, "starred") == [here.subject]
    run_jobs()
    with server.open(mailbox) as client:
        client.select_folder("INBOX")
        assert len(client.search("FLAGGED")) == 1
        client.add_flags(client.search("UNFLAGGED"), ["\\Flagged"])
    sync(account)
    assert sorted(view(user, "starred")) == sorted([here.subject, there.subject])

    mail.mark_selected(user, [here.uuid, there.uuid], "unstar")
    run_jobs()
    sync(account)

    assert view(user, "starred") == []
    with server.open(mailbox) as client:
        client.select_folder("INBOX")
        assert client.search("FLAGGED") == []


def test_several_are_moved_there_at_once_and_moved_back_at_once(server: Dovecot, synced, user, run_jobs) -> None:
    mailbox, account, stored = synced

    moved = mail.archive_selected(user, [each.uuid for each in stored.conversations])
    run_jobs()
    sync(account)
    assert present(server, mailbox) == []
    assert ids_there(server, mailbox, "Archive") == ["0@mails.example", "1@mails.example"]

    mail.undo_batch(user, moved.batch)
    assert sorted(view(user, "inbox")) == ["Topic 0", "Topic 1"]
    run_jobs()
    sync(account)

    assert present(server, mailbox) == ["0@mails.example", "1@mails.example"]
    assert sorted(view(user, "inbox")) == ["Topic 0", "Topic 1"]
