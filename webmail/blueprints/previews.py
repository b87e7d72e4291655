"""Attachments seen without opening them: small pictures, pages, beginnings of texts; and all of them in one file."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import archives, previews
from webmail.actions.previews import MAX_PREVIEW_BYTES, MAX_THUMBNAIL_BYTES
from webmail.blueprints._frame import FILE_POLICY, attached_as, streamed
from webmail.blueprints._htmx import page_or_partial
from webmail.blueprints._session import current_scope
from webmail.domain.filenames import preview_kind
from webmail.drawing import PICTURE_TYPE, Drawn
from webmail.errors import NotFound, ProviderError
from webmail.store.messages import load_attachment, load_message
from webmail.store.models import Attachment
from webmail.store.session import reading
from webmail.store.submissions import conversation_uuid_of

blueprint = Blueprint("previews", __name__)

_KEPT_S = 3600


@blueprint.app_template_filter()
def previewed_as(file: Attachment) -> str:
    """Say as what an attachment can be shown: `picture`, `pdf`, `text` or ""."""
    return preview_kind(file.media_type, file.filename) if file.size_bytes <= MAX_PREVIEW_BYTES else ""


@blueprint.app_template_filter()
def has_thumbnail(file: Attachment) -> bool:
    return previewed_as(file) in ("picture", "pdf") and file.size_bytes <= MAX_THUMBNAIL_BYTES


@blueprint.get("/messages/attachments/<uuid:attachment_uuid>/preview")
def preview(attachment_uuid: UUID) -> Response:
    """Show what can be seen of an attachment; a page of its own, or a dialog over the conversation."""
    scope, number = current_scope(), max(request.args.get("page", 1, int), 1)
    with reading() as s:
        attachment = load_attachment(s, scope, attachment_uuid)
        conversation_uuid = conversation_uuid_of(s, attachment.message_id)
    kind, text, drawn, problem = previewed_as(attachment), None, None, ""
    try:
        if kind == "text":
            text = previews.read_beginning(scope, attachment_uuid)
        elif kind:
            drawn = previews.draw_attachment(scope, attachment_uuid, page=number)
    except (NotFound, ProviderError) as error:
        problem = error.user_message
    return page_or_partial(
        "messages/preview.html",
        "messages/_preview_dialog.html",
        attachment=attachment,
        conversation_uuid=conversation_uuid,
        number=number,
        text=text,
        drawn=drawn,
        problem=problem,
    )


@blueprint.get("/messages/attachments/<uuid:attachment_uuid>/picture")
def picture(attachment_uuid: UUID) -> BaseResponse:
    """Give the picture of an attachment, or of the page `page`, as it was drawn here."""
    return _picture(previews.draw_attachment(current_scope(), attachment_uuid, page=request.args.get("page", 1, int)))


@blueprint.get("/messages/attachments/<uuid:attachment_uuid>/thumbnail")
def thumbnail(attachment_uuid: UUID) -> BaseResponse:
    return _picture(previews.draw_attachment(current_scope(), attachment_uuid, is_small=True))


def _picture(drawn: Drawn | None) -> Response:
    if drawn is None:
        return Response(status=415)
    response = Response(drawn.content, mimetype=PICTURE_TYPE)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["Cache-Control"] = f"private, max-age={_KEPT_S}"
    return response


@blueprint.get("/messages/<uuid:message_uuid>/attachments")
def everything(message_uuid: UUID) -> BaseResponse:
    """Save all attachments of a message as one zip file, which is written while it is sent."""
    scope = current_scope()
    with reading() as s:
        subject = load_message(s, scope, message_uuid).subject
    response = streamed(archives.zip_attachments(scope, message_uuid), "application/zip")
    response.headers["Content-Disposition"] = attached_as(f"{subject or 'attachments'}.zip")
    return response
