"""What the API answers when it cannot do what was asked: problems, as RFC 9457 writes them."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, jsonify, request
from werkzeug.exceptions import HTTPException

from webmail.actions.api_answers import KeyReused, StillWorking
from webmail.errors import InputRefused, NotFound, WebmailError

ROOT = "/api/v1"
_WORDS = {
    400: ("This request cannot be read", "Its body is no JSON. /api/v1/docs tells what is taken."),
    404: ("Not found", "There is no such address in the API."),
    405: ("This address does not take that method", "Allow says which it takes."),
    413: ("This is too large", "Send less at a time."),
    415: ("This is no JSON", "Send Content-Type: application/json."),
    500: ("Something went wrong here", "It has been written down. Nothing that was saved is lost."),
}


class ScopeMissing(WebmailError):
    """The key may not do that."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"It takes a key with the scope {scope}.")
        self.scope = scope


def problem(status: int, title: str, detail: str, **more: str) -> Response:
    """Build an answer that says what is wrong.

    Args:
        more: further members, such as `field`.
    """
    response: Response = jsonify({"type": "about:blank", "title": title, "status": status, "detail": detail, **more})
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def http_problem(error: HTTPException) -> Response:
    """Put what Flask raises by itself into the form of a problem."""
    status = error.code or 500
    title, detail = _WORDS.get(status, (HTTPStatus(status).phrase, error.description or ""))
    response = problem(status, title, detail)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def known_problem(error: WebmailError) -> Response:
    """Put an error that was raised on purpose into the form of a problem."""
    if isinstance(error, NotFound):
        return problem(404, "Not found", error.user_message)
    if isinstance(error, InputRefused):
        return problem(422, "This cannot be taken", error.user_message, field=error.field)
    if isinstance(error, KeyReused | StillWorking):
        response = problem(409, "This Idempotency-Key is taken", error.user_message)
        if isinstance(error, StillWorking):
            response.headers["Retry-After"] = "5"
        return response
    if isinstance(error, ScopeMissing):
        response = problem(403, "This key may not do that", error.user_message)
        response.headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{error.scope}"'
        return response
    return problem(502, "A server elsewhere did not do it", error.user_message)


def is_api() -> bool:
    """Say whether this request is meant for the API, found or not."""
    return request.path == ROOT or request.path.startswith(f"{ROOT}/")
