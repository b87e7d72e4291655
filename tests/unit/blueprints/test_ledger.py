"""The ledger's page: what was done in the user's mailboxes, in words, page by page, and taken back where that goes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.mails import build_mail
from tests.servers.jobs import waiting_jobs
from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions import mail
from webmail.store import changes as ledger
from webmail.store.accounts import update_account
from webmail.store.folders import folder_by_role
from webmail.store.models import Account, Change, Message, Placement
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction


@pytest.fixture
def account(user: Scope) -> Account:
    return add_mailbox(user, secret=b"sealed")


def done(account: Account, kind: str, reason: str, role: str = "inbox", state: str = "done", **payload: Any) -> Change:
    """Write an entry down as if it had been carried out."""
    messages = receive(account, build_mail(f"{kind}-{reason}", subject=f"About {reason}"), role=role)
    with transaction() as s:
        folder = folder_by_role(s, account.id, role)
        uids = list(s.scalars(select(Placement.uid).where(Placement.message_id == messages[0].id)))
        ids = [message.id for message in messages]
        change = ledger.record_change(
            s, account, kind=kind, reason=reason, folder=folder, uids=uids, message_ids=ids, payload=payload
        )
        ledger.finish_change(change, state)
    return change


def changes() -> list[Change]:
    with reading() as s:
        return list(s.scalars(select(Change).order_by(Change.id)))


def text_of(client: CheckedClient, path: str) -> str:
    return client.get(path).get_data(as_text=True)


def test_each_entry_says_what_why_how_many_and_in_which_folder(client: CheckedClient, account: Account) -> None:
    done(account, "flag", "read_marks", add=["\\Seen"], remove=[])
    done(account, "flag", "put_back", add=[], remove=["\\Seen"])
    done(account, "append", "sent_copy", role="sent")
    with reading() as s:
        archive = folder_by_role(s, account.id, "archive")
    done(account, "move", "user", role="inbox", to=archive.id)

    page = text_of(client, f"/ledger?account={account.uuid}")

    for words in (
        "Marked as read in INBOX",
        "By the read-mark rule of this mailbox",
        "Marked as unread in INBOX",
        "You had the read marks put back",
        "Filed a copy in Sent",
        "Moved from INBOX to Archive",
        "About read_marks",
        "1 message",
    ):
        assert words in page


def test_an_empty_ledger_says_what_will_stand_there(client: CheckedClient, account: Account) -> None:
    assert "Nothing has been changed there yet" in text_of(client, "/ledger")


def test_the_ledger_is_read_page_by_page(client: CheckedClient, account: Account) -> None:
    for number in range(35):
        done(account, "flag", f"r{number}"[:20], add=["\\Flagged"], remove=[])

    first = text_of(client, f"/ledger?account={account.uuid}")
    assert first.count('class="ledger-entry"') == 30
    later = first.split('class="ledger-more"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    second = text_of(client, later)
    partial = client.get_partial(later).get_data(as_text=True)

    assert second.count('class="ledger-entry"') == partial.count('class="ledger-entry"') == 5
    assert "About r0<" in partial
    assert "ledger-more" not in partial


def test_nobody_sees_or_takes_back_what_belongs_to_another(
    client: CheckedClient, account: Account, make_user, app
) -> None:
    change = done(account, "flag", "read_marks", add=["\\Seen"], remove=[])
    other = app.test_client().sign_in_as(make_user())

    assert other.get(f"/ledger?account={account.uuid}").status_code == 404
    assert "Marked as read" not in text_of(other, "/ledger")
    assert "Marked as read" not in text_of(other, f"/ledger?after={change.uuid}")
    assert other.submit(f"/ledger/{change.uuid}/undo").status_code == 404
    assert [each.state for each in changes()] == ["done"]


@pytest.mark.parametrize("htmx", [False, True])
def test_marks_are_taken_back_by_a_change_of_its_own(client: CheckedClient, account: Account, htmx: bool) -> None:
    change = done(account, "flag", "read_marks", add=["\\Seen"], remove=[])
    with transaction() as s:
        update_account(s, account.id, marked_count=1)

    answer = client.submit(f"/ledger/{change.uuid}/undo", {"account": str(account.uuid)}, htmx=htmx)

    first, second = changes()
    assert (first.state, second.reason, second.state) == ("undone", "undo", "pending")
    assert (second.payload["add"], second.payload["remove"], second.uids) == ([], ["\\Seen"], first.uids)
    if htmx:
        assert "Taken back" in answer.get_data(as_text=True)
    else:
        assert answer.location == f"/ledger?account={account.uuid}"
    assert waiting_jobs()
    assert client.submit(f"/ledger/{change.uuid}/undo").status_code in (422, 303, 409)
    assert len(changes()) == 2


def test_an_archive_that_waits_is_cancelled(client: CheckedClient, user: Scope, account: Account) -> None:
    message = receive(account, build_mail("kept"))[0]
    mail.archive(user, conversation_of(message).uuid)
    assert not conversation_of(message).in_inbox

    page = text_of(client, "/ledger")
    client.submit(f"/ledger/{changes()[0].uuid}/undo")

    assert "Waiting to be told to the server" in page
    assert "You archived" in page
    assert [each.state for each in changes()] == ["cancelled"]
    assert conversation_of(message).in_inbox


def test_what_was_read_here_and_told_there_is_unread_again(client: CheckedClient, user: Scope) -> None:
    account = add_mailbox(user, secret=b"sealed", read_marks="keep")
    message = receive(account, build_mail("read"), unread=True)[0]
    mail.mark_read(user, conversation_of(message).uuid)

    client.submit(f"/ledger/{changes()[0].uuid}/undo")

    with reading() as s:
        assert s.get_one(Message, message.id).is_unread
    assert conversation_of(message).unread_count == 1


def test_copies_and_undoings_offer_no_undo(client: CheckedClient, account: Account) -> None:
    done(account, "append", "sent_copy", role="sent")
    done(account, "flag", "undo", add=["\\Seen"], remove=[])
    done(account, "flag", "user", state="failed", add=["\\Seen"], remove=[])

    assert ">Undo<" not in text_of(client, "/ledger")


def test_nothing_is_taken_back_in_a_mailbox_that_is_not_connected(client: CheckedClient, user: Scope) -> None:
    account = add_mailbox(user, status="not_connected", secret=None)
    change = done(account, "flag", "read_marks", add=["\\Seen"], remove=[])

    client.submit(f"/ledger/{change.uuid}/undo")

    assert [each.state for each in changes()] == ["done"]
