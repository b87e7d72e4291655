"""What can be done with several conversations of the list at once: one form, one answer, one *Undo*."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import mail
from webmail.blueprints._htmx import toast_or_redirect
from webmail.blueprints._mail import read_place
from webmail.blueprints._numbers import number
from webmail.blueprints._session import current_scope

blueprint = Blueprint("selection", __name__)


@blueprint.post("/conversations/selected/archive")
def archive() -> BaseResponse:
    moved = mail.archive_selected(current_scope(), selected_uuids())
    return _after_move(moved, gettext("Archived %(conversations)s.", conversations=conversations(moved.count)))


@blueprint.post("/conversations/selected/delete")
def delete() -> BaseResponse:
    moved = mail.delete_selected(current_scope(), selected_uuids())
    words = gettext("Moved %(conversations)s to the trash.", conversations=conversations(moved.count))
    return _after_move(moved, words)


@blueprint.post("/conversations/selected/read")
def mark_read() -> BaseResponse:
    count = mail.mark_selected(current_scope(), selected_uuids(), "read")
    words = gettext("Marked %(conversations)s as read.", conversations=conversations(count))
    return toast_or_redirect(words, _list_url())


@blueprint.post("/conversations/selected/unread")
def mark_unread() -> BaseResponse:
    count = mail.mark_selected(current_scope(), selected_uuids(), "unread")
    words = gettext("Marked %(conversations)s as unread.", conversations=conversations(count))
    return toast_or_redirect(words, _list_url())


@blueprint.post("/conversations/selected/star")
def star() -> BaseResponse:
    count = mail.mark_selected(current_scope(), selected_uuids(), "star")
    words = gettext("Starred %(conversations)s.", conversations=conversations(count))
    return toast_or_redirect(words, _list_url())


@blueprint.post("/conversations/moves/<uuid:batch>/undo")
def undo(batch: UUID) -> BaseResponse:
    """Take an archive or delete of several conversations back."""
    mail.undo_batch(current_scope(), batch)
    return toast_or_redirect("Put back.", _list_url())


def _after_move(moved: mail.Moved, message: str) -> BaseResponse:
    undo_url = url_for(".undo", batch=moved.batch, **read_place(request.args).args)
    return toast_or_redirect(message, _list_url(), undo_url)


def selected_uuids() -> list[UUID]:
    """Read which conversations are meant; what is no uuid is none."""
    return request.form.getlist("uuid", UUID)


def conversations(count: int) -> str:
    return str(ngettext("%(count)s conversation", "%(count)s conversations", count, count=number(count)))


def _list_url() -> str:
    return url_for("inbox.show", **read_place(request.args).args)
