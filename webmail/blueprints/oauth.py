"""Signing in at Google and Microsoft: there and back.

The state that an answer must carry is kept with this browser's session and with the user, and is good once. Identity
servers refuse to be framed: where the product itself is framed, all this happens in a popup, whose last page closes
itself, and the page behind it learns of the result over its own event stream.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, request, session, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import oauth
from webmail.actions.connect import ConnectForm
from webmail.blueprints import _connect_tab
from webmail.blueprints._htmx import page_or_partial
from webmail.blueprints._session import current_scope
from webmail.blueprints.forms.account import AccountForm, typed_form
from webmail.errors import InputRefused, ProviderError
from webmail.store.accounts import load_account
from webmail.store.session import reading

blueprint = Blueprint("oauth", __name__)

_MOST_OPEN = 8
"""Sign-ins that one browser can have under way; the oldest are forgotten."""


@blueprint.post("/oauth/<any(google, microsoft):provider>")
def begin(provider: str) -> BaseResponse:
    """Send the browser to the provider's sign-in page, with the account's settings or with those of the form."""
    if not oauth.is_offered(provider):
        raise NotFound
    account_uuid = request.form.get("account", type=UUID)
    is_popup = request.form.get("popup") == "1"
    by_graph = request.form.get("by_graph") == "1" or request.form.get("sends_by") == "graph"
    typed: ConnectForm | None = None
    if "imap_host" in request.form:
        form = _form(provider, account_uuid)
        typed = form.to_connect_form("")
        if typed is None:
            return page_or_partial("accounts/new.html", "accounts/_form.html", 422, **_connect_tab.form_context(form))
    try:
        sign_in = oauth.begin(
            current_scope(),
            provider,
            _callback_url(provider),
            account_uuid,
            typed=typed,
            by_graph=by_graph,
        )
    except ProviderError as error:
        return _failed(error, is_popup=is_popup)
    open_sign_ins = [*_open_sign_ins().items(), (sign_in.state, is_popup)][-_MOST_OPEN:]
    session["sign_ins"] = dict(open_sign_ins)
    # Not a redirect: browsers hold the answer to a form to `form-action 'self'`, wherever it leads in the end.
    return make_response(
        render_template(
            "oauth/leaving.html",
            url=sign_in.url,
            email=sign_in.email,
            provider=provider,
            brand=provider.title(),
            is_stand_in=oauth.is_stand_in(provider),
            by_graph=by_graph,
            is_popup=is_popup,
        )
    )


@blueprint.get("/oauth/<any(google, microsoft):provider>/callback")
def callback(provider: str) -> BaseResponse:
    """Take the provider's answer, and show the checks that follow; in a popup, let it close."""
    answer = {name: value[:4000] for name, value in request.args.items()}
    open_sign_ins = _open_sign_ins()
    if answer.get("state") not in open_sign_ins:
        flash("This sign-in was not begun in this browser, or was finished already. Connect again.")
        return redirect(url_for("profile.settings", tab="connect"), 303)
    is_popup = open_sign_ins.pop(answer["state"])
    session["sign_ins"] = open_sign_ins
    try:
        attempt_uuid = oauth.finish(current_scope(), provider, answer)
    except (ProviderError, InputRefused) as error:
        return _failed(error, is_popup=is_popup)
    if is_popup:
        return redirect(url_for("oauth.done", attempt_uuid=attempt_uuid), 303)
    return redirect(url_for("accounts.attempt", attempt_uuid=attempt_uuid), 303)


@blueprint.get("/oauth/done/<uuid:attempt_uuid>")
def done(attempt_uuid: UUID) -> BaseResponse:
    """Be a popup's last page: it closes itself, and without JavaScript it leads on."""
    return make_response(render_template("oauth/done.html", attempt_uuid=attempt_uuid))


def _open_sign_ins() -> dict[str, bool]:
    """Give the sign-ins that this browser has under way: state -> whether in a popup."""
    kept = session.get("sign_ins", {})
    return dict(kept) if isinstance(kept, dict) else {}


def _form(provider: str, account_uuid: UUID | None) -> AccountForm:
    with reading() as s:
        account = load_account(s, current_scope(), account_uuid) if account_uuid else None
    return typed_form(request.form, account, sign_in=provider)


def _callback_url(provider: str) -> str:
    base_url: str = current_app.config["WEBMAIL"].base_url
    return base_url + url_for("oauth.callback", provider=provider)


def _failed(error: ProviderError | InputRefused, *, is_popup: bool) -> BaseResponse:
    page = render_template(
        "oauth/failed.html",
        sentence=error.user_message,
        next_step=getattr(error, "next_step", ""),
        server_answer=getattr(error, "server_answer", ""),
        is_popup=is_popup,
    )
    return make_response(page)
