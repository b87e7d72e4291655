"""Conversations are those that a person would make, and the same whatever the order of arrival."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from tests.unit.domain.threads import SETS, Labelled
from webmail.domain.headers import parse_headers
from webmail.domain.identity import message_identity
from webmail.domain.threading import thread_keys
from webmail.store.conversations import refresh_conversations
from webmail.store.messages import Arrival, take_in
from webmail.store.models import Account, Conversation, Message, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction

Groups = set[frozenset[str]]


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


def arrival_of(raw: bytes) -> Arrival:
    headers = parse_headers(raw)
    values = {
        "message_id_header": headers.message_id,
        "subject": headers.subject,
        "sent_at": headers.date or utc_now(),
        "from_email": headers.from_.email,
    }
    return Arrival(message_identity(headers), thread_keys(headers), values)


def conversations_after(account: Account, batches: Sequence[Sequence[Arrival]]) -> Groups:
    """Take mails in, batch by batch, into an empty mailbox, and give who is with whom, by Message-ID."""
    with transaction() as s:
        s.execute(delete(Conversation).where(Conversation.account_id == account.id))
    for batch in batches:
        with transaction() as s:
            refresh_conversations(s, account, take_in(s, account, None, batch).conversation_ids)
    groups: dict[int, set[str]] = defaultdict(set)
    with reading() as s:
        for conversation_id, header in s.execute(select(Message.conversation_id, Message.message_id_header)):
            groups[conversation_id].add(header)
        figures = {each.id: each.message_count for each in s.scalars(select(Conversation))}
    assert figures == {conversation_id: len(headers) for conversation_id, headers in groups.items()}
    return {frozenset(each) for each in groups.values()}


def labelled(mails: Labelled) -> Groups:
    groups: dict[str, set[str]] = defaultdict(set)
    for label, raw in mails:
        groups[label].add(parse_headers(raw).message_id)
    return {frozenset(each) for each in groups.values()}


@pytest.mark.parametrize("name", SETS)
def test_conversations_are_as_a_person_would_make_them_in_any_order(account: Account, name: str) -> None:
    mails = SETS[name]
    arrivals = [arrival_of(raw) for _, raw in mails]
    orders = [arrivals, arrivals[::-1], *(random.Random(seed).sample(arrivals, len(arrivals)) for seed in range(4))]

    for order in orders:
        assert conversations_after(account, [[each] for each in order]) == labelled(mails)
    assert conversations_after(account, [arrivals]) == labelled(mails)


names = st.integers(0, 11)
subjects = st.sampled_from(["Offer", "Re: Offer", "AW: Offer", "Salary", "Fwd: Salary", ""])
made_up = st.lists(st.tuples(names, subjects, st.none() | names, st.lists(names, max_size=4)), min_size=1, max_size=12)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(mails=made_up, order=st.randoms(use_true_random=False), cut=st.integers(1, 12))
def test_any_order_and_any_batches_give_the_same_conversations(account: Account, mails, order, cut: int) -> None:
    arrivals = {}
    for name, subject, answers, references in mails:
        lines = [
            f"Message-ID: <{name}@x>",
            "From: c@x.example",
            f"Subject: {subject}",
            "Date: Mon, 02 Nov 2026 09:00:00 +0000",
        ]
        lines += [f"In-Reply-To: <{answers}@x>"] if answers is not None else []
        lines += ["References: " + " ".join(f"<{each}@x>" for each in references)] if references else []
        arrivals.setdefault(name, arrival_of("\r\n".join([*lines, "", ""]).encode()))
    all_of_them = list(arrivals.values())
    shuffled = all_of_them[:]
    order.shuffle(shuffled)

    at_once = conversations_after(account, [all_of_them])

    assert conversations_after(account, [[each] for each in shuffled]) == at_once
    assert conversations_after(account, [shuffled[:cut], shuffled[cut:]]) == at_once
