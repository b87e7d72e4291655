"""The user's own name, password and theme."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.conftest import USER_PASSWORD
from tests.unit.blueprints.conftest import CheckedClient, load_user
from tests.unit.blueprints.embedding import MAIL
from tests.unit.blueprints.received import add_mailbox, receive
from webmail.actions import users as user_actions
from webmail.store.scope import Scope


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_a_theme_shows_on_the_next_page(client: CheckedClient, user: Scope, theme: str) -> None:
    came_from = {"Referer": "http://localhost/profileSettings?tab=connect"}

    answer = client.post(
        "/profile-settings/theme", data={"theme": theme, "csrf_token": client.token}, headers=came_from
    )

    assert (answer.status_code, answer.location) == (303, "/profileSettings?tab=connect")
    assert load_user(user).theme == theme
    assert f'<html lang="en" data-theme="{theme}">' in client.get(answer.location).get_data(as_text=True)


@pytest.mark.parametrize(
    "referrer", ["https://evil.example/x", "http://localhost.evil.example/", "http://localhost//evil.example", ""]
)
def test_a_theme_leads_back_to_pages_of_ours_only(client: CheckedClient, referrer: str) -> None:
    data = {"theme": "dark", "csrf_token": client.token}

    assert (
        client.post("/profile-settings/theme", data=data, headers={"Referer": referrer}).location == "/profileSettings"
    )


def test_there_are_three_themes(client: CheckedClient, user: Scope) -> None:
    assert client.submit("/profile-settings/theme", {"theme": "pink"}).status_code == 422
    assert load_user(user).theme == "auto"


def test_dates_and_times_are_written_as_is_chosen(client: CheckedClient, user: Scope) -> None:
    account = add_mailbox(user)
    receive(account, MAIL)
    assert client.submit("/profile-settings/locale", {"locale": "xx"}).status_code == 422
    assert "Mon 5 January 2026, 10:00" in client.get("/inbox").get_data(as_text=True)

    client.submit("/profile-settings/locale", {"locale": "en-US"})

    page = client.get("/inbox").get_data(as_text=True)
    assert '<html lang="en-US"' in page and "Mon January 5, 2026, 10:00 AM" in page
    assert "Jan 5" in page


def test_a_name_is_changed_and_shown(client: CheckedClient, user: Scope) -> None:
    answer = client.submit("/profile-settings/name", {"name": "  Rita   <b>Ré</b> "})

    page = client.get(answer.location).get_data(as_text=True)
    assert load_user(user).name == "Rita <b>Ré</b>"
    assert "Name saved." in page and "Rita &lt;b&gt;Ré&lt;/b&gt;" in page


@pytest.mark.parametrize(
    ("name", "problem"), [("  ", "Type your name."), ("x" * 201, "A name takes up to 200 characters.")]
)
def test_a_name_that_cannot_be_used_stays_in_its_field(
    client: CheckedClient, user: Scope, name: str, problem: str
) -> None:
    answer = client.submit("/profile-settings/name", {"name": name})

    assert answer.status_code == 422 and problem in answer.get_data(as_text=True)
    assert load_user(user).name == "Rita Recruiter"


def test_a_new_password_ends_all_other_sessions_and_keeps_this_one(
    app: Flask, client: CheckedClient, user: Scope
) -> None:
    elsewhere = app.test_client().sign_in_as(user)
    data = {"current_password": USER_PASSWORD, "new_password": "a new pass phrase"}

    answer = client.submit("/profile-settings/password", data)

    assert answer.status_code == 303
    assert "Password changed." in client.get(answer.location).get_data(as_text=True)
    assert elsewhere.get("/profileSettings").status_code == 303
    assert user_actions.sign_in(load_user(user).email, "a new pass phrase") is not None
    assert user_actions.sign_in(load_user(user).email, USER_PASSWORD) is None


@pytest.mark.parametrize(
    ("current", "new", "problem"),
    [
        ("wrong", "a new pass phrase", "This is not your current password."),
        ("", "a new pass phrase", "This is not your current password."),
        (USER_PASSWORD, "tooshrt", "A password takes at least 8 characters."),
        (USER_PASSWORD, "x" * 1001, "A password takes from 1 to 1000 characters."),
    ],
)
def test_a_password_that_cannot_be_used_changes_nothing(
    client: CheckedClient, user: Scope, current: str, new: str, problem: str
) -> None:
    before = load_user(user).password_hash

    answer = client.submit("/profile-settings/password", {"current_password": current, "new_password": new})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and problem in page and new not in page
    assert load_user(user).password_hash == before
