"""Putting conversations off, and what brings them back: the time, mail from somebody else, Undo."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from tests.mails import build_mail
from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions import mail, snoozes
from webmail.domain.schedule import later_today
from webmail.store import changes
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import folder_by_role
from webmail.store.models import Account, Conversation, Message, Placement
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction


@pytest.fixture
def account(user: Scope) -> Account:
    return add_mailbox(user)


def wall(**away: int) -> str:
    return f"{datetime.now(UTC) + timedelta(**away):%Y-%m-%dT%H:%M}"


def path_of(message: Message, what: str = "snooze") -> str:
    return f"/conversations/{conversation_of(message).uuid}/{what}"


def put_off(client: CheckedClient, message: Message) -> None:
    assert client.submit(path_of(message), {"until": wall(hours=5)}, htmx=True).status_code == 200
    assert not conversation_of(message).in_inbox


def have_it_due(message: Message) -> None:
    with transaction() as s:
        conversation = s.get(Conversation, conversation_of(message).id)
        assert conversation is not None
        conversation.snoozed_until = datetime.now(UTC) - timedelta(seconds=1)


def answer_to(number: int, **changes: object) -> bytes:
    return build_mail(90, answers=f"{number}@mails.example", **({"date": datetime.now(UTC)} | changes))  # type: ignore[arg-type]


def subjects(page: str) -> list[str]:
    return re.findall(r'class="row-subject" dir="auto">([^<]*)<', page)


def untold(account: Account) -> bool:
    with reading() as s:
        return not changes.pending_changes(s, account.id)


def test_a_conversation_is_put_off_and_comes_back_on_top_at_its_time(client: CheckedClient, account: Account) -> None:
    first, _ = receive(account, build_mail(1), build_mail(2))

    menu = client.get(path_of(first), headers={"HX-Request": "true", "HX-Request-Type": "partial"}).text
    assert "Tomorrow morning" in menu or "Monday morning" in menu
    answer = client.submit(path_of(first), {"until": "chosen", "until_chosen": wall(hours=5)}, htmx=True).text

    assert "Put off until " in answer
    assert subjects(client.get("/inbox").text) == ["Mail 2"]
    snoozed = client.get("/inbox?view=snoozed").text
    assert subjects(snoozed) == ["Mail 1"]
    until = conversation_of(first).snoozed_until
    assert until is not None
    assert f'<time datetime="{until:%Y-%m-%dT%H:%M:%SZ}"' in snoozed
    snoozes.wake_due()
    assert not conversation_of(first).in_inbox

    have_it_due(first)
    snoozes.wake_due()

    assert subjects(client.get("/inbox").text) == ["Mail 1", "Mail 2"]
    assert conversation_of(first).unread_count == 1
    assert "Nothing snoozed" in client.get("/inbox?view=snoozed").text
    assert untold(account)


def test_undo_and_bringing_back_leave_it_as_it_was(client: CheckedClient, account: Account) -> None:
    first, _ = receive(account, build_mail(1), build_mail(2))
    answer = client.submit(path_of(first), {"until": wall(hours=5)}, htmx=True).text
    [undo] = re.findall(r'hx-post="(/conversations/[^"]+/undo[^"]*)"', answer)

    assert "Back in the inbox." in client.submit(undo, htmx=True).text
    assert subjects(client.get("/inbox").text) == ["Mail 2", "Mail 1"]
    assert conversation_of(first).unread_count == 0

    put_off(client, first)
    page = client.get(path_of(first, "").rstrip("/") + "?view=snoozed").text
    assert (
        "Bring back now" in page and "Snoozed until " in page and "Snooze (b)" not in page.split("conversation-head")[1]
    )
    client.submit(path_of(first, "snooze/undo"))
    assert conversation_of(first).in_inbox


@pytest.mark.parametrize(
    ("mail_that_comes", "role", "is_back"),
    [
        (answer_to(1), "inbox", True),
        (answer_to(1, date=datetime.now(UTC) - timedelta(minutes=1)), "inbox", True),
        (answer_to(1), "sent", False),
        (answer_to(1, date=datetime(2025, 1, 2, tzinfo=UTC)), "inbox", False),
    ],
    ids=["an answer", "an answer by a slow clock", "the user's own", "old mail that is only read in now"],
)
def test_mail_from_somebody_else_brings_it_back_at_once(
    client: CheckedClient, account: Account, mail_that_comes: bytes, role: str, is_back: bool
) -> None:
    (first,) = receive(account, build_mail(1))
    put_off(client, first)

    receive(account, mail_that_comes, role=role)

    assert conversation_of(first).in_inbox == is_back
    snoozes.wake_due()
    assert (conversation_of(first).snoozed_until is None) == is_back
    assert conversation_of(first).raised_at is None


def test_a_selection_is_put_off_and_taken_back_in_one_go(client: CheckedClient, account: Account, user: Scope) -> None:
    other = add_mailbox(user, "rita@second.example")
    messages = [*receive(account, build_mail(1), build_mail(2)), *receive(other, build_mail(3))]
    uuids = [str(conversation_of(each).uuid) for each in messages]
    put_off(client, messages[0])

    page = client.submit("/conversations/selected/times?view=all", {"uuid": uuids}).text
    assert set(re.findall(r'name="uuid" value="([^"]+)"', page)) == set(uuids)
    answer = client.submit("/conversations/selected/snooze", {"uuid": uuids, "until": wall(days=2)})

    listed = client.get(answer.location).text
    assert "Put off 2 conversations until " in listed and subjects(listed) == []
    [undo] = re.findall(r'action="(/conversations/snoozes/undo[^"]+)"', listed)
    client.submit(undo.replace("&amp;", "&"))
    assert [conversation_of(each).in_inbox for each in messages] == [False, True, True]
    assert client.submit(undo, htmx=True).status_code == 422
    assert client.submit("/conversations/snoozes/undo?at=x", htmx=True).status_code == 422


@pytest.mark.parametrize(
    "until", ["", "x", "chosen", "9999-12-31T23:59", "0001-01-01T00:00", wall(minutes=-2), wall(days=368)]
)
def test_a_time_that_cannot_be_kept_is_refused(client: CheckedClient, account: Account, until: str) -> None:
    (first,) = receive(account, build_mail(1))

    assert client.submit(path_of(first), {"until": until}, htmx=True).status_code == 422
    assert conversation_of(first).in_inbox


def test_only_the_users_own_of_the_inbox_is_put_off(
    client: CheckedClient, account: Account, make_user: Callable
) -> None:
    (archived,) = receive(account, build_mail(1), role="archive")
    (another,) = receive(add_mailbox(make_user()), build_mail(2))
    time = {"until": wall(hours=5)}

    assert client.submit(path_of(archived), time, htmx=True).status_code == 422
    assert client.submit(path_of(another), time, htmx=True).status_code == 404
    assert client.get(path_of(another)).status_code == 404
    chosen = {"uuid": [str(conversation_of(another).uuid), str(uuid4())]}
    assert client.submit("/conversations/selected/snooze", chosen | time, htmx=True).status_code == 422
    assert conversation_of(another).in_inbox


def archived_elsewhere(account: Account, message: Message) -> None:
    """Have a message lie in the archive, as a sync finds that another mail program has put it there."""
    with transaction() as s:
        archive = folder_by_role(s, account.id, "archive")
        s.execute(update(Placement).where(Placement.message_id == message.id).values(folder_id=archive.id))
        refresh_conversations(s, account, [message.conversation_id])


def test_what_has_left_the_inbox_meanwhile_stays_out(client: CheckedClient, account: Account, user: Scope) -> None:
    deleted, gone = receive(account, build_mail(1), build_mail(2))
    for each in (deleted, gone):
        put_off(client, each)

    mail.delete(user, conversation_of(deleted).uuid)
    assert conversation_of(deleted).snoozed_until is None
    mail.undo_move(user, conversation_of(deleted).uuid)
    assert conversation_of(deleted).in_inbox

    archived_elsewhere(account, gone)
    have_it_due(gone)
    snoozes.wake_due()
    back = conversation_of(gone)
    assert (back.in_inbox, back.unread_count, back.raised_at, back.snoozed_until) == (False, 0, None, None)


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2026-11-25T09:20", "2026-11-25T12:00"), ("2026-11-25T20:59", "2026-11-25T23:00"), ("2026-11-25T21:00", None)],
)
def test_later_today_is_still_today(now: str, expected: str | None) -> None:
    zone = ZoneInfo("Europe/Berlin")
    choice = later_today(datetime.fromisoformat(now).replace(tzinfo=zone), zone)

    assert (choice and choice.wall) == expected
