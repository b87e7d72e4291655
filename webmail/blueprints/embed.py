"""Inside a host's page: launching, the frame's session, and what the page around it is told."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, make_response, redirect, render_template, request, url_for
from flask import session as values
from flask_wtf.csrf import generate_csrf
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import launches
from webmail.actions.users import THEMES
from webmail.blueprints import _framed
from webmail.blueprints._framed import Frame, current_frame
from webmail.blueprints._htmx import page_or_partial
from webmail.blueprints._mail import Place, load_list
from webmail.blueprints._session import current_scope, public
from webmail.store.accounts import list_accounts
from webmail.store.conversations import unread_counts
from webmail.store.session import reading
from webmail.store.submissions import recently_sent

blueprint = Blueprint("embed", __name__)

_PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "": ("inbox.show", {}),
    "inbox": ("inbox.show", {}),
    "connect": ("profile.settings", {"tab": "connect"}),
    "compose": ("compose.new", {}),
}


@blueprint.post("/embed/launch")
@public
def launch() -> BaseResponse:
    """Take a launch that a form in the host's page has posted into its frame; its signature is what guards it."""
    try:
        _require_frame()
        begun = launches.launch(
            request.form.get("token", ""),
            origin=request.headers.get("Origin", ""),
            audience=current_app.config["WEBMAIL"].base_url,
            zone=request.form.get("zone", "")[:64],
        )
    except launches.LaunchRefused as refusal:
        page = render_template("embed/refused.html", sentence=refusal.user_message, reference=refusal.reference)
        response = make_response(page, 403)
        response.headers["Content-Security-Policy"] = _policy_for(refusal.origins)
        return response
    entry = _framed.make_token(current_app, begun.session_uuid)
    answer = redirect(url_for(".enter", entry=entry, page=begun.page or None, contact=begun.contact or None), 303)
    _framed.set_cookie(current_app, answer, begun.session_uuid)
    return answer


@blueprint.get("/embed/enter")
@public
def enter() -> BaseResponse:
    """See whether the browser took the cookie, and go to the page: by its name where it did, by a token elsewhere."""
    entering = _framed.entering(current_app, request)
    if entering is None:
        raise NotFound
    uuid, has_cookie = entering
    name = str(uuid) if has_cookie else _framed.make_token(current_app, uuid)
    endpoint, arguments = _PAGES.get(request.args.get("page", ""), _PAGES["inbox"])
    if request.args.get("contact") and request.args.get("page", "contact") == "contact":
        endpoint, arguments = ".contact", {"external_id": request.args["contact"]}
    return redirect(url_for(endpoint, **arguments, frame=name), 303)


@blueprint.get("/embed/contact/<external_id>")
def contact(external_id: str) -> Response:
    """Show the conversations that the user has with a person of the ATS."""
    place = Place("all", contact=external_id)
    mail = load_list(current_scope(), place)
    return page_or_partial("inbox/show.html", "inbox/_mail.html", mail=mail, rail=mail.rail, place=place)


@blueprint.post("/embed/renew")
def renew() -> Response:
    """Give an open page a new name for its session, before the old one has run out."""
    return jsonify({"frame": _here().name, "csrf_token": generate_csrf()})


@blueprint.post("/embed/theme")
def theme() -> Response:
    """Take over the look of the host's page, for this session."""
    if request.form.get("theme") in THEMES:
        values["theme"] = request.form["theme"]
    return Response(status=204)


@blueprint.post("/embed/logout")
def logout() -> Response:
    """End this session, because the host's user has left."""
    frame = _here()
    assert frame.row is not None  # a live session has its row
    launches.end(frame.row.id)
    return Response(status=204)


@blueprint.get("/embed/state")
def state() -> Response:
    """Tell what the host's page wants to know: unread conversations, mailboxes, and what has just been sent."""
    _here()
    scope = current_scope()
    with reading() as s:
        accounts = list_accounts(s, scope)
        unread = sum(unread_counts(s, scope).values())
        sent = recently_sent(s, scope)
    told = [{"id": str(each.uuid), "email": each.email, "status": each.status} for each in accounts]
    return jsonify({"unread": unread, "accounts": told, "sent": [str(uuid) for uuid in sent]})


def _here() -> Frame:
    frame = current_frame()
    if frame is None:
        raise NotFound
    return frame


def _require_frame() -> None:
    # Where this is no frame, a stranger could open a session of his own for whoever follows his link.
    if request.headers.get("Sec-Fetch-Dest", "iframe") not in ("iframe", "frame"):
        sentence = "A launch is posted into a frame: give the form that posts it the frame's name as its target."
        raise launches.refused(sentence, "not in a frame")


def _policy_for(origins: list[str]) -> str:
    policy: str = current_app.config["CONTENT_SECURITY_POLICY"]
    return _framed.with_ancestors(policy, origins)
