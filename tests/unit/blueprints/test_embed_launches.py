"""A table of attacks on launches: each is refused, and changes nothing."""

from __future__ import annotations

import base64
import hmac
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.servers.launches import Ats, encoded
from tests.unit.blueprints.conftest import load_user
from tests.unit.blueprints.embedding import BASE, HOST, MAIL, WITHIN, FramePage, post_launch, scope_of, user_of
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions import tenants
from webmail.store.scope import Scope


@pytest.fixture
def ats(app: Flask) -> Ats:
    return Ats("acme", HOST, BASE)


# Attacks on the launch. Each entry makes a token, or headers, that must not open a session.

OTHER_SECRET = "another secret, long enough to be taken for one"


def unsigned(ats: Ats) -> str:
    return f"{encoded({'alg': 'none', 'kid': ats.kid})}.{encoded(ats.claims())}."


def signed_by(secret: str | bytes, ats: Ats, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    algorithm = (header or {}).get("alg", "HS256")
    key = OctKey.import_key(secret)
    return jwt.encode({"alg": "HS256", **(header or {})}, ats.claims(**claims), key, algorithms=[algorithm])


def by_public_key_as_secret(ats: Ats) -> str:
    pem = RSAKey.generate_key(2048).as_pem(private=False)
    kid, _ = tenants.add_key("acme", "RS256", public_key=pem.decode())
    head, body = encoded({"alg": "HS256", "kid": kid}), encoded(ats.claims())
    digest = hmac.new(pem, f"{head}.{body}".encode(), "sha256").digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def by_key_in_header(ats: Ats) -> str:
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, ats.claims(), key, algorithms=["RS256"])


def with_changed_claims(ats: Ats) -> str:
    head, _, signature = ats.token().split(".")
    return f"{head}.{encoded(ats.claims(sub='boss'))}.{signature}"


def of_another_tenant(ats: Ats) -> str:
    other = Ats("globex", "https://ats.globex.example", BASE)
    return signed_by(other.secret, ats, {"kid": other.kid})


def by_removed_key(ats: Ats) -> str:
    token = ats.token()
    tenants.remove_key("acme", ats.kid)
    return token


UNSIGNED: dict[str, Callable[[Ats], str]] = {
    "no token at all": lambda ats: "",
    "no token but words": lambda ats: "let me in",
    "a token of a million dots": lambda ats: "." * 1_000_000,
    "a token whose claims are a list": lambda ats: f"{encoded({'alg': 'HS256'})}.{encoded({'a': 1})[:4]}.x",
    "alg none": unsigned,
    "signed by another secret": lambda ats: signed_by(OTHER_SECRET, ats),
    "signed by the empty secret": lambda ats: f"{encoded({'alg': 'HS256'})}.{encoded(ats.claims())}.",
    "the public key used as a secret": by_public_key_as_secret,
    "a stronger algorithm than the key's": lambda ats: signed_by(ats.secret, ats, {"alg": "HS512"}),
    "a key brought along in the header": by_key_in_header,
    "claims changed after signing": with_changed_claims,
    "another tenant's key": of_another_tenant,
    "a kid that names a file": lambda ats: signed_by(ats.secret, ats, {"kid": "../../../dev/null"}),
    "a kid that is SQL": lambda ats: signed_by(ats.secret, ats, {"kid": "' OR 1=1 --"}),
    "a tenant that is not there": lambda ats: signed_by(ats.secret, ats, iss="nobody"),
    "a tenant that is no text": lambda ats: signed_by(ats.secret, ats, iss=["acme"]),
    "a key that was removed": by_removed_key,
}


@pytest.mark.parametrize("attack", UNSIGNED)
def test_what_no_key_of_the_tenant_has_signed_is_refused_in_the_same_words(app: Flask, ats: Ats, attack: str) -> None:
    answer = post_launch(app.test_client(), UNSIGNED[attack](ats), HOST)

    text = answer.get_data(as_text=True)
    assert answer.status_code == 403 and "not signed by a key of the tenant" in text
    assert re.search(r"Reference [0-9a-f]{8}", text)
    # Neither the page nor its policy tells whether there is such a tenant.
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"] and "acme" not in text
    assert "Set-Cookie" not in answer.headers and user_of(ats) is None


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another installation": ({"aud": "https://mail.other.example"}, "aud is"),
    "several audiences": ({"aud": [BASE, "https://mail.other.example"]}, "aud is"),
    "no audience": ({"aud": None}, "aud is"),
    "no end": ({"exp": None}, "exp is missing"),
    "an end in words": ({"exp": "tomorrow"}, "exp is missing"),
    "an end that is true": ({"exp": True}, "exp is missing"),
    "good for a day": ({"exp": int(time.time()) + 86400}, "seconds ahead"),
    "long over": ({"exp": int(time.time()) - 3600}, "seconds ago"),
    "not yet begun": ({"nbf": int(time.time()) + 3600}, "nbf is in the future"),
    "made in the future": ({"iat": int(time.time()) + 3600}, "iat is in the future"),
    "nobody": ({"sub": None}, "sub is missing"),
    "a user that is no text": ({"sub": 7}, "sub has to be text"),
    "no jti": ({"jti": None}, "jti is missing"),
    "no name": ({"name": ""}, "name is missing"),
    "line breaks in the name": ({"name": "Rita\r\nBcc: x@evil.example"}, "name has to be text"),
    "no address": ({"email": "rita"}, "no mail address"),
    "a page elsewhere": ({"page": "//evil.example"}, "page takes"),
    "a locale that is markup": ({"locale": '"><script>'}, "locale takes"),
    "a locale that is a path": ({"locale": "../../etc/passwd"}, "locale takes"),
    "a theme that is markup": ({"theme": '"><script>'}, "theme takes"),
}


@pytest.mark.parametrize("attack", WRONG)
def test_a_signed_launch_with_a_wrong_claim_is_told_what_to_mend(app: Flask, ats: Ats, attack: str) -> None:
    claims, words = WRONG[attack]

    answer = post_launch(app.test_client(), ats.token(**claims), HOST)

    assert answer.status_code == 403 and words in answer.get_data(as_text=True)
    assert f"frame-ancestors {HOST}" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers and user_of(ats) is None


@pytest.mark.parametrize("seconds", [-9, 69])
def test_clocks_may_differ_a_little(app: Flask, ats: Ats, seconds: int) -> None:
    assert post_launch(app.test_client(), ats.token(exp=int(time.time()) + seconds), HOST).status_code == 303


def test_a_launch_is_good_once(app: Flask, ats: Ats) -> None:
    token = ats.token()
    assert post_launch(app.test_client(), token, HOST).status_code == 303

    for client in (app.test_client(), app.test_client()):
        answer = post_launch(client, token, HOST)
        assert answer.status_code == 403 and "used before" in answer.get_data(as_text=True)
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [None, "null", "", "https://evil.example", "http://ats.acme.example", "https://ats.acme.example.evil.example"],
)
def test_a_launch_from_a_page_that_is_not_on_the_list_is_refused(app: Flask, ats: Ats, origin: str | None) -> None:
    answer = post_launch(app.test_client(), ats.token(), origin)

    assert answer.status_code == 403 and "not among the tenant&#39;s origins" in answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers
    assert "evil" not in answer.headers["Content-Security-Policy"]


def test_a_launch_that_would_take_over_the_whole_window_is_refused(app: Flask, ats: Ats) -> None:
    answer = post_launch(app.test_client(), ats.token(), HOST, **{"Sec-Fetch-Dest": "document"})

    assert answer.status_code == 403 and "posted into a frame" in answer.get_data(as_text=True)


def test_a_launch_is_never_taken_from_an_address(app: Flask, ats: Ats) -> None:
    assert app.test_client().get(f"/embed/launch?token={ats.token()}", headers=WITHIN).status_code == 405


def test_an_address_is_no_proof_of_who_somebody_is(app: Flask, ats: Ats, make_user: Callable[..., Scope]) -> None:
    victims = [make_user("boss@acme.example", tenant="acme"), make_user("ceo@globex.example", tenant="globex")]

    for email in ("boss@acme.example", "ceo@globex.example"):
        page = FramePage(app, ats, sub=f"mallory-{email}", email=email)
        assert page.ask("/session").get_json()["user"] not in [str(load_user(each).uuid) for each in victims]

    assert [load_user(each).launch_email for each in victims] == ["", ""]


def test_the_same_external_id_of_another_tenant_is_another_user(app: Flask, ats: Ats) -> None:
    other = Ats("globex", "https://ats.globex.example", BASE)
    account = add_mailbox(scope_of_launch(app, ats))
    message = receive(account, MAIL)[0]

    page = FramePage(app, other)

    assert page.get(f"/conversations/{conversation_of(message).uuid}?frame={page.name}").status_code == 404
    assert page.ask("/embed/state").get_json()["accounts"] == []


def scope_of_launch(app: Flask, ats: Ats) -> Scope:
    FramePage(app, ats)
    return scope_of(ats)
