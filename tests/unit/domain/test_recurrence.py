"""How often an event takes place, in words."""

from __future__ import annotations

import pytest
from icalendar import vRecur

from webmail.domain.recurrence import recurrence_in_words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "Every day"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", "Every 2 weeks on Monday and Friday"),
        ("FREQ=MONTHLY;BYDAY=-1TH", "Every month on the last Thursday"),
        ("FREQ=MONTHLY;BYMONTHDAY=15;COUNT=6", "Every month on day 15, 6 times"),
        ("FREQ=YEARLY;UNTIL=20270103T000000Z", "Every year, until 3 Jan 2027"),
        ("FREQ=MONTHLY;BYSETPOS=2;BYDAY=MO,TU", "Repeats"),
    ],
)
def test_how_often_is_said_in_words(rule: str, words: str) -> None:
    assert recurrence_in_words(vRecur.from_ical(rule)) == words


@pytest.mark.parametrize("rule", [None, "", [], {}, {"FREQ": []}, {"FREQ": ["SECONDLY"], "BYDAY": ["XX", "99MO"]}])
def test_no_rule_raises(rule: object) -> None:
    assert recurrence_in_words(rule) in ("", "Repeats")
