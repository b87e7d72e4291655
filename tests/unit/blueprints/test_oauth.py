"""The pages of signing in: what begins where, what is refused, and what a popup may do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.unit.blueprints.conftest import CheckedClient
from webmail.actions import oauth
from webmail.providers import identities
from webmail.providers.oauth import OAuthClient
from webmail.store.scope import Scope

HERE = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Registered with a Google that does not answer."""
    nowhere = OAuthClient("id", "secret", "https://127.0.0.1:9")
    identities.configure(google=nowhere, microsoft=None)
    yield
    identities.configure(google=None, microsoft=None)


def test_a_provider_that_is_not_set_up_is_not_there(client: CheckedClient) -> None:
    assert client.submit("/oauth/microsoft", {}).status_code == 404


def test_a_provider_that_does_not_answer_is_said_so(client: CheckedClient) -> None:
    answer = client.submit("/oauth/google", {})

    assert "Google sign-in does not answer properly just now." in answer.get_data(as_text=True)


def test_an_answer_that_was_not_begun_here_changes_nothing(client: CheckedClient) -> None:
    answer = client.get("/oauth/google/callback?state=foreign&code=x")

    assert answer.status_code == 303
    assert answer.location.endswith("tab=connect")


def test_an_answer_without_a_session_asks_to_sign_in(app: Flask) -> None:
    answer = app.test_client().get("/oauth/google/callback?state=foreign&code=x")

    assert answer.status_code == 303
    assert "/login" in answer.location


def test_a_popup_gets_a_ticket_that_is_good_once(client: CheckedClient, user: Scope) -> None:
    assert 'form="sign-in-google"' in client.get("/profileSettings?tab=connect").get_data(as_text=True)
    given = client.submit("/oauth/google", {"popup": "1", "only_contacts": "1"}).get_json()

    ticket = oauth.take_ticket(given["ticket"])
    assert ticket is not None
    assert (ticket.scope, ticket.provider, ticket.only_contacts) == (user, "google", True)
    assert oauth.take_ticket(given["ticket"]) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://elsewhere.example"},
        {**HERE, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_ticket_is_taken_from_a_page_of_ours_only(app: Flask, user: Scope, headers: dict[str, str]) -> None:
    ticket = oauth.issue_ticket(user, "google", None)

    answer = app.test_client().post("/oauth/popup", data={"ticket": ticket}, headers=headers)

    assert answer.status_code == 400
    assert oauth.take_ticket(ticket) is not None


def test_a_ticket_cannot_be_redeemed_by_a_link(app: Flask, user: Scope) -> None:
    ticket = oauth.issue_ticket(user, "google", None)

    assert app.test_client().get(f"/oauth/popup?ticket={ticket}").status_code in (404, 405)
    assert oauth.take_ticket(ticket) is not None


def test_a_popup_whose_provider_is_away_says_so_and_leads_nowhere(app: Flask, user: Scope) -> None:
    ticket = oauth.issue_ticket(user, "google", None)

    answer = app.test_client().post("/oauth/popup", data={"ticket": ticket}, headers=HERE)

    page = answer.get_data(as_text=True)
    assert "does not answer properly" in page
    assert "profileSettings" not in page
