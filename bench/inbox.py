"""The inbox page, from 1,000 to 200,000 messages: the whole answer of the server, and its queries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event, text

from bench.stored import empty_mailbox, signed_in
from bench.table import Row, quantile, spread, timed
from webmail.store.session import engine

SIZES = [int(each) for each in os.environ.get("BENCH_INBOX", "1000,10000,50000,200000").split(",")]
_TIMES = 100


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements that are executed meanwhile."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    yield statements
    event.remove(engine(), "before_cursor_execute", note)


def run() -> Iterator[Row]:
    """Grow a mailbox, and look at its first page and one further down at each size."""
    with empty_mailbox() as box:
        client = signed_in(box.scope)
        for size in SIZES:
            box.fill(size, with_bodies=False)
            with engine().connect() as connection:
                if connection.dialect.name != "sqlite":
                    connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
            client.get("/inbox")
            with counted() as statements:
                client.get("/inbox")
            taken = timed(lambda: client.get("/inbox"), _TIMES)
            reached = "met" if quantile(taken, 0.95) < 15 else "NOT met"
            queries = sum(not each.startswith("BEGIN") for each in statements)
            yield Row(f"inbox page of {size:,} messages", spread(taken), "p95 < 15 ms", f"{reached}; {queries} queries")
