"""Connect a mailbox by signing in at Google or Microsoft, and sign in again when the grant has ended.

begin()   where to send the browser; what must come back is kept for ten minutes, for this user, to be taken once
finish()  what came back -> tokens -> an attempt like any other, whose checks sign in by token

Signing in again keeps the account, its settings and everything that waits; somebody else's sign-in changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from webmail import queue
from webmail.actions import connect
from webmail.actions._connect_secrets import seal_grant
from webmail.actions.connect import ConnectForm
from webmail.domain.addresses import normalise_email
from webmail.errors import InputRefused, NotFound, Refused
from webmail.providers import google, identities, microsoft, presets
from webmail.providers.oauth import SIDE, Begun, Grant
from webmail.store.accounts import list_accounts, load_account
from webmail.store.grants import find_grant
from webmail.store.models import Account, OAuthGrant
from webmail.store.scope import Scope
from webmail.store.session import reading

log = structlog.get_logger(__name__)

PROVIDERS = ("google", "microsoft")
_KEPT_S = 600
_TICKET_S = 60
_BRANDS = {"google": "Google", "microsoft": "Microsoft"}


@dataclass(frozen=True)
class SignIn:
    """A sign-in that has begun: where to send the browser, and the state by which its answer is known.

    `email` is the address that is to be chosen there, "" for whichever the user wants.
    """

    url: str
    state: str
    email: str


def is_offered(provider: str) -> bool:
    """Say whether the operator has registered this installation with `google` or `microsoft`."""
    return identities.is_registered(provider)


def is_stand_in(provider: str) -> bool:
    """Say whether it is the demo that plays `google` or `microsoft`."""
    return identities.is_registered(provider) and identities.client_of(provider).is_stand_in


def begin(
    scope: Scope,
    provider: str,
    redirect_uri: str,
    account_uuid: UUID | None,
    *,
    typed: ConnectForm | None = None,
    by_graph: bool = False,
    only_contacts: bool = False,
) -> SignIn:
    """Begin to sign in.

    Args:
        redirect_uri: where the answer is to come, as it is registered.
        account_uuid: the account to be signed in to again; None for a new one.
        typed: settings to connect with; None for the account's own, or the provider's.
        by_graph: leave to send through Microsoft Graph is asked for too.
        only_contacts: a new account holds nothing but mail with contacts, from its first import on.

    Raises:
        NotFound: no such account.
        Retryable: the provider cannot be reached, or this installation is not registered there.
    """
    hint = typed.email if typed is not None else ""
    if account_uuid is not None:
        with reading() as s:
            account = load_account(s, scope, account_uuid)
        hint, by_graph = account.email, by_graph or (account.sends_by == "graph" and typed is None)
    options = {"with_graph": by_graph}
    client = identities.client_of(provider)
    begun: Begun = _module(provider).begin(
        client, redirect_uri, login_hint=hint, **(options if provider == "microsoft" else {})
    )
    state = str(begun.flow["state"])
    kept = {
        "user": scope.user_id,
        "account": str(account_uuid or ""),
        "flow": begun.flow,
        "typed": asdict(typed) if typed is not None else None,
        "only_contacts": only_contacts,
    }
    queue.keep(f"sign-in:{provider}:{state}", kept, seconds=_KEPT_S)
    return SignIn(begun.url, state, hint)


@dataclass(frozen=True)
class Ticket:
    """What a popup may begin, in the name of the user whose frame has asked for it."""

    scope: Scope
    provider: str
    account_uuid: UUID | None
    typed: ConnectForm | None
    by_graph: bool
    only_contacts: bool = False


def issue_ticket(
    scope: Scope,
    provider: str,
    account_uuid: UUID | None,
    *,
    typed: ConnectForm | None = None,
    by_graph: bool = False,
    only_contacts: bool = False,
) -> str:
    """Give a ticket that is good once, for a minute, to begin this sign-in where the user has no session."""
    ticket = secrets.token_urlsafe(32)
    kept = {
        "tenant": scope.tenant_id,
        "user": scope.user_id,
        "provider": provider,
        "account": str(account_uuid or ""),
        "typed": asdict(typed) if typed is not None else None,
        "by_graph": by_graph,
        "only_contacts": only_contacts,
    }
    queue.keep(f"sign-in-ticket:{ticket}", kept, seconds=_TICKET_S)
    return ticket


def take_ticket(ticket: str) -> Ticket | None:
    """Redeem a ticket; None for one that is unknown, over, or was taken before."""
    kept = queue.take(f"sign-in-ticket:{ticket}")
    if kept is None:
        return None
    return Ticket(
        Scope(kept["tenant"], kept["user"]),
        kept["provider"],
        UUID(kept["account"]) if kept["account"] else None,
        ConnectForm(**kept["typed"]) if kept["typed"] else None,
        kept["by_graph"],
        bool(kept.get("only_contacts")),
    )


def finish(scope: Scope, provider: str, answer: Mapping[str, str]) -> UUID:
    """Take what came back with the browser, and begin to connect with it.

    Args:
        answer: the callback's query. That its state belongs to this browser is the caller's to check.

    Returns:
        The attempt.

    Raises:
        Refused: denied, too late, used before, or somebody else's sign-in; nothing was changed.
        Retryable: the provider could not be asked.
        InputRefused: the address is connected already.
    """
    kept = queue.take(f"sign-in:{provider}:{answer.get('state', '')}")
    if kept is None or kept["user"] != scope.user_id:
        raise Refused(
            "This sign-in took too long, or was finished already.",
            side=SIDE,
            cause="state_unknown",
            next_step="Connect again from the Connect tab.",
        )
    grant: Grant = _module(provider).finish(identities.client_of(provider), kept["flow"], answer)
    account = _account_of(scope, provider, grant, UUID(kept["account"]) if kept["account"] else None)
    log.info("signed_in", provider=provider, is_again=account is not None)
    form = _settings_of(account) if account is not None else _settings_for(provider, grant.email)
    if kept.get("typed"):
        form = _as_typed(ConnectForm(**kept["typed"]), form)
    if account is None and kept.get("only_contacts"):
        form = replace(form, only_contacts=True)
    form = replace(form, auth=provider, sends_by="graph" if grant.graph is not None else "smtp")
    return connect.start_signed_in(scope, form, account.uuid if account else None, seal_grant(provider, grant))


def _as_typed(typed: ConnectForm, usual: ConnectForm) -> ConnectForm:
    """Give the settings that were typed, for the address that was chosen at the provider."""
    user_name = usual.user_name if _is_same(typed.user_name, typed.email) else typed.user_name
    return replace(typed, email=usual.email, user_name=user_name, password=None)


def good_until(grant: OAuthGrant) -> datetime | None:
    """Forecast when a grant would end if nobody used it any more; it is used daily, so this moves on by itself.

    Returns:
        None for Google's, which do not end for want of use within any time that matters here.
    """
    if grant.provider != "microsoft":
        return None
    return grant.renewed_at + timedelta(days=microsoft.REFRESH_TOKEN_DAYS)


def _module(provider: str) -> Any:
    if provider not in PROVIDERS:
        raise NotFound
    return google if provider == "google" else microsoft


def _account_of(scope: Scope, provider: str, grant: Grant, account_uuid: UUID | None) -> Account | None:
    """Give the account that a sign-in is for: the one that was named, or a live one with the same address."""
    with reading() as s:
        if account_uuid is None:
            same = [each for each in list_accounts(s, scope) if _is_same(each.email, grant.email)]
            return next((each for each in same if each.status in ("reconnect_needed", "error", "connected")), None)
        account = load_account(s, scope, account_uuid)
        known = find_grant(s, account.id)
    is_same_person = known is not None and known.provider == provider and known.subject == grant.subject
    if not is_same_person and not _is_same(account.email, grant.email):
        raise Refused(
            f"You signed in as {grant.email}, but this mailbox is {account.email}. Nothing was changed.",
            side=SIDE,
            cause="other_account",
            next_step=f"Reconnect, and choose {account.email} on the page of {_BRANDS[provider]}. "
            "To use the other address too, connect it as a mailbox of its own.",
        )
    return account


def _is_same(one: str, other: str) -> bool:
    return normalise_email(one) == normalise_email(other)


def _settings_for(provider: str, email: str) -> ConnectForm:
    preset = presets.preset_for_sign_in(provider, email)
    values = presets.filled(preset, email)
    if not isinstance(values["imap_port"], int) or not isinstance(values["smtp_port"], int):
        raise InputRefused("", f"{preset.name} is not known well enough to connect to it by itself.")
    return ConnectForm(
        provider=preset.id,
        email=email,
        password=None,
        user_name=email,
        imap_host=str(values["imap_host"]),
        imap_port=values["imap_port"],
        smtp_host=str(values["smtp_host"]),
        smtp_port=values["smtp_port"],
        imap_folder="INBOX",
        outbox_folder=str(values["outbox_folder"]),
        ssl_enabled=bool(values["ssl_enabled"]),
        reads_mail=True,
        read_marks="all",
    )


def _settings_of(account: Account) -> ConnectForm:
    return ConnectForm(
        provider=account.provider,
        email=account.email,
        password=None,
        user_name=account.user_name,
        imap_host=account.imap_host,
        imap_port=account.imap_port,
        smtp_host=account.smtp_host,
        smtp_port=account.smtp_port,
        imap_folder=account.imap_folder,
        outbox_folder=account.outbox_folder,
        ssl_enabled=account.ssl_enabled,
        reads_mail=account.reads_mail,
        read_marks=account.read_marks,
    )
