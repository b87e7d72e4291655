"""Folders are renamed, deleted and made on the server: nothing is read twice, nothing is lost, settings follow."""

from __future__ import annotations

import pytest

from tests.integration.sync.conftest import ids_there, sync
from tests.mails import build_mail, build_mailbox
from tests.servers.dovecot import Dovecot
from webmail.actions import mail
from webmail.store.accounts import update_account
from webmail.store.folders import update_folder
from webmail.store.models import Folder
from webmail.store.session import transaction
from webmail.sync.changes import push_changes
from webmail.sync.connections import open_imap_for
from webmail.sync.context import SyncContext
from webmail.sync.lease import held_lease

pytestmark = pytest.mark.integration


@pytest.fixture
def synced(dovecot: Dovecot, make_account, rows, run_jobs):
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [build_mail(number, subject=f"Topic {number}") for number in range(4)])
    dovecot.seed(mailbox, "Outgoing", [build_mail(f"sent-{number}") for number in range(3)])
    account = make_account(mailbox, outbox_folder="Outgoing")
    sync(account)
    run_jobs()
    return mailbox, account, rows(account)


def look_again(account, stored) -> None:
    with transaction() as s:
        update_account(s, account.id, retry_at=None)
        for folder in stored.folders.values():
            if not folder.is_synced:
                update_folder(s, folder.id, synced_at=None)
    sync(account)


def test_a_renamed_sent_folder_is_known_again_and_the_settings_follow(dovecot: Dovecot, synced, run_jobs) -> None:
    mailbox, account, stored = synced
    before = {placement.id for placement in stored.placements("Outgoing")}
    with dovecot.open(mailbox) as client:
        client.rename_folder("Outgoing", "Gesendet")

    sync(account)
    run_jobs()

    assert stored.account.outbox_folder == "Gesendet"
    assert stored.account.status == "connected"
    assert {placement.id for placement in stored.placements("Gesendet")} == before
    assert "Outgoing" not in stored.folders
    assert len(stored.messages) == 7


def test_a_renamed_archive_keeps_what_lies_in_it_and_takes_what_comes(dovecot: Dovecot, synced, user, run_jobs) -> None:
    mailbox, account, stored = synced
    topics = {each.subject: each for each in stored.conversations}
    # Dovecot makes its own Archive anew as soon as it is gone, so another folder plays its part.
    with dovecot.open(mailbox) as client:
        client.create_folder("Done")
    look_again(account, stored)
    with transaction() as s:
        update_folder(s, stored.folders["Archive"].id, role="")
        update_folder(s, stored.folders["Done"].id, role="archive")
    mail.archive(user, topics["Topic 0"].uuid)
    run_jobs()
    look_again(account, stored)
    with dovecot.open(mailbox) as client:
        client.rename_folder("Done", "Old mail")

    mail.archive(user, topics["Topic 1"].uuid)
    run_jobs()
    look_again(account, stored)

    assert stored.message_ids("Old mail") == ids_there(dovecot, mailbox, "Old mail")
    assert len(stored.message_ids("Old mail")) == 2
    assert {change.state for change in stored.changes} == {"done"}


def test_another_folder_with_the_same_uidvalidity_is_not_taken_for_it(dovecot: Dovecot, synced) -> None:
    mailbox, account, stored = synced
    with dovecot.open(mailbox) as client:
        client.delete_folder("Outgoing")
        client.create_folder("Projects")
        client.append("Projects", build_mail("other"))
    uidvalidity = stored.folders["Outgoing"].uidvalidity
    path = dovecot.path_of(mailbox, "Projects")
    for each in path.glob("dovecot.index*"):
        each.unlink()
    lines = (path / "dovecot-uidlist").read_text().splitlines()
    head = [
        f"V{uidvalidity}" if word.startswith("V") else "N9" if word.startswith("N") else word
        for word in lines[0].split()
    ]
    (path / "dovecot-uidlist").write_text("\n".join([" ".join(head), *lines[1:]]) + "\n")

    sync(account)

    assert stored.account.outbox_folder == "Outgoing"
    assert stored.account.status_cause in ("", "folder_missing")
    assert "other@mails.example" not in {message.message_id_header for message in stored.messages}


def test_a_folder_made_there_is_followed_from_then_on(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(3))
    account = make_account(mailbox)
    sync(account)
    run_jobs()
    with transaction() as s:
        # As if it had not been there when the folders were last asked for.
        s.delete(s.get_one(Folder, rows(account).folders["Archive"].id))

    look_again(account, rows(account))
    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX")
        client.move(client.search("ALL")[:1], "Archive")
    sync(account)

    assert len(rows(account).message_ids("Archive")) == 1


def test_what_was_moved_from_here_and_expunged_there_before_we_looked_is_gone(
    dovecot: Dovecot, synced, user, run_jobs
) -> None:
    mailbox, account, stored = synced
    mail.archive(user, stored.conversations[0].uuid)
    run_jobs()
    assert len(stored.message_ids("Archive")) == 1
    expunge_all(dovecot, mailbox, "Archive")

    look_again(account, stored)

    assert stored.message_ids("Archive") == []


def test_what_was_moved_back_from_here_and_expunged_there_before_we_looked_is_gone(
    dovecot: Dovecot, synced, user, run_jobs
) -> None:
    mailbox, account, stored = synced
    conversation = stored.conversations[0]
    mail.archive(user, conversation.uuid)
    run_jobs()
    mail.undo_move(user, conversation.uuid)
    with held_lease(account.id) as lease, open_imap_for(account) as imap:
        assert lease is not None
        push_changes(SyncContext(lease, account, imap))
    assert len(stored.message_ids()) == 4
    expunge_all(dovecot, mailbox, "INBOX", newest_only=True)

    sync(account)

    assert stored.message_ids() == ids_there(dovecot, mailbox)


def expunge_all(server: Dovecot, mailbox, folder: str, *, newest_only: bool = False) -> None:
    with server.open(mailbox) as client:
        client.select_folder(folder)
        uids = client.search("ALL")
        client.delete_messages(uids[-1:] if newest_only else uids)
        client.expunge()
