"""What a user shares with colleagues: a conversation by itself, and the rule of a mailbox."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import privacy, sharing
from webmail.blueprints._conversation import load_view
from webmail.blueprints._htmx import VARY, is_partial
from webmail.blueprints._mail import read_place
from webmail.blueprints._session import current_scope
from webmail.blueprints._shared import sharing_note
from webmail.store.accounts import load_account
from webmail.store.session import reading

blueprint = Blueprint("sharing", __name__)
blueprint.add_app_template_global(sharing_note)


@blueprint.post("/conversations/<uuid:conversation_uuid>/share")
def share(conversation_uuid: UUID) -> BaseResponse:
    sharing.share_conversation(current_scope(), conversation_uuid)
    return _after(conversation_uuid)


@blueprint.post("/conversations/<uuid:conversation_uuid>/share/undo")
def keep_private(conversation_uuid: UUID) -> BaseResponse:
    sharing.keep_private(current_scope(), conversation_uuid)
    return _after(conversation_uuid)


@blueprint.get("/accounts/<uuid:account_uuid>/sharing")
def show_account(account_uuid: UUID) -> str:
    """Show what colleagues see of a mailbox, and what of it is kept here."""
    with reading() as s:
        account = load_account(s, current_scope(), account_uuid)
    return render_template("accounts/sharing.html", account=account, private_count=0)


@blueprint.post("/accounts/<uuid:account_uuid>/sharing")
def update_account(account_uuid: UUID) -> BaseResponse:
    scope, wants_contacts = current_scope(), bool(request.form.get("only_contacts"))
    sharing.share_account(scope, account_uuid, request.form.get("sharing", ""))
    with reading() as s:
        account = load_account(s, scope, account_uuid)
    if wants_contacts and not account.only_contacts and not request.form.get("confirmed"):
        count = privacy.count_private(scope, account_uuid)
        if count:
            return make_response(render_template("accounts/sharing.html", account=account, private_count=count))
    (privacy.keep_only_contacts if wants_contacts else privacy.keep_everything)(scope, account_uuid)
    flash(f"Saved for {account.email}.")
    return redirect(url_for("profile.settings", tab="connect"), 303)


def _after(uuid: UUID) -> BaseResponse:
    place = read_place(request.args)
    if not is_partial():
        return redirect(url_for("conversations.show", conversation_uuid=uuid, **place.args), 303)
    view = load_view(current_scope(), uuid)
    page = render_template(
        "conversations/_after_sharing.html", view=view, conversation=view.detail.conversation, place=place
    )
    response = make_response(page)
    response.headers["Vary"] = VARY
    return response
