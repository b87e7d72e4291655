"""What a measurement gives, and the one table that all of them are printed in."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, the figure as it is read, and what it is held against."""

    what: str
    figure: str
    reach: str = ""
    note: str = ""


def print_table(rows: Iterable[Row]) -> None:
    """Print rows under each other, each column as wide as it needs to be."""
    lines = [("what", "figure", "to reach", "note"), *((row.what, row.figure, row.reach, row.note) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    for at, line in enumerate(lines):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if at == 0:
            print("  ".join("-" * width for width in widths))


def timed(act: Callable[[], object], times: int) -> list[float]:
    """Do something so many times; gives the milliseconds of each, ascending.

    On a machine that is busy with other things, BENCH_CLOCK=cpu counts only what this process has computed; that is all
    there is where the database is SQLite.
    """
    clock = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter
    taken = []
    for _ in range(times):
        started = clock()
        act()
        taken.append((clock() - started) * 1000)
    return sorted(taken)


def quantile(ascending: list[float], share: float) -> float:
    """Give the value below which a share of the values lies."""
    return ascending[min(int(len(ascending) * share), len(ascending) - 1)]


def spread(ascending: list[float]) -> str:
    """Write the median and the 95th percentile of milliseconds."""
    return f"p50 {quantile(ascending, 0.5):.1f} ms, p95 {quantile(ascending, 0.95):.1f} ms"
