"""/profileSettings: the user's own name, password and theme, and the Connect tab."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import users
from webmail.actions.remote_pictures import distrust_sender
from webmail.blueprints._connect_tab import load_cards
from webmail.blueprints._session import begin_session, current_scope, safe_next, signed_in
from webmail.errors import InputRefused
from webmail.store.session import reading
from webmail.store.trusted_senders import list_trusted

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


@blueprint.post("/profile-settings/details")
def details() -> BaseResponse:
    """Save what signatures may say of the user besides the name."""
    title, phone = request.form.get("title", ""), request.form.get("phone", "")
    try:
        users.change_details(current_scope(), title=title, phone=phone)
    except InputRefused as refusal:
        return _page("profile", refusal, title_value=title, phone_value=phone)
    flash("Saved. Signatures that name your title or telephone say it from now on.")
    return redirect(url_for("profile.settings"), 303)


@blueprint.post("/profile-settings/undo")
def undo() -> BaseResponse:
    """Choose for how long a mail that was sent off can be taken back."""
    seconds = request.form.get("seconds", -1, int)
    users.change_undo(current_scope(), seconds)
    flash(f"Mail can be taken back for {seconds} seconds." if seconds else "Mail goes out at once.")
    return redirect(url_for("profile.settings"), 303)


@blueprint.post("/profile-settings/locale")
def locale() -> BaseResponse:
    """Choose the language of the pages, and how dates and times are written."""
    users.change_locale(current_scope(), request.form.get("locale", ""))
    return redirect(url_for("profile.settings"), 303)


@blueprint.post("/profile-settings/theme")
def theme() -> BaseResponse:
    users.change_theme(current_scope(), request.form.get("theme", ""))
    referrer = request.referrer or ""
    came_from = referrer[len(request.host_url) - 1 :] if referrer.startswith(request.host_url) else ""
    return redirect(safe_next(came_from) or url_for("profile.settings"), 303)


@blueprint.post("/profile-settings/senders/<uuid:sender_uuid>/remove")
def remove_sender(sender_uuid: UUID) -> BaseResponse:
    """Ask again before pictures of a sender are shown."""
    email = distrust_sender(current_scope(), sender_uuid)
    flash(f"Pictures from {email} are shown when you ask for them." if email else "This sender is not listed any more.")
    return redirect(url_for("profile.settings", _anchor="senders-title"), 303)


def _page(tab: str, refusal: InputRefused | None = None, **typed: str) -> Response:
    user = signed_in()
    with reading() as s:
        senders = list_trusted(s, current_scope())
    problems = {refusal.field: refusal.user_message} if refusal else {}
    page = render_template(
        "profile/settings.html",
        tab=tab,
        problems=problems,
        **({"name_value": user.name, "title_value": user.title, "phone_value": user.phone} | typed),
        undo_choices=users.UNDO_CHOICES_S,
        locales=users.LOCALES,
        senders=senders,
        cards=load_cards(current_scope()) if tab == "connect" else [],
    )
    return make_response(page, 422 if refusal else 200)
