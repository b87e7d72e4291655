"""Conversations are made and merged by their messages' keys, whatever the order of arrival."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from webmail.errors import NotFound
from webmail.store.conversations import find_conversation, refresh_conversations
from webmail.store.messages import Arrival, take_in
from webmail.store.models import Account, Conversation, ConversationAlias, Message
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def account(user: Scope) -> Account:
    with transaction() as s:
        row = Account(
            tenant_id=user.tenant_id,
            user_id=user.user_id,
            email="me@test.example",
            user_name="me",
            smtp_host="localhost",
            smtp_port=1,
        )
        s.add(row)
    return row


def take(account: Account, name: str, keys: list[str], minutes: int = 0) -> None:
    """Take one message in, as a sync does."""
    values = {"subject": name, "sent_at": NOW + timedelta(minutes=minutes), "from_email": "a@b.example"}
    with transaction() as s:
        taken = take_in(s, account, None, [Arrival(f"h:{name}", keys, values)])
        refresh_conversations(s, account, taken.conversation_ids)


def conversation_of(name: str) -> Conversation:
    with reading() as s:
        return s.scalars(
            select(Conversation)
            .join(Message, Message.conversation_id == Conversation.id)
            .where(Message.subject == name)
        ).one()


def test_messages_that_share_a_key_belong_together(account: Account) -> None:
    take(account, "one", ["a"])
    take(account, "two", ["a", "b"])
    take(account, "other", ["c"])

    assert conversation_of("one").id == conversation_of("two").id
    assert conversation_of("other").id != conversation_of("one").id
    assert conversation_of("one").message_count == 2


def test_a_late_message_merges_and_every_old_url_leads_to_what_became_of_it(account: Account, user: Scope) -> None:
    urls: list[UUID] = []
    for name in "abcd":
        take(account, name, [name])
        urls.append(conversation_of(name).uuid)

    take(account, "cd", ["c", "d"])
    take(account, "bc", ["b", "c"])
    take(account, "ab", ["a", "b"])

    with reading() as s:
        assert {find_conversation(s, user, url).id for url in urls} == {conversation_of("a").id}
        assert len(list(s.scalars(select(Conversation.id)))) == 1
    assert conversation_of("a").uuid == urls[0]
    assert conversation_of("a").message_count == 7


def test_a_merged_url_is_no_way_into_another_users_mail(account: Account, make_user) -> None:
    take(account, "a", ["a"])
    take(account, "b", ["b"])
    url = conversation_of("b").uuid
    take(account, "ab", ["a", "b"])

    with reading() as s, pytest.raises(NotFound):
        find_conversation(s, make_user(), url)


def test_one_batch_may_merge_what_it_makes(account: Account) -> None:
    values = {"subject": "x", "from_email": "a@b.example"}
    batch = [
        Arrival(f"h:{n}", keys, {**values, "sent_at": NOW + timedelta(minutes=n)})
        for n, keys in enumerate([["a"], ["b"], ["c"], ["a", "c"], ["b", "c"]])
    ]

    with transaction() as s:
        taken = take_in(s, account, None, batch)
        refresh_conversations(s, account, taken.conversation_ids)

    with reading() as s:
        assert s.scalars(select(Conversation)).one().message_count == 5
        # Nobody has seen the URLs of those that were joined before they were stored.
        assert list(s.scalars(select(ConversationAlias))) == []


def test_a_conversation_without_messages_goes(account: Account) -> None:
    take(account, "a", ["a"])
    conversation_id = conversation_of("a").id

    with transaction() as s:
        s.delete(s.scalars(select(Message)).one())
        s.flush()
        refresh_conversations(s, account, [conversation_id])

    with reading() as s:
        assert s.scalars(select(Conversation)).all() == []
