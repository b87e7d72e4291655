"""How often an event takes place: what its rule says, in words."""

from __future__ import annotations

import pytest
from flask import Flask, g
from icalendar import vRecur

from webmail.blueprints._recurrence_words import recurrence_words
from webmail.domain.recurrence import read_recurrence


@pytest.mark.parametrize(
    ("rule", "words", "german"),
    [
        ("FREQ=DAILY", "Every day", "Jeden Tag"),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO",
            "Every 2 weeks on Monday",
            "Alle 2 Wochen: Montag",
        ),
        ("FREQ=MONTHLY;BYDAY=-1TH", "Every month on the last Thursday", "Jeden Monat: letzter Donnerstag"),
        ("FREQ=MONTHLY;BYMONTHDAY=15;COUNT=6", "Every month on day 15, 6 times", "Jeden Monat am 15., 6-mal"),
        ("FREQ=WEEKLY;BYDAY=MO,FR", "Every week on Monday and Friday", "Jede Woche: Montag und Freitag"),
        ("FREQ=YEARLY;UNTIL=20270103T000000Z", "Every year, until 3 Jan 2027", "Jedes Jahr, bis 3. Jan. 2027"),
        ("FREQ=MONTHLY;BYSETPOS=2;BYDAY=MO,TU", "Repeats", "Wiederholt sich"),
    ],
)
def test_how_often_is_said_in_words(app: Flask, rule: str, words: str, german: str) -> None:
    recurrence = read_recurrence(vRecur.from_ical(rule))
    assert recurrence is not None

    for language, wanted in (("en", words), ("de", german)):
        with app.test_request_context():
            g.language = language
            assert recurrence_words(recurrence) == wanted
