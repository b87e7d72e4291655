"""`webmail run` as real processes: what it starts, restarts, ends and refuses."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree

import pytest
import redis
from rq import Queue
from rq.job import Job
from rq.registry import FinishedJobRegistry

from tests.servers.ports import free_port

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc"),
]


class Run:
    """One `webmail run` in a data folder, with nothing of the outer environment's `WEBMAIL_*`."""

    def __init__(self, data: Path, **extra: str) -> None:
        self.data = data
        self.port = int(extra.get("WEBMAIL_PORT", "0")) or free_port()
        environ = {name: value for name, value in os.environ.items() if not name.startswith("WEBMAIL_")}
        environ |= {"WEBMAIL_DATA": str(data), "WEBMAIL_PORT": str(self.port), "WEBMAIL_WORKERS": "2", **extra}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "webmail.cli", "run"],
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_until_ready(self) -> float:
        """Wait for the greeting, and give how long it took in seconds."""
        started_at = time.monotonic()
        assert self.process.stderr is not None
        said = ""
        for line in self.process.stderr:
            said += line
            if "Ctrl-C" in line:
                return time.monotonic() - started_at
        raise AssertionError(f"it ended with {self.process.wait()}: {said}")

    def refusal(self) -> list[str]:
        """Give the lines that it said before it ended by itself, which must not be with code 0."""
        _, said = self.process.communicate(timeout=30)
        assert self.process.returncode == 1
        return said.splitlines()

    def status(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def processes(self) -> dict[int, str]:
        """Give every process that has this data folder in its environment or its title, whoever its parent is."""
        mark = f"WEBMAIL_DATA={self.data}".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                environ = (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            # The embedded server writes its title over its environment; the title names its socket.
            if mark in environ or f"-server unixsocket:{self.data}" in command:
                found[int(folder.name)] = command
        return {pid: command for pid, command in found.items() if command}

    def socket_folders(self) -> list[str]:
        """Give where the embedded server's socket lies, as its keeper was told."""
        commands = [command for command in self.processes().values() if "webmail.embedded_redis" in command]
        return [command.split("webmail.embedded_redis ")[1].split("/redis.sock ")[0] for command in commands]

    def pids(self, word: str) -> list[int]:
        return sorted(pid for pid, command in self.processes().items() if word in command)

    def kill(self) -> None:
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(10)
        assert self.process.stderr is not None
        self.process.stderr.close()


@pytest.fixture
def data() -> Iterator[Path]:
    # Short, as pytest's own is not: a socket's path may have 100 bytes.
    folder = Path(tempfile.mkdtemp(prefix="wm-run-"))
    yield folder
    rmtree(folder, ignore_errors=True)


@pytest.fixture
def start(data: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def begin(**extra: str) -> Run:
        runs.append(Run(Path(extra.pop("folder", str(data))), **extra))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill()


def wait_for(holds: Callable[[], object], limit_s: float) -> float:
    """Wait until something holds, and give how long it took in seconds."""
    started_at = time.monotonic()
    while not holds():
        assert time.monotonic() - started_at < limit_s, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - started_at


def test_it_starts_everything_keeps_its_data_to_itself_and_ends_with_ctrl_c(start: Callable[..., Run]) -> None:
    run = start()

    run.wait_until_ready()

    assert run.status("/readyz") == 200
    commands = " ".join(run.processes().values())
    for each in ("valkey-server", "webmail.cli web", "worker.py send news", "webmail.cli watch"):
        assert each in commands or (each == "valkey-server" and "redis-server" in commands)
    assert stat.S_IMODE((run.data / "keys" / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((run.data / "webmail.db").stat().st_mode) == 0o600

    run.process.send_signal(signal.SIGINT)

    assert run.process.wait(15) == 0
    assert run.processes() == {}
    assert run.data.joinpath("run.lock").read_text() == ""


def test_a_second_start_carries_on_with_the_same_data_within_five_seconds(start: Callable[..., Run]) -> None:
    first = start()
    first.wait_until_ready()
    key = (first.data / "keys" / "secret_key").read_text()
    first.process.terminate()
    assert first.process.wait(15) == 0

    second = start()
    took_s = second.wait_until_ready()

    assert (second.data / "keys" / "secret_key").read_text() == key
    # Five on an idle machine; tests run beside one another.
    assert took_s < 15


def test_nothing_outlives_a_supervisor_that_is_killed(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_ready()
    assert len(run.processes()) >= 7

    run.process.kill()

    took_s = wait_for(lambda: not run.processes(), 8)
    print(f"all processes were gone {took_s:.1f} s after kill -9")


def test_a_start_right_after_a_kill_waits_for_the_ports(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_ready()
    run.process.kill()
    run.process.wait()

    again = start(WEBMAIL_PORT=str(run.port))

    again.wait_until_ready()


def _sleep_in_a_job(run: Run, seconds: int) -> Job:
    connection = redis.Redis(unix_socket_path=str(run.data / "redis.sock"))
    job = Queue("send", connection=connection, serializer="json").enqueue("time.sleep", seconds, result_ttl=60)
    wait_for(lambda: job.get_status(refresh=True) == "started", 10)
    return job


def test_a_running_job_does_not_outlive_a_supervisor_that_is_killed(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_ready()
    _sleep_in_a_job(run, 60)

    run.process.kill()

    wait_for(lambda: not run.processes(), 8)


def test_a_running_job_may_finish_before_everything_ends(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_ready()
    _sleep_in_a_job(run, 2)

    run.process.terminate()

    assert run.process.wait(20) == 0
    assert run.processes() == {}
    again = start(WEBMAIL_PORT=str(run.port))
    again.wait_until_ready()
    finished = FinishedJobRegistry("send", connection=redis.Redis(unix_socket_path=str(run.data / "redis.sock")))
    assert finished.count == 1


def test_a_job_that_does_not_finish_is_cut_off(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_ready()
    _sleep_in_a_job(run, 60)

    run.process.terminate()

    started_at = time.monotonic()
    assert run.process.wait(25) == 0
    print(f"a job that does not finish held up the end for {time.monotonic() - started_at:.1f} s")
    assert run.processes() == {}


def test_a_process_that_is_killed_is_started_again(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_ready()

    for word in ("worker.py", "webmail.cli web", "webmail.cli watch", "-server"):
        before = run.pids(word)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda word=word, before=before: _is_anew(run, word, before), 20)

    wait_for(lambda: _is_ready(run), 15)


def _is_anew(run: Run, word: str, before: list[int]) -> bool:
    now = run.pids(word)
    return len(now) == len(before) and not set(now) & set(before)


def _is_ready(run: Run) -> bool:
    try:
        return run.status("/readyz") == 200
    except OSError:
        return False


def test_a_busy_port_is_one_line(start: Callable[..., Run]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        lines = start(WEBMAIL_PORT=str(port)).refusal()

    assert lines == [f"Error: Port {port} is in use already. Stop what uses it, or set WEBMAIL_PORT to another port."]


def test_a_second_run_on_the_same_data_is_one_line(start: Callable[..., Run]) -> None:
    first = start()
    first.wait_until_ready()

    lines = start().refusal()

    holder = f"Another `webmail run` (process {first.process.pid}) works with {first.data}."
    assert lines == [f"Error: {holder} Stop it, or set WEBMAIL_DATA to another folder."]
    assert first.status("/readyz") == 200


def test_a_data_folder_that_cannot_be_used_is_one_line(start: Callable[..., Run], data: Path) -> None:
    (data / "file").write_text("")

    lines = start(folder=str(data / "file")).refusal()

    assert len(lines) == 1
    assert lines[0].startswith(f"Error: WEBMAIL_DATA is {data / 'file'}, which cannot be used: ")


def test_a_redis_that_is_not_there_is_one_line(start: Callable[..., Run]) -> None:
    lines = start(WEBMAIL_REDIS_URL=f"redis://:hidden@127.0.0.1:{free_port()}/0").refusal()

    assert lines == ["Error: WEBMAIL_REDIS_URL names a server that does not answer. Start it, or correct the address."]


def test_a_database_that_is_none_is_one_line(start: Callable[..., Run], data: Path) -> None:
    (data / "webmail.db").write_text("This is no database, whatever its name says. " * 100)

    lines = start().refusal()

    assert lines == ["Error: The database cannot be used: file is not a database."]


@pytest.mark.parametrize(
    ("variable", "value"), [("WEBMAIL_PORT", "none"), ("WEBMAIL_DEMO", "maybe"), ("WEBMAIL_ASSETS", "ftp")]
)
def test_a_wrong_variable_is_one_line(start: Callable[..., Run], data: Path, variable: str, value: str) -> None:
    environ = {"WEBMAIL_PORT": str(free_port()), variable: value}
    process = subprocess.run(
        [sys.executable, "-m", "webmail.cli", "run"],
        env={**os.environ, "WEBMAIL_DATA": str(data), **environ},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert process.returncode == 1
    assert process.stdout == ""
    assert process.stderr.count("\n") == 1
    assert variable in process.stderr


def test_the_socket_of_a_long_data_path_lies_in_a_short_folder(start: Callable[..., Run], data: Path) -> None:
    run = start(folder=str(data / ("long-" * 20) / "and a space"))

    run.wait_until_ready()

    assert run.status("/readyz") == 200
    assert not (run.data / "redis.sock").exists()
    (socket_folder,) = {Path(line) for line in run.socket_folders()}
    assert len(str(socket_folder)) < 90

    run.process.terminate()

    assert run.process.wait(20) == 0
    assert not socket_folder.exists()


def test_production_refuses_to_start_without_keys(data: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WEBMAIL_")}
    for command in (["-m", "webmail.cli", "web"], ["-m", "webmail.cli", "watch"], ["worker.py"]):
        process = subprocess.run(
            [sys.executable, *command],
            env={**environ, "WEBMAIL_DATA": str(data)},
            capture_output=True,
            text=True,
            timeout=30,
        )

        assert process.returncode == 1
        assert "WEBMAIL_SECRET_KEY is not set" in process.stderr
        assert process.stderr.count("\n") == 1
