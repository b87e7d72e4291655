"""How fast mailings go, and when they will be done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from webmail.actions._pace import Pace, Usage, estimate
from webmail.domain.windows import SendingWindow, is_open
from webmail.providers.limits import SendingLimits

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def _pace(
    minute: int = 20,
    hour: int | None = None,
    day: int | None = None,
    cap: int | None = None,
    mailings: int = 0,
    others: int = 0,
    lately: int = 0,
) -> Pace:
    usage = Usage(lately, lately + others, mailings, others, others, NOW - timedelta(hours=20))
    return Pace(SendingLimits(minute, hour, day), cap, usage)


def test_a_bunch_goes_at_a_time() -> None:
    assert _pace(minute=20).room == 5
    assert _pace(minute=20, lately=18).room == 2
    assert _pace(minute=1).room == 1


def test_the_reserve_is_kept_and_what_was_written_by_hand_comes_out_of_it() -> None:
    assert _pace(day=500).per_day == 450
    assert _pace(day=500, others=30).per_day == 450
    assert _pace(day=500, others=80).per_day == 420
    assert _pace(day=500, others=600).room == 0
    assert _pace(day=500, mailings=450).room == 0
    assert _pace(day=10_000).per_day == 9800


def test_the_operators_cap_counts_where_it_is_lower() -> None:
    assert _pace(day=500, cap=100).per_day == 100
    assert _pace(day=500, cap=1000).per_day == 450


def test_a_full_day_waits_until_its_first_mail_is_a_day_old_but_looks_again_each_hour() -> None:
    full = _pace(day=500, mailings=450)

    assert full.wait_s(NOW) == 3600
    assert full.wait_s(NOW + timedelta(hours=3, minutes=50)) == 600


def test_an_hourly_limit_is_spread_over_the_hour() -> None:
    pauses = [_pace(hour=50).pause_s(1) for _ in range(50)]

    assert all(0.69 * 80 < each < 1.31 * 80 for each in pauses)
    assert len(set(pauses)) > 1


def test_a_plan_spans_the_days_that_it_takes() -> None:
    window = SendingWindow(UTC, 9 * 60, 17 * 60, [0, 1, 2, 3, 4])

    first_at, done_at = estimate(_pace(day=500), window, NOW, 1000) or (NOW, NOW)

    assert first_at == NOW
    assert done_at.date() == datetime(2026, 11, 27, tzinfo=UTC).date()


def test_nothing_is_planned_where_nothing_may_go() -> None:
    assert estimate(_pace(cap=0), SendingWindow(UTC), NOW, 5) is None


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 10_000),
    minute=st.integers(1, 500),
    day=st.none() | st.integers(5, 5000),
    start=st.integers(0, 1380),
    length=st.integers(30, 1440),
    weekdays=st.sets(st.integers(0, 6), min_size=1),
)
def test_a_plan_holds_the_window_and_the_limits(
    count: int, minute: int, day: int | None, start: int, length: int, weekdays: set[int]
) -> None:
    window = SendingWindow(UTC, start, min(1440, start + length), weekdays)
    pace = _pace(minute=minute, day=day)

    found = estimate(pace, window, NOW, count)

    assert found is not None
    first_at, done_at = found
    assert is_open(window, first_at)
    assert is_open(window, done_at - timedelta(minutes=1 / minute) + timedelta(milliseconds=1))
    assert done_at - first_at >= timedelta(minutes=count / minute) * 0.99
    if day is not None:
        assert (done_at - first_at) / timedelta(days=1) >= count / pace.per_full_day - 1.01
