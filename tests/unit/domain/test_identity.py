"""What makes two mails the same mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from tests.unit.domain.wild import WILD_BYTES
from webmail.domain.addresses import Address
from webmail.domain.headers import ParsedHeaders, parse_headers
from webmail.domain.identity import message_identity

MAIL = ParsedHeaders(
    message_id="a@example.com",
    date=datetime(2026, 11, 24, 10, 42, tzinfo=UTC),
    from_=Address("Ann", "ann@example.com"),
    subject="Your CV",
)


@pytest.mark.parametrize(
    "same",
    [
        MAIL,
        replace(MAIL, from_=Address("Ann Lee", "ANN@example.com")),
        replace(MAIL, subject="Your   CV"),
        replace(MAIL, date=MAIL.date + timedelta(microseconds=7)),
        replace(MAIL, to=[Address("", "bob@example.org")]),
    ],
)
def test_what_servers_change_does_not_count(same: ParsedHeaders) -> None:
    assert message_identity(same) == message_identity(MAIL)


@pytest.mark.parametrize(
    "other",
    [
        replace(MAIL, message_id="b@example.com"),
        replace(MAIL, subject="Your other CV"),
        replace(MAIL, date=None),
        replace(MAIL, date=MAIL.date + timedelta(seconds=1)),
        replace(MAIL, from_=Address("Ann", "ann@example.org")),
        replace(MAIL, message_id="", subject="a@example.comYour CV"),
    ],
)
def test_a_message_id_used_twice_is_two_mails(other: ParsedHeaders) -> None:
    assert message_identity(other) != message_identity(MAIL)


def test_the_same_moment_in_two_zones_is_the_same_mail() -> None:
    here = parse_headers(b"Message-ID: <a@x>\r\nDate: Tue, 24 Nov 2026 10:42:00 +0100\r\n\r\n")
    there = parse_headers(b"Message-ID: <a@x>\r\nDate: Tue, 24 Nov 2026 09:42:00 GMT\r\n\r\n")

    assert message_identity(here) == message_identity(there)


def test_the_servers_own_identity_goes_first() -> None:
    assert message_identity(MAIL, gmail_id="17", email_id="M1") == "gm:17"
    assert message_identity(MAIL, email_id="M1") == "eid:M1"
    assert len(message_identity(MAIL, email_id="x" * 500)) == 80


@given(WILD_BYTES)
def test_every_mail_has_an_identity_that_can_be_stored(raw: bytes) -> None:
    identity = message_identity(parse_headers(raw))

    assert identity.isascii() and len(identity) <= 80 and identity == message_identity(parse_headers(raw))
