from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from webmail.queue import BACKFILL, JOBS, MASS, NEWS, SEND


@pytest.mark.parametrize("name", JOBS)
def test_every_job_name_resolves_to_a_function_of_plain_values(name: str) -> None:
    dotted, queue_name, timeout_s = JOBS[name]
    module, _, function_name = dotted.rpartition(".")

    function = getattr(import_module(module), function_name)

    for parameter in inspect.signature(function).parameters.values():
        assert parameter.annotation in ("int", "str", "bool")
    assert queue_name in (SEND, NEWS, MASS, BACKFILL)
    assert 0 < timeout_s <= 600
