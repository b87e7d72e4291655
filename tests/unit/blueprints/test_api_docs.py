"""The guide to the API: its Python does what it says, against the product itself."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import html5lib
import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests.unit.blueprints.api_server import slug_of
from tests.unit.blueprints.written import add_account
from webmail.actions import api_keys
from webmail.blueprints._api_shapes import SHAPES
from webmail.blueprints.api import OPERATIONS
from webmail.domain.webhooks import EVENTS, new_secret, signature_header
from webmail.store.models import User
from webmail.store.scope import Scope
from webmail.store.session import transaction

GUIDE = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
SOURCE = "\n".join(re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))


@pytest.fixture
def base(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_python_of_the_guide_works(base: str, user: Scope) -> None:
    add_account(user)
    with transaction() as s:
        row = s.get(User, user.user_id)
        assert row is not None
        row.external_id = "7"
    names: dict[str, Any] = {"BASE": base, "KEY": api_keys.add_key(slug_of(user), "docs", api_keys.SCOPES)}
    exec(SOURCE, names)

    people = [{"id": f"c-{at}", "addresses": [f"c{at}@home.example"]} for at in range(201)]
    refused = names["tell_of"]([*people, {"id": "a/b"}])
    sent = names["send"]("7", "Cara <cara@home.example>", "Hello", "Good day")

    assert [each["index"] for each in refused] == [201]
    assert [each["id"] for each in names["everybody"]()] == [each["id"] for each in people]
    assert names["ask"]("GET", f"/submissions/{sent}")["state"] == "queued"


def test_the_guides_check_of_a_signature_takes_ours_and_no_other() -> None:
    names: dict[str, Any] = {}
    exec(SOURCE, names)
    secret, now = new_secret(), int(time.time())
    fields = {"webhook-id": "msg_1", "webhook-timestamp": str(now)}
    signed = fields | {"webhook-signature": signature_header([new_secret(), secret], "msg_1", now, b"{}")}

    assert names["is_ours"](signed, b"{}", secret)
    assert not names["is_ours"](signed, b"{ }", secret) and not names["is_ours"](signed, b"{}", new_secret())
    late = signature_header([secret], "msg_1", now - 600, b"{}")
    assert not names["is_ours"](
        fields | {"webhook-timestamp": str(now - 600), "webhook-signature": late}, b"{}", secret
    )


def test_the_guide_names_every_scope_event_and_address() -> None:
    paths = {re.sub(r"<[^>]+>", "{id}", each.path) for each in OPERATIONS.values()}
    endpoint = "/webhook-endpoints/{id}"
    tails = {path.removeprefix(endpoint) if path != endpoint else path for path in paths}

    missing = [name for name in (*api_keys.SCOPES, *EVENTS) if f"`{name}`" not in GUIDE]
    missing += [tail for tail in tails if tail not in GUIDE]

    assert missing == []


def test_the_page_shows_every_operation_and_shape_with_no_script_and_no_dead_link(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/docs")
    page = answer.get_data(as_text=True)
    ids = set(re.findall(r' id="([^"]+)"', page))

    assert answer.status_code == 200 and "<script" not in page and "<style" not in page and "unsafe" not in page
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert set(OPERATIONS) | {f"shape-{name}" for name in SHAPES} <= ids
    assert set(re.findall(r'href="#([^"]+)"', page)) <= ids
    assert [name for name in (*api_keys.SCOPES, *EVENTS) if name not in page] == []
    html5lib.HTMLParser(strict=True).parse(page)
