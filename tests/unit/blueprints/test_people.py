"""Suggestions for recipients, as the composer's fields ask for them."""

from __future__ import annotations

from tests.mails import build_mail
from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.written import add_account, add_message
from webmail.store.scope import Scope


def test_options_are_written_as_they_are_put_into_the_field(client: CheckedClient, user: Scope) -> None:
    account = add_account(user)
    for number, recipient in enumerate(
        ('"Ana, the <b>first</b>" <ana@example.com>', "rita@acme.example", "al@x.example")
    ):
        add_message(account, build_mail(number, sender="Rita <rita@acme.example>", recipient=recipient))

    answer = client.get_partial("/compose/people?q=a")

    assert 'data-email="ana@example.com"' in answer.text
    assert "&lt;b&gt;first&lt;/b&gt;" in answer.text
    assert "al@x.example" in answer.text
    assert "rita@acme.example" not in answer.text
    assert client.get_partial("/compose/people").text.strip() == ""


def test_strangers_are_told_nothing(stranger: CheckedClient) -> None:
    assert stranger.get_partial("/compose/people?q=a").status_code == 401
