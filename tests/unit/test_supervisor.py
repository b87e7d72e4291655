from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from webmail import queue
from webmail.config import Config, load_config
from webmail.supervisor import parts_of, queues_of_worker


def _config(**variables: str) -> Config:
    secrets = {"WEBMAIL_SECRET_KEY": "s" * 40, "WEBMAIL_ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    return load_config({**secrets, **variables})


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_queue_has_a_worker_and_sending_never_waits_for_two_imports(count: int) -> None:
    workers = [queues_of_worker(number, count) for number in range(1, count + 1)]

    assert {name for names in workers for name in names} == {queue.SEND, queue.NEWS, queue.MASS, queue.BACKFILL}
    assert all(names[0] == queue.SEND for names in workers)
    if count > 1:
        assert any(queue.BACKFILL not in names for names in workers)
    if count > 2:
        assert (queue.SEND,) in workers


def test_the_embedded_server_starts_first_and_only_where_no_other_is_named() -> None:
    embedded = [part.name for part in parts_of(_config())]
    named = [part.name for part in parts_of(_config(WEBMAIL_REDIS_URL="redis://elsewhere"))]

    assert embedded == ["redis", "web", "worker-1", "worker-2", "worker-3", "watch"]
    assert named == embedded[1:]


def test_the_demo_runs_only_where_it_is_wanted() -> None:
    assert "demo" not in [part.name for part in parts_of(_config())]
    assert "demo" in [part.name for part in parts_of(_config(WEBMAIL_DEMO="1"))]


def test_no_command_line_carries_a_secret() -> None:
    config = _config(WEBMAIL_DEMO="1")

    words = " ".join(word for part in parts_of(config) for word in part.command)

    assert config.secret_key not in words
    assert config.encryption_keys[0] not in words
