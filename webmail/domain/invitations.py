"""Invitations in mail (iTIP, RFC 5546): read, whatever they hold, and answered.

What a stranger's calendar program wrote is bounded before it is parsed, and parsed without its time zones: working one
out can take hours when it is meant to. A zone is known by its name; one of the sender's own making is taken for the
offset that it names first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component, Event, vCalAddress, vText
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from webmail.domain.addresses import Address, clean_name, normalise_email
from webmail.domain.charsets import decode_bytes
from webmail.domain.recurrence import Recurrence, read_recurrence

ANSWERS = {"ACCEPTED": "Accepted", "DECLINED": "Declined", "TENTATIVE": "Maybe"}
"""What can be answered (RFC 5545, section 3.2.12), and what it is called here."""
MAX_BYTES = 512 * 1024
_MAX_LINES = 20_000
_MOST_ATTENDEES = 200
_MAX_TEXT = 2000
_ZONE = re.compile(r"^BEGIN:VTIMEZONE\r?$(?:.*?^END:VTIMEZONE\r?\n?|.*)", re.DOTALL | re.MULTILINE | re.IGNORECASE)
_ZONE_NAME = re.compile(r"^TZID(?:;[^:\r\n]*)?:([^\r\n]{1,200})", re.MULTILINE | re.IGNORECASE)
_ZONE_OFFSET = re.compile(r"^TZOFFSETTO:([+-])([01]\d)([0-5]\d)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Attendee:
    """Somebody who is invited; `answer` is `ACCEPTED`, `DECLINED`, `TENTATIVE` or "" (nothing yet)."""

    name: str
    email: str
    answer: str


@dataclass(frozen=True)
class Invitation:
    """An event that a mail tells of. `starts` is a date where it lasts whole days, and None where it is not told."""

    method: str
    uid: str
    sequence: int = 0
    summary: str = ""
    description: str = ""
    location: str = ""
    starts: datetime | date | None = None
    ends: datetime | date | None = None
    """The day after the last one, where it lasts whole days."""
    recurrence: Recurrence | None = None
    """None for an event that takes place once."""
    organizer: Address | None = None
    attendees: list[Attendee] = field(default_factory=list)
    is_cancelled: bool = False
    recurrence_id: datetime | date | None = None
    """Which one of a series it is about; None for the whole of it."""
    further: int = 0
    """How many events stand behind this one."""

    @property
    def can_be_answered(self) -> bool:
        return self.method == "REQUEST" and not self.is_cancelled and bool(self.uid) and self.organizer is not None

    def attendee(self, own: Collection[str]) -> Attendee | None:
        """Give the user among those who are invited.

        Args:
            own: the user's addresses, normalised.
        """
        return next((each for each in self.attendees if normalise_email(each.email) in own), None)


def read_invitation(content: bytes) -> Invitation | None:
    """Read the first event of a calendar file; None where there is none to be read. Never raises."""
    text = decode_bytes(content[:MAX_BYTES], None)
    if text.count("\n") > _MAX_LINES or len(content) > MAX_BYTES:
        return None
    zones = dict(_zone_of(block[0]) for block in _ZONE.finditer(text))
    try:
        calendar = Calendar.from_ical(_ZONE.sub("", text).encode("utf-8", "replace"))
        events = [each for each in calendar.walk("VEVENT") if isinstance(each, Event)]
        return _build(calendar, events, zones) if events else None
    except Exception:  # noqa: BLE001  # the library judges in many ways, and what it raises is not one family
        return None


def _zone_of(block: str) -> tuple[str, tzinfo]:
    name, offset = _ZONE_NAME.search(block), _ZONE_OFFSET.search(block)
    shift = timedelta(hours=int(offset[2]), minutes=int(offset[3])) if offset else timedelta()
    return (name[1].strip() if name else ""), timezone(-shift if offset and offset[1] == "-" else shift)


def _build(calendar: Component, events: Sequence[Event], zones: dict[str, tzinfo]) -> Invitation:
    event = next((each for each in events if "RECURRENCE-ID" not in each), events[0])
    starts = _moment(event.get("DTSTART"), zones)
    return Invitation(
        method=_text(calendar.get("METHOD", "PUBLISH")).upper(),
        uid=_text(event.get("UID"))[:500],
        sequence=_number(event.get("SEQUENCE")),
        summary=_text(event.get("SUMMARY")),
        description=_text(event.get("DESCRIPTION"), keeps_lines=True),
        location=_text(event.get("LOCATION")),
        starts=starts,
        ends=_ends(event, starts, zones),
        recurrence=read_recurrence(event.get("RRULE")),
        organizer=_person(event.get("ORGANIZER")),
        attendees=_attendees(event.get("ATTENDEE")),
        is_cancelled=_text(calendar.get("METHOD")).upper() == "CANCEL" or _text(event.get("STATUS")) == "CANCELLED",
        recurrence_id=_moment(event.get("RECURRENCE-ID"), zones),
        further=len(events) - 1,
    )


def _text(value: Any, *, keeps_lines: bool = False) -> str:
    text = "" if value is None else str(value[0] if isinstance(value, list) and value else value)[:_MAX_TEXT]
    kept = "".join(each for each in text if each.isprintable() or each in "\n\u200d")
    return kept.strip() if keeps_lines else " ".join(kept.split())


def _number(value: Any) -> int:
    text = _text(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _moment(value: Any, zones: dict[str, tzinfo]) -> datetime | date | None:
    if isinstance(value, list):
        value = value[0] if value else None
    moment = getattr(value, "dt", None)
    if not isinstance(moment, datetime):
        return moment if isinstance(moment, date) else None
    if moment.tzinfo is not None:
        return moment
    name = str(value.params.get("TZID", "")).strip()
    return moment.replace(tzinfo=_known_zone(name) or zones.get(name) or UTC)


def _known_zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(name, name)) if name else None
    except (ValueError, OSError, KeyError):
        return None


def _ends(event: Event, starts: datetime | date | None, zones: dict[str, tzinfo]) -> datetime | date | None:
    ends = _moment(event.get("DTEND"), zones)
    length = getattr(event.get("DURATION"), "dt", None)
    if ends is None and starts is not None and isinstance(length, timedelta):
        try:
            return starts + length
        except OverflowError:
            return None
    return ends


def _person(value: Any) -> Address | None:
    if isinstance(value, list):
        value = value[0] if value else None
    text = str(value or "")
    email = text[7:] if text.lower().startswith("mailto:") else text
    if not re.fullmatch(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,255}", email):
        return None
    return Address(clean_name(str(getattr(value, "params", {}).get("CN", "")))[:200], email)


def _attendees(value: Any) -> list[Attendee]:
    found = []
    for each in (value if isinstance(value, list) else [value])[:_MOST_ATTENDEES]:
        person = _person(each)
        if person is not None:
            answer = str(each.params.get("PARTSTAT", "")).upper()
            found.append(Attendee(person.name, person.email, answer if answer in ANSWERS else ""))
    return found


def build_answer(content: bytes, person: Address, answer: str, now: datetime) -> bytes:
    """Build the answer to an invitation: a calendar of method REPLY (RFC 5546, section 3.2.3).

    Args:
        content: the invitation as it came.
        person: who answers, under the address that is invited.
        answer: of `ANSWERS`.

    Raises:
        ValueError: there is no invitation in it that can be answered.
    """
    invitation = read_invitation(content)
    if invitation is None or not invitation.can_be_answered or answer not in ANSWERS:
        raise ValueError("nothing to answer")
    calendar, event = Calendar(), Event()
    calendar.add("PRODID", "-//webmail//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "REPLY")
    assert invitation.organizer is not None
    event.add("UID", invitation.uid)
    event.add("SEQUENCE", invitation.sequence)
    event.add("DTSTAMP", now.astimezone(UTC).replace(microsecond=0))
    for name, moment in (("DTSTART", invitation.starts), ("RECURRENCE-ID", invitation.recurrence_id)):
        if moment is not None:
            event.add(name, moment.astimezone(UTC) if isinstance(moment, datetime) else moment)
    event.add("SUMMARY", invitation.summary)
    event["ORGANIZER"] = _written(invitation.organizer)
    attendee = _written(person)
    attendee.params["PARTSTAT"] = vText(answer)
    event["ATTENDEE"] = attendee
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _written(person: Address) -> vCalAddress:
    written = vCalAddress(f"mailto:{person.email}")
    name = re.sub(r'[";:,\x00-\x1f\x7f]', " ", person.name).strip()
    if name:
        written.params["CN"] = vText(name)
    return written
