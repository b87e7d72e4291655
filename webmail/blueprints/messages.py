"""One message: its text in a frame of its own, its pictures and its attachments. Every part of a mail is hostile."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import attachments
from webmail.blueprints._frame import frame_policy, harmless_type, picture_type, render_body
from webmail.blueprints._htmx import is_partial
from webmail.blueprints._session import current_scope, public, signed_in
from webmail.blueprints._signed import PART_SECONDS, read_part_token
from webmail.errors import NotFound
from webmail.store.accounts import find_account
from webmail.store.messages import load_message
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.submissions import conversation_uuid_of
from webmail.store.users import find_by_uuid

blueprint = Blueprint("messages", __name__)

_FILE_POLICY = "default-src 'none'; sandbox"


@blueprint.get("/messages/<uuid:message_uuid>/body")
def body(message_uuid: UUID) -> Response:
    """Give the text of a message as a page for its frame; with `images=1` it may load pictures from elsewhere."""
    shows_remote = request.args.get("images") == "1"
    scope = current_scope()
    with reading() as s:
        message = load_message(s, scope, message_uuid)
        account = find_account(s, message.account_id)
    is_waiting = message.body_state == "headers" and account is not None and account.secret is not None
    if is_waiting:
        attachments.ensure_body(scope, message_uuid)
    content = render_body(message, signed_in().uuid) if message.body_state != "headers" else None
    page = render_template(
        "messages/body.html", message=message, content=content, shows_remote=shows_remote, is_waiting=is_waiting
    )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = frame_policy(shows_remote=shows_remote)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


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
    opened = attachments.open_attachment(Scope(user.tenant_id, user.id), attachment_uuid)
    media_type = picture_type(opened.content)
    if media_type is None:
        return Response(status=415)
    response = Response(opened.content, mimetype=media_type)
    response.headers["Content-Security-Policy"] = _FILE_POLICY
    response.headers["Cache-Control"] = f"private, max-age={PART_SECONDS}"
    return response


@blueprint.get("/messages/attachments/<uuid:attachment_uuid>")
def attachment(attachment_uuid: UUID) -> BaseResponse:
    """Download an attachment; nothing is ever shown in place."""
    opened = attachments.open_attachment(current_scope(), attachment_uuid)
    response = send_file(
        BytesIO(opened.content),
        mimetype=harmless_type(opened.media_type),
        as_attachment=True,
        download_name=opened.filename or "attachment",
        etag=False,
        max_age=0,
    )
    response.headers["Content-Security-Policy"] = _FILE_POLICY
    response.headers["Cache-Control"] = "private, no-store"
    return response
