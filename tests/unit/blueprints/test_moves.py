"""Moving conversations to a folder of their mailbox, one and several, and back."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest

from tests.mails import build_mail
from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.store import changes
from webmail.store.folders import folders_of
from webmail.store.models import Account, Folder
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction


@pytest.fixture
def account(user: Scope) -> Account:
    account = add_mailbox(user)
    with transaction() as s:
        s.add_all(Folder(account_id=account.id, name=name) for name in ("Offers & more", "clients"))
    return account


def folder(account: Account, name: str) -> UUID:
    with reading() as s:
        return next(each.uuid for each in folders_of(s, account.id) if each.name == name)


def waiting(account: Account) -> list[tuple[int, str, int]]:
    """Give the moves that the server will be told: from where, to which folder, how many."""
    with reading() as s:
        names = {each.id: each.name for each in folders_of(s, account.id)}
        return [
            (names[each.folder_id or 0], names[each.payload["to"]], len(each.uids))
            for each in changes.pending_changes(s, account.id)
        ]


def test_a_conversation_moves_to_a_chosen_folder_and_back(client: CheckedClient, account: Account) -> None:
    first, _ = receive(account, build_mail(0), build_mail(1, answers="0@mails.example"))
    receive(account, build_mail(2, answers="0@mails.example"), role="sent")
    path = f"/conversations/{conversation_of(first).uuid}/move"

    menu = client.get(path + "?view=all", headers={"HX-Request": "true", "HX-Request-Type": "partial"}).text
    assert re.findall(r'<span dir="auto" lang="und">([^<]*)</span>', menu) == [
        "Archive",
        "Trash",
        "clients",
        "Offers &amp; more",
    ]
    assert f'hx-post="{path}?view=all"' in menu and 'name="csrf_token"' in menu

    answer = client.submit(path + "?view=all", {"folder": str(folder(account, "Offers & more"))}, htmx=True).text
    assert "Moved to Offers &amp; more." in answer
    assert waiting(account) == [("INBOX", "Offers & more", 2)]
    assert not conversation_of(first).in_inbox

    [undo] = re.findall(r'hx-post="(/conversations/[^"]+/undo[^"]*)"', answer)
    assert "Put back." in client.submit(undo, htmx=True).text
    assert conversation_of(first).in_inbox and waiting(account) == []


def test_without_javascript_the_choice_is_a_page(client: CheckedClient, account: Account) -> None:
    messages = receive(account, build_mail(0), build_mail(1))
    uuids = [str(conversation_of(each).uuid) for each in messages]

    page = client.submit("/conversations/selected/folders?view=all", {"uuid": uuids}).text
    assert re.findall(r'name="uuid" value="([^"]+)"', page) == uuids
    answer = client.submit(
        "/conversations/selected/move?view=all", {"uuid": uuids, "folder": str(folder(account, "clients"))}
    )

    assert (answer.status_code, answer.location) == (303, "/inbox?view=all")
    listed = client.get(answer.location).text
    assert "Moved 2 conversations to clients." in listed
    assert waiting(account) == [("INBOX", "clients", 2)]
    [undo] = re.findall(r'action="(/conversations/moves/[^"]+)"', listed)
    client.submit(undo)
    assert all(conversation_of(each).in_inbox for each in messages)


def test_conversations_of_several_mailboxes_do_not_move_together(
    client: CheckedClient, account: Account, user: Scope
) -> None:
    other = add_mailbox(user, "rita@second.example")
    messages = [*receive(account, build_mail(0)), *receive(other, build_mail(1))]
    form = {"uuid": [str(conversation_of(each).uuid) for each in messages]}
    words = "These conversations lie in several mailboxes. Select those of one mailbox to move them."

    assert words in client.submit("/conversations/selected/folders", form, htmx=True).text
    refused = client.submit(
        "/conversations/selected/move", form | {"folder": str(folder(account, "clients"))}, htmx=True
    )
    assert refused.status_code == 422 and words in refused.text
    assert waiting(account) == waiting(other) == []


@pytest.mark.parametrize("name", ["Sent", "INBOX", "", "another's", "none"])
def test_nothing_moves_to_where_it_cannot(client: CheckedClient, account: Account, make_user, name: str) -> None:
    (message,) = receive(account, build_mail(0))
    chosen = {"": "", "none": str(uuid4())}.get(name)
    if chosen is None:
        chosen = str(folder(add_mailbox(make_user()), "Archive") if name == "another's" else folder(account, name))

    answer = client.submit(f"/conversations/{conversation_of(message).uuid}/move", {"folder": chosen}, htmx=True)

    assert answer.status_code in (404, 422)
    assert conversation_of(message).in_inbox and waiting(account) == []
