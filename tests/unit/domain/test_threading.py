"""Which messages belong to one conversation, in whatever order they come."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.wild import WILD_TEXT, at_most
from webmail.domain.addresses import Address
from webmail.domain.headers import ParsedHeaders
from webmail.domain.threading import subject_key, thread_keys


def mail(message_id: str, *, subject: str = "CV", answers: str = "", references: Iterable[str] = ()) -> ParsedHeaders:
    sender = Address("Ann", "ann@example.com")
    return ParsedHeaders(
        message_id=message_id, in_reply_to=answers, references=tuple(references), from_=sender, subject=subject
    )


def conversations(mails: Iterable[ParsedHeaders]) -> set[frozenset[str]]:
    """Unite mails by their keys, one after the other, as the store does."""
    groups: list[tuple[set[str], set[str]]] = []
    for each in mails:
        keys, ids = set(thread_keys(each)), {each.message_id}
        for group in [group for group in groups if group[0] & keys]:
            groups.remove(group)
            keys |= group[0]
            ids |= group[1]
        groups.append((keys, ids))
    return {frozenset(ids) for _, ids in groups}


PREFIXES = (
    "Re: |RE: |re:|Re : |Re[2]: |RE(3): |Re^2: |Re2: |Re:Re: |Fwd: |FW: |Fw:|AW: |Aw: |Antw: |WG: |SV: |VS: |VB: |VL: "
    "|RV: |Rif: |R: |I: |TR: |ENC: |RES: |Odp: |PD: |YNT: |İLT: |ilt: |BLS: |Doorst: "
    "|ΑΠ: |Απ: |Отв: |回复：|答复: |转发：|回覆：|轉寄: "
    "|返信: |転送：|답장: |השב: |הת: |رد: |AW: WG: Re[4]: |[External] Re: |Re: [jobs] |[jobs] AW: [EXT] |  Re:\t"
)


@pytest.mark.parametrize("prefix", PREFIXES.split("|"))
def test_answers_and_forwards_keep_their_subject(prefix: str) -> None:
    assert subject_key(prefix + "Your CV, Berlin") == "your cv, berlin"


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("  Your \t CV ", "your cv"),
        ("Straße", "strasse"),
        ("Research: an offer", "research: an offer"),
        ("Reply: no", "reply: no"),
        ("Interview: Monday", "interview: monday"),
        ("Re", "re"),
        ("Re:", ""),
        ("", ""),
        ("[tag]", ""),
        ("CV [Berlin]", "cv [berlin]"),
        ("Tr", "tr"),
    ],
)
def test_what_only_looks_like_a_prefix_stays(subject: str, key: str) -> None:
    assert subject_key(subject) == key


@given(WILD_TEXT)
def test_a_key_is_its_own_key_however_often_it_is_answered(subject: str) -> None:
    assert subject_key("Re: AW: " + subject) == subject_key(subject)


@pytest.mark.parametrize("subject", ["Re: " * 100_000, "[" * 100_000, "[a]" * 50_000, " " * 100_000, "re" * 100_000])
def test_no_subject_takes_long(subject: str) -> None:
    with at_most(1):
        subject_key(subject)


def test_an_answer_joins_what_it_answers_whatever_its_subject() -> None:
    assert len(conversations([mail("a"), mail("b", answers="a", subject="Changed")])) == 1


def test_references_join_only_where_the_subject_agrees() -> None:
    assert len(conversations([mail("a"), mail("b", references=["a"], subject="Re: CV")])) == 1
    assert len(conversations([mail("a"), mail("b", references=["a"], subject="Lunch")])) == 2


def test_the_subject_alone_joins_nobody() -> None:
    assert len(conversations([mail("a"), mail("b")])) == 2
    assert len(conversations([mail("a", subject=""), mail("b", subject="")])) == 2


def test_answers_to_a_mail_that_never_came_belong_together() -> None:
    assert len(conversations([mail("b", answers="gone"), mail("c", answers="gone")])) == 1
    assert len(conversations([mail("b", references=["gone"]), mail("c", references=["gone", "other"])])) == 1


def test_a_late_mail_joins_two_conversations() -> None:
    first, answer = mail("a"), mail("c", answers="b")
    assert len(conversations([first, answer])) == 2

    assert len(conversations([first, answer, mail("b", answers="a")])) == 1


def test_mails_without_an_id_stay_apart_and_can_still_be_told() -> None:
    one, other = mail("", subject="A"), mail("", subject="B")

    assert thread_keys(one) == thread_keys(one) != thread_keys(other)
    assert not set(thread_keys(one)) & set(thread_keys(other))


def test_where_gmail_knows_nothing_else_counts() -> None:
    keys = thread_keys(mail("a", answers="b"), gmail_thread_id="17")

    assert keys[0] == "gm:17"
    # What answers it from here finds it by its own id; what it answers itself is Gmail's to say.
    assert set(keys) & set(thread_keys(mail("c", answers="a")))
    assert not set(keys) & set(thread_keys(mail("b")))


MAILS = st.lists(
    st.builds(
        mail,
        st.sampled_from("abcdefgh"),
        subject=st.sampled_from(["CV", "Re: CV", "Lunch", ""]),
        answers=st.sampled_from(["", *"abcdefgh"]),
        references=st.lists(st.sampled_from("abcdefgh"), max_size=3),
    ),
    max_size=12,
    unique_by=lambda each: each.message_id,
)


@given(MAILS, st.randoms())
def test_the_order_of_arrival_does_not_matter(mails: list[ParsedHeaders], random: object) -> None:
    shuffled = list(mails)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert conversations(mails) == conversations(shuffled)


@given(MAILS)
def test_keys_are_short_and_none_is_given_twice(mails: list[ParsedHeaders]) -> None:
    for each in mails:
        keys = thread_keys(each)
        assert len(keys) == len(set(keys)) and all(key.isascii() and len(key) <= 64 for key in keys)
