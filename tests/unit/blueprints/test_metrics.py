"""What Prometheus reads: by whom, and that it tells of nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.blueprints.written import add_account
from webmail.app import create_app
from webmail.config import Config
from webmail.store.scope import Scope

AWAY = {"REMOTE_ADDR": "203.0.113.9"}
ASKED: list[tuple[str, dict[str, str], int]] = [
    ("127.0.0.1", {}, 200),
    ("::1", {}, 200),
    ("203.0.113.9", {}, 404),
    ("203.0.113.9", {"Authorization": "Bearer operators-token"}, 200),
    ("203.0.113.9", {"Authorization": "Bearer another"}, 404),
    ("203.0.113.9", {"X-Forwarded-For": "127.0.0.1"}, 404),
    ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, 404),
    ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
    ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9", "Authorization": "bearer operators-token"}, 200),
]
"""From where, with which header fields, and the status."""


def test_what_is_there_is_counted_and_nobody_is_named(app: Flask, user: Scope) -> None:
    account = add_account(user)
    asking = app.test_client()
    asking.get("/nobody/has/this?token=secret-word")

    answer = asking.get("/metrics")
    text = answer.get_data(as_text=True)
    found = {
        (each.name, *each.labels.values()): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }

    assert answer.status_code == 200 and answer.mimetype == "text/plain"
    assert found["webmail_accounts", "connected"] == 1 and found["webmail_submissions", "queued"] == 0
    assert found["webmail_jobs", "send"] == 0 and found["webmail_overdue_seconds",] == 0
    assert found["webmail_requests_total", "none", "any", "404"] >= 1
    assert "process_resident_memory_bytes" in text
    assert not [word for word in ("@", "secret-word", "nobody/has", str(account.uuid)) if word in text]


@pytest.mark.parametrize("proxies", [0, 1])
def test_this_machine_and_the_operators_token_may_read_it(config: Config, database: object, proxies: int) -> None:
    app = create_app(replace(config, proxies=proxies, metrics_token="operators-token"))

    got = [
        app.test_client().get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address}).status_code
        for address, headers, _ in ASKED
    ]

    assert got == [status for _, _, status in ASKED]


def test_without_a_token_an_empty_one_opens_nothing(app: Flask) -> None:
    answer = app.test_client().get("/metrics", headers={"Authorization": "Bearer "}, environ_overrides=AWAY)

    assert answer.status_code == 404
