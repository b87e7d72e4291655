from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from webmail import lifeline

pytestmark = pytest.mark.integration

_CHILD = """
import os, sys, time
from webmail import lifeline
lifeline.GRACE_S = 0.2
lifeline.watch({on_end})
print("up", flush=True)
time.sleep(30)
"""


def _start(on_end: str) -> tuple[subprocess.Popen[str], int]:
    reading_end, writing_end = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD.format(on_end=on_end)],
        env={**os.environ, lifeline.VARIABLE: str(reading_end)},
        pass_fds=(reading_end,),
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(reading_end)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process, writing_end


def test_a_process_is_told_to_end_when_the_pipe_ends() -> None:
    process, writing_end = _start("")
    with process:
        os.close(writing_end)

        assert process.wait(5) == -15


def test_a_process_that_does_not_end_by_itself_is_ended() -> None:
    process, writing_end = _start("lambda: None")
    with process:
        os.close(writing_end)

        assert process.wait(5) == 1


def test_it_lives_while_the_pipe_is_held() -> None:
    process, writing_end = _start("")
    with process:
        time.sleep(0.3)

        assert process.poll() is None

        os.close(writing_end)
        process.wait(5)


def test_without_a_supervisor_there_is_nothing_to_watch() -> None:
    lifeline.watch(environ={})
