"""The pages of the list: their order, their ends, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from webmail.store.conversations import list_page, load_conversation, refresh_conversations, unread_counts
from webmail.store.messages import Arrival, take_in
from webmail.store.models import Account, Conversation, Folder
from webmail.store.scope import Scope
from webmail.store.session import engine, reading, transaction

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """Collect the statements that are sent to the database."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine(), "before_cursor_execute", note)


@pytest.fixture
def inbox(user: Scope) -> Account:
    """An account with 120 conversations in its inbox, some of them at the same moment."""
    with transaction() as s:
        account = Account(
            tenant_id=user.tenant_id,
            user_id=user.user_id,
            email="me@test.example",
            user_name="me",
            smtp_host="localhost",
            smtp_port=1,
        )
        s.add(account)
        s.flush()
        folder = Folder(account_id=account.id, name="INBOX", role="inbox", is_synced=True, uidvalidity=1)
        s.add(folder)
        s.flush()
        arrivals = [
            Arrival(
                f"h:{n}",
                [f"k{n}"],
                {
                    "subject": f"Topic {n}",
                    "sent_at": NOW - timedelta(minutes=n // 7),
                    "from_email": "a@b.example",
                    "is_unread": n % 3 == 0,
                },
                uid=n + 1,
            )
            for n in range(120)
        ]
        taken = take_in(s, account, folder, arrivals)
        refresh_conversations(s, account, taken.conversation_ids)
    return account


def walk(user: Scope, **options: object) -> list[Conversation]:
    rows: list[Conversation] = []
    cursor = ""
    while True:
        with reading() as s:
            page = list_page(s, user, "inbox", cursor=cursor, limit=25, **options)
        rows += page.rows
        if not page.next_cursor:
            return rows
        cursor = page.next_cursor


@pytest.mark.usefixtures("inbox")
def test_pages_give_each_conversation_once_newest_first(user: Scope) -> None:
    rows = walk(user)

    assert len({row.id for row in rows}) == len(rows) == 120
    assert [row.last_at for row in rows] == sorted((row.last_at for row in rows), reverse=True)


@pytest.mark.usefixtures("inbox")
def test_the_unread_filter_agrees_with_the_count(user: Scope) -> None:
    with reading() as s:
        assert sum(unread_counts(s, user).values()) == len(walk(user, unread_only=True)) == 40


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize("cursor", ["nonsense", "%%%", "MjAyNg==", "fHw="])
def test_a_cursor_that_makes_no_sense_gives_the_first_page(user: Scope, cursor: str) -> None:
    with reading() as s:
        assert list_page(s, user, "inbox", cursor=cursor).rows[0].last_at == NOW


@pytest.mark.usefixtures("inbox")
def test_a_page_costs_one_query_at_any_depth(user: Scope) -> None:
    with reading() as s:
        cursor = list_page(s, user, "inbox", limit=50).next_cursor
    with counted_queries() as statements, reading() as s:
        page = list_page(s, user, "inbox", cursor=cursor, limit=50)
        assert [row.account.email for row in page.rows] == ["me@test.example"] * 50

    assert len([each for each in statements if each.startswith("SELECT")]) == 1


def test_a_conversation_costs_as_many_queries_with_many_messages_as_with_one(inbox: Account, user: Scope) -> None:
    with transaction() as s:
        arrivals = [
            Arrival(f"h:many{n}", ["many"], {"subject": "Many", "sent_at": NOW, "from_email": "a@b.example"})
            for n in range(30)
        ]
        taken = take_in(s, inbox, None, arrivals)
        refresh_conversations(s, inbox, taken.conversation_ids)
        many = s.get_one(Conversation, taken.conversation_ids.pop()).uuid
    one = walk(user)[-1].uuid
    costs = []

    for uuid in (one, many):
        with counted_queries() as statements, reading() as s:
            load_conversation(s, user, uuid)
        costs.append(len([each for each in statements if each.startswith("SELECT")]))

    assert costs[0] == costs[1] <= 5


def test_nothing_of_another_user_is_listed(inbox: Account, make_user) -> None:
    other = make_user()

    with reading() as s:
        assert list_page(s, other, "inbox", account_uuid=inbox.uuid).rows == []
        assert unread_counts(s, other) == {}
