"""How a sign-in can end, beyond what the other tests of signing in tell; the whole table stands in docs/oauth.md."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.integration.connect.conftest import steps_of
from tests.integration.connect.test_oauth import CALLBACK, World, world
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot
from tests.servers.identity import CLIENT_SECRET
from tests.servers.tokens import TokenHub
from webmail import queue
from webmail.actions import oauth, operators
from webmail.blueprints._connect_tab import load_card
from webmail.config import Config
from webmail.errors import NeedsSignIn, Refused, Retryable
from webmail.providers import google, microsoft
from webmail.store import grants
from webmail.store.accounts import list_accounts
from webmail.store.departures import load_departure
from webmail.store.models import Account, OAuthGrant, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.sync import engine, tokens

__all__ = ["world"]

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning"),
]

MODULES = {"google": google, "microsoft": microsoft}
CARDS = {"google": "gmail", "microsoft": "outlook"}


def nothing_is_stored(world: World) -> bool:
    with reading() as s:
        return list_accounts(s, world.user) == [] and list(s.scalars(select(OAuthGrant))) == []


def test_a_sign_in_that_took_longer_than_ten_minutes_is_over(world: World) -> None:
    begun = oauth.begin(world.user, world.style, CALLBACK, None)
    key = f"kept:sign-in:{world.style}:{begun.state}"
    assert 590 < queue.connection().ttl(key) <= 600
    queue.connection().delete(key)

    with pytest.raises(Refused) as caught:
        oauth.finish(world.user, world.style, world.server.browse(begun.url, world.mailbox.email))

    assert caught.value.cause == "state_unknown"
    assert nothing_is_stored(world)


def test_a_code_that_was_given_to_another_client_is_refused(world: World) -> None:
    world.server.clients["another"] = CLIENT_SECRET
    begun = oauth.begin(world.user, world.style, CALLBACK, None)
    other = begun.url.replace("client_id=webmail-test", "client_id=another")

    with pytest.raises(Refused) as caught:
        oauth.finish(world.user, world.style, world.server.browse(other, world.mailbox.email))

    assert caught.value.cause == "code_refused"
    assert nothing_is_stored(world)


def test_an_id_token_that_is_hours_old_is_refused(world: World) -> None:
    if world.style == "microsoft":
        pytest.skip("MSAL leaves the time of an ID token alone: it comes straight from the server, with our nonce")
    world.server.faults.clock_skew_s = -7200

    with pytest.raises(Refused) as caught:
        world.sign_in()

    assert caught.value.cause == "answer_mismatch"
    assert nothing_is_stored(world)


@pytest.mark.one_database
def test_a_token_server_that_takes_too_long_ends_nothing(world: World) -> None:
    world.sign_in()
    world.expire()
    world.server.faults.delay_s = 11

    with pytest.raises(Retryable) as caught:
        tokens.access_token(world.account)

    assert caught.value.cause == "identity_server_away"
    assert world.account.status == "connected"
    world.server.faults.delay_s = 0
    assert tokens.access_token(world.account)


def test_imap_that_is_switched_off_is_named_before_anything_is_connected(world: World, token_hub: TokenHub) -> None:
    token_hub.servers.remove(world.server)

    attempt = world.sign_in()

    token_hub.servers.append(world.server)
    assert attempt.state == "failed"
    assert steps_of(attempt)["imap"]["state"] == "failed"
    assert steps_of(attempt)["imap"]["next_step"]
    assert nothing_is_stored(world)


def test_eight_processes_spend_a_refresh_token_once(world: World, database: Config) -> None:
    world.sign_in()
    world.expire()
    world.server.token_requests = 0
    world.server.faults.delay_s = 0.5
    client = world.server.client
    program = f"""
import sys
from webmail.providers import identities
from webmail.providers.oauth import OAuthClient
from webmail.store import session
from webmail.store.accounts import find_account
from webmail.store.session import reading
from webmail.sync import tokens
session.configure({database.database_url!r}, {database.encryption_keys!r})
client = OAuthClient({client.client_id!r}, {client.client_secret!r}, {client.authority!r}, {client.ca_file!r})
identities.configure(**{{name: client if name == {world.style!r} else None for name in ("google", "microsoft")}})
with reading() as s:
    account = find_account(s, {world.account.id})
print("token", tokens.access_token(account))
"""

    workers = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", program], stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    given = {worker.communicate(timeout=60)[0].split("token ")[-1].strip() for worker in workers}

    assert given == {grants.tokens_of(world.grant()).access_token}
    assert world.server.token_requests == 1


def test_a_refresh_token_that_was_rotated_and_lost_in_a_crash_is_no_end(world: World) -> None:
    world.sign_in()
    world.expire()
    before = grants.tokens_of(world.grant())
    # The process dies between the answer and the commit: the server has rotated, nothing is stored here.
    MODULES[world.style].refresh(world.server.client, before.refresh_token)

    assert world.server.email_of(tokens.access_token(world.account)) == world.mailbox.email


def test_what_came_while_the_sign_in_was_missing_is_counted(world: World, dovecot: Dovecot) -> None:
    world.sign_in()
    engine.sync_account(world.account.id)
    before = world.account
    world.server.revoke_grants(world.mailbox.email, "invalid_grant")
    world.expire()
    engine.sync_account(before.id)
    lost = world.account
    time.sleep(1)
    for number in range(3):
        dovecot.deliver(world.mailbox.email, build_mail(number, date=utc_now()))
    time.sleep(1)

    world.sign_in(account=before)
    engine.sync_account(before.id)

    assert lost.status_cause == "withdrawn"
    assert lost.status_since is not None
    (row,) = load_card(world.user, CARDS[world.style]).rows
    assert row.missed == 3
    assert (row.account.status_since, row.account.status_cause) == (None, "")


def test_a_google_app_in_testing_is_told_to_the_operator(world: World) -> None:
    world.sign_in()
    account_id = world.account.id
    with transaction() as s:
        account, grant = s.get_one(Account, account_id), s.get_one(OAuthGrant, account_id)
        account.status, account.status_cause = "reconnect_needed", "withdrawn"
        account.status_since, grant.granted_at = utc_now(), utc_now() - timedelta(days=7, hours=1)

    with reading() as s:
        (report,) = [each for each in operators.report_accounts(s) if each.account.id == account_id]

    assert "needs a sign-in since" in report.remark
    assert ("in production" in report.remark) == (world.style == "google")


def test_a_grant_near_its_end_is_told_to_the_operator(world: World) -> None:
    world.sign_in()
    with transaction() as s:
        s.get_one(OAuthGrant, world.account.id).renewed_at = utc_now() - timedelta(days=80)

    with reading() as s:
        (report,) = [each for each in operators.report_accounts(s) if each.account.id == world.account.id]

    assert ("unless it is renewed" in report.remark) == (world.style == "microsoft")


def test_disconnecting_says_what_becomes_of_the_access(world: World, make_user: Callable[..., Scope]) -> None:
    world.sign_in()
    with reading() as s:
        alone = load_departure(s, world.account).grant
    other, own_id = make_user(), world.account.id
    with transaction() as s:
        mine = s.get_one(OAuthGrant, own_id)
        account = Account(
            tenant_id=other.tenant_id,
            user_id=other.user_id,
            email=world.mailbox.email,
            user_name=world.mailbox.email,
            smtp_host="localhost",
            smtp_port=1,
        )
        s.add(account)
        s.flush()
        values = {name: getattr(mine, name) for name in ("provider", "subject", "secret", "expires_at", "scopes")}
        s.add(OAuthGrant(account_id=account.id, **values))

    with reading() as s:
        shared = load_departure(s, world.account).grant

    assert (alone, shared) == (("google", "shared") if world.style == "google" else ("microsoft", "microsoft"))


def test_a_revoked_grant_says_why_and_asks_for_a_sign_in_at_the_next_use(world: World) -> None:
    world.sign_in()
    world.server.revoke_grants(world.mailbox.email, "revoked" if world.style == "microsoft" else "invalid_grant")
    world.expire()

    with pytest.raises(NeedsSignIn) as caught:
        tokens.access_token(world.account)

    assert caught.value.cause == ("password_changed" if world.style == "microsoft" else "withdrawn")
