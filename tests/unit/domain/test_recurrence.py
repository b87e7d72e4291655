"""How often an event takes place, read from its rule."""

from __future__ import annotations

import pytest
from icalendar import vRecur

from webmail.domain.recurrence import Recurrence, read_recurrence


@pytest.mark.parametrize(
    ("rule", "read"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", Recurrence("week", 2, ((0, 0), (4, 0)))),
        ("FREQ=MONTHLY;BYDAY=-1TH", Recurrence("month", 1, ((3, -1),))),
        ("FREQ=MONTHLY;BYMONTHDAY=15;COUNT=6", Recurrence("month", 1, day_of_month=15, count=6)),
        ("FREQ=MONTHLY;BYSETPOS=2;BYDAY=MO,TU", Recurrence()),
    ],
)
def test_a_rule_is_read(rule: str, read: Recurrence) -> None:
    assert read_recurrence(vRecur.from_ical(rule)) == read


@pytest.mark.parametrize("rule", [None, "", [], {}, {"FREQ": []}, {"FREQ": ["SECONDLY"], "BYDAY": ["XX", "99MO"]}])
def test_no_rule_raises(rule: object) -> None:
    assert read_recurrence(rule) in (None, Recurrence())
