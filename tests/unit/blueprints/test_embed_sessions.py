"""Attacks on the session of a frame, and on who may hold it: each is refused, and changes nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from tests.servers.launches import Ats
from tests.unit.blueprints.api_server import Server
from tests.unit.blueprints.conftest import PARTIAL, CheckedClient, load_user
from tests.unit.blueprints.embedding import BASE, HOST, WITHIN, FramePage, post_launch, scope_of
from webmail.actions import tenants
from webmail.store import users
from webmail.store.scope import Scope
from webmail.store.session import transaction


@pytest.fixture
def ats(app: Flask) -> Ats:
    return Ats("acme", HOST, BASE)


@pytest.fixture(params=[False, True], ids=["by cookie", "by token"])
def frame(request: pytest.FixtureRequest, app: Flask, ats: Ats) -> FramePage:
    """A frame that was launched, in a browser that takes its cookie and in one that refuses it."""
    return FramePage(app, ats, refuses_cookies=request.param)


# Attacks on the session


def test_an_entry_is_good_for_a_minute_and_is_no_guess(app: Flask, ats: Ats) -> None:
    client = app.test_client()
    for entry in ("", "x", str(uuid4()), FramePage(app, ats).name + "x"):
        assert client.get(f"/embed/enter?entry={entry}", headers=WITHIN).status_code == 404


@pytest.mark.parametrize(
    "forge", [lambda name: str(uuid4()), lambda name: name[:-2] + "xx", lambda name: "", str.upper]
)
def test_a_name_that_was_made_up_opens_nothing(app: Flask, ats: Ats, forge: Callable[[str], str]) -> None:
    page = FramePage(app, ats, refuses_cookies=True)

    answer = page.ask("/inbox", **{"X-Webmail-Frame": forge(page.name) or "-"})

    assert (answer.status_code, answer.headers["X-Webmail-Frame"]) == (401, "ended")


def test_the_public_name_of_a_session_is_worth_nothing_without_its_cookie(app: Flask, ats: Ats) -> None:
    name = FramePage(app, ats).name
    assert UUID(name)
    thief: Any = app.test_client()

    for path in ("/inbox", "/session", "/events", "/compose", "/embed/state", "/profileSettings"):
        answer = thief.get(f"{path}?frame={name}", headers=WITHIN)
        assert answer.status_code == 401 and "X-CSRFToken" not in answer.get_data(as_text=True), path


def test_a_token_that_is_old_opens_nothing(app: Flask, ats: Ats, monkeypatch: pytest.MonkeyPatch) -> None:
    page = FramePage(app, ats, refuses_cookies=True)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 700)

    assert page.ask("/inbox").status_code == 401
    assert page.get(page.address).status_code == 401


def test_a_cookie_that_was_made_up_opens_nothing(app: Flask, ats: Ats) -> None:
    name = FramePage(app, ats).name
    thief: Any = app.test_client()
    for value in (name, json.dumps(name), f"{name}.xx", ""):
        thief.set_cookie("__Host-webmail-embed", value, domain="mail.example", secure=True)
        answer = thief.get(f"/inbox?frame={name}", base_url="https://mail.example", headers=WITHIN)
        assert answer.status_code == 401


def test_a_launch_for_another_user_never_changes_an_open_tab(app: Flask, ats: Ats) -> None:
    first = FramePage(app, ats)
    token = first.csrf
    second = FramePage(app, ats, client=first.client, sub="ben", name="Ben", email="ben@acme.example")

    page = first.get(first.address)
    assert page.status_code == 409 and "This tab belongs to another session" in page.get_data(as_text=True)
    for method, path in (("GET", "/inbox"), ("GET", "/events"), ("POST", "/embed/theme")):
        answer = first.ask(path, method, {"theme": "dark"}, **{"X-CSRFToken": token})
        assert (answer.status_code, answer.headers["X-Webmail-Frame"]) == (409, "other"), path
    assert second.ask("/session").status_code == 200
    assert 'data-theme="dark"' not in second.get(second.address).get_data(as_text=True)


def test_two_tenants_in_one_browser_do_not_meet(app: Flask, ats: Ats) -> None:
    other = Ats("globex", "https://ats.globex.example", BASE)
    first = FramePage(app, ats)
    second = FramePage(app, other, client=first.client)

    answer = first.get(first.address)

    assert answer.status_code == 409 and "globex" not in str(answer.headers) + answer.get_data(as_text=True)
    assert f"frame-ancestors {HOST}" in answer.headers["Content-Security-Policy"]
    page = second.get(second.address)
    assert "frame-ancestors https://ats.globex.example" in page.headers["Content-Security-Policy"]


def test_the_token_of_one_session_changes_nothing_in_another(app: Flask, ats: Ats) -> None:
    mine, other = FramePage(app, ats), FramePage(app, ats, sub="ben", email="ben@acme.example")

    for token in ("", "x", other.csrf):
        assert mine.ask("/embed/theme", "POST", {"theme": "dark"}, **{"X-CSRFToken": token}).status_code == 400
    form = mine.ask("/embed/logout", "POST", {"csrf_token": other.csrf})
    assert form.status_code == 400 and mine.ask("/inbox").status_code == 200


def test_a_frames_session_and_the_stand_alone_one_stay_apart(app: Flask, ats: Ats, user: Scope) -> None:
    page = FramePage(app, ats, client=app.test_client())
    with page.client.session_transaction(base_url="https://mail.example") as session:
        session["_user_id"] = f"{load_user(user).uuid}.0..{uuid4()}"

    alone = page.client.get("/session", base_url="https://mail.example").get_json()
    framed = page.ask("/session").get_json()

    assert alone["user"] != framed["user"]
    answer = page.ask("/embed/theme", "POST", {"theme": "dark"}, **{"X-CSRFToken": alone["csrf_token"]})
    assert answer.status_code == 400


def test_without_a_frame_the_frames_cookie_is_nothing(app: Flask, ats: Ats) -> None:
    page = FramePage(app, ats)

    answer = page.client.get("/inbox", base_url="https://mail.example", headers={"Sec-Fetch-Dest": "document"})

    assert answer.status_code == 303 and answer.location.startswith("/login")


def test_pages_outside_of_a_frame_may_stand_nowhere(client: CheckedClient, ats: Ats) -> None:
    for address in ("/inbox", "/profileSettings", "/login", "/compose"):
        assert "frame-ancestors 'none'" in client.get(address).headers["Content-Security-Policy"]
    inner = client.get("/editor").headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in inner and HOST not in inner


def test_a_frame_stops_when_its_origin_is_taken_off_the_list(frame: FramePage, ats: Ats) -> None:
    tenants.remove_origin("acme", HOST)

    answer = frame.get(frame.address)

    assert answer.status_code == 401 and "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_frame_stops_when_its_user_is_signed_out_everywhere(frame: FramePage, ats: Ats) -> None:
    with transaction() as s:
        users.load_user(s, scope_of(ats)).session_epoch += 1

    assert frame.ask("/inbox").status_code == 401
    assert frame.get(frame.address).headers["X-Webmail-Frame"] == "ended"


def test_a_tenants_server_ends_the_sessions_of_its_own_users_only(frame: FramePage, app: Flask, ats: Ats) -> None:
    other = FramePage(app, Ats("globex", "https://ats.globex.example", BASE), refuses_cookies=True)
    ben = FramePage(app, ats, sub="ben", refuses_cookies=True)
    server = Server(app, "acme", "users:write")

    assert server.ask("DELETE", "/users/nobody/sessions").status_code == 404
    assert Server(app, "acme", "users:read").ask("DELETE", "/users/rita/sessions").status_code == 403
    assert server.ask("DELETE", "/users/rita/sessions").status_code == 204

    assert frame.ask("/inbox").headers["X-Webmail-Frame"] == "ended"
    assert [page.ask("/embed/state").status_code for page in (ben, other)] == [200, 200]
    assert "sessions_ended" in tenants.audit_lines("acme", 1)[0]
    again = FramePage(app, ats, refuses_cookies=True)
    assert again.ask("/embed/state").status_code == 200


def test_where_a_frame_goes_no_answer_can_lead_elsewhere(app: Flask, ats: Ats) -> None:
    client = app.test_client()
    launched = post_launch(client, ats.token(), HOST).location

    for page in ("//evil.example", "https://evil.example", "javascript:alert(1)"):
        answer = client.get(f"{launched}&page={page}", base_url="https://mail.example", headers=WITHIN)
        assert answer.location.startswith("/inbox?frame=")


@pytest.mark.parametrize(
    "origin", ["*", "https://*.acme.example", "http://ats.acme.example", "https://a/b", "null", ""]
)
def test_no_pattern_becomes_an_origin(ats: Ats, origin: str) -> None:
    with pytest.raises(Exception, match="An origin is"):
        tenants.add_origin("acme", origin)


def test_a_partial_of_another_session_is_no_page(app: Flask, ats: Ats) -> None:
    first = FramePage(app, ats)
    FramePage(app, ats, client=first.client, sub="ben", email="ben@acme.example")

    answer = first.ask("/inbox", **PARTIAL)

    assert answer.status_code == 409 and answer.get_data() == b""
    assert answer.headers["HX-Reswap"] == "none"  # what stands there stays
