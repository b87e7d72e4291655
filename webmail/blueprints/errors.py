"""Turning errors into pages and toasts: every one in the look, in words for people."""

from __future__ import annotations

import structlog
from flask import Flask, make_response, render_template
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from webmail.blueprints._api_problem import http_problem, is_api
from webmail.blueprints._htmx import is_htmx, toast_only
from webmail.blueprints._session import ask_to_sign_in
from webmail.blueprints._told import told
from webmail.errors import InputRefused, NotFound, ProviderError

log = structlog.get_logger(__name__)

_WORDS = {
    400: (_("This request cannot be read"), "Go back, reload the page and try again."),
    403: (_("This is not yours to see"), "Ask the person who sent you here for access."),
    404: (_("Nothing is here"), "It may have been deleted or moved, or the address is not quite right."),
    405: (_("This address does not take that"), "Go back and use the buttons of the page."),
    409: (
        _("This tab belongs to another session"),
        "Reload the page to go on as the person who is signed in now.",
    ),
    413: (_("This is too large"), "Remove the largest file and try again."),
    429: (_("Too many tries"), "Wait a few minutes, then try again."),
    500: (
        _("Something went wrong here"),
        "It has been written down. Try again; nothing that was saved is lost.",
    ),
}


def register_error_handlers(app: Flask) -> None:
    """Have every error answered by this module."""
    app.register_error_handler(CSRFError, _csrf_refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(InputRefused, _input_refused)
    app.register_error_handler(ProviderError, _provider_error)
    app.register_error_handler(Exception, _unexpected)


def error_answer(status: int, sentence: str = "", heading: str = "") -> Response:
    """Build the answer to a request that failed: a toast for htmx, a page otherwise."""
    title, advice = _WORDS.get(status, _WORDS[500])
    if is_htmx():
        return toast_only(sentence or f"{title}. {told(advice)}", status)
    page = render_template("errors/error.html", heading=heading or title, sentence=sentence or advice, status=status)
    return make_response(page, status)


def _csrf_refused(error: CSRFError) -> Response:
    # A session that has ended takes its CSRF token with it, so this check fails before the one for the user.
    if not current_user.is_authenticated:
        return ask_to_sign_in()
    log.info("csrf_refused", reason=error.description)
    return error_answer(400, "This page is older than your session. Reload it and try again.")


def _http_error(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:
        return error.get_response()
    if is_api():
        return http_problem(error)
    response = error_answer(error.code or 500)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _not_found(error: NotFound) -> Response:
    return error_answer(404, error.user_message)


def _input_refused(error: InputRefused) -> Response:
    return error_answer(422, error.user_message, heading=gettext("Not done yet"))


def _provider_error(error: ProviderError) -> Response:
    log.info("provider_error", cause=error.cause, detail=error.detail)
    sentence = f"{error.user_message} {error.next_step}".strip()
    return error_answer(502, sentence, heading=gettext("The mail server did not do it"))


def _unexpected(error: Exception) -> Response:
    log.exception("request_failed", error=type(error).__name__)  # noqa: LOG004  # Flask calls it while handling
    return http_problem(InternalServerError()) if is_api() else error_answer(500)
