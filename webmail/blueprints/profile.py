"""/profileSettings: the user's own name, password and theme, and the Connect tab."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import users
from webmail.blueprints._connect_tab import load_cards
from webmail.blueprints._session import begin_session, current_scope, safe_next, signed_in
from webmail.errors import InputRefused

blueprint = Blueprint("profile", __name__)


@blueprint.get("/profileSettings")
def settings() -> Response:
    return _page("connect" if request.args.get("tab") == "connect" else "profile")


@blueprint.post("/profile-settings/name")
def name() -> BaseResponse:
    try:
        users.change_name(current_scope(), request.form.get("name", ""))
    except InputRefused as refusal:
        return _page("profile", refusal, name_value=request.form.get("name", ""))
    flash("Name saved.")
    return redirect(url_for("profile.settings"), 303)


@blueprint.post("/profile-settings/password")
def password() -> BaseResponse:
    try:
        user = users.change_password(
            current_scope(), current=request.form.get("current_password", ""), new=request.form.get("new_password", "")
        )
    except InputRefused as refusal:
        return _page("profile", refusal)
    begin_session(user)
    flash("Password changed. Your other sessions have ended.")
    return redirect(url_for("profile.settings"), 303)


@blueprint.post("/profile-settings/theme")
def theme() -> BaseResponse:
    users.change_theme(current_scope(), request.form.get("theme", ""))
    referrer = request.referrer or ""
    came_from = referrer[len(request.host_url) - 1 :] if referrer.startswith(request.host_url) else ""
    return redirect(safe_next(came_from) or url_for("profile.settings"), 303)


def _page(tab: str, refusal: InputRefused | None = None, *, name_value: str = "") -> Response:
    problems = {refusal.field: refusal.user_message} if refusal else {}
    page = render_template(
        "profile/settings.html",
        tab=tab,
        problems=problems,
        name_value=name_value or signed_in().name,
        cards=load_cards(current_scope()) if tab == "connect" else [],
    )
    return make_response(page, 422 if refusal else 200)
