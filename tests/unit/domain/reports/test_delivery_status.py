"""Which refusals mean that an address is dead, and what a report's fields say."""

from __future__ import annotations

import pytest

from webmail.domain.delivery_status import (
    is_dead_address,
    read_delivery_status,
    read_feedback,
    returned_ids,
    status_in,
)


@pytest.mark.parametrize(
    ("status", "words", "is_dead"),
    [
        ("5.1.1", "550 5.1.1 User unknown; see our policy", True),
        ("5.1.1", "550 5.1.1 mailbox over quota", False),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled", True),
        ("5.2.2", "552 5.2.2 Mailbox full", False),
        ("5.3.4", "552 5.3.4 Message size exceeds fixed limit", False),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", True),
        ("5.4.5", "550 5.4.5 Daily user sending limit exceeded", False),
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable", True),
        ("5.7.1", "550 5.7.1 Service unavailable; client host blocked using a list", False),
        ("5.7.1", "550 5.7.1 <x@y.example>: Recipient address rejected: user x@y.example does not exist", True),
        ("5.0.0", "550 rejected", True),
        ("5.0.0", "554 rejected", False),
        ("5.0.0", "550 spam message rejected", False),
        ("5.1.8", "550 5.1.8 Sender address rejected: domain not found", False),
        ("4.1.1", "450 4.1.1 Recipient address rejected: unverified address", False),
        ("4.2.2", "452 4.2.2 over quota", False),
        ("", "User unknown", True),
        ("", "", False),
    ],
)
def test_a_dead_address_is_told_from_what_passes(status: str, words: str, is_dead: bool) -> None:
    assert is_dead_address(status, words) is is_dead


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("550 5.1.1 x", "5.1.1"),
        ("smtp;550 no", "5.0.0"),
        ("at 192.0.2.5:25 451 later", "4.0.0"),
        ("#5.1.10 x", "5.1.10"),
        ("version 5.1", ""),
        ("host 10.5.1.1", ""),
    ],
)
def test_a_status_is_found_in_words_and_an_address_of_a_host_is_none(text: str, status: str) -> None:
    assert status_in(text) == status


def test_a_status_part_is_read_up_to_its_bounds() -> None:
    block = b"Final-Recipient: rfc822; a%d@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"

    found = read_delivery_status(b"Reporting-MTA: dns; x\r\n\r\n" + b"".join(block % number for number in range(300)))

    assert len(found) == 100
    assert read_delivery_status(b"") == read_delivery_status(b"\r\n\r\n") == read_delivery_status(b"\xff" * 90) == []


def test_feedback_names_each_address_once() -> None:
    content = b"Feedback-Type: Abuse (very)\r\nOriginal-Rcpt-To: <A@x.example>\r\nRemoval-Recipient: a@x.example\r\n"

    assert read_feedback(content) == ("abuse", ["a@x.example"])


def test_the_id_of_a_returned_mail_is_found_behind_a_mailbox_files_first_line() -> None:
    header = (
        b"From me Mon Nov  2 09:00:00 2026\r\nSubject: x\r\nMessage-ID:\r\n <one@x.example>\r\n\r\nMessage-ID: <no@x>"
    )

    assert returned_ids(header) == ["one@x.example"]
    assert returned_ids(b"X-Microsoft-Original-Message-ID: <a@x>\r\nMessage-ID: <b@x>\r\n") == ["b@x", "a@x"]
