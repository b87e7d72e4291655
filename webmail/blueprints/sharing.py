"""What a user shares with colleagues: a conversation by itself, and the rule of a mailbox."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import sharing
from webmail.blueprints._conversation import load_view
from webmail.blueprints._htmx import VARY, is_partial
from webmail.blueprints._mail import read_place
from webmail.blueprints._session import current_scope
from webmail.blueprints._shared import sharing_note

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
