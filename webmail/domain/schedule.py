"""Times at which a mail is to go out or to come back, as people choose them: by the clock on their wall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

MORNING = time(8, 0)
LONGEST = timedelta(days=366)
_MONDAY = 0


@dataclass(frozen=True)
class Choice:
    """A time that is offered: what it is called, and the time as the wall shows it ("2026-11-26T08:00")."""

    label: str
    wall: str


def choices(now: datetime, zone: tzinfo) -> list[Choice]:
    """Give the times that are offered: tomorrow morning, and Monday morning unless that is the same."""
    today = now.astimezone(zone).date()
    tomorrow = today + timedelta(days=1)
    monday = today + timedelta(days=(_MONDAY - today.weekday()) % 7 or 7)
    days = [("Tomorrow morning", tomorrow), ("Monday morning", monday)]
    if tomorrow == monday:
        days.pop()
    return [Choice(label, wall_of(datetime.combine(day, MORNING))) for label, day in days]


def later_today(now: datetime, zone: tzinfo) -> Choice | None:
    """Give a time two to three hours away, on the hour; None when that is another day already."""
    later = (now + timedelta(hours=3)).astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return Choice("Later today", wall_of(later)) if later.date() == now.astimezone(zone).date() else None


def wall_of(local: datetime) -> str:
    """Write a local time as forms carry it."""
    return f"{local:%Y-%m-%dT%H:%M}"


def moment_of(wall: str, zone: tzinfo) -> datetime:
    """Read a time on the wall in a zone; gives it in UTC.

    What the clock skips when summer begins is taken as that much later; what it shows twice when summer ends, as the
    first time.

    Raises:
        ValueError: it is no date and time.
    """
    local = datetime.fromisoformat(wall)
    if local.tzinfo is not None:
        raise ValueError("a wall clock shows no zone")
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
