"""Invitations, read from what calendar programs write and from what is meant to harm, and their answers."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from webmail.domain.addresses import Address
from webmail.domain.invitations import MAX_BYTES, build_answer, read_invitation
from webmail.domain.recurrence import Recurrence

RITA = Address("Rita; Recruiter", "rita@acme.example")


def ics(*lines: str, method: str = "REQUEST", before: str = "") -> bytes:
    """Build a calendar of one event, with these lines beside the usual ones."""
    usual = ["UID:1@candidates.example", "DTSTAMP:20261101T100000Z", "SUMMARY:Interview\\, second round"]
    people = [
        'ORGANIZER;CN="Cora, Candidate":mailto:cora@candidates.example',
        "ATTENDEE;CN=Rita;PARTSTAT=NEEDS-ACTION:mailto:Rita@acme.example",
    ]
    event = ["BEGIN:VEVENT", *usual, *people, *lines, "END:VEVENT"]
    zone = before.splitlines()
    whole = ["BEGIN:VCALENDAR", "VERSION:2.0", f"METHOD:{method}", *zone, *event, "END:VCALENDAR"]
    return "\r\n".join([*whole, ""]).encode()


def test_an_invitation_is_read() -> None:
    invitation = read_invitation(
        ics("DTSTART;TZID=Europe/Paris:20261102T100000", "DTEND;TZID=Europe/Paris:20261102T110000", "LOCATION:Room 1")
    )

    assert invitation is not None
    assert invitation.summary == "Interview, second round"
    assert invitation.location == "Room 1"
    assert invitation.starts == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert invitation.ends == datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
    assert invitation.organizer == Address("Cora, Candidate", "cora@candidates.example")
    assert invitation.attendee({"rita@acme.example"}) is not None
    assert invitation.can_be_answered


@pytest.mark.parametrize(
    ("lines", "starts"),
    [
        (["DTSTART:20261102T100000Z"], datetime(2026, 11, 2, 10, tzinfo=UTC)),
        (["DTSTART;TZID=W. Europe Standard Time:20261102T100000"], datetime(2026, 11, 2, 9, tzinfo=UTC)),
        (["DTSTART;VALUE=DATE:20261102"], date(2026, 11, 2)),
        (["DTSTART;TZID=Nowhere/Known:20261102T100000"], datetime(2026, 11, 2, 10, tzinfo=UTC)),
        ([], None),
    ],
)
def test_times_are_read_in_every_form(lines: list[str], starts: datetime | date | None) -> None:
    invitation = read_invitation(ics(*lines))

    assert invitation is not None
    assert invitation.starts == starts


def test_a_zone_that_would_take_hours_to_work_out_costs_nothing() -> None:
    zone = """BEGIN:VTIMEZONE
TZID:Evil
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=SECONDLY
END:STANDARD
END:VTIMEZONE"""
    began = time.monotonic()

    invitation = read_invitation(ics("DTSTART;TZID=Evil:20261102T100000", "RRULE:FREQ=SECONDLY", before=zone))

    assert time.monotonic() - began < 2
    assert invitation is not None
    assert invitation.starts == datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert invitation.recurrence == Recurrence()


def test_a_cancellation_and_an_update_are_told() -> None:
    cancelled, updated = read_invitation(ics(method="CANCEL")), read_invitation(ics("SEQUENCE:3"))

    assert cancelled is not None
    assert updated is not None
    assert (cancelled.is_cancelled, cancelled.can_be_answered) == (True, False)
    assert updated.sequence == 3


@pytest.mark.parametrize("answer", ["ACCEPTED", "DECLINED", "TENTATIVE"])
def test_an_answer_is_what_calendars_expect(answer: str) -> None:
    start = "DTSTART;TZID=Europe/Paris:20261102T100000"
    written = build_answer(ics(start, "SEQUENCE:2"), RITA, answer, datetime(2026, 11, 1, tzinfo=UTC))

    calendar = Calendar.from_ical(written)
    (event,) = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "REPLY"
    assert event["UID"] == "1@candidates.example"
    assert event["SEQUENCE"] == 2
    assert event["ATTENDEE"] == "mailto:rita@acme.example"
    assert event["ATTENDEE"].params["PARTSTAT"] == answer
    assert event["ORGANIZER"] == "mailto:cora@candidates.example"
    assert event["DTSTART"].dt - datetime(2026, 11, 2, 9, tzinfo=UTC) == timedelta()
    assert max(map(len, written.splitlines())) <= 75


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"BEGIN:VCALENDAR", ics() * 2000, b"BEGIN:VEVENT\r\n" * 30_000, b"BEGIN:VTIMEZONE\n" * 19_000],
)
def test_what_is_no_invitation_is_none(content: bytes) -> None:
    began = time.monotonic()
    read_invitation(content)

    assert time.monotonic() - began < 3
    assert len(content) <= MAX_BYTES or read_invitation(content) is None


@given(st.binary(max_size=300), st.text(max_size=100))
def test_reading_never_raises(content: bytes, line: str) -> None:
    read_invitation(content)
    read_invitation(ics(f"DTSTART:{line}", f"RRULE:{line}", f"ATTENDEE:{line}"))


def test_what_asks_for_no_answer_is_not_answered() -> None:
    for content in (b"", ics(method="CANCEL"), ics(method="PUBLISH")):
        with pytest.raises(ValueError, match="nothing to answer"):
            build_answer(content, RITA, "ACCEPTED", datetime.now(UTC))
