"""Processes that others have started, as /proc knows them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def children_of(parents: set[int]) -> set[int]:
    """Give the processes that these have started themselves."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) in parents:
                    found.add(int(entry.name))
    return found


def family_of(pids: set[int]) -> set[int]:
    """Give these processes and whatever they have started, however deep."""
    family = set(pids)
    while more := children_of(family) - family:
        family |= more
    return family


def kill_family(pid: int) -> None:
    """End a process and all that it has started, as a power cut does: first nobody may start anything more."""
    os.kill(pid, signal.SIGSTOP)
    for each in family_of({pid}):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
