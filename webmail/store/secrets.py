"""Sealing of credentials at rest (Fernet, with key rotation by MultiFernet)."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from webmail.errors import ConfigError

_box: MultiFernet | None = None
_newest: Fernet | None = None


def configure(keys: tuple[str, ...]) -> None:
    """Set the keys of this process, newest first: the first seals, all open."""
    global _box, _newest
    each = [Fernet(key) for key in keys]
    _box, _newest = MultiFernet(each), each[0]


def seal(secret: dict[str, Any]) -> bytes:
    """Encrypt a secret, a JSON object such as {"password": "…"}."""
    return _keys().encrypt(json.dumps(secret).encode())


def unseal(sealed: bytes | None) -> dict[str, Any]:
    """Decrypt what `seal()` made; an erased secret (None) gives {}.

    Raises:
        ConfigError: none of the configured keys fits.
    """
    if sealed is None:
        return {}
    try:
        return dict(json.loads(_keys().decrypt(sealed)))
    except InvalidToken:
        raise ConfigError("None of WEBMAIL_ENCRYPTION_KEYS opens a stored secret.") from None


def is_newest(sealed: bytes) -> bool:
    """Say whether the newest key opens a secret."""
    assert _newest is not None
    try:
        _newest.decrypt(sealed)
    except InvalidToken:
        return False
    return True


def reseal(sealed: bytes) -> bytes:
    """Seal a secret with the newest key.

    Raises:
        ConfigError: none of the configured keys fits.
    """
    try:
        return _keys().rotate(sealed)
    except InvalidToken:
        raise ConfigError("None of WEBMAIL_ENCRYPTION_KEYS opens a stored secret.") from None


def _keys() -> MultiFernet:
    if _box is None:
        raise RuntimeError("webmail.store.secrets.configure() has not been called")
    return _box
