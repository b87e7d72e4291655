"""What a sync decides to do in a folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webmail.sync.decide import (
    Plan,
    ServerFolder,
    StoredFolder,
    has_expunged,
    keeper_of,
    plan_folder,
    retry_delay_s,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def stored(**values: object) -> StoredFolder:
    defaults = {"uidvalidity": 7, "uidnext": 100, "highestmodseq": 50, "server_count": 90, "flags_compared_at": NOW}
    return StoredFolder(**{**defaults, **values})


def server(**values: object) -> ServerFolder:
    return ServerFolder(**{"uidvalidity": 7, "uidnext": 100, "highestmodseq": 50, "exists": 90, **values})


@pytest.mark.parametrize(
    ("before", "there", "plan"),
    [
        (stored(uidvalidity=None), server(), Plan(begin=True)),
        (stored(), server(uidvalidity=8), Plan(begin=True, forget_uids=True)),
        (stored(), server(), Plan()),
        (stored(), server(uidnext=103), Plan(fetch_from=100)),
        (stored(), server(uidnext=0), Plan(fetch_from=100)),
        (stored(), server(highestmodseq=60), Plan(flags_since=50)),
        (stored(highestmodseq=None), server(), Plan(compare_flags="all")),
        (stored(), server(highestmodseq=None), Plan(compare_flags="window")),
        (
            stored(flags_compared_at=NOW - timedelta(minutes=11)),
            server(highestmodseq=None),
            Plan(compare_flags="all"),
        ),
        (stored(flags_compared_at=None), server(highestmodseq=None), Plan(compare_flags="all")),
    ],
)
def test_a_folder_is_planned_by_what_changed(before: StoredFolder, there: ServerFolder, plan: Plan) -> None:
    assert plan_folder(before, there, NOW) == plan


@given(count=st.integers(0, 10_000), came=st.integers(0, 500), went=st.integers(0, 500))
def test_an_expunge_is_noticed_whatever_came_at_the_same_time(count: int, came: int, went: int) -> None:
    went = min(went, count)

    seen = has_expunged(stored(server_count=count), came, server(exists=count + came - went))

    assert seen is (went > 0)


@given(failures=st.integers(0, 1000), spread=st.floats(0, 1))
def test_waits_grow_and_stay_between_seconds_and_twenty_minutes(failures: int, spread: float) -> None:
    wait = retry_delay_s(failures, spread)

    assert 3 <= wait <= 20 * 60
    assert retry_delay_s(failures + 1, spread) >= wait


def test_watchers_share_accounts_evenly_and_few_change_hands_when_one_joins() -> None:
    three, four = ["a", "b", "c"], ["a", "b", "c", "d"]
    before = {number: keeper_of(number, three) for number in range(3000)}
    after = {number: keeper_of(number, four) for number in range(3000)}

    for name in three:
        assert 850 < list(before.values()).count(name) < 1150
    changed = [number for number in before if before[number] != after[number]]
    assert all(after[number] == "d" for number in changed)
    assert 600 < len(changed) < 900
    assert before[7] == keeper_of(7, ["c", "b", "a"])


@given(gone=st.integers(0, 50))
def test_what_is_known_to_be_gone_needs_no_search(gone: int) -> None:
    assert not has_expunged(stored(server_count=100), 3, server(exists=103 - gone), gone)
    assert has_expunged(stored(server_count=100), 3, server(exists=102 - gone), gone)
