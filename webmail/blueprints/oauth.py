"""Signing in at Google and Microsoft: there and back.

The state that an answer must carry is kept with this browser and with the user, and is good once.

Identity servers refuse to be framed. Where the product itself is framed, a sign-in runs in a popup, which has none of
the frame's session: the frame asks for a ticket, good once and for a minute, and posts it from its own page into the
popup. There the state is kept in a cookie of its own. The popup's last page closes itself; the frame learns of the
attempt over its own event stream. A ticket is taken from a page of ours only, and only by POST, so that nobody can be
sent to the sign-in of somebody else by a link.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import oauth
from webmail.actions.connect import ConnectForm
from webmail.blueprints import _connect_tab
from webmail.blueprints._htmx import page_or_partial
from webmail.blueprints._session import ask_to_sign_in, current_scope, public
from webmail.blueprints.forms.account import AccountForm, typed_form
from webmail.errors import InputRefused, ProviderError
from webmail.store.accounts import load_account
from webmail.store.scope import Scope
from webmail.store.session import reading

blueprint = Blueprint("oauth", __name__)

_MOST_OPEN = 8
"""Sign-ins that one browser can have under way; the oldest are forgotten."""
_COOKIE, _COOKIE_S = "webmail_sign_in", 600


@dataclass(frozen=True)
class _Wish:
    """What somebody wants to sign in for."""

    account_uuid: UUID | None
    typed: ConnectForm | None
    by_graph: bool
    only_contacts: bool = False


@blueprint.post("/oauth/<any(google, microsoft):provider>")
def begin(provider: str) -> BaseResponse:
    """Send the browser to the provider's sign-in page, with the account's settings or with those of the form.

    Asked by a frame for a popup, give the ticket with which that begins.
    """
    if not oauth.is_offered(provider):
        raise NotFound
    form = _form(provider) if "imap_host" in request.form else None
    typed = form.to_connect_form("") if form is not None else None
    if form is not None and typed is None:
        return page_or_partial("accounts/new.html", "accounts/_form.html", 422, **_connect_tab.form_context(form))
    by_graph = "1" in request.form.getlist("by_graph") or request.form.get("sends_by") == "graph"
    only_contacts = bool(request.form.get("only_contacts"))
    wish = _Wish(request.form.get("account", type=UUID), typed, by_graph, only_contacts)
    if request.form.get("popup") == "1":
        ticket = oauth.issue_ticket(current_scope(), provider, **vars(wish))
        return jsonify({"action": url_for(".redeem"), "ticket": ticket})
    try:
        sign_in = _begin(current_scope(), provider, wish)
    except ProviderError as error:
        return _failed(error)
    session["sign_ins"] = [*session.get("sign_ins", []), sign_in.state][-_MOST_OPEN:]
    return _leave(provider, sign_in, by_graph=by_graph)


@blueprint.post("/oauth/popup")
@public
def redeem() -> BaseResponse:
    """Begin the sign-in that a ticket stands for, in the popup that this page of ours has opened."""
    ticket = oauth.take_ticket(request.form.get("ticket", "")) if _is_from_here() else None
    if ticket is None:
        return _too_late()
    wish = _Wish(ticket.account_uuid, ticket.typed, ticket.by_graph, ticket.only_contacts)
    try:
        sign_in = _begin(ticket.scope, ticket.provider, wish)
    except ProviderError as error:
        return _failed(error, is_popup=True)
    response = _leave(ticket.provider, sign_in, by_graph=ticket.by_graph, is_popup=True)
    kept = {"state": sign_in.state, "tenant": ticket.scope.tenant_id, "user": ticket.scope.user_id}
    response.set_cookie(
        _COOKIE,
        _serializer().dumps(kept),
        max_age=_COOKIE_S,
        path="/oauth",
        httponly=True,
        samesite="Lax",
        secure=current_app.config["WEBMAIL"].is_https,
    )
    return response


@blueprint.get("/oauth/<any(google, microsoft):provider>/callback")
@public
def callback(provider: str) -> BaseResponse:
    """Take the provider's answer, and show the checks that follow; in a popup, let it close."""
    answer = {name: value[:4000] for name, value in request.args.items()}
    state = answer.get("state", "")
    scope = _scope_of_popup(state)
    is_popup = scope is not None
    if scope is None:
        if not current_user.is_authenticated:
            return ask_to_sign_in()
        open_states = session.get("sign_ins", [])
        if state not in open_states:
            flash("This sign-in was not begun in this browser, or was finished already. Connect again.")
            return redirect(url_for("profile.settings", tab="connect"), 303)
        session["sign_ins"] = [each for each in open_states if each != state]
        scope = current_scope()
    try:
        attempt_uuid = oauth.finish(scope, provider, answer)
    except (ProviderError, InputRefused) as error:
        return _failed(error, is_popup=is_popup)
    if not is_popup:
        return redirect(url_for("accounts.attempt", attempt_uuid=attempt_uuid), 303)
    response = make_response(render_template("oauth/done.html"))
    response.delete_cookie(_COOKIE, path="/oauth")
    return response


def _begin(scope: Scope, provider: str, wish: _Wish) -> oauth.SignIn:
    back: str = current_app.config["WEBMAIL"].base_url + url_for(".callback", provider=provider)
    return oauth.begin(scope, provider, back, **vars(wish))


def _leave(provider: str, sign_in: oauth.SignIn, *, by_graph: bool, is_popup: bool = False) -> Response:
    # Not a redirect: browsers hold the answer to a form to `form-action 'self'`, wherever it leads in the end.
    page = render_template(
        "oauth/leaving.html",
        url=sign_in.url,
        email=sign_in.email,
        provider=provider,
        brand=provider.title(),
        is_stand_in=oauth.is_stand_in(provider),
        by_graph=by_graph,
        is_popup=is_popup,
    )
    return make_response(page)


def _is_from_here() -> bool:
    """Say whether a page of this origin has sent the request; a browser that does not tell is no popup of ours."""
    base = urlsplit(current_app.config["WEBMAIL"].base_url)
    is_ours = request.headers.get("Origin") == f"{base.scheme}://{base.netloc}"
    return is_ours and request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"


def _scope_of_popup(state: str) -> Scope | None:
    """Give for whom a sign-in was begun in this popup; None where it was not."""
    try:
        kept = _serializer().loads(request.cookies.get(_COOKIE, ""), max_age=_COOKIE_S)
    except BadSignature:
        return None
    return Scope(kept["tenant"], kept["user"]) if state and kept["state"] == state else None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="sign-in-popup")


def _form(provider: str) -> AccountForm:
    account_uuid = request.form.get("account", type=UUID)
    with reading() as s:
        account = load_account(s, current_scope(), account_uuid) if account_uuid else None
    return typed_form(request.form, account, sign_in=provider)


def _failed(error: ProviderError | InputRefused, *, is_popup: bool = False) -> Response:
    page = render_template(
        "oauth/failed.html",
        sentence=error.user_message,
        next_step=getattr(error, "next_step", ""),
        server_answer=getattr(error, "server_answer", ""),
        is_popup=is_popup,
    )
    return make_response(page)


def _too_late() -> Response:
    page = render_template(
        "oauth/failed.html",
        sentence="This window was not opened by the page that wants to connect, or it took too long.",
        next_step="Close it and press Connect again.",
        server_answer="",
        is_popup=True,
    )
    return make_response(page, 400)
