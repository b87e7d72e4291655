"""Times for the eye: "10:42", "Mon", "3 Nov", in the zone of the browser that asks."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from flask import g, request, session
from markupsafe import Markup


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


def short_time(moment: datetime, *, now: datetime | None = None) -> str:
    """Write a time as short as its distance allows: "10:42" today, "Mon" this week, "3 Nov", "3 Nov 2024"."""
    zone = browser_zone()
    local, today = moment.astimezone(zone), (now or datetime.now(UTC)).astimezone(zone)
    age_days = (today.date() - local.date()).days
    if age_days == 0:
        return f"{local:%H:%M}"
    if 0 < age_days < 7:
        return f"{local:%a}"
    same_year = local.year == today.year
    return f"{local.day} {local:%b}" if same_year else f"{local.day} {local:%b} {local.year}"


def clock_time(moment: datetime, *, now: datetime | None = None) -> str:
    """Write a time as short as its distance allows, always with the hour: "10:42", "Mon 10:42", "3 Nov, 10:42"."""
    short = short_time(moment, now=now)
    clock = f"{moment.astimezone(browser_zone()):%H:%M}"
    if short == clock:
        return short
    return f"{short} {clock}" if short.isalpha() else f"{short}, {clock}"


def short_day(moment: datetime) -> str:
    """Write a day and the hour, briefly: "Mon 30 Nov, 08:00"."""
    local = moment.astimezone(browser_zone())
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def full_time(moment: datetime) -> str:
    """Write a time in full: "Mon 3 November 2026, 10:42"."""
    local = moment.astimezone(browser_zone())
    return f"{local:%a} {local.day} {local:%B} {local.year}, {local:%H:%M}"


def time_tag(moment: datetime | None, *, has_clock: bool = False) -> Markup:
    """Build a `<time>`: short for the eye, in full on hover, exact for machines.

    Args:
        has_clock: show the hour also of what is older than today.
    """
    if moment is None:
        return Markup("")
    local = moment.astimezone(browser_zone())
    exact = moment.astimezone(UTC).isoformat(timespec="seconds")
    short = (clock_time if has_clock else short_time)(local)
    return Markup(f'<time datetime="{exact}" title="{full_time(local)}">{short}</time>')  # noqa: S704  # only times
