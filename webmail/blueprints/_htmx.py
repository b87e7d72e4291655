"""Answering htmx and plain requests from one handler (style guide, section 4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Response, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

VARY = "HX-Request, HX-Request-Type"


def is_htmx() -> bool:
    """Say whether htmx asked, for whatever it will do with the answer."""
    return request.headers.get("HX-Request") == "true"


def is_partial() -> bool:
    """Say whether htmx will put the answer into a part of the page; a history restore takes the whole page."""
    return request.headers.get("HX-Request-Type") == "partial"


def page_or_partial(page: str, partial: str, status: int = 200, **context: Any) -> Response:
    """Render the partial for htmx and the page, which is built from the same partial, for everybody else.

    Args:
        status: 422 when a form is shown again with its errors.
    """
    response = make_response(render_template(partial if is_partial() else page, **context), status)
    response.headers["Vary"] = VARY
    return response


def partial_or_redirect(partial: str, location: str, message: str = "", **context: Any) -> BaseResponse:
    """Answer a change: htmx gets the partial at once, a plain form a redirect (303).

    Args:
        message: what happened, for a toast: added to the partial, or flashed to the page that comes next.
    """
    if not is_partial():
        if message:
            flash(message)
        response: BaseResponse = redirect(location, 303)
    else:
        toast = render_template("components/_toast_oob.html", message=message, kind="done") if message else ""
        response = make_response(render_template(partial, **context) + toast)
    response.headers["Vary"] = VARY
    return response


def leave_for(location: str, message: str) -> BaseResponse:
    """Send the whole page elsewhere, whoever asks, with a toast there."""
    flash(message)
    response: BaseResponse = Response() if is_partial() else redirect(location, 303)
    if is_partial():
        response.headers["HX-Redirect"] = location
    response.headers["Vary"] = VARY
    return response


def is_asked_on(path: str, *, with_argument: str = "") -> bool:
    """Say whether htmx asks from a page of that path, and with that argument in its address."""
    url = urlsplit(request.headers.get("HX-Current-URL", ""))
    return url.path == path and (not with_argument or with_argument in parse_qs(url.query))


def toast_only(message: str, status: int) -> Response:
    """Answer htmx with a toast and leave its target as it is."""
    response = make_response(render_template("components/_toast_oob.html", message=message, kind="problem"), status)
    response.headers["HX-Reswap"] = "none"
    response.headers["HX-Push-Url"] = "false"
    response.headers["Vary"] = VARY
    return response


def toast_or_redirect(message: str, location: str, undo_url: str = "") -> BaseResponse:
    """Answer a change that shows elsewhere: htmx gets only a toast, a plain form a redirect (303) that brings it.

    Args:
        undo_url: where the toast's *Undo* posts to; without one it has none.
    """
    if is_partial():
        response: BaseResponse = make_response(
            render_template("components/_toast_oob.html", message=message, kind="done", undo_url=undo_url)
        )
    else:
        flash(message, undo_url or "message")
        response = redirect(location, 303)
    response.headers["Vary"] = VARY
    return response
