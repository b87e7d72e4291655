"""Sets of UIDs as short texts, such as "1:40,44": what IMAP calls a uid-set, with a way back."""

from __future__ import annotations

from collections.abc import Iterable


def pack_uids(uids: Iterable[int]) -> str:
    """Write a set of UIDs, ascending, runs as `first:last`; "" for none."""
    runs: list[list[int]] = []
    for uid in sorted(set(uids)):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)


def unpack_uids(text: str) -> set[int]:
    """Read what `pack_uids()` has written."""
    found: set[int] = set()
    for piece in filter(None, text.split(",")):
        first, _, last = piece.partition(":")
        found.update(range(int(first), int(last or first) + 1))
    return found
