"""Sending windows, also on the days on which clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from webmail.domain.windows import SendingWindow, is_open, is_zone, next_open, zone_of

PARIS = ZoneInfo("Europe/Paris")
_ZONES = ["UTC", "Europe/Paris", "America/New_York", "America/Sao_Paulo", "Asia/Beirut", "Australia/Lord_Howe"]
_ZONES += ["Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo"]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_outside_of_the_window_it_waits_for_the_next_day_that_counts() -> None:
    window = SendingWindow(PARIS, 9 * 60, 17 * 60, [0, 1, 2, 3, 4])

    assert next_open(window, _at("2026-11-27T15:59:59")) == _at("2026-11-27T15:59:59")
    assert next_open(window, _at("2026-11-27T16:00:00")) == _at("2026-11-30T08:00:00")


def test_a_time_that_does_not_exist_is_over_at_once() -> None:
    window = SendingWindow(PARIS, 150, 240)

    assert next_open(window, _at("2026-03-29T00:00:00")) == _at("2026-03-29T01:00:00")


def test_a_time_that_comes_twice_counts_twice() -> None:
    window = SendingWindow(PARIS, 150, 165)

    assert next_open(window, _at("2026-10-25T00:50:00")) == _at("2026-10-25T01:30:00")


def test_a_window_without_days_never_opens() -> None:
    assert next_open(SendingWindow(PARIS, 0, 1440, []), _at("2026-10-25T00:50:00")) is None


def test_zones_are_known_by_name() -> None:
    assert is_zone("UTC")
    assert is_zone("Asia/Tokyo")
    assert not is_zone("Mars/Olympus")
    assert zone_of("../etc/passwd") is UTC


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(_ZONES),
    moment=st.datetimes(datetime(2006, 1, 1), datetime(2030, 1, 1)),  # made aware below
    start=st.integers(0, 1438),
    length=st.integers(1, 1440),
    weekdays=st.sets(st.integers(0, 6), min_size=1),
    probes=st.lists(st.floats(0, 1, exclude_max=True), min_size=20, max_size=20),
)
def test_the_next_opening_is_open_and_nothing_before_it_is(
    zone: str, moment: datetime, start: int, length: int, weekdays: set[int], probes: list[float]
) -> None:
    window = SendingWindow(ZoneInfo(zone), start, min(1440, start + length), weekdays)
    begin = moment.replace(tzinfo=UTC)

    opening = next_open(window, begin)

    assert opening is not None
    assert is_open(window, opening)
    assert opening >= begin
    assert opening - begin <= timedelta(days=9)
    for share in probes:
        between = begin + (opening - begin) * share
        assert between >= opening or not is_open(window, between)
    if opening > begin:
        assert not is_open(window, opening - timedelta(minutes=1))
