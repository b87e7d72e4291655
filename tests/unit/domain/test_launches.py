"""Keys of tenants, and what a launch must say; attacks on whole launches are in the tests of the blueprint."""

from __future__ import annotations

import json

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from webmail.domain.launches import LaunchKey, LaunchRefused, load_key, read_launch, unverified_issuer

SECRET = "a secret that is long enough for everybody"
SHORT = json.dumps({"kty": "RSA", "n": "t" * 171, "e": "AQAB"})
NOW = 1_800_000_000
RIGHT = {
    "iss": "acme",
    "sub": "7",
    "aud": "https://mail.example",
    "exp": NOW + 60,
    "jti": "1",
    "name": "Rita",
    "email": "rita@acme.example",
}


def signed(**claims: object) -> str:
    return jwt.encode({"alg": "HS256"}, {**RIGHT, **claims}, OctKey.import_key(SECRET))


def keys() -> list[LaunchKey]:
    return [LaunchKey("k", "HS256", dict(OctKey.import_key(SECRET).as_dict()))]


def test_a_right_launch_is_read_with_what_it_leaves_out() -> None:
    launch = read_launch(signed(theme=None), keys(), tenant="acme", audience="https://mail.example", now=NOW)

    assert (launch.external_id, launch.name, launch.jti, launch.expires_at) == ("7", "Rita", "1", NOW + 60)
    assert (launch.contact, launch.theme, launch.locale, launch.page) == ("", "", "", "")


@pytest.mark.parametrize("end", [NOW - 11, NOW + 71, -1, 2**70, float("inf")])
def test_a_launch_is_good_for_a_minute_and_a_little_for_the_clocks(end: float) -> None:
    with pytest.raises(LaunchRefused, match="exp"):
        read_launch(signed(exp=end), keys(), tenant="acme", audience="https://mail.example", now=NOW)


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "e30.e30.e30", "e30.W10.x", "é.é.é", "x" * 9000])
def test_what_is_no_token_names_no_tenant(token: str) -> None:
    with pytest.raises(LaunchRefused):
        unverified_issuer(token)


def test_a_public_key_is_taken_in_both_ways_of_writing_it() -> None:
    for algorithm, key in (("EdDSA", OKPKey.generate_key("Ed25519")), ("RS256", RSAKey.generate_key(2048))):
        by_pem = load_key(algorithm, key.as_pem(private=False).decode())
        by_jwk = load_key(algorithm, json.dumps(key.as_dict(private=False)))

        assert by_pem["kty"] == by_jwk["kty"] and "d" not in by_pem and "d" not in by_jwk


@pytest.mark.parametrize(
    ("algorithm", "material"),
    [
        ("RS256", ""),
        ("RS256", "no key"),
        ("RS256", "{}"),
        ("RS256", SHORT),
        ("RS256", RSAKey.generate_key(2048).as_pem(private=True).decode()),
        ("RS256", ECKey.generate_key("P-256").as_pem(private=False).decode()),
        ("EdDSA", RSAKey.generate_key(2048).as_pem(private=False).decode()),
        ("EdDSA", OKPKey.generate_key("X25519").as_pem(private=False).decode()),
        ("EdDSA", json.dumps(OctKey.import_key(SECRET).as_dict())),
    ],
)
@pytest.mark.filterwarnings("ignore:Key size")
def test_no_other_key_is_taken_for_one(algorithm: str, material: str) -> None:
    with pytest.raises(ValueError, match="no public key"):
        load_key(algorithm, material)
