"""What colleagues may see: the rule shares, the leak guard keeps back, whatever the mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webmail.domain.privacy import (
    ALL,
    CONTACTS,
    INTERNAL,
    NO_CONTACT,
    NOTHING,
    OWN_STAFF,
    PRIVATE,
    SHARED,
    Case,
    Colleagues,
    KnownContact,
    judge,
    merged,
    parties_of,
    rule_of,
)

RITA, BEN, CARA, CLIENT = "rita@acme.example", "ben@acme.example", "cara@home.example", "boss@client.example"
STAFF = Colleagues(frozenset({RITA}), frozenset({"acme.example"}))
CARA_KNOWN = KnownContact(frozenset({CARA}))


def case(*messages: set[str], contacts: tuple[KnownContact, ...] = (CARA_KNOWN,)) -> Case:
    return Case({at: frozenset(each) for at, each in enumerate(messages)}, contacts, STAFF)


def test_by_itself_nothing_is_shared() -> None:
    assert judge(NOTHING, case({RITA, CARA})).visible == frozenset()
    assert (rule_of("nothing", ""), rule_of("", ""), rule_of("all", PRIVATE)) == (NOTHING, NOTHING, NOTHING)
    assert (rule_of("nothing", SHARED), rule_of("contacts", "")) == (ALL, CONTACTS)


def test_a_message_among_colleagues_stays_private_in_a_shared_conversation() -> None:
    verdict = judge(ALL, case({RITA, CARA}, {RITA, BEN}, {CARA, RITA, CLIENT}))

    assert (verdict.visible, verdict.hidden, verdict.reason) == ({0, 2}, {1}, "")


def test_a_conversation_among_colleagues_stays_private_and_says_why() -> None:
    verdict = judge(ALL, case({RITA, BEN}, {BEN}))

    assert (verdict.visible, verdict.hidden, verdict.reason) == (frozenset(), {0, 1}, INTERNAL)


@pytest.mark.parametrize(
    "ben",
    [
        KnownContact(frozenset({"ben@home.example", BEN})),
        KnownContact(frozenset({"ben@home.example"}), has_staff_tag=True),
    ],
    ids=["by an address", "by a tag"],
)
def test_an_application_of_ones_own_staff_stays_private(ben: KnownContact) -> None:
    verdict = judge(ALL, case({RITA, "ben@home.example"}, {RITA, CARA}, contacts=(ben, CARA_KNOWN)))

    assert (verdict.visible, verdict.reason) == (frozenset(), OWN_STAFF)


def test_a_colleague_with_a_copy_at_work_hides_nobody_elses_conversation() -> None:
    ben = KnownContact(frozenset({BEN}))

    assert judge(ALL, case({RITA, CARA, BEN}, contacts=(ben, CARA_KNOWN))).visible == {0}
    assert judge(ALL, case({RITA, CLIENT, BEN}, contacts=(ben,))).reason == OWN_STAFF


def test_mail_with_contacts_shares_the_messages_that_a_contact_wrote_or_got() -> None:
    messages = case({RITA, CARA}, {RITA, CLIENT})

    assert judge(CONTACTS, messages).visible == {0}
    assert judge(ALL, messages).visible == {0, 1}
    assert judge(ALL, case({RITA, CLIENT})).reason == NO_CONTACT


def test_a_domain_counts_with_what_is_below_it_and_no_other() -> None:
    assert STAFF.has("x@mail.acme.example")
    assert not STAFF.has("x@notacme.example") and not STAFF.has("x@acme.example.evil.example") and not STAFF.has("x")


def test_conversations_that_become_one_are_as_private_as_the_most_private() -> None:
    assert merged(["shared", "private"]) == "private" and merged(["", "private"]) == "private"
    assert merged(["shared", ""]) == "" and merged(["shared", "shared"]) == "shared" and merged([""]) == ""


def test_parties_are_all_whom_a_message_concerns() -> None:
    assert parties_of("Rita@Acme.example", [["", " cara@home.example"]], [["B", BEN]], []) == {RITA, CARA, BEN}


_PEOPLE = st.sampled_from([RITA, BEN, "ben@home.example", CARA, CLIENT, "x@mail.acme.example", "a@b.example"])
_CONTACTS = st.lists(st.builds(KnownContact, st.frozensets(_PEOPLE, min_size=1, max_size=3), st.booleans()), max_size=4)
_CASES = st.builds(
    Case,
    st.dictionaries(st.integers(0, 9), st.frozensets(_PEOPLE, max_size=4), max_size=8),
    _CONTACTS,
    st.builds(
        Colleagues, st.frozensets(_PEOPLE, max_size=3), st.sampled_from([frozenset(), frozenset({"acme.example"})])
    ),
)


@given(_CASES)
def test_what_must_not_leak_does_not(case: Case) -> None:
    whole, with_contacts = judge(ALL, case), judge(CONTACTS, case)

    assert judge(NOTHING, case).visible == frozenset()
    assert with_contacts.visible <= whole.visible <= case.messages.keys()
    known = {email for each in case.contacts for email in each.addresses}
    for verdict in (whole, with_contacts):
        assert verdict.visible | verdict.hidden == case.messages.keys() and not verdict.visible & verdict.hidden
        assert bool(verdict.reason) == (not verdict.visible and bool(case.messages))
        for key in verdict.visible:
            assert not case.colleagues.are_all(case.messages[key])
    assert all(case.messages[key] & known for key in with_contacts.visible)
    met = frozenset(email for each in case.messages.values() for email in each)
    for each in case.contacts:
        if each.is_staff(case.colleagues) and any(not case.colleagues.has(email) for email in each.addresses & met):
            assert not whole.visible


@given(_CASES, _PEOPLE)
def test_one_more_message_takes_no_other_out_of_hiding(case: Case, somebody: str) -> None:
    """Nobody can make a hidden message visible by writing into the conversation, unless all was internal before."""
    before = judge(ALL, case)
    after = judge(ALL, Case({**case.messages, 99: frozenset({somebody})}, case.contacts, case.colleagues))

    if before.visible:
        assert after.visible - {99} <= before.visible
