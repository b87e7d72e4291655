"""Stars, and what is done with several conversations of the list at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import uuid4

import pytest

from tests.mails import build_mail
from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions.mail import SELECTION_LIMIT
from webmail.store import changes
from webmail.store.models import Account, Message
from webmail.store.scope import Scope
from webmail.store.session import reading


@pytest.fixture
def account(user: Scope) -> Account:
    return add_mailbox(user)


def fields(messages: Sequence[Message]) -> dict[str, list[str]]:
    return {"uuid": [str(conversation_of(each).uuid) for each in messages]}


def waiting(account: Account) -> list[tuple[str, list[str], int]]:
    """Give what the server will be told of the account: kind, flags, and of how many messages."""
    with reading() as s:
        pending = changes.pending_changes(s, account.id)
    return [
        (each.kind, [*each.payload.get("add", []), *each.payload.get("remove", [])], len(each.uids)) for each in pending
    ]


def pressed(page: str) -> list[str]:
    return re.findall(r'<button formaction="[^"]*" title="Star" aria-pressed="(\w+)"', page)


def test_a_star_is_shown_and_the_server_is_told(client: CheckedClient, account: Account) -> None:
    first, second = receive(account, build_mail(1), build_mail(2))
    path = f"/conversations/{conversation_of(first).uuid}/star"

    answer = client.submit(path, htmx=True).text

    assert f'hx-post="{path}/undo"' in answer
    assert 'aria-pressed="true"' in answer
    assert conversation_of(first).is_flagged
    assert waiting(account) == [("flag", ["\\Flagged"], 1)]
    assert sorted(pressed(client.get("/inbox").text)) == ["false", "true"]
    assert f"conversation-{conversation_of(second).uuid}-row" not in client.get("/inbox?view=starred").text

    client.submit(path + "/undo", htmx=True)
    assert not conversation_of(first).is_flagged
    assert "Nothing starred" in client.get("/inbox?view=starred").text


def test_of_a_conversation_the_newest_message_is_starred_and_all_are_unstarred(
    client: CheckedClient, account: Account
) -> None:
    first, second = receive(account, build_mail(0), build_mail(1, answers="0@mails.example"))
    path = f"/conversations/{conversation_of(first).uuid}/star"

    client.submit(path)
    client.submit(path)

    with reading() as s:
        assert [s.get_one(Message, each.id).is_flagged for each in (first, second)] == [False, True]
    assert waiting(account) == [("flag", ["\\Flagged"], 1)]


def test_without_javascript_a_star_leads_back_to_the_page_it_stood_on(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, build_mail(1))
    path = f"/conversations/{conversation_of(message).uuid}"

    assert client.submit(f"{path}/star?view=all", {"from": "conversation"}).location == f"{path}?view=all"
    assert client.submit(f"{path}/star/undo?view=all").location == "/inbox?view=all"


def test_a_star_of_somebody_else_does_not_exist(client: CheckedClient, make_user) -> None:
    (message,) = receive(add_mailbox(make_user()), build_mail(1))

    assert client.submit(f"/conversations/{conversation_of(message).uuid}/star").status_code == 404
    assert not conversation_of(message).is_flagged


@pytest.mark.parametrize(
    ("verb", "words"),
    [("archive", "Archived 3 conversations."), ("delete", "Moved 3 conversations to the trash.")],
)
def test_several_conversations_move_in_one_go_and_come_back_in_one(
    client: CheckedClient, account: Account, user: Scope, verb: str, words: str
) -> None:
    other = add_mailbox(user, "rita@second.example")
    messages = [*receive(account, build_mail(1), build_mail(2)), *receive(other, build_mail(3))]
    (stays,) = receive(account, build_mail(4))

    answer = client.submit(f"/conversations/selected/{verb}?view=all", fields(messages), htmx=True).text

    assert words in answer
    assert not any(conversation_of(each).in_inbox for each in messages)
    assert conversation_of(stays).in_inbox
    assert [waiting(account), waiting(other)] == [[("move", [], 2)], [("move", [], 1)]]

    undo = re.findall(r'hx-post="(/conversations/moves/[^"]+)"', answer)[0]
    assert undo.endswith("/undo?view=all")
    assert "Put back." in client.submit(undo, htmx=True).text
    assert all(conversation_of(each).in_inbox for each in messages)
    assert [waiting(account), waiting(other)] == [[], []]
    assert client.submit(undo, htmx=True).status_code == 422


def test_without_javascript_several_move_and_undo_stands_on_the_list(client: CheckedClient, account: Account) -> None:
    messages = receive(account, build_mail(1), build_mail(2))

    moved = client.submit("/conversations/selected/archive", fields(messages))
    assert (moved.status_code, moved.location) == (303, "/inbox")
    undo = re.findall(r'action="(/conversations/moves/[^"]+)"', client.get("/inbox").text)[0]
    assert client.submit(undo).location == "/inbox"

    assert all(conversation_of(each).in_inbox for each in messages)


@pytest.mark.parametrize(
    ("verb", "words", "is_unread"),
    [("read", "Marked 2 conversations as read.", False), ("unread", "Marked 2 conversations as unread.", True)],
)
def test_several_conversations_are_marked_in_one_go(
    client: CheckedClient, user: Scope, verb: str, words: str, is_unread: bool
) -> None:
    account = add_mailbox(user, read_marks="keep")
    messages = receive(account, build_mail(1), build_mail(2), unread=not is_unread)

    answer = client.submit(f"/conversations/selected/{verb}", fields(messages), htmx=True).text

    assert words in answer
    assert [bool(conversation_of(each).unread_count) for each in messages] == [is_unread] * 2


def test_several_conversations_are_starred_in_one_go(client: CheckedClient, account: Account) -> None:
    messages = receive(account, build_mail(1), build_mail(2), build_mail(3))
    client.submit(f"/conversations/{conversation_of(messages[0]).uuid}/star")

    assert "Starred 3 conversations." in client.submit("/conversations/selected/star", fields(messages), htmx=True).text

    assert all(conversation_of(each).is_flagged for each in messages)
    assert waiting(account) == [("flag", ["\\Flagged"], 1), ("flag", ["\\Flagged"], 2)]


def test_what_is_somebody_elses_or_gone_is_left_out(client: CheckedClient, account: Account, make_user) -> None:
    (mine,) = receive(account, build_mail(1))
    (theirs,) = receive(add_mailbox(make_user()), build_mail(2))
    chosen = {"uuid": [*fields([mine, theirs])["uuid"], str(uuid4()), "no uuid"]}

    answer = client.submit("/conversations/selected/archive", chosen, htmx=True).text

    assert "Archived 1 conversation." in answer
    assert conversation_of(theirs).in_inbox


@pytest.mark.parametrize(
    ("count", "words"), [(0, "Select at least one"), (SELECTION_LIMIT + 1, f"Select up to {SELECTION_LIMIT}")]
)
def test_nothing_and_too_much_are_refused(client: CheckedClient, account: Account, count: int, words: str) -> None:
    chosen = {"uuid": [str(uuid4()) for _ in range(count)]}

    for verb in ("archive", "delete", "read", "unread", "star"):
        answer = client.submit(f"/conversations/selected/{verb}", chosen, htmx=True)
        assert answer.status_code == 422
        assert words in answer.text


def test_what_is_archived_already_says_so(client: CheckedClient, account: Account) -> None:
    messages = receive(account, build_mail(1), build_mail(2), role="archive")

    answer = client.submit("/conversations/selected/archive", fields(messages), htmx=True)

    assert answer.status_code == 422
    assert "out of the inbox already" in answer.text


def test_a_move_of_somebody_else_cannot_be_undone(client: CheckedClient, account: Account, make_user, app) -> None:
    messages = receive(account, build_mail(1))
    answer = client.submit("/conversations/selected/archive", fields(messages), htmx=True).text
    undo = re.findall(r'hx-post="(/conversations/moves/[^"]+)"', answer)[0]

    other = app.test_client().sign_in_as(make_user())

    assert other.submit(undo, htmx=True).status_code == 422
    assert not conversation_of(messages[0]).in_inbox
