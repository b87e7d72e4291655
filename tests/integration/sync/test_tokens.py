"""Tokens are refreshed by one process at a time, stored before they are used, and outlive crashes and quiet years."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import AccountMaker
from tests.servers.dovecot import Dovecot
from tests.servers.identity import RunningIdentity
from webmail.demo.identity import Person
from webmail.errors import NeedsSignIn, Retryable
from webmail.providers import google, identities, microsoft
from webmail.store import grants
from webmail.store.grants import StoredTokens
from webmail.store.models import Account, OAuthGrant, utc_now
from webmail.store.session import reading, transaction
from webmail.sync import tokens

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning"),
]

CALLBACK = "http://localhost:8000/oauth/callback"
MODULES = {"google": google, "microsoft": microsoft}


class World:
    """An account with a grant at a running identity server, and a clock that the server believes in."""

    def __init__(self, server: RunningIdentity, account: Account) -> None:
        self.server = server
        self.account = account
        self.offset_s = 0.0

    def grant(self) -> OAuthGrant:
        with reading() as s:
            found = grants.find_grant(s, self.account.id)
        assert found is not None
        return found

    def tokens(self) -> StoredTokens:
        return grants.tokens_of(self.grant())

    def age(self, **values: datetime | None) -> None:
        with transaction() as s:
            grant = grants.find_grant(s, self.account.id)
            assert grant is not None
            for name, value in values.items():
                setattr(grant, name, value)


@pytest.fixture
def begin_world(certificates: Path, dovecot: Dovecot, make_account: AccountMaker) -> Iterator[Callable[[str], World]]:
    servers: list[RunningIdentity] = []

    def begin(style: str) -> World:
        mailbox = dovecot.account()
        server = RunningIdentity(style, certificates, [Person(mailbox.email, "Ines", "subject")])
        server._now = lambda: time.time() + world.offset_s
        servers.append(server)
        identities.configure(
            google=server.client if style == "google" else None,
            microsoft=server.client if style == "microsoft" else None,
        )
        account = make_account(mailbox, auth=style)
        module = MODULES[style]
        world = World(server, account)
        begun = module.begin(server.client, CALLBACK)
        grant = module.finish(server.client, begun.flow, server.browse(begun.url, mailbox.email))
        with transaction() as s:
            grants.save_grant(
                s,
                account.id,
                provider=style,
                subject=grant.subject,
                tokens=StoredTokens(grant.tokens.refresh_token, grant.tokens.access_token),
                expires_at=grant.tokens.expires_at,
                scopes=sorted(grant.tokens.scopes),
            )
        server.token_requests = 0
        return world

    yield begin
    identities.configure(google=None, microsoft=None)
    for server in servers:
        server.stop()


@pytest.fixture(params=["google", "microsoft"])
def world(request: pytest.FixtureRequest, begin_world: Callable[[str], World]) -> World:
    return begin_world(request.param)


def test_a_token_with_time_left_costs_no_request(world: World) -> None:
    assert tokens.access_token(world.account) == world.tokens().access_token
    assert world.server.token_requests == 0


def test_a_token_is_renewed_ahead_of_its_end_and_stored(world: World) -> None:
    before = world.tokens()
    world.age(expires_at=utc_now() + timedelta(minutes=4))

    given = tokens.access_token(world.account)

    after = world.tokens()
    assert given == after.access_token != before.access_token
    assert (after.refresh_token != before.refresh_token) == (world.server.style == "microsoft")
    assert world.grant().lease_until is None


def test_a_token_that_a_server_refuses_is_replaced(world: World) -> None:
    refused = world.tokens().access_token

    assert tokens.access_token(world.account, refused=refused) != refused


def test_eight_that_need_a_token_at_once_spend_the_refresh_token_once(world: World) -> None:
    world.age(expires_at=utc_now() - timedelta(minutes=1))
    world.server.faults.delay_s = 0.3

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: tokens.access_token(world.account), range(8)))

    assert set(given) == {world.tokens().access_token}
    assert world.server.token_requests == 1


def test_a_process_that_dies_while_refreshing_does_not_block_the_account(world: World) -> None:
    world.age(expires_at=utc_now() - timedelta(minutes=1))
    with transaction() as s:
        assert grants.acquire_refresh(s, world.account.id) is not None
    world.age(lease_until=utc_now() - timedelta(seconds=1))

    assert tokens.access_token(world.account) == world.tokens().access_token


def test_an_answer_that_got_lost_costs_nothing(world: World) -> None:
    world.age(expires_at=utc_now() - timedelta(minutes=1))
    world.server.faults.loses_answer_once = True

    with pytest.raises(Retryable):
        tokens.access_token(world.account)

    assert world.grant().lease_until is None
    assert world.server.email_of(tokens.access_token(world.account)) == world.account.email


def test_what_a_late_process_brings_back_is_not_stored(begin_world: Callable[[str], World]) -> None:
    world = begin_world("microsoft")
    with transaction() as s:
        late = grants.acquire_refresh(s, world.account.id)
    assert late is not None
    world.age(lease_until=utc_now() - timedelta(seconds=1), expires_at=utc_now())
    current = tokens.access_token(world.account)

    with pytest.raises(grants.LeaseLost), transaction() as s:
        grants.store_refreshed(s, world.account.id, late, tokens=StoredTokens("old", "old"), expires_at=utc_now())

    assert world.tokens().access_token == current


@pytest.mark.parametrize("answer", [(429, "{}"), (500, "x"), (200, "<html>")])
def test_a_server_that_is_unwell_leaves_the_grant_as_it_is(world: World, answer: tuple[int, str]) -> None:
    world.age(expires_at=utc_now())
    before = world.tokens()
    world.server.faults.answers = [answer]

    with pytest.raises(Retryable):
        tokens.access_token(world.account)

    assert world.tokens() == before
    assert world.grant().lease_until is None


def test_a_revoked_grant_needs_a_sign_in(world: World) -> None:
    world.server.revoke_grants(world.account.email, "invalid_grant")
    world.age(expires_at=utc_now())

    with pytest.raises(NeedsSignIn):
        tokens.access_token(world.account)


def test_four_hundred_days_without_a_visit_stay_connected(begin_world: Callable[[str], World]) -> None:
    world = begin_world("microsoft")

    for _ in range(100):
        world.offset_s += 4 * 86400
        world.age(renewed_at=utc_now() - timedelta(days=4), expires_at=utc_now())
        tokens.keep_alive()

    assert world.server.email_of(tokens.access_token(world.account)) == world.account.email


def test_without_the_daily_use_a_grant_dies_after_ninety_days(begin_world: Callable[[str], World]) -> None:
    world = begin_world("microsoft")
    world.offset_s = 91 * 86400
    world.age(expires_at=utc_now())

    with pytest.raises(NeedsSignIn) as caught:
        tokens.access_token(world.account)

    assert caught.value.cause == "inactive"


def test_no_token_stands_in_the_database_in_the_clear(world: World) -> None:
    stored = world.grant().secret

    assert world.tokens().refresh_token.encode() not in stored
    assert world.tokens().access_token.encode() not in stored


def test_an_installation_that_lost_its_registration_does_not_end_the_grant(world: World) -> None:
    identities.configure(google=None, microsoft=None)
    world.age(expires_at=utc_now())

    with pytest.raises(Retryable):
        tokens.access_token(world.account)
