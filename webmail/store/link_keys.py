"""The key of the links that this installation signs for people who never sign in, set once a process."""

from __future__ import annotations

from webmail.domain.unsubscribe import derive_key

_unsubscribe_key = b""


def configure(secret_key: str) -> None:
    """Derive this process's keys from the installation's secret."""
    global _unsubscribe_key
    _unsubscribe_key = derive_key(secret_key)


def unsubscribe_key() -> bytes:
    """Give the key of unsubscribe links.

    Raises:
        RuntimeError: this process was never told the secret.
    """
    if not _unsubscribe_key:
        raise RuntimeError("webmail.store.link_keys.configure() has not been called")
    return _unsubscribe_key
