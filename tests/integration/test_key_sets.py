"""Launches signed by the keys that a tenant publishes: a real server over TLS, and what may go wrong with it."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey, RSAKey
from sqlalchemy import update

from tests.servers.certificates import TestAuthority
from tests.servers.key_set import KeySetServer
from tests.servers.launches import Ats, encoded
from webmail.actions import key_sets, launches
from webmail.actions.launches import LaunchRefused
from webmail.errors import InputRefused
from webmail.providers import key_sets as fetching
from webmail.providers import network
from webmail.store.models import TenantKeySet, utc_now
from webmail.store.session import transaction

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:EdDSA is deprecated"),
    pytest.mark.usefixtures("database"),
]

HOST, BASE = "https://ats.acme.example", "https://mail.example"
FIRST, SECOND = OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)


@pytest.fixture
def server(authority: TestAuthority, certificates: Path) -> Iterator[KeySetServer]:
    """Publishes one key, named `one`."""
    network.configure(allow_private_hosts=True, ca_file=str(certificates / "ca.pem"))
    running = KeySetServer(authority, certificates)
    running.keys = [shape(FIRST, "one")]
    yield running
    running.stop()


@pytest.fixture
def ats(server: KeySetServer) -> Ats:
    """A tenant whose keys are taken from there."""
    made = Ats("acme", HOST, BASE)
    assert key_sets.follow("acme", f"{server.url}/keys.json?v=1") == 1
    assert server.asked == ["/keys.json?v=1"]
    return made


def shape(key: Any, kid: str, **more: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, "use": "sig", **more}


def signed(ats: Ats, key: Any, kid: str | None, algorithm: str = "EdDSA") -> str:
    header = {"alg": algorithm} | ({"kid": kid} if kid is not None else {})
    return jwt.encode(header, ats.claims(), key, algorithms=[algorithm])


def by_public_key_as_secret(ats: Ats, kid: str) -> str:
    signing = f"{encoded({'alg': 'HS256', 'kid': kid})}.{encoded(ats.claims())}"
    digest = hmac.new(SECOND.as_pem(private=False), signing.encode(), "sha256").digest()
    return f"{signing}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def launch(token: str) -> None:
    launches.launch(token, origin=HOST, audience=BASE)


def age(**earlier: timedelta) -> None:
    """Have the last look at the set be longer ago."""
    with transaction() as s:
        s.execute(update(TenantKeySet).values({name: utc_now() - each for name, each in earlier.items()}))


def test_launches_are_taken_by_published_keys_and_by_those_that_follow(server: KeySetServer, ats: Ats) -> None:
    for _ in range(3):
        launch(signed(ats, FIRST, "one"))
    assert len(server.asked) == 1

    server.keys = [shape(SECOND, "two", alg="RS256")]
    age(tried_at=timedelta(minutes=2))
    launch(signed(ats, SECOND, "two", "RS256"))

    assert len(server.asked) == 2
    with pytest.raises(LaunchRefused, match="not signed"):
        launch(signed(ats, FIRST, "one"))
    launch(ats.token())  # a secret that is registered besides


def test_names_that_are_made_up_cause_one_look_a_minute(server: KeySetServer, ats: Ats) -> None:
    age(tried_at=timedelta(minutes=2))

    for number in range(20):
        with pytest.raises(LaunchRefused, match="not signed"):
            launch(signed(ats, FIRST, f"made-up-{number}"))

    assert len(server.asked) == 2


@pytest.mark.parametrize("trouble", ["away", "refusing", "redirecting", "senseless", "endless", "emptied"])
def test_keys_that_are_known_stay_good_for_a_day_whatever_the_server_does(
    server: KeySetServer, ats: Ats, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_S", 1.0)
    if trouble == "away":
        network.configure(allow_private_hosts=False, ca_file=None)
    server.status = {"refusing": 500, "redirecting": 302}.get(trouble, 200)
    server.body = {"senseless": b"<html>", "endless": b" " * 70_000, "emptied": b'{"keys": []}'}.get(trouble)
    server.is_slow = trouble == "senseless"

    age(fetched_at=timedelta(hours=2), tried_at=timedelta(hours=2))
    began = time.monotonic()
    for _ in range(2):
        launch(signed(ats, FIRST, "one"))

    assert time.monotonic() - began < 10
    assert server.asked.count("/elsewhere") == 0 and len(server.asked) <= 2
    age(fetched_at=timedelta(hours=25))
    with pytest.raises(LaunchRefused, match="not signed"):
        launch(signed(ats, FIRST, "one"))


def test_a_key_is_good_for_its_own_algorithm_and_name_only(server: KeySetServer, ats: Ats) -> None:
    server.keys = [shape(FIRST, "one"), shape(SECOND, "two")]
    key_sets.follow("acme", server.url)
    forged = [
        signed(ats, FIRST, None),
        signed(ats, FIRST, "two"),
        signed(ats, SECOND, "one", "RS256"),
        signed(ats, SECOND, "two", "RS512"),
        by_public_key_as_secret(ats, "two"),
        signed(ats, OKPKey.generate_key("Ed25519"), "one"),
    ]

    for token in forged:
        with pytest.raises(LaunchRefused, match="not signed"):
            launch(token)


def test_what_is_no_set_of_public_keys_is_not_followed(server: KeySetServer, ats: Ats) -> None:
    server.keys = [{**FIRST.as_dict(private=True), "kid": "one"}]

    with pytest.raises(InputRefused, match="private key"):
        key_sets.follow("acme", server.url)
    launch(signed(ats, FIRST, "one"))  # what was followed before still is


def test_a_set_inside_the_network_or_in_the_clear_is_never_fetched(server: KeySetServer, ats: Ats) -> None:
    network.configure(allow_private_hosts=False, ca_file=None)

    for url, words in (
        (server.url, "begins with https"),
        ("https://localhost/keys", "can be connected to"),
        ("https://169.254.169.254/latest", "can be connected to"),
        ("https://[::1]/", "can be connected to"),
        ("http://ats.acme.example/", "begins with https"),
        ("file:///etc/passwd", "begins with https"),
        ("https://user:pw@ats.acme.example/", "begins with https"),
        ("https://a.example/\r\nX-Evil: 1", "begins with https"),
    ):
        with pytest.raises(InputRefused, match=words):
            key_sets.follow("acme", url)
    assert len(server.asked) == 1


def test_a_set_that_is_followed_no_longer_signs_nothing(server: KeySetServer, ats: Ats) -> None:
    with pytest.raises(InputRefused, match="No keys"):
        key_sets.follow_no_longer("acme", "https://other.example/")
    shown = key_sets.show("acme")
    assert shown is not None
    key_sets.follow_no_longer("acme", shown.url)

    with pytest.raises(LaunchRefused, match="not signed"):
        launch(signed(ats, FIRST, "one"))
    assert key_sets.show("acme") is None
