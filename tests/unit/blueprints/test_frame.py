"""The frame around every page: who may ask, with which token, and under which headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, url_for
from werkzeug.routing import Rule
from werkzeug.routing.converters import AnyConverter, UUIDConverter

from tests.unit.blueprints.conftest import PARTIAL, CheckedClient, build_app
from tests.unit.blueprints.page_checks import FOREIGN_ENDPOINTS
from webmail.blueprints.errors import error_answer
from webmail.errors import InputRefused, NotFound, Refused
from webmail.store.scope import Scope

PUBLIC = {
    "static",
    "assets.file",
    "auth.login",
    "auth.sign_in",
    "auth.logout",
    "health.healthz",
    "health.readyz",
    "health.metrics",  # it looks at who asks by itself
    "messages.part",  # its address is signed and short-lived
    "oauth.redeem",  # its ticket is good once
    "oauth.callback",  # its state is known by a popup's cookie, or somebody is signed in
    "messages.image",  # so is this one
    "unsubscribe.show",  # its token names the recipient, and is signed
    "unsubscribe.confirm",
    "unsubscribe.undo",
    "embed.launch",  # it is signed itself
    "embed.enter",  # its address is signed, and good for a minute
}
"""Every route that answers without a signed-in user; a new one has to be written down here. The API takes a tenant's
key instead, on all of its routes but the two that describe it.
"""
NO_TOKEN = {"embed.launch", "unsubscribe.confirm", "unsubscribe.undo"}
"""Each comes from a page or a program that is not ours, and is signed itself."""
GONE_IS_WANTED = {"profile.remove_sender"}
"""Routes that have nothing to say against it when what they would remove is not there."""

STREAMS = {"events.stream"}


def routes(app: Flask, method: str) -> Iterator[tuple[Rule, str]]:
    """Give each route that takes a method, with an address of something that is not there."""
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if method in (rule.methods or ()):
                values = {name: sample(converter) for name, converter in rule._converters.items()}
                yield rule, url_for(rule.endpoint, **values)


def sample(converter: Any) -> Any:
    if isinstance(converter, UUIDConverter):
        return UUID(int=7)
    return min(converter.items) if isinstance(converter, AnyConverter) else "x"


# Who may ask


def test_every_route_needs_a_signed_in_user_unless_it_is_listed(app: Flask, stranger: CheckedClient) -> None:
    marked = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "is_public", False) or rule.endpoint == "static"
    }
    assert {each for each in marked if not each.startswith("api.")} == PUBLIC

    for rule, address in routes(app, "GET"):
        if rule.endpoint in marked:
            continue
        answer = stranger.get(address)
        expected = 401 if rule.endpoint in STREAMS else 303
        assert answer.status_code == expected, rule.rule
        assert expected == 401 or answer.location.startswith("/login?next="), rule.rule
        assert stranger.get(address, headers=PARTIAL).status_code == 401, rule.rule
    for rule, address in routes(app, "POST"):
        if rule.endpoint not in marked:
            assert stranger.submit(address).status_code == 401, rule.rule
            assert stranger.post(address).status_code == 401, rule.rule
            assert stranger.post(address, headers=PARTIAL).status_code == 401, rule.rule


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_every_route_of_the_api_needs_a_key(app: Flask, client: CheckedClient, method: str) -> None:
    for rule, address in routes(app, method):
        if rule.endpoint.startswith("api.") and rule.endpoint not in ("api.show_document", "api.show_docs"):
            assert client.open(address, method=method, json={}).status_code == 401, rule.rule


def test_every_change_needs_the_token_of_this_session(
    app: Flask, client: CheckedClient, make_user: Callable[..., Scope]
) -> None:
    foreign = app.test_client().sign_in_as(make_user()).token
    for rule, address in routes(app, "POST"):
        if rule.endpoint in NO_TOKEN or rule.endpoint.startswith("api."):
            continue
        for data in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": foreign}):
            assert client.post(address, data=data).status_code == 400, rule.rule
        assert client.post(address, headers=PARTIAL | {"X-CSRFToken": foreign}).status_code == 400, rule.rule


def test_a_form_and_htmx_may_bring_the_token_each_in_its_way(client: CheckedClient) -> None:
    token = client.token

    assert client.post("/profile-settings/theme", data={"theme": "dark", "csrf_token": token}).status_code == 303
    assert (
        client.post("/profile-settings/theme", data={"theme": "light"}, headers={"X-CSRFToken": token}).status_code
        == 303
    )


def test_no_route_fails_over_something_that_is_not_there(app: Flask, client: CheckedClient) -> None:
    for rule, address in routes(app, "GET"):
        if rule.endpoint not in STREAMS:
            for headers in ({}, PARTIAL):
                assert client.get(address, headers=headers).status_code < 500, rule.rule
    for rule, address in routes(app, "POST"):
        for htmx in (False, True):
            if rule.endpoint == "auth.logout" or rule.endpoint.startswith("api."):
                continue
            answer = client.submit(address, htmx=htmx)
            assert answer.status_code < 500, rule.rule
            if any(name.endswith("_uuid") for name in rule.arguments) and rule.endpoint not in GONE_IS_WANTED:
                ends_at = client.get(answer.location) if answer.status_code == 303 else answer
                assert ends_at.status_code in (404, 422), rule.rule


def test_a_change_by_get_is_not_possible(app: Flask) -> None:
    verbs = re.compile(
        r"/(delete|archive|send|discard|remove|unread|sync|disconnect|logout|retry|settle|theme|password)(/undo)?$"
    )

    changing = [
        rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and verbs.search(rule.rule)
    ]

    assert set(changing) == {
        "/accounts/disconnect",
        "/contacts/suppressions/<uuid:suppression_uuid>/remove",
    }  # both only ask


# Headers


def test_every_answer_carries_the_headers_that_keep_it_safe(app: Flask, client: CheckedClient) -> None:
    for rule, address in routes(app, "GET"):
        if rule.endpoint in STREAMS:
            continue
        answer = client.get(address)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "base-uri" in policy, rule.rule
        assert "script-src" not in policy or "'unsafe" not in re.search(r"script-src([^;]*)", policy)[1], rule.rule
        assert answer.headers["X-Content-Type-Options"] == "nosniff", rule.rule
        assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer"), rule.rule
        if rule.endpoint not in ("static", "assets.file"):
            control = answer.headers["Cache-Control"]
            assert "no-store" in control or "private" in control, rule.rule


def test_pages_take_scripts_and_styles_from_files_only(client: CheckedClient) -> None:
    policy = client.get("/profileSettings").headers["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy and "object-src" not in policy


def test_own_files_are_kept_for_a_year_under_a_name_that_changes(client: CheckedClient) -> None:
    page = client.get("/profileSettings").get_data(as_text=True)
    address = re.search(r'href="(/static/app\.css\?v=[0-9a-f]{10})"', page)[1]

    with client.get(address) as answer:
        assert answer.status_code == 200 and "max-age=31536000" in answer.headers["Cache-Control"]


def test_foreign_pages_are_only_those_that_show_mail() -> None:
    printed = {"sources.print_message", "sources.print_conversation"}
    assert set(FOREIGN_ENDPOINTS) == {"messages.body", "shared.body"} | printed


# Errors


@pytest.fixture
def failing(app: Flask, user: Scope) -> CheckedClient:
    """A signed-in browser of an application with views that fail, each in its way."""
    app = build_app(app.config["WEBMAIL"])
    errors: dict[str, Callable[[], Exception]] = {
        "crash": lambda: ZeroDivisionError("secret detail"),
        "gone": lambda: NotFound("This mailbox is gone."),
        "refused": lambda: InputRefused("to", "Add at least one recipient."),
        "server": lambda: Refused("Gmail said no.", side="imap", cause="x", next_step="Sign in again."),
    }

    def fail(kind: str) -> str:
        raise errors[kind]()

    app.add_url_rule("/fail/<kind>", "fail", fail)
    app.add_url_rule("/error/<int:status>", "error", error_answer)
    return app.test_client().sign_in_as(user)


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/nowhere", 404, "Nothing is here"),
        ("/conversations/not-a-uuid", 404, "Nothing is here"),
        ("/logout", 405, "This address does not take that"),
        ("/fail/crash", 500, "Something went wrong here"),
        ("/fail/gone", 404, "This mailbox is gone."),
        ("/fail/refused", 422, "Add at least one recipient."),
        ("/fail/server", 502, "Gmail said no. Sign in again."),
        *[(f"/error/{status}", status, "") for status in (400, 403, 404, 405, 409, 413, 429, 500, 418)],
    ],
)
def test_an_error_is_a_page_in_the_look_and_a_toast_for_htmx(
    failing: CheckedClient, address: str, status: int, words: str
) -> None:
    page, toast = failing.get(address), failing.get_partial(address)

    assert (page.status_code, toast.status_code) == (status, status)
    assert words in page.get_data(as_text=True) and words in toast.get_data(as_text=True)
    assert '<main id="main"' in page.get_data(as_text=True) and "secret detail" not in page.get_data(as_text=True)
    assert 'hx-swap-oob="beforeend:#toasts"' in toast.get_data(as_text=True)
    assert toast.headers["HX-Reswap"] == "none" and "<main" not in toast.get_data(as_text=True)


def test_a_request_that_is_too_large_says_what_to_do(app: Flask, client: CheckedClient) -> None:
    token = client.token
    app.config["MAX_CONTENT_LENGTH"] = 2000
    data = {"name": "x" * 5000, "csrf_token": token}

    page = client.post("/profile-settings/name", data=data, headers={"X-CSRFToken": token})
    toast = client.post("/profile-settings/name", data=data, headers=PARTIAL | {"X-CSRFToken": token})

    assert (page.status_code, toast.status_code) == (413, 413)
    assert "This is too large" in page.get_data(as_text=True) and "This is too large" in toast.get_data(as_text=True)


def test_a_dead_session_loses_nothing_that_was_typed(stranger: CheckedClient) -> None:
    answer = stranger.post("/profile-settings/name", data={"name": "Rita"})

    assert answer.status_code == 401 and "what you typed is still in the form" in answer.get_data(as_text=True)
    assert stranger.get("/profileSettings?tab=connect").location == "/login?next=/profileSettings?tab%3Dconnect"


@pytest.mark.parametrize("address", ["/login", "/profile-settings/name", "/inbox?q=a%00b", "/login?next=%00"])
def test_what_no_database_takes_gets_no_further(client: CheckedClient, address: str) -> None:
    answer = client.submit(address, {"email": "a\x00b", "password": "x", "name": "\x00"})

    assert answer.status_code == 400 and "This request cannot be read" in answer.get_data(as_text=True)
    assert client.get("/inbox?account=%00").status_code == 400


def test_an_old_page_of_a_new_session_says_so(client: CheckedClient) -> None:
    answer = client.post("/profile-settings/name", data={"name": "Rita", "csrf_token": "old"})

    assert answer.status_code == 400 and "older than your session" in answer.get_data(as_text=True)


def test_the_profile_menu_stands_on_every_page_and_leads_to_the_settings(client: CheckedClient) -> None:
    for address in ("/profileSettings", "/profileSettings?tab=connect", "/inbox", "/accounts/new"):
        page = client.get(address).get_data(as_text=True)
        assert 'id="profile-menu"' in page and 'href="/profileSettings"' in page, address


def test_health_tells_what_is_away(stranger: CheckedClient) -> None:
    assert stranger.get("/healthz").get_data() == b"ok\n"
    assert stranger.get("/readyz").get_json() == {"database": "ok", "redis": "ok"}
