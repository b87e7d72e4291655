"""When a mailing may go out: on some weekdays, between two times of day, in somebody's time zone.

All is said in the time that a clock on the wall there shows. Where clocks are put forward, times that do not exist are
over at once; where they are put back, those that come twice count twice.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY_MINUTES = 1440
_MINUTE = timedelta(minutes=1)
_FURTHEST_DAYS = 9


@dataclass(frozen=True)
class SendingWindow:
    """Minutes after midnight (`from_minute` < `until_minute`), and the days on which they count, Monday being 0."""

    zone: tzinfo
    from_minute: int = 0
    until_minute: int = DAY_MINUTES
    weekdays: Collection[int] = range(7)

    @property
    def is_always_open(self) -> bool:
        """Whether there is no moment outside."""
        return self.from_minute <= 0 and self.until_minute >= DAY_MINUTES and set(self.weekdays) >= set(range(7))


def zone_of(name: str, fallback: tzinfo = UTC) -> tzinfo:
    """Give a time zone by its IANA name; `fallback` where there is none of that name."""
    try:
        return ZoneInfo(name) if name else fallback
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return fallback


def is_zone(name: str) -> bool:
    """Say whether a time zone of that name is known."""
    return name == "UTC" or zone_of(name) is not UTC


def is_open(window: SendingWindow, moment: datetime) -> bool:
    """Say whether mail may go out at this moment."""
    local = moment.astimezone(window.zone)
    minute = local.hour * 60 + local.minute
    return local.weekday() in window.weekdays and window.from_minute <= minute < window.until_minute


def next_open(window: SendingWindow, moment: datetime) -> datetime | None:
    """Give the first moment, from this one on, at which mail may go out; None when there is none.

    Returns:
        In UTC.
    """
    moment = moment.astimezone(UTC)
    if is_open(window, moment):
        return moment
    today = moment.astimezone(window.zone).date()
    for days in range(-1, _FURTHEST_DAYS):
        midnight = datetime.combine(today + timedelta(days=days), time())
        found = [each for each in _openings(window, midnight) if each >= moment]
        if found:
            return min(found)
    return None


def closes_at(window: SendingWindow, moment: datetime) -> datetime:
    """Give when a window that is open at this moment closes; where every day counts, the end of the day will do."""
    local = moment.astimezone(window.zone).replace(tzinfo=None)
    end = datetime.combine(local.date(), time()) + timedelta(minutes=window.until_minute)
    return end.replace(tzinfo=window.zone).astimezone(UTC)


def _openings(window: SendingWindow, midnight: datetime) -> list[datetime]:
    """Give the moments at which the window opens on a day: at its time of day, or where a clock jumps into it."""
    wall = midnight + timedelta(minutes=window.from_minute)
    moments = {wall.replace(tzinfo=window.zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return [each for each in moments | _jumps(window, midnight) if is_open(window, each)]


def _jumps(window: SendingWindow, midnight: datetime) -> set[datetime]:
    """Give the moments at which the clock is put forward or back on a day."""
    start = midnight.replace(tzinfo=window.zone).astimezone(UTC)
    return {
        moment
        for hour in range(26)
        if _offset(window, at := start + timedelta(hours=hour - 1)) != _offset(window, at + timedelta(hours=1))
        for minute in range(1, 61)
        if _offset(window, (moment := at + minute * _MINUTE) - _MINUTE) != _offset(window, moment)
    }


def _offset(window: SendingWindow, moment: datetime) -> timedelta | None:
    return moment.astimezone(window.zone).utcoffset()
