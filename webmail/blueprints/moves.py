"""Moving conversations to a folder: what can be chosen, as a menu and as a page of its own, and the move itself."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import mail, moves
from webmail.blueprints._htmx import page_or_partial, toast_or_redirect
from webmail.blueprints._mail import read_place
from webmail.blueprints._session import current_scope
from webmail.blueprints.selection import conversations, selected_uuids
from webmail.errors import InputRefused
from webmail.store.models import Folder

blueprint = Blueprint("moves", __name__)


@blueprint.get("/conversations/<uuid:conversation_uuid>/move")
def choose(conversation_uuid: UUID) -> Response:
    """Give the folders that a conversation can be moved to."""
    place = read_place(request.args)
    action = url_for(".move", conversation_uuid=conversation_uuid, **place.args)
    back = url_for("conversations.show", conversation_uuid=conversation_uuid, **place.args)
    return _choices(lambda: moves.folders_for(current_scope(), conversation_uuid), action, back)


@blueprint.post("/conversations/<uuid:conversation_uuid>/move")
def move(conversation_uuid: UUID) -> BaseResponse:
    place = read_place(request.args)
    moved = moves.move(current_scope(), conversation_uuid, request.form.get("folder", type=UUID))
    undo_url = url_for(".undo", conversation_uuid=conversation_uuid, **place.args)
    words = gettext("Moved to %(folder)s.", folder=_name(moved.folder))
    return toast_or_redirect(words, url_for("inbox.show", **place.args), undo_url)


@blueprint.post("/conversations/<uuid:conversation_uuid>/move/undo")
def undo(conversation_uuid: UUID) -> BaseResponse:
    mail.undo_move(current_scope(), conversation_uuid)
    place = read_place(request.args)
    return toast_or_redirect(
        "Put back.", url_for("conversations.show", conversation_uuid=conversation_uuid, **place.args)
    )


@blueprint.post("/conversations/selected/folders")
def choose_selected() -> Response:
    """Give the folders that the selected conversations can be moved to; it changes nothing."""
    args = read_place(request.args).args
    selected = selected_uuids()
    return _choices(
        lambda: moves.folders_for_selected(current_scope(), selected),
        url_for(".move_selected", **args),
        url_for("inbox.show", **args),
        selected,
    )


@blueprint.post("/conversations/selected/move")
def move_selected() -> BaseResponse:
    args = read_place(request.args).args
    moved = moves.move_selected(current_scope(), selected_uuids(), request.form.get("folder", type=UUID))
    words = gettext(
        "Moved %(conversations)s to %(folder)s.", conversations=conversations(moved.count), folder=_name(moved.folder)
    )
    return toast_or_redirect(words, url_for("inbox.show", **args), url_for("selection.undo", batch=moved.batch, **args))


def _choices(read: Callable[[], list[Folder]], action: str, back: str, selected: list[UUID] | None = None) -> Response:
    problem = ""
    folders: list[Folder] = []
    try:
        folders = read()
    except InputRefused as error:
        problem = error.user_message
    return page_or_partial(
        "moves/choose.html",
        "moves/_folders.html",
        folders=[(each.uuid, each.role, _name(each)) for each in folders],
        problem=problem,
        action=action,
        back=back,
        selected=selected,
    )


def _name(folder: Folder) -> str:
    return str(gettext("Inbox")) if folder.role == "inbox" else folder.name
