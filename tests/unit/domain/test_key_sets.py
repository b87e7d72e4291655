"""Which keys of a published set can sign launches."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from webmail.domain.key_sets import MOST_KEYS, read_key_set

EDWARDS, RSA = OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)


def shape(key: Any, kid: object, **more: object) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, **more}


def written(*shapes: object) -> bytes:
    return json.dumps({"keys": shapes}).encode()


def test_each_key_is_taken_for_the_algorithm_of_its_kind_and_others_are_left_out() -> None:
    keys = read_key_set(
        written(
            shape(EDWARDS, "a", use="sig", alg="Ed25519", x5c=["…"]),
            shape(RSA, "b", alg="RS256"),
            shape(ECKey.generate_key("P-256"), "c"),
            shape(OKPKey.generate_key("X25519"), "d"),
            shape(RSA, "e", use="enc"),
            shape(RSA, "f", alg="PS256"),
            shape(EDWARDS, "g", alg="RS256"),
            shape(EDWARDS, ""),
            shape(EDWARDS, 7),
            {"kty": "RSA", "kid": "h", "n": "t" * 171, "e": "AQAB"},
            {"kty": "OKP", "kid": "i", "crv": "Ed25519"},
            "words",
        )
    )

    assert [(key.kid, key.algorithm, key.is_published) for key in keys] == [("a", "EdDSA", True), ("b", "RS256", True)]
    assert keys[0].jwk.keys() >= {"kty", "crv", "x"} and "x5c" not in keys[0].jwk


@pytest.mark.parametrize(
    ("material", "words"),
    [
        (b"", "no key set"),
        (b"<html>", "no key set"),
        (b'{"keys": {}}', "no key set"),
        (b"[" * 100_000, "no key set"),
        (b"\xff", "no key set"),
        (written(), "no key for"),
        (written(shape(EDWARDS, "a"), shape(RSA, "a")), "same kid"),
        (written({**EDWARDS.as_dict(private=True), "kid": "a"}), "private key"),
        (written(shape(EDWARDS, "a"), OctKey.generate_key(256).as_dict()), "a secret"),
        (written(*(shape(EDWARDS, str(number)) for number in range(MOST_KEYS + 1))), "more than"),
    ],
)
def test_what_is_no_set_of_public_keys_is_refused(material: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_key_set(material)
