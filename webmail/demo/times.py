"""When people write and meet: in working hours, and never in the future."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

_OPENS, _CLOSES, _BEDTIME = 8, 18, 22
_MEETING_HOURS = (9, 10, 11, 14, 15, 16)


def writing_time(at: datetime, dice: Random, *, is_office: bool) -> datetime:
    """Move a time to the next one at which somebody writes.

    Args:
        at: aware; also what is given back is in its zone.
        is_office: on working days until six; else any day until ten.
    """
    at = at.replace(microsecond=0)
    closes = _CLOSES if is_office else _BEDTIME
    if at.hour < _OPENS:
        at = _within(at, closes, dice)
    elif at.hour >= closes:
        at = _within(at + timedelta(days=1), closes, dice)
    while is_office and at.weekday() > 4:
        at = _within(at + timedelta(days=1), closes, dice)
    return at


def meeting_times(after: datetime, dice: Random, count: int) -> list[datetime]:
    """Give full hours on the working days after the next one, each on a day of its own."""
    found: list[datetime] = []
    day = after + timedelta(days=1)
    while len(found) < count:
        day += timedelta(days=1)
        if day.weekday() < 5:
            found.append(day.replace(hour=dice.choice(_MEETING_HOURS), minute=0, second=0, microsecond=0))
    return found


def spoken(at: datetime) -> str:
    """Give a time as it stands in a mail: `Tuesday 3 November, 10:00`."""
    return f"{at:%A} {at.day} {at:%B}, {at:%H:%M}"


def _within(day: datetime, closes: int, dice: Random) -> datetime:
    # Most people write in the morning.
    hour = min(dice.randrange(_OPENS, closes), dice.randrange(_OPENS, closes))
    return day.replace(hour=hour, minute=dice.randrange(60), second=dice.randrange(60))
