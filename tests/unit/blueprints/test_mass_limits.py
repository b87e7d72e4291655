"""What a user says that a provider allows, on the Connect tab."""

from __future__ import annotations

import pytest

from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox
from webmail.providers.limits import limits_of
from webmail.store.models import Account
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction


def _mailbox(user: Scope, provider: str) -> Account:
    account = add_mailbox(user)
    with transaction() as s:
        s.get_one(Account, account.id).provider = provider
    return account


def _kept(account: Account) -> dict[str, int]:
    with reading() as s:
        return s.get_one(Account, account.id).mass_limits


def test_a_careful_guess_may_be_raised_and_an_empty_field_means_what_is_known(
    client: CheckedClient, user: Scope
) -> None:
    account = _mailbox(user, "")
    page = client.get("/profileSettings?tab=connect").text
    assert "What my provider allows" in page
    assert "Nothing is known of what this provider allows" in page

    saved = client.submit(f"/accounts/{account.uuid}/limits", {"minute": "30", "hour": "", "day": "5,000"})

    assert saved.status_code == 303
    assert _kept(account) == {"minute": 30, "day": 5000}
    limits = limits_of("", _kept(account))
    assert (limits.per_minute, limits.per_hour, limits.per_day) == (30, None, 5000)

    client.submit(f"/accounts/{account.uuid}/limits", {"minute": "", "hour": "", "day": ""})
    assert _kept(account) == {}


@pytest.mark.parametrize(
    ("field", "figure", "says"),
    [
        ("day", "501", "Gmail lets a mailbox send 500"),
        ("hour", "many", "from 1 to 1,000,000"),
        ("minute", "0", "from 1 to"),
    ],
)
def test_what_a_provider_is_known_to_refuse_is_refused(
    client: CheckedClient, user: Scope, field: str, figure: str, says: str
) -> None:
    account = _mailbox(user, "gmail")

    refused = client.submit(f"/accounts/{account.uuid}/limits", {field: figure})

    assert refused.status_code == 422
    assert says in refused.text
    assert _kept(account) == {}


def test_a_known_ceiling_may_be_lowered_and_never_be_exceeded(client: CheckedClient, user: Scope) -> None:
    account = _mailbox(user, "gmail")

    client.submit(f"/accounts/{account.uuid}/limits", {"minute": "40", "day": "100"})

    limits = limits_of("gmail", _kept(account))
    assert (limits.per_minute, limits.per_day) == (40, 100)
    assert limits_of("gmail", {"day": 9000}).per_day == 500
    assert limits_of("zoho_eu", {"hour": 200}).per_hour == 200
