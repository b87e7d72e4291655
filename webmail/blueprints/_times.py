"""Times for the eye: "10:42", "Mon", "3 Nov", in the zone of the browser that asks, as is usual where its user is."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from flask import g, request, session
from flask_login import current_user
from markupsafe import Markup

from webmail.blueprints._languages import page_language, page_tag

_HALF_DAYS = frozenset({"US", "CA", "AU", "NZ", "PH", "IN"})
"""Regions that write "2:05 PM"."""
_MONTH_FIRST = frozenset({"US", "CA", "PH"})
"""Regions that write "Nov 3"."""


def browser_zone() -> tzinfo:
    """Give the zone that app.js noted in a cookie; UTC until it has."""
    if "zone" not in g:
        name = session.get("zone") or request.cookies.get("zone", "")
        g.zone = ZoneInfo(name) if name in _zone_names() else UTC
    zone: tzinfo = g.zone
    return zone


def zone_name() -> str:
    """Give what the zone is called: "Europe/Paris"."""
    return str(getattr(browser_zone(), "key", "UTC")).replace("_", " ")


@lru_cache
def _zone_names() -> frozenset[str]:
    # Reading them from the disk costs more than a page.
    return frozenset(available_timezones())


def _region() -> str:
    # Of a language tag such as en-US: the part of two letters after the first (RFC 5646).
    if "region" not in g:
        tag = current_user.locale if current_user and current_user.is_authenticated else ""
        g.region = next((part.upper() for part in tag.split("-")[1:] if len(part) == 2), "")
    return str(g.region)


@lru_cache
def _locale(tag: str) -> Locale:
    # A tag may be any that a launch named: "de-XX" is written as German is.
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(tag.partition("-")[0])


def _clock(local: datetime) -> str:
    if page_language() != "en":
        return str(format_time(local.time(), "short", locale=_locale(page_tag())))
    if _region() in _HALF_DAYS:
        return f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"
    return f"{local:%H:%M}"


def _weekday(local: date) -> str:
    return f"{local:%a}" if page_language() == "en" else str(format_date(local, "ccc", locale=_locale(page_tag())))


def _day(local: date, month: str, *, has_year: bool = False) -> str:
    if page_language() != "en":
        if month == "%B":
            return str(format_date(local, "long", locale=_locale(page_tag())))
        return str(format_skeleton("yMMMd" if has_year else "MMMd", local, locale=_locale(page_tag())))
    if _region() in _MONTH_FIRST:
        return f"{local:{month}} {local.day}" + (f", {local.year}" if has_year else "")
    return f"{local.day} {local:{month}}" + (f" {local.year}" if has_year else "")


def short_time(moment: datetime, *, now: datetime | None = None) -> str:
    """Write a time as short as its distance allows: "10:42" today, "Mon" this week, "3 Nov", "3 Nov 2024"."""
    zone = browser_zone()
    local, today = moment.astimezone(zone), (now or datetime.now(UTC)).astimezone(zone)
    age_days = (today.date() - local.date()).days
    if age_days == 0:
        return _clock(local)
    if 0 < age_days < 7:
        return _weekday(local)
    return _day(local, "%b", has_year=local.year != today.year)


def clock_time(moment: datetime, *, now: datetime | None = None) -> str:
    """Write a time as short as its distance allows, always with the hour: "10:42", "Mon 10:42", "3 Nov, 10:42"."""
    short = short_time(moment, now=now)
    clock = _clock(moment.astimezone(browser_zone()))
    if short == clock:
        return short
    return f"{short} {clock}" if short.isalpha() else f"{short}, {clock}"


def short_day(moment: datetime) -> str:
    """Write a day and the hour, briefly: "Mon 30 Nov, 08:00"."""
    local = moment.astimezone(browser_zone())
    return f"{_weekday(local)} {_day(local, '%b')}, {_clock(local)}"


def written_day(day: date) -> str:
    """Write a day with its year, briefly: "3 Nov 2026"."""
    return _day(day, "%b", has_year=True)


def full_day(day: date) -> str:
    """Write a day in full: "Mon 3 November 2026"."""
    return f"{_weekday(day)} {_day(day, '%B', has_year=True)}"


def full_time(moment: datetime) -> str:
    """Write a time in full: "Mon 3 November 2026, 10:42"."""
    local = moment.astimezone(browser_zone())
    return f"{full_day(local)}, {_clock(local)}"


def time_tag(moment: datetime | None, *, has_clock: bool = False) -> Markup:
    """Build a `<time>`: short for the eye, in full on hover, exact for machines.

    Args:
        has_clock: show the hour also of what is older than today.
    """
    if moment is None:
        return Markup("")
    local = moment.astimezone(browser_zone())
    exact = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    short = (clock_time if has_clock else short_time)(local)
    return Markup(f'<time datetime="{exact}" title="{full_time(local)}">{short}</time>')  # noqa: S704  # only times
