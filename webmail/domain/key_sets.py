"""Key sets: the public keys that a tenant publishes at an address of its own, as RFC 7517 writes them.

A key is taken for one algorithm only, which follows from its kind; what a token or the set says besides has to agree.
"""

from __future__ import annotations

import json
from typing import Any

from webmail.domain.launches import LaunchKey, load_key

MOST_KEYS = 20
_LONGEST_KID = 200
_KINDS = {("OKP", "Ed25519"): ("EdDSA", "Ed25519"), ("RSA", ""): ("RS256",)}
"""The names of its algorithm, by a key's kind; launches write the first."""
_NUMBERS = ("kty", "crv", "x", "n", "e")
"""What makes a public key; the rest of what a set says of it is not taken along."""


def read_key_set(material: bytes) -> list[LaunchKey]:
    """Give the keys of a set that can sign launches; others, which a tenant may have for other things, are left out.

    Raises:
        ValueError: it is no key set, holds a private key or too many keys, or none that can sign launches.
    """
    try:
        listed = json.loads(material)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        raise ValueError("It is no key set: a JSON object with keys.")
    if len(listed) > MOST_KEYS:
        raise ValueError(f"It holds more than {MOST_KEYS} keys.")
    if any(isinstance(each, dict) and ("d" in each or "k" in each) for each in listed):
        raise ValueError("It holds a secret or a private key: publish public keys only, and make that one anew.")
    keys = [key for each in listed if isinstance(each, dict) and (key := _read(each)) is not None]
    if len({key.kid for key in keys}) < len(keys):
        raise ValueError("Two of its keys have the same kid.")
    if not keys:
        raise ValueError("It holds no key for EdDSA (Ed25519) or RS256 (2048 bits or more) that has a kid.")
    return keys


def _read(shape: dict[str, Any]) -> LaunchKey | None:
    kid, kind = shape.get("kid"), (str(shape.get("kty")), str(shape.get("crv", "")))
    names = _KINDS.get(kind)
    is_fit = names is not None and shape.get("alg", names[0]) in names and shape.get("use", "sig") == "sig"
    if not is_fit or names is None or not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_KID:
        return None
    try:
        bare = {name: shape[name] for name in _NUMBERS if name in shape}
        return LaunchKey(kid, names[0], load_key(names[0], json.dumps(bare)), is_published=True)
    except ValueError:
        return None
