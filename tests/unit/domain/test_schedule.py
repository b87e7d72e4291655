"""Times on the wall, also where the clock is put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from webmail.domain.schedule import choices, moment_of

PARIS, NEW_YORK = ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("wall", "moment"),
    [
        ("2026-11-26T08:00", datetime(2026, 11, 26, 7, 0, tzinfo=UTC)),
        ("2026-07-01T08:00", datetime(2026, 7, 1, 6, 0, tzinfo=UTC)),
        # At two the clock is put to three: what it skips is an hour later.
        ("2027-03-28T02:30", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        # At three the clock is put back to two: the first half past two is meant.
        ("2026-10-25T02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_on_the_wall_is_one_moment(wall: str, moment: datetime) -> None:
    assert moment_of(wall, PARIS) == moment


def test_the_morning_after_the_clock_was_changed_is_at_eight() -> None:
    before = datetime(2026, 10, 31, 22, 0, tzinfo=UTC)

    offered = choices(before, NEW_YORK)

    assert [(each.label, each.wall) for each in offered] == [
        ("Tomorrow morning", "2026-11-01T08:00"),
        ("Monday morning", "2026-11-02T08:00"),
    ]
    assert moment_of(offered[0].wall, NEW_YORK) == datetime(2026, 11, 1, 13, 0, tzinfo=UTC)


def test_on_sunday_tomorrow_is_monday_and_on_monday_the_next_one_is_a_week_away() -> None:
    assert [each.wall for each in choices(datetime(2026, 11, 29, 12, tzinfo=UTC), UTC)] == ["2026-11-30T08:00"]
    assert choices(datetime(2026, 11, 30, 12, tzinfo=UTC), UTC)[1].wall == "2026-12-07T08:00"


@pytest.mark.parametrize("wall", ["", "tomorrow", "2026-13-01T08:00", "2026-11-26T08:00+01:00"])
def test_what_is_no_time_is_refused(wall: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment_of(wall, PARIS)
