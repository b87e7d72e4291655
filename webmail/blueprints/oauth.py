"""Signing in at Google and Microsoft: there and back.

The state that an answer must carry is kept with this browser's session and with the user, and is good once.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, request, session, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import oauth
from webmail.blueprints._session import current_scope
from webmail.errors import InputRefused, ProviderError

blueprint = Blueprint("oauth", __name__)

_MOST_OPEN = 8
"""Sign-ins that one browser can have under way; the oldest are forgotten."""


@blueprint.post("/oauth/<any(google, microsoft):provider>")
def begin(provider: str) -> BaseResponse:
    """Send the browser to the provider's sign-in page."""
    if not oauth.is_offered(provider):
        raise NotFound
    account_uuid = request.form.get("account", type=UUID)
    try:
        sign_in = oauth.begin(current_scope(), provider, _callback_url(provider), account_uuid)
    except ProviderError as error:
        return _failed(error)
    session["sign_ins"] = [*session.get("sign_ins", []), sign_in.state][-_MOST_OPEN:]
    # Not a redirect: browsers hold the answer to a form to `form-action 'self'`, wherever it leads in the end.
    return make_response(
        render_template(
            "oauth/leaving.html", url=sign_in.url, email=sign_in.email, provider=provider, brand=provider.title()
        )
    )


@blueprint.get("/oauth/<any(google, microsoft):provider>/callback")
def callback(provider: str) -> BaseResponse:
    """Take the provider's answer, and show the checks that follow."""
    answer = {name: value[:4000] for name, value in request.args.items()}
    open_states = session.get("sign_ins", [])
    if answer.get("state") not in open_states:
        flash("This sign-in was not begun in this browser, or was finished already. Connect again.")
        return redirect(url_for("profile.settings", tab="connect"), 303)
    session["sign_ins"] = [state for state in open_states if state != answer["state"]]
    try:
        attempt_uuid = oauth.finish(current_scope(), provider, answer)
    except (ProviderError, InputRefused) as error:
        return _failed(error)
    return redirect(url_for("accounts.attempt", attempt_uuid=attempt_uuid), 303)


def _callback_url(provider: str) -> str:
    base_url: str = current_app.config["WEBMAIL"].base_url
    return base_url + url_for("oauth.callback", provider=provider)


def _failed(error: ProviderError | InputRefused) -> BaseResponse:
    page = render_template(
        "oauth/failed.html",
        sentence=error.user_message,
        next_step=getattr(error, "next_step", ""),
        server_answer=getattr(error, "server_answer", ""),
    )
    return make_response(page)
