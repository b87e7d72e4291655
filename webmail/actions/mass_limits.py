"""What a user says that the provider of a mailbox allows: how many mails in a minute, an hour and a day."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from webmail.errors import InputRefused
from webmail.providers.limits import PERIODS, SendingLimits, known_limits
from webmail.store.accounts import load_account
from webmail.store.models import Account
from webmail.store.pacing import wake_account
from webmail.store.scope import Scope
from webmail.store.session import transaction

__all__ = ["SendingLimits", "limits_known", "save_mass_limits"]

_MOST = 1_000_000


def limits_known(account: Account) -> SendingLimits:
    """Give what holds for an account as long as its user says nothing."""
    return known_limits(account.provider)


def save_mass_limits(scope: Scope, account_uuid: UUID, typed: Mapping[str, str]) -> None:
    """Keep what the user says that the provider allows; it holds for mailings under way, too.

    Args:
        typed: {"minute", "hour", "day"}, as typed; "" for what is known of the provider.

    Raises:
        NotFound: no such account.
        InputRefused: with the field: it is no number, or more than the provider is known to allow.
    """
    with transaction() as s:
        account = load_account(s, scope, account_uuid)
        known = limits_known(account)
        found = {name: _count(known, name, typed.get(name, "").strip()) for name in PERIODS}
        account.mass_limits = {name: count for name, count in found.items() if count}
        wake_account(s, account.id)


def _count(known: SendingLimits, name: str, typed: str) -> int:
    """Read a figure, 0 where there is none."""
    digits = typed.replace(",", "").replace(".", "").replace("\u00a0", "").replace(" ", "")
    if not digits:
        return 0
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits) <= _MOST):
        raise InputRefused(name, f"Type how many mails, from 1 to {_MOST:,}, or leave it empty.")
    count, ceiling = int(digits), known.of(name) if name in known.ceilings else None
    if ceiling is not None and count > ceiling:
        raise InputRefused(name, f"{known.words} It can be fewer here, but not more.")
    return count
