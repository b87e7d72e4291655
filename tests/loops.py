"""Coroutines in tests that may share their thread with Chromium's driver."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread of its own, and give what it gives.

    Playwright's synchronous driver keeps a loop running in the thread that started it, for as long as the process
    lives; asyncio allows no second one there.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
