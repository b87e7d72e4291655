"""What lies behind a message: its header fields, its source, and the mail as a file or on paper."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, make_response, render_template
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import sources
from webmail.actions.sources import MAX_SOURCE_BYTES
from webmail.blueprints._frame import attached_as, streamed
from webmail.blueprints._print import Printed, load_conversation_to_print, load_message_to_print, print_policy
from webmail.blueprints._session import current_scope, signed_in
from webmail.errors import NotFound, ProviderError
from webmail.store.messages import load_message
from webmail.store.session import reading
from webmail.store.submissions import conversation_uuid_of

blueprint = Blueprint("sources", __name__)

_SHOWN_BYTES = 5 * 1024 * 1024
"""Of a source that is shown; browsers stand still before a text of a hundred megabytes. The file is whole."""


@blueprint.get("/messages/<uuid:message_uuid>/details")
def details(message_uuid: UUID) -> BaseResponse:
    """Show all header fields of a message, decoded and as they came."""
    scope = current_scope()
    with reading() as s:
        message = load_message(s, scope, message_uuid)
        conversation_uuid = conversation_uuid_of(s, message.id)
    problem, fields = "", []
    try:
        fields = sources.read_fields(scope, message_uuid)
    except (NotFound, ProviderError) as error:
        problem = error.user_message
    page = render_template(
        "messages/details.html", message=message, conversation_uuid=conversation_uuid, fields=fields, problem=problem
    )
    return make_response(page)


@blueprint.get("/messages/<uuid:message_uuid>/source")
def source(message_uuid: UUID) -> BaseResponse:
    """Show a message as it is, as text that nothing is read into."""
    pieces = sources.open_source(current_scope(), message_uuid, limit_bytes=_SHOWN_BYTES)
    return streamed(pieces, "text/plain; charset=utf-8")


@blueprint.get("/messages/<uuid:message_uuid>/download")
def download(message_uuid: UUID) -> BaseResponse:
    """Save a message as a file that other mail programs open."""
    scope = current_scope()
    with reading() as s:
        subject = load_message(s, scope, message_uuid).subject
    pieces = sources.open_source(scope, message_uuid, limit_bytes=MAX_SOURCE_BYTES)
    response = streamed(pieces, "message/rfc822")
    response.headers["Content-Disposition"] = attached_as(f"{subject or 'message'}.eml")
    return response


@blueprint.get("/messages/<uuid:message_uuid>/print")
def print_message(message_uuid: UUID) -> BaseResponse:
    return _printed(load_message_to_print(current_scope(), message_uuid, signed_in().uuid))


@blueprint.get("/conversations/<uuid:conversation_uuid>/print")
def print_conversation(conversation_uuid: UUID) -> BaseResponse:
    return _printed(load_conversation_to_print(current_scope(), conversation_uuid, signed_in().uuid))


def _printed(printed: Printed) -> Response:
    response = make_response(render_template("messages/print.html", printed=printed))
    response.headers["Content-Security-Policy"] = print_policy()
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
