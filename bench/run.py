"""`make bench`: run every measurement, or those that are named, and print one table.

A measurement is a module here with `run()`, which yields rows. Give their names to run only these.
"""

from __future__ import annotations

import sys
from importlib import import_module

from bench.table import Row, print_table

MEASUREMENTS = ("sync", "delivery", "growth", "watch", "search", "inbox", "pages", "mailings", "scale")


def main(names: list[str]) -> None:
    """Run the measurements one after another; each row is also told as it comes."""
    rows: list[Row] = []
    for name in names or MEASUREMENTS:
        for row in import_module(f"bench.{name}").run():
            print(f"{row.what}: {row.figure} {row.note}".rstrip(), file=sys.stderr, flush=True)
            rows.append(row)
    print_table(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
