"""What ten new mails cost in a mailbox that grows: stored, threaded, indexed, shown. BENCH_GROWTH names the sizes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from bench.stored import StoredMailbox, empty_mailbox
from bench.table import Row, quantile
from webmail.store.accounts import mark_success, update_account
from webmail.store.session import transaction

SIZES = [int(each) for each in os.environ.get("BENCH_GROWTH", "1000,10000,50000,200000").split(",")]
_TIMES = 30
_FLAT = 1.5
"""The last may cost so much more than the first: deeper trees of indexes, and nothing else."""


def run() -> Iterator[Row]:
    """Fill a mailbox up to each size, and take in ten mails again and again."""
    medians = []
    with empty_mailbox() as box:
        for size in SIZES:
            box.fill(size, with_bodies=False)
            taken = sorted(_ten_new(box) for _ in range(_TIMES))
            medians.append(quantile(taken, 0.5))
            figure = f"p50 {quantile(taken, 0.5):.1f} ms, p95 {quantile(taken, 0.95):.1f} ms computed"
            yield Row(f"ten new mails among {size:,}", figure)
    ratio = medians[-1] / medians[0]
    verdict = "met" if ratio < _FLAT else "NOT met"
    yield Row(f"ten new mails: {SIZES[-1]:,} against {SIZES[0]:,}", f"{ratio:.2f} times", f"< {_FLAT}", verdict)


def _ten_new(box: StoredMailbox) -> float:
    """Give the milliseconds that this process computed, which others on the machine do not change."""
    started = time.process_time()
    box.fill(box.count + 10, with_bodies=True)
    with transaction() as s:
        mark_success(s, box.account.id)
        update_account(s, box.account.id, sync_done=box.count, sync_total=box.count)
    return (time.process_time() - started) * 1000
