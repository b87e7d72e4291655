"""One message: its text in a frame of its own, its pictures and its attachments. Every part of a mail is hostile."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import attachments
from webmail.actions.remote_pictures import open_remote_picture
from webmail.actions.remote_pictures import trust_sender as trust_sender_of
from webmail.blueprints._frame import FILE_POLICY, answer_body, answer_file, picture_type
from webmail.blueprints._htmx import is_partial, toast_or_redirect
from webmail.blueprints._session import current_scope, public, signed_in
from webmail.blueprints._signed import PART_SECONDS, read_image_token, read_part_token
from webmail.errors import NotFound
from webmail.store.messages import load_message
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.submissions import conversation_uuid_of
from webmail.store.trusted_senders import is_trusted
from webmail.store.users import find_by_uuid

blueprint = Blueprint("messages", __name__)


@blueprint.get("/messages/<uuid:message_uuid>/body")
def body(message_uuid: UUID) -> Response:
    """Give the text of a message as a page for its frame; with `images=1`, with pictures from elsewhere."""
    scope = current_scope()
    with reading() as s:
        message = load_message(s, scope, message_uuid)
        shows_remote = request.args.get("images") == "1" or is_trusted(s, scope, message.from_email)
    return answer_body(message, scope, signed_in().uuid, shows_remote=shows_remote, can_trust=True)


@blueprint.post("/messages/<uuid:message_uuid>/fetch")
def fetch(message_uuid: UUID) -> BaseResponse:
    """Ask the server once more for a text that it did not give."""
    scope = current_scope()
    attachments.retry_body(scope, message_uuid)
    if is_partial():
        return Response(status=204)
    with reading() as s:
        message = load_message(s, scope, message_uuid)
        uuid = conversation_uuid_of(s, message.id)
    return redirect(url_for("conversations.show", conversation_uuid=uuid), 303)


@blueprint.get("/messages/parts/<token>")
@public
def part(token: str) -> BaseResponse:
    """Give a picture that a mail shows by `cid:`. The address itself is the key: the frame may send no cookie."""
    attachment_uuid, user_uuid = read_part_token(token)
    with reading() as s:
        user = find_by_uuid(s, user_uuid)
    if user is None:
        raise NotFound
    return _picture(attachments.open_attachment(Scope(user.tenant_id, user.id), attachment_uuid).content)


@blueprint.get("/messages/images/<token>")
@public
def image(token: str) -> BaseResponse:
    """Give a picture from elsewhere that a mail names, fetched by this server; its address is the key, as above."""
    url, message_uuid, user_uuid = read_image_token(token)
    with reading() as s:
        user = find_by_uuid(s, user_uuid)
    if user is None:
        raise NotFound
    return _picture(open_remote_picture(Scope(user.tenant_id, user.id), message_uuid, url))


def _picture(content: bytes) -> Response:
    media_type = picture_type(content)
    if media_type is None:
        return Response(status=415)
    response = Response(content, mimetype=media_type)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["Cache-Control"] = f"private, max-age={PART_SECONDS}"
    return response


@blueprint.get("/messages/<uuid:message_uuid>/trust")
def trust(message_uuid: UUID) -> BaseResponse:
    """Ask whether pictures of this sender shall always be shown: the way without JavaScript."""
    with reading() as s:
        message = load_message(s, current_scope(), message_uuid)
    return make_response(render_template("messages/trust.html", message=message))


@blueprint.post("/messages/<uuid:message_uuid>/trust")
def trust_sender(message_uuid: UUID) -> BaseResponse:
    scope = current_scope()
    email = trust_sender_of(scope, message_uuid)
    with reading() as s:
        uuid = conversation_uuid_of(s, load_message(s, scope, message_uuid).id)
    return toast_or_redirect(
        f"Pictures from {email} are always shown.", url_for("conversations.show", conversation_uuid=uuid)
    )


@blueprint.get("/messages/attachments/<uuid:attachment_uuid>")
def attachment(attachment_uuid: UUID) -> BaseResponse:
    """Download an attachment; nothing is ever shown in place."""
    return answer_file(attachments.open_attachment_file(current_scope(), attachment_uuid))
