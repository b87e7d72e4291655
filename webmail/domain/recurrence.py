"""How often an event takes place, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

_EVERY = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
_DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday", "SU": "Sunday"}  # fmt: skip  # noqa: E501
_PLACES = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}


def recurrence_in_words(rule: Any) -> str:
    """Say how often an event takes place by its RRULE: "Every 2 weeks on Monday and Friday, until 3 Jan 2027".

    Args:
        rule: as the library parses it, {"FREQ": ["WEEKLY"], …}.

    Returns:
        "" without a rule; "Repeats" for one that is too intricate for a sentence.
    """
    if not isinstance(rule, Mapping):
        return ""
    unit = _EVERY.get(str(_first(rule, "FREQ")).upper())
    if unit is None or any(name in rule for name in ("BYSETPOS", "BYWEEKNO", "BYYEARDAY", "BYHOUR", "BYMINUTE")):
        return "Repeats"
    interval = _whole(_first(rule, "INTERVAL")) or 1
    words = f"Every {unit}" if interval == 1 else f"Every {interval} {unit}s"
    days = [_day(str(each).upper()) for each in list(rule.get("BYDAY", []))[:7]]
    if any(days):
        words += f" on {_listed([each for each in days if each])}"
    elif unit == "month" and _whole(_first(rule, "BYMONTHDAY")):
        words += f" on day {_whole(_first(rule, 'BYMONTHDAY'))}"
    return words + _end(rule)


def _end(rule: Mapping[str, Any]) -> str:
    until, count = _first(rule, "UNTIL"), _whole(_first(rule, "COUNT"))
    if isinstance(until, date):
        return f", until {until.day} {until:%b %Y}"
    return f", {count} times" if count else ""


def _first(rule: Mapping[str, Any], name: str) -> Any:
    values = rule.get(name) or [""]
    return values[0] if isinstance(values, list) else values


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int) or str(value).isdecimal() else 0


def _day(text: str) -> str:
    name = _DAYS.get(text[-2:], "")
    number = text[:-2].lstrip("+")
    place = _PLACES.get(int(number), "") if number.lstrip("-").isdecimal() else ""
    return f"the {place} {name}" if name and place else name


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
