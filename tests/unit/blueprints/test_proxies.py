"""Whose address a request has, behind proxies and without any."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import request

from webmail.app import create_app
from webmail.config import Config


@pytest.mark.parametrize(
    ("proxies", "forwarded", "believed"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_only_as_many_proxies_are_believed_as_there_are(
    config: Config, database: object, proxies: int, forwarded: str, believed: str
) -> None:
    app = create_app(replace(config, proxies=proxies))
    seen: list[str | None] = []
    app.before_request(lambda: seen.append(request.remote_addr))

    app.test_client().get("/healthz", headers={"X-Forwarded-For": forwarded})

    assert seen == [believed]
