"""The signature of each account, on the Connect tab."""

from __future__ import annotations

import re
from html import escape
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import signatures
from webmail.blueprints._connect_tab import load_cards
from webmail.blueprints._framed import inner_ancestors
from webmail.blueprints._htmx import VARY, is_partial
from webmail.blueprints._session import current_scope
from webmail.domain.html import clean_composed_html
from webmail.errors import InputRefused
from webmail.store.accounts import load_account
from webmail.store.scope import Scope
from webmail.store.session import reading

blueprint = Blueprint("signatures", __name__)


@blueprint.get("/signatures")
def section() -> BaseResponse:
    """Give the section anew when the accounts are others than the page knows; the page asks when one has changed."""
    cards = load_cards(current_scope())
    accounts = ",".join(str(row.account.uuid) for card in cards for row in card.live)
    if not is_partial():
        return redirect(url_for("profile.settings", tab="connect"), 303)
    if accounts == request.args.get("known", ""):
        # What is being typed there stays as it is.
        return Response(status=204)
    return _vary(make_response(render_template("signatures/_section.html", cards=cards)))


@blueprint.post("/signatures/<uuid:account_uuid>")
def save(account_uuid: UUID) -> BaseResponse:
    """Save a signature; `remove` takes it away, whatever was typed, and `undo` holds the one that was taken away."""
    scope = current_scope()
    written = _typed(request.form.get("html", ""), request.form.get("format", ""))
    typed = "" if request.form.get("remove") else request.form.get("undo") or written
    with reading() as s:
        account = load_account(s, scope, account_uuid)
        before = account.signature.html if account.signature else ""
    try:
        saved = signatures.save_signature(scope, account_uuid, typed)
    except InputRefused as refusal:
        return _refused(scope, account_uuid, typed, refusal)
    if not is_partial():
        return redirect(url_for("profile.settings", tab="connect", _anchor=f"account-{account_uuid}-signature"), 303)
    state = render_template(
        "signatures/_state.html", account=account, is_saved=True, removed=before if not saved else ""
    )
    return _vary(make_response(state))


@blueprint.get("/signatures/<uuid:account_uuid>/preview")
def preview(account_uuid: UUID) -> Response:
    """Show a signature as it stands under a mail, in a frame in which nothing can run."""
    with reading() as s:
        account = load_account(s, current_scope(), account_uuid)
    cleaned = clean_composed_html(account.signature.html if account.signature else "")
    signature = Markup(cleaned)  # noqa: S704  # cleaned just now, and shown where nothing can run
    response = make_response(render_template("signatures/preview.html", signature=signature))
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: https:; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {inner_ancestors()}"
    )
    return response


def _typed(source: str, written_in: str) -> str:
    """Give what was typed as HTML: a plain textarea takes HTML, and lines of text for those who write none."""
    if written_in == "rich" or re.search(r"<[a-zA-Z/!]", source):
        return source
    return "".join(f"<div>{escape(line, quote=False) or '<br>'}</div>" for line in source.strip().splitlines())


def _refused(scope: Scope, account_uuid: UUID, typed: str, refusal: InputRefused) -> Response:
    if is_partial():
        with reading() as s:
            account = load_account(s, scope, account_uuid)
        state = render_template("signatures/_state.html", account=account, problem=refusal.user_message)
        return _vary(make_response(state, 422))
    page = render_template(
        "profile/settings.html",
        tab="connect",
        cards=load_cards(scope),
        problems={},
        signature_problems={account_uuid: refusal.user_message},
        signature_typed={account_uuid: typed},
    )
    return make_response(page, 422)


def _vary(response: Response) -> Response:
    response.headers["Vary"] = VARY
    return response
