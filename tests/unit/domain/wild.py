"""Input as wild as mail is: strategies, and a bound on time that a slow machine still keeps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import strategies as st

WILD_TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            list("<>()[]{}\"'@,;:\\/.=?*&#!-_%|~^`$+ \t\r\n\x00\x1b\x7f\x85\xa0\u00ad\u200b\u202e\u2028\ufeff")
        ),
        st.characters(codec="utf-8"),
    ),
    max_size=200,
)
WILD_BYTES = st.binary(max_size=400)

_PIECES = (
    b'=?utf-8?q?=C3=A4?=|=?utf-8?b?w6Q?=|=?x?z?y?=|=?|?=|\r\n | |\xe4|\xff\xfe|a@b.example|<|>|"|(|)|,|;|:|'
    b"\x00|\x1b$B|Team:|=?utf-7?q?+2AA-?=|\\|Re: "
)
HEADERISH = st.lists(st.sampled_from(_PIECES.split(b"|")), max_size=30).map(b"".join)
"""Pieces of header fields in an order that nobody foresaw."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail when the block takes longer than `seconds` of processor time."""
    start = time.process_time()
    yield
    spent = time.process_time() - start
    assert spent < seconds, f"took {spent:.2f} s"
