"""Signing in and out, and where one goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.conftest import USER_PASSWORD
from tests.unit.blueprints.conftest import CheckedClient, load_user
from webmail.actions import users as user_actions
from webmail.blueprints._session import STRANGERS_BYTES, safe_next
from webmail.store.scope import Scope


def test_the_right_password_leads_to_the_inbox(stranger: CheckedClient, user: Scope) -> None:
    email = load_user(user).email

    answer = stranger.submit("/login", {"email": f"  {email.upper()} ", "password": USER_PASSWORD})

    assert (answer.status_code, answer.location) == (303, "/inbox")
    assert stranger.get("/session").get_json()["user"] == str(load_user(user).uuid)


@pytest.mark.parametrize(
    ("email", "password"),
    [("{own}", "wrong"), ("nobody@ats.example", "wrong"), ("{own}", "x" * 5000), ("é@é", "ünlikely")],
)
def test_a_wrong_password_and_an_unknown_address_look_the_same(
    stranger: CheckedClient, user: Scope, email: str, password: str
) -> None:
    typed = email.format(own=load_user(user).email)

    answer = stranger.submit("/login", {"email": typed, "password": password})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "This email and password do not belong together." in page
    assert password not in page and "_user_id" not in session_of(stranger)


@pytest.mark.parametrize("data", [{}, {"email": "a@b.example"}, {"password": "x"}, {"email": "  ", "password": "x"}])
def test_an_empty_field_is_asked_for_and_the_address_is_kept(stranger: CheckedClient, data: dict[str, str]) -> None:
    answer = stranger.submit("/login", data)

    assert answer.status_code == 422 and "Type your email and your password." in answer.get_data(as_text=True)
    assert f'value="{data.get("email", "")}"' in answer.get_data(as_text=True)


def test_guessing_at_one_address_is_slowed_down_for_that_address_only(stranger: CheckedClient, user: Scope) -> None:
    email, token = load_user(user).email, stranger.token
    answers = [
        stranger.post("/login", data={"email": email, "password": "", "csrf_token": token}).status_code
        for _ in range(30)
    ]
    assert set(answers) == {422}  # an empty password is no try

    tries = [sign_in_wrongly(stranger, email, token) for _ in range(21)]

    assert tries[:20] == [422] * 20 and tries[20] == 429
    assert stranger.submit("/login", {"email": email, "password": USER_PASSWORD}).status_code == 429
    assert stranger.submit("/login", {"email": "other@ats.example", "password": "x"}).status_code == 422


def sign_in_wrongly(client: CheckedClient, email: str, token: str) -> int:
    data = {"email": email, "password": "x" * 2000, "csrf_token": token}  # too long to be hashed, so quick
    return client.post("/login", data=data).status_code


def session_of(client: CheckedClient) -> dict[str, Any]:
    with client.session_transaction() as session:
        return dict(session)


def test_signing_in_leaves_nothing_of_who_used_the_browser_before(
    stranger: CheckedClient, make_user: Callable[..., Scope]
) -> None:
    first, second = make_user(), make_user()
    stranger.submit("/login", {"email": load_user(first).email, "password": USER_PASSWORD})
    with stranger.session_transaction() as session:
        session["left_over"] = "private"
    stranger.submit("/logout")

    stranger.submit("/login", {"email": load_user(second).email, "password": USER_PASSWORD})

    assert "left_over" not in session_of(stranger)
    assert stranger.get("/session").get_json()["user"] == str(load_user(second).uuid)


def test_signing_out_ends_the_session(client: CheckedClient) -> None:
    answer = client.submit("/logout")

    assert (answer.status_code, answer.location) == (303, "/login")
    assert client.get("/profileSettings").status_code == 303


def test_who_is_signed_in_does_not_see_the_sign_in_page(client: CheckedClient) -> None:
    assert client.get("/login?next=/compose").location == "/compose"


def test_a_session_ends_when_the_users_epoch_rises(client: CheckedClient, user: Scope) -> None:
    assert client.get("/profileSettings").status_code == 200

    user_actions.set_password(load_user(user).email, "another password")

    answer = client.get("/profileSettings")
    assert answer.status_code == 303 and answer.location == "/login?next=/profileSettings"


@pytest.mark.parametrize(
    "identity",
    [
        "",
        "x",
        "x.0",
        "00000000-0000-0000-0000-000000000007.0",
        "{uuid}",
        "{uuid}.",
        "{uuid}.1.0",
        "{uuid}.0",
        "{uuid}.0..",
        "{uuid}.0..x",
    ],
)
def test_a_session_that_names_nobody_is_none(stranger: CheckedClient, user: Scope, identity: str) -> None:
    with stranger.session_transaction() as session:
        session["_user_id"] = identity.format(uuid=load_user(user).uuid)

    assert stranger.get("/profileSettings").status_code == 303


def test_a_cookie_that_was_copied_is_dead_once_its_session_is_signed_out_of(
    app: Flask, stranger: CheckedClient, user: Scope
) -> None:
    stranger.submit("/login", {"email": load_user(user).email, "password": USER_PASSWORD})
    copied = stranger.get_cookie("webmail_session")
    assert copied is not None
    thief, elsewhere = app.test_client(), app.test_client()
    elsewhere.sign_in_as(user)  # type: ignore[attr-defined]
    thief.set_cookie("webmail_session", copied.value)
    assert thief.get("/session").status_code == 200

    stranger.submit("/logout")

    assert thief.get("/inbox").status_code == 303
    assert thief.get("/events").status_code == 401
    assert elsewhere.get("/session").status_code == 200  # another session of the same user


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(stranger: CheckedClient, user: Scope) -> None:
    answer = stranger.submit("/login", {"email": load_user(user).email, "password": USER_PASSWORD})

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("webmail_session=") and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "Secure" not in cookie and "Expires=" in cookie  # plain http here; a session outlives the browser


@pytest.mark.parametrize(
    "target", ["/inbox", "/profileSettings?tab=connect", "/conversations/x#y", "/a//b", "/ü", "/?next=https://x"]
)
def test_going_on_stays_within_the_product(target: str) -> None:
    assert safe_next(target) == target


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "inbox",
        " /inbox",
        "//evil.example",
        "///evil.example",
        "https://evil.example",
        "http:evil",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        "/\x00/evil.example",
        "/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
    ],
)
def test_going_on_never_leads_elsewhere(target: str | None) -> None:
    assert safe_next(target) is None


@pytest.mark.parametrize("target", ["//evil.example/x", "https://evil.example", "/\\evil.example", "/%09/evil.example"])
def test_no_link_to_the_sign_in_page_leads_out(stranger: CheckedClient, user: Scope, target: str) -> None:
    data = {"email": load_user(user).email, "password": USER_PASSWORD, "next": target}

    answer = stranger.submit("/login", data)

    assert answer.location == (
        target if "%09" in target else "/inbox"
    )  # escaped, it is a path of ours that is not there


def test_the_demos_sign_in_is_offered_in_the_demo_only(stranger: CheckedClient) -> None:
    assert "recruiter@demo.example" not in stranger.get("/login?fill=demo").get_data(as_text=True)


def test_nothing_large_is_read_from_who_is_not_signed_in(stranger: CheckedClient, client: CheckedClient) -> None:
    large = {"text": "x" * STRANGERS_BYTES}

    assert stranger.post("/login", data=large).status_code == 413
    assert stranger.post("/contacts/import", data=large).status_code == 401
    assert stranger.post("/u/anything", data=large).status_code == 413
    assert stranger.post("/api/v1/contacts", data={"text": "x" * 6 * 1024 * 1024}).status_code == 401  # unread
    assert client.submit("/editor/plain-text", large).status_code == 200
