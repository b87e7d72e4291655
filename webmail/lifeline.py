"""End this process when its supervisor is gone (design, section 4, rule 7).

The supervisor holds the writing end of a pipe and never writes. However it ends, also by kill -9, the system closes
that end, and every process that holds the reading end sees the end of the file. This works on every system and reaches
the children of children, which a parent's death signal does not.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping

VARIABLE = "WEBMAIL_LIFELINE"
"""Names the pipe's reading end in the environment of each supervised process."""
GRACE_S = 2.0
"""How long a process may take to end in order once its supervisor is gone."""


def watch(on_end: Callable[[], None] | None = None, environ: Mapping[str, str] | None = None) -> None:
    """Watch the pipe in a thread of this process; without a supervisor there is nothing to watch.

    Threads do not survive a fork: a forked child calls this again.

    Args:
        on_end: what to do when the supervisor is gone; this process ends for good `GRACE_S` later in any case. Without
            it the process sends itself SIGTERM.
    """
    descriptor = (os.environ if environ is None else environ).get(VARIABLE, "")
    if not descriptor.isdigit():
        return
    threading.Thread(target=_wait, args=(int(descriptor), on_end or _terminate), name="lifeline", daemon=True).start()


def _wait(descriptor: int, on_end: Callable[[], None]) -> None:
    try:
        while os.read(descriptor, 1):
            pass
    except OSError:
        return
    on_end()
    time.sleep(GRACE_S)
    os._exit(1)


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
