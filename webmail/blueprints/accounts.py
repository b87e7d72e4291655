"""The user's mailboxes: connecting one, its settings, syncing now, and parting with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import connect, departures, discovery, mail
from webmail.actions.aliases import save_aliases
from webmail.actions.mass_limits import save_mass_limits
from webmail.blueprints import _connect_tab
from webmail.blueprints._htmx import (
    VARY,
    is_asked_on,
    is_partial,
    leave_for,
    page_or_partial,
    partial_or_redirect,
)
from webmail.blueprints._numbers import number
from webmail.blueprints._session import current_scope
from webmail.blueprints.forms.account import AccountForm, form_of_account, form_of_attempt, new_form, typed_form
from webmail.errors import InputRefused, NotFound
from webmail.store.accounts import find_account, load_account
from webmail.store.attempts import load_attempt
from webmail.store.departures import load_departure
from webmail.store.models import ConnectAttempt, utc_now
from webmail.store.session import reading

blueprint = Blueprint("accounts", __name__)

_MOST_LOOKS = 12
"""How often a form looks whether the servers of an address have been found; it looks every half second."""
_LONG_AFTER_S = 12
"""An attempt takes 10 s at most; after this the page says that something is slow."""


@blueprint.get("/accounts/new")
def new() -> Response:
    return _form_answer(new_form(request.args.get("provider", ""), request.args.get("email", "")))


@blueprint.post("/accounts")
def create() -> BaseResponse:
    return _start(typed_form(request.form))


@blueprint.get("/accounts/<uuid:account_uuid>/edit")
def edit(account_uuid: UUID) -> Response:
    with reading() as s:
        account = load_account(s, current_scope(), account_uuid)
    return _form_answer(form_of_account(account))


@blueprint.post("/accounts/<uuid:account_uuid>")
def update(account_uuid: UUID) -> BaseResponse:
    with reading() as s:
        account = load_account(s, current_scope(), account_uuid)
    return _start(typed_form(request.form, account))


@blueprint.post("/accounts/autofill")
def autofill() -> Response:
    """Fill in what the chosen provider, or the typed address, tells; never what was typed by hand."""
    uuid = request.form.get("account", type=UUID)
    with reading() as s:
        account = load_account(s, current_scope(), uuid) if uuid else None
    form = typed_form(request.form, account)
    field, _, folder = request.form.get("offer", "").partition("=")
    if field in ("imap_folder", "outbox_folder"):
        form.texts[field] = folder
    else:
        form.fill_in(picks_provider=request.form.get("changed", "email") != "provider", look=discovery.look)
    looks = request.form.get("looks", 0, type=int)
    is_looking = looks < _MOST_LOOKS and _look_up(form)
    return page_or_partial(
        "accounts/new.html",
        "accounts/_autofilled.html",
        **_connect_tab.form_context(form),
        card_key="other",
        looks=looks + 1 if is_looking else 0,
    )


@blueprint.get("/attempts/<uuid:attempt_uuid>")
def attempt(attempt_uuid: UUID) -> BaseResponse:
    """Show how an attempt goes; when it is over, the form again or the account."""
    scope = current_scope()
    with reading() as s:
        row = load_attempt(s, scope, attempt_uuid)
        account = find_account(s, row.account_id) if row.account_id else None
    if row.state == "running":
        return page_or_partial("accounts/attempt.html", "accounts/_attempt.html", **_attempt_context(row))
    if row.state == "failed":
        return _form_answer(form_of_attempt(row, account))
    settings = url_for("profile.settings", tab="connect")
    message = f"{row.settings['email']} is connected."
    if not is_asked_on(url_for("profile.settings")):
        return leave_for(settings, message)
    return partial_or_redirect("accounts/_after_connect.html", settings, message, cards=_connect_tab.load_cards(scope))


@blueprint.get("/accounts/cards/<any(gmail, outlook, other):key>")
def card(key: str) -> BaseResponse:
    if not is_partial():
        return redirect(url_for("profile.settings", tab="connect"), 303)
    return _card_answer(key)


@blueprint.post("/accounts/<uuid:account_uuid>/sync")
def sync(account_uuid: UUID) -> BaseResponse:
    mail.request_sync(current_scope(), account_uuid)
    return _after_change(account_uuid, "Syncing now.")


@blueprint.post("/accounts/<uuid:account_uuid>/put-back-marks")
def put_back_marks(account_uuid: UUID) -> BaseResponse:
    count = mail.put_back_marks(current_scope(), account_uuid)
    words = ngettext(
        "%(count)s message is being marked unread there.",
        "%(count)s messages are being marked unread there.",
        count,
        count=number(count),
    )
    return _after_change(account_uuid, words)


@blueprint.get("/accounts/disconnect")
def ask_disconnect() -> Response:
    """Say what disconnecting ends, before it is done."""
    scope = current_scope()
    wanted = request.args.get("account", type=UUID)
    rows = _connect_tab.load_card(scope, request.args.get("card", "other")).rows
    accounts = [row.account for row in rows if (row.account.uuid == wanted if wanted else row.is_live)]
    if not accounts:
        raise NotFound("This mailbox is not connected any more.")
    with reading() as s:
        ends = [load_departure(s, account) for account in accounts]
    return page_or_partial("accounts/disconnect.html", "accounts/_disconnect_dialog.html", departures=ends)


@blueprint.post("/accounts/<uuid:account_uuid>/aliases")
def aliases(account_uuid: UUID) -> BaseResponse:
    """Save the further addresses that an account sends as."""
    save_aliases(current_scope(), account_uuid, request.form.get("aliases", ""))
    return _after_change(account_uuid, "Addresses saved. Choose among them under From.")


@blueprint.post("/accounts/<uuid:account_uuid>/limits")
def mass_limits(account_uuid: UUID) -> BaseResponse:
    """Save how many mails of mailings the user says that the provider allows."""
    save_mass_limits(current_scope(), account_uuid, request.form)
    return _after_change(account_uuid, "Limits saved. Mailings keep to them from now on.")


@blueprint.post("/accounts/disconnect")
def disconnect() -> BaseResponse:
    scope = current_scope()
    uuid = request.form.get("account", type=UUID)
    if uuid is None:
        raise InputRefused("account", "Choose the mailbox to disconnect.")
    with reading() as s:
        account = load_account(s, scope, uuid)
    erase = request.form.get("conversations") == "erase"
    departures.disconnect(scope, uuid, erase=erase, put_back_marks=bool(request.form.get("put_back_marks")))
    return partial_or_redirect(
        "accounts/_after_disconnect.html",
        url_for("profile.settings", tab="connect"),
        f"{account.email} is being erased here." if erase else f"{account.email} is disconnected.",
        card=_connect_tab.load_card(scope, account.card),
    )


def _start(form: AccountForm) -> BaseResponse:
    # Without JavaScript, or when Connect was pressed faster than the answer came, nothing has been filled in yet.
    form.fill_in(picks_provider=True, look=discovery.look)
    typed = form.to_connect_form(request.form.get("password", ""))
    scope = current_scope()
    if typed is None:
        # Found by the time that the form is sent again: without JavaScript nobody has asked yet.
        _look_up(form)
        return _form_answer(form)
    try:
        attempt_uuid = connect.start_attempt(scope, typed, form.account_uuid)
    except InputRefused as refusal:
        form.problems[refusal.field or "form"] = refusal.user_message
        return _form_answer(form)
    if not is_partial():
        return redirect(url_for("accounts.attempt", attempt_uuid=attempt_uuid), 303)
    with reading() as s:
        row = load_attempt(s, scope, attempt_uuid)
    return page_or_partial("accounts/attempt.html", "accounts/_attempt.html", **_attempt_context(row))


def _look_up(form: AccountForm) -> bool:
    """Have the servers of the typed address found out while they are missing; say whether that is going on."""
    is_complete = form.texts["imap_host"] and form.texts["smtp_host"]
    return not is_complete and discovery.begin(current_scope(), form.texts["email"])


def _attempt_context(row: ConnectAttempt) -> dict[str, Any]:
    return {"attempt": row, "is_slow": (utc_now() - row.created_at).total_seconds() > _LONG_AFTER_S}


def _form_answer(form: AccountForm) -> Response:
    status = 422 if form.problems else 200
    context = _connect_tab.form_context(form)
    return page_or_partial("accounts/new.html", "accounts/_form.html", status, **context)


def _after_change(account_uuid: UUID, message: str) -> BaseResponse:
    scope = current_scope()
    with reading() as s:
        account = load_account(s, scope, account_uuid)
    return partial_or_redirect(
        "accounts/_card_state.html",
        url_for("profile.settings", tab="connect"),
        message,
        card=_connect_tab.load_card(scope, account.card),
    )


def _card_answer(key: str) -> Response:
    partial = render_template("accounts/_card_state.html", card=_connect_tab.load_card(current_scope(), key))
    response = make_response(partial)
    response.headers["Vary"] = VARY
    return response
