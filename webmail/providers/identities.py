"""Which identity servers this installation is registered with; set once a process from the operator's settings."""

from __future__ import annotations

from webmail.errors import Retryable
from webmail.providers.oauth import SIDE, OAuthClient

_clients: dict[str, OAuthClient] = {}


def configure(*, google: OAuthClient | None, microsoft: OAuthClient | None) -> None:
    """Set the registrations; None where the operator has none."""
    _clients.clear()
    _clients.update({name: each for name, each in (("google", google), ("microsoft", microsoft)) if each is not None})


def is_registered(provider: str) -> bool:
    """Say whether users can sign in at `google` or `microsoft`."""
    return provider in _clients


def client_of(provider: str) -> OAuthClient:
    """Give the registration.

    Raises:
        Retryable: the operator has taken it out of the settings; the mailbox itself is well.
    """
    if provider not in _clients:
        raise Retryable(
            f"This installation is no longer registered with {provider.title()}.",
            side=SIDE,
            cause="app_misconfigured",
            next_step="Your administrator has to put the client id back.",
        )
    return _clients[provider]
