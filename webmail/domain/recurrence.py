"""How often an event takes place, read from its rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

_UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_PLACES = frozenset({1, 2, 3, 4, 5, -1})


@dataclass(frozen=True)
class Recurrence:
    """How often an event takes place; `unit` is "" where that is too intricate for a sentence."""

    unit: str = ""
    """Of day, week, month and year."""
    interval: int = 1
    days: tuple[tuple[int, int], ...] = ()
    """Days of the week from Monday, 0, each with its place: 1 for the first of a month, -1 for the last, 0 for all."""
    day_of_month: int = 0
    until: date | None = None
    count: int = 0


def read_recurrence(rule: Any) -> Recurrence | None:
    """Read how often an event takes place; None without a rule.

    Args:
        rule: the RRULE as the library parses it, {"FREQ": ["WEEKLY"], …}.
    """
    if not isinstance(rule, Mapping):
        return None
    unit = _UNITS.get(str(_first(rule, "FREQ")).upper())
    if unit is None or any(name in rule for name in ("BYSETPOS", "BYWEEKNO", "BYYEARDAY", "BYHOUR", "BYMINUTE")):
        return Recurrence()
    days = [_day(str(each).upper()) for each in list(rule.get("BYDAY", []))[:7]]
    until = _first(rule, "UNTIL")
    return Recurrence(
        unit,
        _whole(_first(rule, "INTERVAL")) or 1,
        tuple(day for day in days if day is not None),
        _whole(_first(rule, "BYMONTHDAY")) if unit == "month" and not any(days) else 0,
        until if isinstance(until, date) else None,
        _whole(_first(rule, "COUNT")),
    )


def _first(rule: Mapping[str, Any], name: str) -> Any:
    values = rule.get(name) or [""]
    return values[0] if isinstance(values, list) else values


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int) or str(value).isdecimal() else 0


def _day(text: str) -> tuple[int, int] | None:
    if text[-2:] not in _DAYS:
        return None
    number = text[:-2].lstrip("+")
    place = int(number) if number.lstrip("-").isdecimal() and len(number) < 4 else 0
    return _DAYS.index(text[-2:]), place if place in _PLACES else 0
