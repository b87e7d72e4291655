"""Who comes first among those whom a recipient may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from webmail.domain.suggestions import MOST, Known, likely

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def known(email: str, name: str = "", **counts: int) -> Known:
    days = counts.pop("days", 1)
    return Known(name, email, last_at=NOW - timedelta(days=days), **counts)


def test_often_and_lately_goes_before_once_and_long_ago() -> None:
    people = [
        known("anna@old.example", written_count=9, days=2000),
        known("anna@heard.example", heard_count=3),
        known("anna@often.example", written_count=5),
        known("anna@once.example", written_count=1),
        Known("Anna", "anna@contact.example"),
    ]

    order = [each.email.partition("@")[2].partition(".")[0] for each in likely(people, "anna", NOW)]
    assert order == ["often", "once", "heard", "old", "contact"]


def test_whose_name_begins_so_goes_before_whose_family_name_does() -> None:
    people = [known("bo@x.example", "Bo Anders", written_count=2), known("an@x.example", "Andrea Bo", written_count=1)]

    assert [each.email for each in likely(people, "and", NOW)] == ["an@x.example", "bo@x.example"]


def test_a_few_are_suggested_and_nobody_twice() -> None:
    twice = [Known("Ana", "ana@example.com", 1), Known("Ana", "ana@example.com", 2)]
    many = [Known("", f"a{number}@example.com") for number in range(50)]

    assert likely(twice, "ana", NOW) == [twice[1]]
    assert len(likely(many, "a", NOW)) == MOST
