"""One conversation: reading it, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import mail
from webmail.blueprints._composer import composer_context
from webmail.blueprints._conversation import ConversationView, conversation_context, load_view
from webmail.blueprints._htmx import is_partial, page_or_partial, toast_or_redirect
from webmail.blueprints._mail import load_list, read_place
from webmail.blueprints._session import current_scope
from webmail.store.conversations import find_conversation
from webmail.store.scope import Scope
from webmail.store.session import reading

blueprint = Blueprint("conversations", __name__)


@blueprint.get("/conversations/<uuid:conversation_uuid>")
def show(conversation_uuid: UUID) -> Response:
    """Show a conversation, with the list that it was opened from beside it. A person who opens it has read it."""
    scope, place = current_scope(), read_place(request.args)
    view = load_view(scope, conversation_uuid, shows_earlier=request.args.get("earlier") == "1")
    if view.has_unread and not _is_prefetch():
        mail.mark_read(scope, conversation_uuid)
    context = {**conversation_context(view), **_composer(scope, view), "place": place}
    if not is_partial():
        listed = load_list(scope, place, open_uuid=view.detail.conversation.uuid)
        context |= {"mail": listed, "rail": listed.rail}
    return page_or_partial("conversations/show.html", "conversations/_opened.html", **context)


def _is_prefetch() -> bool:
    """Whether the browser only looks ahead: then nobody has read anything."""
    return "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))


def _composer(scope: Scope, view: ConversationView) -> dict[str, Any]:
    """Give what the composer at the foot takes, when this conversation has a draft."""
    if view.draft_uuid is None:
        return {}
    return composer_context(scope, view.draft_uuid)


@blueprint.get("/conversations/<uuid:conversation_uuid>/messages")
def messages(conversation_uuid: UUID) -> BaseResponse:
    """Give the messages anew: what an open page asks for after news. It marks nothing as read."""
    place, shows_earlier = read_place(request.args), request.args.get("earlier") == "1"
    if not is_partial():
        args = place.args | ({"earlier": 1} if shows_earlier else {})
        return redirect(url_for(".show", conversation_uuid=conversation_uuid, **args), 303)
    view = load_view(current_scope(), conversation_uuid, shows_earlier=shows_earlier)
    return make_response(render_template("conversations/_messages.html", **conversation_context(view), place=place))


@blueprint.post("/conversations/<uuid:conversation_uuid>/read")
def mark_read(conversation_uuid: UUID) -> BaseResponse:
    """Mark as read what arrived while the conversation lay open before somebody."""
    mail.mark_read(current_scope(), conversation_uuid)
    if is_partial():
        return Response(status=204)
    return redirect(_conversation_url(conversation_uuid), 303)


@blueprint.post("/conversations/<uuid:conversation_uuid>/unread")
def mark_unread(conversation_uuid: UUID) -> BaseResponse:
    return _act(mail.mark_unread, conversation_uuid, "Marked as unread.")


@blueprint.post("/conversations/<uuid:conversation_uuid>/star")
def star(conversation_uuid: UUID) -> BaseResponse:
    mail.star(current_scope(), conversation_uuid)
    return _after_star(conversation_uuid)


@blueprint.post("/conversations/<uuid:conversation_uuid>/star/undo")
def undo_star(conversation_uuid: UUID) -> BaseResponse:
    mail.unstar(current_scope(), conversation_uuid)
    return _after_star(conversation_uuid)


def _after_star(uuid: UUID) -> BaseResponse:
    """Show the star's new state wherever it stands; a plain form goes back to the page that it stood on."""
    place = read_place(request.args)
    if not is_partial():
        is_in_head = request.form.get("from") == "conversation"
        return redirect(_conversation_url(uuid) if is_in_head else url_for("inbox.show", **place.args), 303)
    with reading() as s:
        conversation = find_conversation(s, current_scope(), uuid)
    return make_response(render_template("conversations/_after_star.html", conversation=conversation, place=place))


@blueprint.post("/conversations/<uuid:conversation_uuid>/archive")
def archive(conversation_uuid: UUID) -> BaseResponse:
    undo_url = url_for(".undo_archive", conversation_uuid=conversation_uuid, **read_place(request.args).args)
    return _act(mail.archive, conversation_uuid, "Archived.", undo_url)


@blueprint.post("/conversations/<uuid:conversation_uuid>/delete")
def delete(conversation_uuid: UUID) -> BaseResponse:
    undo_url = url_for(".undo_delete", conversation_uuid=conversation_uuid, **read_place(request.args).args)
    return _act(mail.delete, conversation_uuid, "Moved to the trash.", undo_url)


@blueprint.post("/conversations/<uuid:conversation_uuid>/archive/undo")
def undo_archive(conversation_uuid: UUID) -> BaseResponse:
    return _undo(conversation_uuid)


@blueprint.post("/conversations/<uuid:conversation_uuid>/delete/undo")
def undo_delete(conversation_uuid: UUID) -> BaseResponse:
    return _undo(conversation_uuid)


def _act(action: Callable[[Scope, UUID], None], uuid: UUID, message: str, undo_url: str = "") -> BaseResponse:
    """Do something that closes the conversation, and go back to the list."""
    action(current_scope(), uuid)
    return toast_or_redirect(message, url_for("inbox.show", **read_place(request.args).args), undo_url)


def _undo(uuid: UUID) -> BaseResponse:
    mail.undo_move(current_scope(), uuid)
    return toast_or_redirect("Put back.", _conversation_url(uuid))


def _conversation_url(uuid: UUID) -> str:
    return url_for(".show", conversation_uuid=uuid, **read_place(request.args).args)
