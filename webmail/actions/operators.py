"""What an operator should know of the connected mailboxes: which need somebody, why, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from webmail.actions.oauth import good_until
from webmail.store.accounts import list_all_accounts
from webmail.store.grants import all_grants
from webmail.store.models import Account, OAuthGrant, utc_now
from webmail.store.session import Session

_SOON = timedelta(days=14)
_TESTING = timedelta(days=7)
_ABOUT = timedelta(hours=12)


@dataclass(frozen=True)
class AccountReport:
    """One mailbox: `remark` is a sentence where something is to be known, `good_until` the end of an idle sign-in."""

    account: Account
    good_until: datetime | None
    remark: str


def report_accounts(s: Session) -> list[AccountReport]:
    """Report on the mailboxes of all tenants."""
    grants = all_grants(s)
    return [_report(account, grants.get(account.id)) for account in list_all_accounts(s)]


def died_of_testing(account: Account, grant: OAuthGrant | None) -> bool:
    """Say whether a Google sign-in ended a week after it was made: that of an app whose publishing status is "testing".

    Source: Google, "Using OAuth 2.0 to Access Google APIs", refresh token expiration.
    """
    if grant is None or grant.provider != "google" or account.status_since is None or grant.granted_at is None:
        return False
    return abs(account.status_since - grant.granted_at - _TESTING) < _ABOUT


def _report(account: Account, grant: OAuthGrant | None) -> AccountReport:
    ends_at = good_until(grant) if grant is not None else None
    return AccountReport(account, ends_at, _remark(account, grant, ends_at))


def _remark(account: Account, grant: OAuthGrant | None, ends_at: datetime | None) -> str:
    if account.status == "reconnect_needed":
        since = f" since {account.status_since:%Y-%m-%d %H:%M}" if account.status_since else ""
        remark = f"needs a sign-in{since} ({account.status_cause or 'cause unknown'})"
        if died_of_testing(account, grant):
            remark += (
                ': it ended a week after it was made, so the Google app is in "testing". Set its publishing status to '
                '"in production"'
            )
        return remark
    if account.sends_by == "blocked":
        return "cannot send: SMTP is switched off there, and the user has not allowed Microsoft Graph yet"
    if ends_at is not None and ends_at - utc_now() < _SOON:
        return f"the sign-in ends on {ends_at:%Y-%m-%d} unless it is renewed: the daily renewal does not get through"
    return account.status_sentence
