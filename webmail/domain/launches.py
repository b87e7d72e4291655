"""Launches: what an ATS signs to open a frame for one of its users.

Whatever a token says of itself is compared with what the tenant has registered: the algorithm comes from the key, not
from the token. Until the signature has been checked, every refusal is the same, so that nobody learns which tenants,
keys and users there are; afterwards it is the tenant who asks, and the refusal says exactly what to mend.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwk, jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.util import urlsafe_b64decode

ALGORITHMS = ("HS256", "EdDSA", "RS256")
LONGEST_S = 60
"""How long a launch may be good for."""
LEEWAY_S = 10
"""How far the two clocks may be apart."""
MAX_TOKEN = 8000
PAGES = ("inbox", "contact", "connect", "compose")
THEMES = ("auto", "light", "dark")
_RSA_CHARACTERS = 342
"""Of the modulus of 2048 bits, in base64."""
_UNSIGNED = (
    "This launch is not signed by a key of the tenant that it names. Check that iss is the tenant's slug, that kid, if "
    "there is one, names a registered key or one of the key set, which a launch has to name, that alg is the algorithm "
    "of that key, and that the secret is used as it was shown, character by character."
)


class _Registry(jws.JWSRegistry):
    """Takes the algorithms that it is made for, and none that is only recommended.

    joserfc's own warns of the name `EdDSA`, which RFC 9864 replaces by `Ed25519`: what signs launches today still
    writes the old one.
    """

    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(f"Algorithm of {name!r} is not allowed")
        return self.algorithms[name]


class LaunchRefused(Exception):
    """A launch cannot be taken; the sentence is for the integrator, `detail` for the log only."""

    def __init__(self, sentence: str, detail: str, *, is_signed: bool = True) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.detail = detail
        self.is_signed = is_signed


@dataclass(frozen=True)
class LaunchKey:
    """A registered key: its name, its one algorithm, and the key as a JWK."""

    kid: str
    algorithm: str
    jwk: dict[str, Any] = field(repr=False)
    is_published: bool = False
    """It is of a key set: a token has to name it."""


@dataclass(frozen=True)
class Launch:
    """What a launch that was checked says. Only its `jti` remains to be used up."""

    external_id: str
    name: str
    email: str
    jti: str
    expires_at: int
    contact: str
    theme: str
    locale: str
    page: str


def unverified_issuer(token: str) -> str:
    """Give the tenant that a token claims to come from: by it the keys are found, nothing else.

    Raises:
        LaunchRefused: it is no token.
    """
    try:
        if len(token) > MAX_TOKEN:
            raise ValueError
        claims = json.loads(urlsafe_b64decode(token.split(".")[1].encode()))
        issuer = claims["iss"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise LaunchRefused(_UNSIGNED, "not a token", is_signed=False) from None
    return issuer if isinstance(issuer, str) else ""


def unverified_kid(token: str) -> str:
    """Give the key that a token claims to be signed by, "" when it names none."""
    try:
        named = json.loads(urlsafe_b64decode(token.partition(".")[0].encode()))["kid"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return named if isinstance(named, str) else ""


def read_launch(token: str, keys: Sequence[LaunchKey], *, tenant: str, audience: str, now: int) -> Launch:
    """Check a launch: signature first, then every claim.

    Args:
        keys: the tenant's own, those of its key set among them.
        tenant: the slug that `iss` must be.
        audience: this installation's address, which `aud` must be.
        now: seconds since 1970.

    Raises:
        LaunchRefused: something is not as it has to be.
    """
    claims = _verified_claims(token, keys)
    if claims.get("iss") != tenant:
        raise LaunchRefused(_UNSIGNED, "iss changed", is_signed=False)
    _check_audience(claims.get("aud"), audience)
    expires_at = _check_times(claims, now)
    return Launch(
        external_id=_text(claims, "sub", 200),
        name=_text(claims, "name", 200),
        email=_email(claims),
        jti=_text(claims, "jti", 200),
        expires_at=expires_at,
        contact=_text(claims, "contact", 200, is_needed=False),
        theme=_choice(claims, "theme", THEMES),
        locale=_locale(claims),
        page=_choice(claims, "page", PAGES),
    )


def load_key(algorithm: str, material: str) -> dict[str, Any]:
    """Read a public key as the operator gives it, in PEM or as a JWK, and give it as a JWK.

    Args:
        algorithm: `EdDSA` or `RS256`.

    Raises:
        ValueError: it is no public key for that algorithm.
    """
    try:
        value = json.loads(material) if material.lstrip().startswith("{") else material
        key = jwk.OKPKey.import_key(value) if algorithm == "EdDSA" else jwk.RSAKey.import_key(value)
        shape = key.as_dict(private=False)
        is_strong = shape.get("crv") == "Ed25519" if algorithm == "EdDSA" else len(str(shape["n"])) >= _RSA_CHARACTERS
        if key.is_private or not is_strong:
            raise ValueError
        return dict(shape)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(f"This is no public key for {algorithm}.") from None


def _verified_claims(token: str, keys: Sequence[LaunchKey]) -> dict[str, Any]:
    try:
        header = json.loads(urlsafe_b64decode(token.partition(".")[0].encode()))
        named = header.get("kid")
        algorithm = header.get("alg")
    except (ValueError, AttributeError, RecursionError):
        raise LaunchRefused(_UNSIGNED, "unreadable header", is_signed=False) from None
    for key in keys:
        is_named = named == key.kid or (named is None and not key.is_published)
        if key.algorithm != algorithm or not is_named:
            continue
        try:
            registry = _Registry(algorithms=[key.algorithm])
            opened = jws.deserialize_compact(token, jwk.import_key(key.jwk), registry=registry)
            claims = json.loads(opened.payload)
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
        if isinstance(claims, dict):
            return claims
    detail = f"no key fits: alg {str(algorithm)[:20]!r}, kid {str(named)[:64]!r}, {len(keys)} keys"
    raise LaunchRefused(_UNSIGNED, detail, is_signed=False)


def _check_audience(claimed: object, audience: str) -> None:
    if claimed not in (audience, [audience]):
        shown = str(claimed)[:200]
        raise LaunchRefused(f"aud is {shown!r}; it has to be {audience!r}.", f"aud {shown!r}")


def _check_times(claims: dict[str, Any], now: int) -> int:
    expires_at = claims.get("exp")
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float) or not 0 < expires_at < 2**40:
        raise LaunchRefused("exp is missing or is no number of seconds since 1970.", "exp missing")
    left = int(expires_at) - now
    if left < -LEEWAY_S:
        raise LaunchRefused(
            f"exp was {-left} seconds ago by our clock, which says {now}. Sign each launch when it is opened, and "
            "compare the two clocks.",
            f"expired by {-left} s",
        )
    if left > LONGEST_S + LEEWAY_S:
        raise LaunchRefused(
            f"exp is {left} seconds ahead by our clock, which says {now}. A launch is good for at most {LONGEST_S} "
            "seconds; if yours is, the two clocks differ.",
            f"exp {left} s ahead",
        )
    for name in ("nbf", "iat"):
        begins = claims.get(name, 0)
        if isinstance(begins, bool) or not isinstance(begins, int | float) or begins > now + LEEWAY_S:
            raise LaunchRefused(f"{name} is in the future by our clock, which says {now}.", f"{name} ahead")
    return int(expires_at)


def _text(claims: dict[str, Any], name: str, most: int, *, is_needed: bool = True) -> str:
    value = claims.get(name, "")
    if value is None and not is_needed:
        return ""
    if not isinstance(value, str) or len(value) > most or any(ord(character) < 32 for character in value):
        raise LaunchRefused(f"{name} has to be text of at most {most} characters, without line breaks.", f"bad {name}")
    if is_needed and not value.strip():
        raise LaunchRefused(f"{name} is missing.", f"no {name}")
    return value.strip()


def _email(claims: dict[str, Any]) -> str:
    value = _text(claims, "email", 320)
    local, _, host = value.rpartition("@")
    if not local or not host or " " in value:
        raise LaunchRefused("email is no mail address.", "bad email")
    return value


def _locale(claims: dict[str, Any]) -> str:
    value = _text(claims, "locale", 35, is_needed=False)
    tag = normal_locale(value)
    if value and not tag:
        raise LaunchRefused("locale takes a language tag, such as en-US or de.", "bad locale")
    return tag


def normal_locale(value: str) -> str:
    """Write a language tag as is usual: en-US for en_us; "" for what is none.

    Source: RFC 5646 section 2.1.1.
    """
    first, *others = value.replace("_", "-").split("-")
    parts = [first.lower(), *(each.upper() if len(each) == 2 else each for each in others)]
    tag = "-".join(parts)
    return tag if re.fullmatch(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", tag) else ""


def _choice(claims: dict[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = claims.get(name)
    if value in (None, ""):
        return ""
    if value not in choices:
        raise LaunchRefused(f"{name} takes {', '.join(choices)}.", f"bad {name}")
    return str(value)
