"""Search in 50,000 bodies: the whole answer of the server, of queries as people type them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from sqlalchemy import text

from bench.stored import StoredMailbox, empty_mailbox, signed_in
from bench.table import Row, quantile, spread, timed
from webmail.store.session import engine

COUNT = int(os.environ.get("BENCH_MESSAGES", "50000"))
_QUERIES = 60


def queries(box: StoredMailbox) -> dict[str, list[str]]:
    """Give queries of each kind; words are drawn as people search: rather the rare ones."""
    rng, words = box.rng, box.words
    some = [words[rng.randrange(200, 20_000)] for _ in range(_QUERIES)]
    return {
        "a word": [f"{each} " for each in some],
        "a frequent word": [f"{words[rng.randrange(50)]} " for _ in range(_QUERIES)],
        "the beginning of a word": [each[: rng.randint(2, 5)] for each in some],
        "two words": [f"{words[rng.randrange(2000)]} {words[rng.randrange(2000)]} " for _ in range(_QUERIES)],
        "a phrase": [f'"{words[rng.randrange(30)]} {words[rng.randrange(300)]}"' for _ in range(_QUERIES)],
        "from: and a word": [f"from:{words[100 + rng.randrange(3000)]} {words[rng.randrange(50)]} " for _ in some],
        "has:attachment and a word": [f"has:attachment {words[rng.randrange(1000)]} " for _ in some],
        "is:unread and a word": [f"is:unread {words[rng.randrange(1000)]} " for _ in some],
        "is:starred and a frequent word": [f"is:starred {words[rng.randrange(50)]} " for _ in some],
        "days and a word": [f"before:2025-06-01 {words[rng.randrange(1000)]} " for _ in some],
        "nothing like it": ["zzqqzzqq " for _ in some],
    }


def run() -> Iterator[Row]:
    """Fill a mailbox, and search in it."""
    with empty_mailbox() as box:
        started = time.perf_counter()
        box.fill(COUNT, with_bodies=True)
        rate = COUNT / (time.perf_counter() - started)
        yield Row(f"store, thread and index {COUNT:,} mails", f"{rate:,.0f} a second", note="as a sync stores them")
        with engine().connect() as connection:
            if connection.dialect.name != "sqlite":
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
        client = signed_in(box.scope)
        everything: list[float] = []
        for kind, typed in queries(box).items():
            left = iter(typed)
            taken = timed(lambda: client.get("/inbox", query_string={"q": next(left)}, headers=_HTMX), len(typed))  # noqa: B023  # used at once
            everything += taken
            yield Row(f"search: {kind}", spread(taken))
        p95 = quantile(sorted(everything), 0.95)
        yield Row(
            f"search in {COUNT:,} bodies, all kinds",
            spread(sorted(everything)),
            "p95 < 15 ms",
            "met" if p95 < 15 else "NOT met",
        )


_HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
