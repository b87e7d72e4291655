"""The signature of each account, on the Connect tab."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from uuid import UUID

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import signatures
from webmail.actions.signatures import SignatureUse
from webmail.blueprints._connect_tab import load_cards
from webmail.blueprints._framed import inner_ancestors
from webmail.blueprints._htmx import VARY, is_partial, toast_or_redirect
from webmail.blueprints._session import current_scope
from webmail.blueprints._told import told
from webmail.domain.html import clean_composed_html
from webmail.errors import InputRefused
from webmail.store.accounts import load_account
from webmail.store.models import Account, Signature
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.users import load_user

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
    scope, uuid = current_scope(), request.form.get("signature", None, UUID)
    written = _typed(request.form.get("html", ""), request.form.get("format", ""))
    typed = "" if request.form.get("remove") else request.form.get("undo") or written
    with reading() as s:
        shown = _shown(load_account(s, scope, account_uuid), uuid)
    before = shown.signature.html if shown.signature else ""
    try:
        saved = signatures.save_signature(scope, account_uuid, typed, uuid=uuid, use=_use())
    except InputRefused as refusal:
        return _refused(scope, shown, typed, refusal)
    if not is_partial():
        return redirect(url_for("profile.settings", tab="connect", _anchor=shown.anchor), 303)
    removed = before if not saved else ""
    state = render_template("signatures/_state.html", **vars(shown), is_saved=True, removed=removed)
    return _vary(make_response(state))


@blueprint.post("/signatures/pictures")
def embed_picture() -> BaseResponse:
    """Give a picture back as it can stand within a text: small, as a `data:` address."""
    chosen = request.files.get("picture")
    try:
        source = signatures.embed_picture(chosen.read() if chosen is not None else b"")
    except InputRefused as refusal:
        answer = jsonify(problem=told(refusal.user_message))
        answer.status_code = 422
        return answer
    return jsonify(source=source)


@blueprint.post("/signatures/<uuid:account_uuid>/add")
def add(account_uuid: UUID) -> BaseResponse:
    scope = current_scope()
    uuid = signatures.add_signature(scope, account_uuid)
    with reading() as s:
        shown = _shown(load_account(s, scope, account_uuid), uuid)
    if not is_partial():
        return redirect(url_for("profile.settings", tab="connect", _anchor=shown.anchor), 303)
    return _vary(make_response(render_template("signatures/_signature.html", **vars(shown), accounts=[shown.account])))


@blueprint.post("/signatures/<uuid:account_uuid>/<uuid:signature_uuid>/drop")
def drop(account_uuid: UUID, signature_uuid: UUID) -> BaseResponse:
    signatures.drop_signature(current_scope(), account_uuid, signature_uuid)
    return toast_or_redirect("Deleted.", url_for("profile.settings", tab="connect"))


@blueprint.get("/signatures/<uuid:account_uuid>/preview")
def preview(account_uuid: UUID) -> Response:
    """Show a signature as it stands under a mail, in a frame in which nothing can run."""
    scope = current_scope()
    with reading() as s:
        account = load_account(s, scope, account_uuid)
        user = load_user(s, scope)
    shown = _shown(account, request.args.get("signature", None, UUID))
    cleaned = clean_composed_html(signatures.filled(shown.signature, account, user))
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


@dataclass(frozen=True)
class _Shown:
    """A signature as its form shows it; the first of an account goes by the account's id."""

    account: Account
    signature: Signature | None
    owner: Account | Signature

    @property
    def anchor(self) -> str:
        """Where its form stands on the page."""
        return f"{type(self.owner).__name__.lower()}-{self.owner.uuid}-signature"


def _shown(account: Account, uuid: UUID | None) -> _Shown:
    first = next(iter(account.signatures), None)
    signature = next((each for each in account.signatures if each.uuid == uuid), None) if uuid else first
    return _Shown(account, signature, account if signature is None or signature is first else signature)


def _use() -> SignatureUse | None:
    """Give what the form says a signature is for, None where it does not ask."""
    form = request.form
    if "has_use" not in form:
        return None
    return SignatureUse(form.get("name", ""), "is_for_new" in form, "is_for_replies" in form)


def _refused(scope: Scope, shown: _Shown, typed: str, refusal: InputRefused) -> Response:
    if is_partial():
        state = render_template("signatures/_state.html", **vars(shown), problem=refusal.user_message)
        return _vary(make_response(state, 422))
    page = render_template(
        "profile/settings.html",
        tab="connect",
        cards=load_cards(scope),
        problems={},
        signature_problems={shown.owner.uuid: refusal.user_message},
        signature_typed={shown.owner.uuid: typed},
    )
    return make_response(page, 422)


def _vary(response: Response) -> Response:
    response.headers["Vary"] = VARY
    return response
