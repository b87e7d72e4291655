from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from webmail.process import configure_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("test", stream)
    yield stream
    root.handlers[:], root.level = before[0], before[1]
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_an_event_is_one_json_line_with_its_process_and_time(lines: io.StringIO) -> None:
    structlog.get_logger("webmail.somewhere").info("mail_sent", account=7)

    event = json.loads(lines.getvalue())

    assert event["event"] == "mail_sent"
    assert (event["account"], event["process"], event["level"]) == (7, "test", "info")
    assert event["timestamp"].endswith("Z")
    assert lines.getvalue().count("\n") == 1


def test_a_librarys_line_has_the_same_form(lines: io.StringIO) -> None:
    logging.getLogger("gunicorn.error").warning("took %d s", 3)

    event = json.loads(lines.getvalue())

    assert (event["event"], event["logger"], event["process"]) == ("took 3 s", "gunicorn.error", "test")


def test_a_traceback_is_in_the_line_without_the_values_of_its_variables(lines: io.StringIO) -> None:
    password = "hunter2-hunter2"

    try:
        raise ValueError(f"{len(password)} characters")
    except ValueError:
        structlog.get_logger("webmail.somewhere").exception("broken")

    event = json.loads(lines.getvalue())
    assert "ValueError: 15 characters" in event["exception"]
    assert password not in lines.getvalue()
