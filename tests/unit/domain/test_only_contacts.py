"""Which mail may leave a mailbox that keeps only mail with contacts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mails import build_mail
from webmail.domain.only_contacts import Addressing, choose, named_in_prose, read_addressing, recipients_of_report

CARA, RITA = "cara@home.example", "rita@acme.example"


def test_the_fields_tell_whom_a_mail_concerns_and_what_it_answers() -> None:
    raw = build_mail(
        3, sender="Cara <CARA@home.example>", recipient=RITA, answers="2@mails.example", references=["1@mails.example"]
    )

    found = read_addressing(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")

    assert found.parties == {CARA, RITA} and found.ids == {"3@mails.example"}
    assert found.answers == {"1@mails.example", "2@mails.example"} and not found.is_report


def test_a_report_says_whom_it_is_about() -> None:
    header = b"From: MAILER-DAEMON@x.example\r\nContent-Type: multipart/report;\r\n report-type=delivery-status\r\n\r\n"
    part = b"Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; Cara@home.example\r\nAction: failed\r\n"

    assert read_addressing(header).is_report
    assert recipients_of_report(part) == {CARA}
    failed = read_addressing(b"From: m@x.example\r\nX-Failed-Recipients: dan@x.example,\r\n cara@home.example\r\n\r\n")
    assert CARA in failed.parties and "dan@x.example" in failed.parties
    complaint = b"Feedback-Type: abuse\r\nOriginal-Rcpt-To: <cara@home.example>\r\n"
    assert recipients_of_report(complaint) == {CARA}


def test_a_mail_servers_words_say_whom_they_are_about() -> None:
    header = b"From: MAILER-DAEMON@x.example\r\nSubject: failure notice\r\n\r\n"

    assert read_addressing(header).is_prose
    assert not read_addressing(b"From: Cara <cara@home.example>\r\n\r\n").is_prose
    assert named_in_prose(b"I could not deliver it.\r\n\r\n<Cara@home.example>:\r\nno mailbox") == {CARA}


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"\x00\xff", b"From: \r\nTo: ,;<@>\r\n\r\n"])
def test_what_makes_no_sense_concerns_nobody(raw: bytes) -> None:
    assert read_addressing(raw).parties == frozenset()


def head(number: int, *parties: str, answers: tuple[int, ...] = ()) -> Addressing:
    return Addressing(frozenset(parties), frozenset({str(number)}), frozenset(map(str, answers)))


def test_mail_with_contacts_is_kept_and_what_answers_it_however_long_the_way() -> None:
    heads = {
        1: head(1, CARA, RITA),
        2: head(2, "boss@client.example", RITA, answers=(1,)),
        3: head(3, "x@client.example", RITA, answers=(2,)),
        4: head(4, "mum@home.example", RITA),
        5: head(5, "mum@home.example", RITA, answers=(4,)),
    }

    assert choose(heads, contacts={CARA}, stored=set()) == {1, 2, 3}
    assert choose(heads, contacts=set(), stored={"4"}) == {4, 5}


def test_ones_own_address_makes_nobody_a_contact() -> None:
    assert choose({1: head(1, "mum@home.example", RITA)}, contacts={RITA}, stored=set(), own={RITA}) == set()


@given(
    st.dictionaries(
        st.integers(1, 12),
        st.builds(
            Addressing,
            st.frozensets(st.sampled_from([CARA, RITA, "mum@home.example"]), max_size=3),
            st.frozensets(st.sampled_from("abcdef"), max_size=1),
            st.frozensets(st.sampled_from("abcdef"), max_size=3),
        ),
    ),
    st.sets(st.sampled_from("abcdef")),
)
def test_nothing_is_kept_without_a_reason(heads: dict[int, Addressing], stored: set[str]) -> None:
    kept = choose(heads, contacts={CARA}, stored=stored, own={RITA})

    reached = stored | {name for uid in kept for name in heads[uid].ids}
    for uid, each in heads.items():
        assert (uid in kept) == bool(CARA in each.parties or each.ids & stored or each.answers & reached)
