"""Server processes that end with the test process, however that ends."""

from __future__ import annotations

import subprocess
from pathlib import Path

_KEEPER = (
    'end="kill -s $1"; shift; "$@" </dev/null & child=$!; trap "$end $child" TERM; read -r _; '
    "$end $child 2>/dev/null; wait $child"
)


class TiedProcess:
    """A command under a shell that waits at a pipe from us: at its end, the shell ends the command.

    Args:
        end_with: the signal that the command ends at.
    """

    def __init__(self, command: list[str], log: Path, *, end_with: str = "TERM") -> None:
        self._log = log
        with log.open("ab") as output:
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "sh", end_with, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id of the shell; the command is its child."""
        return self._keeper.pid

    def log_tail(self) -> str:
        """Give the end of what it has said."""
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""

    def stop(self) -> None:
        """End it, and wait until it has."""
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        try:
            self._keeper.wait(10)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
