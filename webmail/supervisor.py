"""Run all processes of one machine, and see that they stay up and that none outlives this one.

    webmail run ─┬─ redis     the embedded server's keeper (none when WEBMAIL_REDIS_URL names a server)
                 ├─ demo      the demo's mail server (only with WEBMAIL_DEMO=1)
                 ├─ web       gunicorn
                 ├─ worker-n  RQ workers: the first only for what users wait for
                 └─ watch     IDLE on every account, and the sweep

A process that ends is started again, with growing waits. Shutdown goes from the top down: pages, workers and the
watcher first, which still need the servers below; jobs may finish, and what is cut off after some seconds is found
again in the database. Each process has a group of its own, so that Ctrl-C reaches only this one, and watches the
lifeline.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog

from webmail import lifeline
from webmail.config import Config
from webmail.errors import WebmailError

log = structlog.get_logger(__name__)

_TICK_S = 0.1
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_STEADY_S = 60.0
"""A process that has run this long has its earlier failures forgiven."""
_START_S = 75.0
_TRIES_AT_START = 3
_FINISH_S = 8.0
"""How long running jobs may take to finish."""
_CUT_OFF_S = 2.0
_LOG_LIMIT_BYTES = 20 * 1024 * 1024
_WORKER = Path(__file__).resolve().parent.parent / "worker.py"


class StartFailed(WebmailError):
    """A process does not start; the message says which, and its own last words."""


@dataclass(frozen=True)
class Part:
    """One process to be kept running."""

    name: str
    command: tuple[str, ...]
    is_base: bool = False
    """A server that the others need until they have ended."""
    needs_tables: bool = False
    """May start only once the database is migrated; the others come up in the meantime."""


@dataclass
class _Running:
    part: Part
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    next_start_at: float = 0.0


def parts_of(config: Config) -> list[Part]:
    """Say which processes a configuration needs, in the order in which they start."""
    python = sys.executable
    parts = []
    if config.redis_socket:
        command = (python, "-m", "webmail.embedded_redis", str(config.redis_socket), str(config.data / "redis"))
        parts.append(Part("redis", command, is_base=True))
    if config.demo:
        parts.append(Part("demo", (python, "-m", "webmail.cli", "demo"), is_base=True))
    parts.append(Part("web", (python, "-m", "webmail.cli", "web")))
    parts.extend(
        Part(f"worker-{number}", (python, str(_WORKER), *queues_of_worker(number, config.workers)), needs_tables=True)
        for number in range(1, config.workers + 1)
    )
    parts.append(Part("watch", (python, "-m", "webmail.cli", "watch"), needs_tables=True))
    return parts


def queues_of_worker(number: int, count: int) -> tuple[str, ...]:
    """Give a worker its queues, so that neither first imports nor slow servers hold up what users wait for.

    Args:
        number: 1 and up, of `count`.
    """
    if count == 1 or number > 2 or (count == 2 and number == 2):
        return ("send", "news", "mass", "backfill")
    return ("send",) if number == 1 and count > 2 else ("send", "news")


class Supervisor:
    """Starts the parts of a configuration and keeps them running until told to stop.

    Args:
        environ: what the processes get, keys included.
    """

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._reading_end, self._writing_end = os.pipe()
        self._environ = {
            **environ,
            "WEBMAIL_DATA": str(config.data),
            lifeline.VARIABLE: str(self._reading_end),
            # Without it macOS ends a forked child that touches its frameworks; RQ forks for each job.
            "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
        }
        self._all = [_Running(part) for part in parts_of(config)]
        self._is_ready = False
        self._stops = 0
        self._stop = threading.Event()

    def watch_signals(self) -> None:
        """Take Ctrl-C, SIGTERM and a closed terminal as the wish to stop; a second one as the wish to hurry."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stops += 1
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        return self._stop.is_set()

    def start_first(self) -> None:
        """Start what can come up while the database is being migrated."""
        self._start(needs_tables=False)

    def start_rest(self) -> None:
        """Start what needs the database's newest tables."""
        self._start(needs_tables=True)

    def _start(self, *, needs_tables: bool) -> None:
        for each in self._all:
            if each.part.needs_tables == needs_tables and not self.is_stopping:
                self._launch(each)

    def _launch(self, each: _Running) -> None:
        path = self.log_path(each.part)
        if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as output:
            each.process = subprocess.Popen(
                each.part.command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(self._reading_end,),
                start_new_session=True,
            )
        each.started_at = time.monotonic()
        log.info("process_started", part=each.part.name, pid=each.process.pid)

    def log_path(self, part: Part) -> Path:
        """Give where a process's own lines go."""
        return self._config.data / "logs" / f"{part.name}.log"

    def wait_until_ready(self) -> bool:
        """Wait until pages are served and everything behind them answers; False when told to stop meanwhile.

        Raises:
            StartFailed: a process ends again and again, or it takes too long.
        """
        deadline = time.monotonic() + _START_S
        while not self.is_stopping:
            self._tick()
            if all(each.process for each in self._all) and self._serves_pages() and self._serves_demo():
                self._is_ready = True
                return True
            if time.monotonic() > deadline:
                raise StartFailed(f"It does not get ready within {_START_S:.0f} s. Its logs are in {self._logs()}.")
            self._stop.wait(_TICK_S)
        return False

    def _serves_demo(self) -> bool:
        if not self._config.demo:
            return True
        try:
            socket.create_connection(("127.0.0.1", self._config.demo_imap_port), timeout=2).close()
        except OSError:
            return False
        return True

    def _serves_pages(self) -> bool:
        host = "127.0.0.1" if self._config.host == "0.0.0.0" else self._config.host  # noqa: S104  # asked, not bound
        connection = http.client.HTTPConnection(host, self._config.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def run(self) -> None:
        """Keep everything running until told to stop."""
        while not self._stop.wait(_TICK_S):
            self._tick()

    def _tick(self) -> None:
        now = time.monotonic()
        for each in self._all:
            if each.process is not None and each.process.poll() is not None:
                self._note_end(each, each.process.returncode, now)
            if each.process is None and each.failures and now >= each.next_start_at:
                self._launch(each)

    def _note_end(self, each: _Running, code: int, now: float) -> None:
        each.process = None
        each.failures = 1 if now - each.started_at > _STEADY_S else each.failures + 1
        if not self._is_ready and each.failures >= _TRIES_AT_START:
            raise StartFailed(f"The process {each.part.name!r} does not start: {self._last_words(each.part)}")
        wait_s = min(_FIRST_WAIT_S * 2 ** (each.failures - 1), _LONGEST_WAIT_S)
        each.next_start_at = now + wait_s
        log.warning("process_ended", part=each.part.name, code=code, failures=each.failures, again_in_s=wait_s)
        how = f"signal {-code}" if code < 0 else f"code {code}"
        again = f"starting it again in {wait_s:g} s"
        say(f"The process {each.part.name!r} has ended ({how}); {again}. Its log: {self.log_path(each.part)}")

    def _last_words(self, part: Part) -> str:
        lines = self.log_path(part).read_text(errors="replace").strip().splitlines()
        return lines[-1][:500] if lines else f"see {self.log_path(part)}."

    def _logs(self) -> Path:
        return self._config.data / "logs"

    def stop(self) -> None:
        """End everything, from the top down; a second signal cuts the waiting short."""
        self._stop.set()
        self._end([each for each in self._all if not each.part.is_base])
        self._end([each for each in self._all if each.part.is_base])
        os.close(self._writing_end)

    def _end(self, which: list[_Running]) -> None:
        alive = [each for each in which if each.process is not None]
        self._signal(alive, signal.SIGTERM)
        self._wait_for(alive, _FINISH_S)
        # RQ takes the second one as the order to end the running job too.
        self._signal(alive, signal.SIGTERM)
        self._wait_for(alive, _CUT_OFF_S)
        for each in alive:
            if each.process is not None and each.process.poll() is None:
                log.warning("process_cut_off", part=each.part.name, pid=each.process.pid)
                os.killpg(each.process.pid, signal.SIGKILL)
                each.process.wait()

    def _wait_for(self, which: list[_Running], limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while any(_is_alive(each) for each in which) and time.monotonic() < deadline and self._stops < 2:
            time.sleep(0.05)

    def _signal(self, which: list[_Running], number: signal.Signals) -> None:
        for each in which:
            if each.process is not None and _is_alive(each):
                log.info("process_asked_to_end", part=each.part.name, pid=each.process.pid)
                each.process.send_signal(number)


def _is_alive(each: _Running) -> bool:
    return each.process is not None and each.process.poll() is None


def say(line: str) -> None:
    """Tell the person at the terminal."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201  # this is the terminal's side
