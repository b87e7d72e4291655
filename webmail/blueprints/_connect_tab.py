"""What the Connect tab shows: three cards, and the accounts under each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _

from webmail.actions import oauth, presets
from webmail.actions.mass_limits import SendingLimits, limits_known
from webmail.blueprints._server_words import server_abilities
from webmail.blueprints.forms.account import AccountForm
from webmail.blueprints.forms.app_passwords import app_password_links
from webmail.store.accounts import list_accounts, missed_count
from webmail.store.grants import grants_of_user
from webmail.store.models import Account, Folder, OAuthGrant, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.verification import receipts_of

_LIVE = ("connected", "reconnect_needed", "error")
_CARDS = (("gmail", "Gmail", "google"), ("outlook", "Outlook", "microsoft"), ("other", _("Other Email"), ""))
_TOLD_FOR = timedelta(days=1)
DEMO_PROVIDER = "demo"


@dataclass(frozen=True)
class AccountRow:
    """An account as its card shows it: the status in the product's words, and what stands beside it."""

    account: Account
    grant: OAuthGrant | None = None
    missed: int = 0
    """How many mails came while the sign-in was missing, for a day after it is there again."""
    receipts: Sequence[Folder] = ()
    """The folders that have been compared with the server."""

    @property
    def proof(self) -> tuple[int, int, datetime] | None:
        """How many messages of the folders that are synced whole matched, of how many, and when; None before that."""
        whole = [folder for folder in self.receipts if folder.is_synced]
        times = [folder.verified_at for folder in whole if folder.verified_at is not None]
        if not times:
            return None
        return sum(each.verified_matched for each in whole), sum(each.verified_count for each in whole), max(times)

    @property
    def abilities(self) -> list[tuple[str, str]]:
        """What the server was found to do, in words: [(what, how it is)]."""
        return server_abilities(self.account.fingerprint)

    @property
    def status(self) -> str:
        """One of connected, syncing, reconnect_needed, error, not_connected."""
        account = self.account
        if account.status == "connected" and account.reads_mail:
            is_first_sync = account.last_synced_at is None and not account.is_backfilled
            return "syncing" if is_first_sync or account.sync_done < account.sync_total else "connected"
        return account.status if account.status in _LIVE else "not_connected"

    @property
    def is_live(self) -> bool:
        return self.account.status in _LIVE

    @property
    def good_until(self) -> datetime | None:
        """When the sign-in would end if nobody used it any more; None where it does not end by itself."""
        return oauth.good_until(self.grant) if self.grant is not None else None

    @property
    def sign_in(self) -> str:
        """Where its user signs in, `google` or `microsoft`; "" for a password, or where that is offered no more."""
        auth = self.account.auth
        return auth if auth != "password" and oauth.is_offered(auth) else ""

    @property
    def limits_known(self) -> SendingLimits:
        """What the provider lets the mailbox send, as far as it is known."""
        return limits_known(self.account)

    @property
    def is_blocked(self) -> bool:
        """Mail comes in, but the organisation lets none out by SMTP, and the user has not allowed another way yet."""
        return self.is_live and self.account.sends_by == "blocked" and self.account.status != "reconnect_needed"

    @property
    def is_ending(self) -> bool:
        return self.account.status in ("disconnecting", "erasing")


STATUS_WORDS = {
    "connected": _("Connected"),
    "syncing": _("Syncing"),
    "reconnect_needed": _("Reconnect needed"),
    "error": _("Error"),
    "not_connected": _("Not connected"),
}


@dataclass(frozen=True)
class Card:
    """One of the three cards, with the accounts that belong to it."""

    key: str
    name: str
    rows: list[AccountRow]
    sign_in: str = ""
    """`google` or `microsoft` where users can sign in there; "" where the operator has not set it up."""
    is_stand_in: bool = False
    """It is the demo that plays the provider."""

    @property
    def live(self) -> list[AccountRow]:
        return [row for row in self.rows if row.is_live]


def load_cards(scope: Scope) -> list[Card]:
    """Give the three cards with their accounts."""
    with reading() as s:
        accounts = list_accounts(s, scope)
        grants = grants_of_user(s, scope)
        missed = {each.id: missed_count(s, each) for each in accounts if _is_just_back(each)}
        receipts = receipts_of(s, [account.id for account in accounts])
    cards = []
    for key, name, provider in _CARDS:
        rows = [
            AccountRow(account, grants.get(account.id), missed.get(account.id, 0), receipts.get(account.id, ()))
            for account in accounts
            if account.card == key
        ]
        sign_in = provider if provider and oauth.is_offered(provider) else ""
        cards.append(Card(key, name, rows, sign_in, is_stand_in=bool(sign_in) and oauth.is_stand_in(sign_in)))
    return cards


def _sign_in_at(provider: str) -> str:
    """Say where a real mailbox of a provider is signed in to; a stand-in has none."""
    return provider if oauth.is_offered(provider) and not oauth.is_stand_in(provider) else ""


def _is_just_back(account: Account) -> bool:
    return account.away_until is not None and utc_now() - account.away_until < _TOLD_FOR


def load_card(scope: Scope, key: str) -> Card:
    """Give one card; `other` for a key that does not exist."""
    cards = {card.key: card for card in load_cards(scope)}
    return cards.get(key, cards["other"])


def form_context(form: AccountForm) -> dict[str, Any]:
    """Give what the form's partial takes."""
    choice = form.choice
    return {
        "form": form,
        "choices": presets.list_choices(),
        "choice": choice,
        "help_links": app_password_links(choice),
        "sign_in_at": _sign_in_at(choice.oauth_provider) if choice is not None else "",
        "demo": presets.demo_mailbox() if choice is not None and choice.id == DEMO_PROVIDER else None,
    }
