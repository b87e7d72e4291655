"""What colleagues share of their mail with a contact: to be read, in the pane of that contact and nowhere else.

Each address names the contact and the conversation, and each request asks `webmail.store.sharing` anew.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import attachments
from webmail.blueprints._frame import answer_body, answer_file
from webmail.blueprints._htmx import is_partial, page_or_partial
from webmail.blueprints._mail import Place, load_list
from webmail.blueprints._session import current_scope
from webmail.blueprints._shared import load_shared_view
from webmail.store import sharing
from webmail.store.contacts import load_by_uuid
from webmail.store.scope import Scope
from webmail.store.session import reading

blueprint = Blueprint("shared", __name__, url_prefix="/contacts/<uuid:contact_uuid>/shared/<uuid:conversation_uuid>")


@blueprint.get("")
def show(contact_uuid: UUID, conversation_uuid: UUID) -> Response:
    """Show a colleague's conversation, with the contact's other conversations beside it."""
    scope = current_scope()
    view = load_shared_view(scope, contact_uuid, conversation_uuid)
    place = Place("all", contact=view.contact.external_id or str(contact_uuid))
    context: dict[str, Any] = {"shared_view": view, "place": place, "open_uuid": conversation_uuid}
    if not is_partial():
        listed = load_list(scope, place)
        context |= {"mail": listed, "rail": listed.rail}
    return page_or_partial("shared/show.html", "shared/_opened.html", **context)


@blueprint.get("/messages/<uuid:message_uuid>/body")
def body(contact_uuid: UUID, conversation_uuid: UUID, message_uuid: UUID) -> Response:
    """Give the text of a message that is shared, as a page for its frame."""
    scope = current_scope()
    with reading() as s:
        contact = load_by_uuid(s, scope.tenant_id, contact_uuid)
        shared = sharing.load_shared(s, scope, contact, conversation_uuid)
        message = sharing.load_message(s, shared, message_uuid)
    owner = Scope(scope.tenant_id, shared.conversation.user_id)
    return answer_body(message, owner, shared.owner_uuid, shows_remote=request.args.get("images") == "1")


@blueprint.get("/attachments/<uuid:attachment_uuid>")
def attachment(contact_uuid: UUID, conversation_uuid: UUID, attachment_uuid: UUID) -> BaseResponse:
    """Download an attachment of a message that is shared."""
    scope = current_scope()
    with reading() as s:
        contact = load_by_uuid(s, scope.tenant_id, contact_uuid)
        shared = sharing.load_shared(s, scope, contact, conversation_uuid)
        sharing.require_attachment(s, shared, attachment_uuid)
    owner = Scope(scope.tenant_id, shared.conversation.user_id)
    return answer_file(attachments.open_attachment_file(owner, attachment_uuid))
