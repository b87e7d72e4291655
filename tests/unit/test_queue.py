from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from webmail.queue import BACKFILL, JOBS, MASS, NEWS, SEND

_DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.mark.parametrize("name", JOBS)
def test_every_job_name_resolves_to_a_function_of_plain_values(name: str) -> None:
    dotted, queue_name, timeout_s = JOBS[name]
    module, _, function_name = dotted.rpartition(".")

    function = getattr(import_module(module), function_name)

    for parameter in inspect.signature(function).parameters.values():
        assert parameter.annotation in ("int", "str", "bool")
    assert queue_name in (SEND, NEWS, MASS, BACKFILL)
    assert 0 < timeout_s <= 600


def test_what_is_deployed_serves_every_queue() -> None:
    procfile = re.findall(r"worker\.py (.*)", (_DEPLOY / "Procfile").read_text())
    units = re.findall(r"webmail-worker@([a-z-]+)", (_DEPLOY / "webmail-worker@.service").read_text())

    for served in ([each.split() for each in procfile], [each.split("-") for each in units]):
        assert {name for names in served for name in names} == {SEND, NEWS, MASS, BACKFILL}
