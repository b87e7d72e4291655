"""Sets of UIDs as texts, and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from webmail.domain.uid_sets import pack_uids, unpack_uids


def test_runs_are_short() -> None:
    assert pack_uids([9, 4, 8, 7, 7]) == "4,7:9" and pack_uids([]) == "" and pack_uids(range(1, 100_001)) == "1:100000"


@given(st.sets(st.integers(1, 2**32 - 1) | st.integers(1, 50)))
def test_what_is_written_is_read_back(uids: set[int]) -> None:
    assert unpack_uids(pack_uids(uids)) == uids
