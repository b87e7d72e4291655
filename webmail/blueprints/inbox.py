"""The list of conversations: a page of its own, and the parts of it that are read again while it is open."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.blueprints import _mail_words, _numbers
from webmail.blueprints._htmx import is_asked_on, is_partial, page_or_partial
from webmail.blueprints._mail import load_list, load_rail, read_place
from webmail.blueprints._session import current_scope

blueprint = Blueprint("inbox", __name__)

for _words in (
    _mail_words.sender_names,
    _mail_words.recipient_names,
    _mail_words.initials,
    _mail_words.hue,
    _mail_words.file_icon,
    _numbers.file_size,
    _numbers.number,
):
    blueprint.add_app_template_filter(_words)


@blueprint.app_context_processor
def _names() -> dict[str, Any]:
    """Let the layout read the rail, which stands on every page."""
    return {"load_rail": lambda: load_rail(current_scope())}


@blueprint.get("/inbox")
def show() -> Response:
    """Show a view of the list, or with `q` what is found; with `cursor`, a later page of it."""
    place, cursor = read_place(request.args), request.args.get("cursor", "")
    mail = load_list(current_scope(), place, cursor=cursor)
    is_typed = "q" in request.args and not cursor
    partial = "inbox/_more.html" if cursor else "inbox/_searched.html" if is_typed else "inbox/_mail.html"
    response = page_or_partial("inbox/show.html", partial, mail=mail, rail=mail.rail, place=place, cursor=cursor)
    if is_typed:
        # While it is typed, a search stays one step of the history.
        header = "HX-Replace-Url" if is_asked_on("/inbox", with_argument="q") else "HX-Push-Url"
        response.headers[header] = url_for(".show", **place.args)
    return response


@blueprint.get("/inbox/list")
def refresh() -> BaseResponse:
    """Give the list anew, as deep as it has been scrolled, with the rail: what an open page asks for after news.

    `open` names the conversation that stands beside it.
    """
    place = read_place(request.args)
    if not is_partial():
        return redirect(url_for("inbox.show", **place.args), 303)
    open_uuid = request.args.get("open", None, UUID)
    rows = request.args.get("rows", 0, int)
    mail = load_list(current_scope(), place, open_uuid=open_uuid, rows=rows)
    return Response(
        render_template("inbox/_refreshed.html", mail=mail, rail=mail.rail, place=place, open_uuid=open_uuid)
    )
