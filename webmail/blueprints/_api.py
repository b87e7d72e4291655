"""What all of the API has in common: who asks, how often, and how an operation is declared.

An operation is declared once, beside its code: method, path, scope, arguments, the shapes of its body and of its
answers. The same declaration checks each request and makes the API's document, so the two cannot differ.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, NotFound, RequestEntityTooLarge

from webmail import queue
from webmail.actions import api_answers
from webmail.actions.api_keys import Caller, caller_of
from webmail.blueprints._api_problem import ScopeMissing, http_problem, known_problem, problem
from webmail.blueprints._api_shapes import SHAPES
from webmail.blueprints._session import public
from webmail.domain.shapes import Shape, flaw_in
from webmail.errors import InputRefused, WebmailError

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

PER_MINUTE = 600
MAX_BODY = 256 * 1024
_WINDOW_S = 60
_KEY_NAMES = frozenset("key api_key apikey api-key token access_token authorization auth secret".split())
_MAX_IDEMPOTENCY_KEY = 200
_MOST_VALUES = 1_000_000
"""In a body: each takes some fifty bytes here, however few it takes on its way."""


@dataclass(frozen=True)
class Argument:
    """Something that may stand after the `?`; `shape` is of a text or a whole number."""

    name: str
    shape: Shape
    about: str
    is_required: bool = False


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked for."""

    name: str
    method: str
    path: str
    summary: str
    scope: str
    answers: Mapping[int, str]
    """Status -> the name of the answer's shape, "" for an answer without a body."""
    body: str = ""
    """The name of the body's shape."""
    arguments: tuple[Argument, ...] = ()
    about: str = ""
    max_body: int = MAX_BODY


@dataclass(frozen=True)
class Asked:
    """A request that has been checked."""

    operation: Operation
    caller: Caller
    arguments: dict[str, Any]
    body: dict[str, Any]
    uuid: UUID
    """What the request makes is named so: the same one when the request comes again."""

    @property
    def tenant_id(self) -> int:
        return self.caller.tenant_id

    def require(self, scope: str) -> None:
        """Ask for one more scope than the operation's own.

        Raises:
            ScopeMissing: the key has it not.
        """
        if scope not in self.caller.scopes:
            raise ScopeMissing(scope)


@dataclass(frozen=True)
class Answer:
    """What an operation gives back."""

    data: object = None
    status: int = 200
    pieces: Iterator[str] | None = None
    """In place of `data`: the JSON text, a piece at a time, for what is too large to be held at once."""

    def response(self) -> Response:
        if self.pieces is not None:
            return Response(self.pieces, status=self.status, mimetype="application/json")
        response = Response(status=self.status) if self.data is None else jsonify(self.data)
        response.status_code = self.status
        return response


OPERATIONS: dict[str, Operation] = {}
"""All of them, by endpoint."""

View = Callable[..., Answer]


def operation(method: str, path: str, **facts: Any) -> Callable[[View], View]:
    """Declare an operation: its view gets `Asked` and what stands in the path, and gives an `Answer`.

    Args:
        facts: the other fields of `Operation`.
    """

    def declare(view: View) -> View:
        name = view.__name__
        declared = Operation(name, method, path, **facts)
        OPERATIONS[name] = declared

        @public
        @wraps(view)
        def answer(**places: Any) -> Response:
            return _answer(declared, view, places)

        blueprint.add_url_rule(path, name, answer, methods=[method])
        return view

    return declare


def _answer(declared: Operation, view: View, places: dict[str, Any]) -> Response:
    caller: Caller = g.caller
    if declared.scope not in caller.scopes:
        return known_problem(ScopeMissing(declared.scope))
    raw = _read(declared.max_body)
    arguments, body = _arguments(declared), _body(declared, raw)
    key = request.headers.get("Idempotency-Key", "")
    if declared.method != "POST" or not key:
        return view(Asked(declared, caller, arguments, body, uuid4()), **places).response()
    if len(key) > _MAX_IDEMPOTENCY_KEY or not key.isprintable():
        raise InputRefused("Idempotency-Key", f"A key takes from 1 to {_MAX_IDEMPOTENCY_KEY} printable characters.")
    full = b"\n".join((request.method.encode(), request.full_path.encode(), raw))
    # Under each API key for itself: an answer may hold what another key has not the scopes for.
    attempt = api_answers.begin(caller.tenant_id, f"{caller.key_id}:{key}", full)
    if attempt.answer is not None:
        return _again(*attempt.answer)
    return _first(attempt, lambda: view(Asked(declared, caller, arguments, body, attempt.uuid), **places))


def _read(most: int) -> bytes:
    if (request.content_length or 0) > most:
        raise RequestEntityTooLarge
    request.max_content_length = most + 1  # without a length, reading stops there, and does not say so
    raw = request.get_data()
    if len(raw) > most or sum(map(raw.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise RequestEntityTooLarge
    return raw


def _first(attempt: api_answers.Attempt, work: Callable[[], Answer]) -> Response:
    status = 500
    text = ""
    try:
        try:
            response = work().response()
        except WebmailError as error:
            response = known_problem(error)
        status, text = response.status_code, response.get_data(as_text=True)
        return response
    finally:
        api_answers.finish(attempt, status, text)


def _again(status: int, body: str) -> Response:
    response = Response(body, status=status, mimetype="application/json")
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _arguments(declared: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = {each.name: each for each in declared.arguments}
    for name, values in request.args.lists():
        if name not in known or len(values) > 1:
            what = "stands there twice" if name in known else "is no argument of this address"
            raise InputRefused(name[:80], f"{name[:80]} {what}.")
        found[name] = _argument(known[name], values[0])
    for argument in known.values():
        if argument.is_required and argument.name not in found:
            raise InputRefused(argument.name, f"{argument.name} is missing.")
    return found


def _argument(argument: Argument, typed: str) -> object:
    value: object = typed
    if argument.shape["type"] == "integer" and typed.isascii() and typed.isdigit() and len(typed) < 10:
        value = int(typed)
    flaw = flaw_in(value, argument.shape, SHAPES, argument.name)
    if flaw is not None:
        raise InputRefused(flaw.field, flaw.sentence)
    return value


def _body(declared: Operation, raw: bytes) -> dict[str, Any]:
    if not declared.body:
        return {}
    if request.mimetype != "application/json":
        raise _Unsupported
    try:
        read = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _Unreadable from None
    flaw = flaw_in(read, {"$ref": f"#/{declared.body}"}, SHAPES)
    if flaw is not None:
        raise InputRefused(flaw.field, flaw.sentence)
    return dict(read)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


class _Unreadable(HTTPException):
    code = 400


class _Unsupported(HTTPException):
    code = 415


@blueprint.before_request
def require_key() -> Response | None:
    """Know the tenant by its key, and hold the key to its rate. The document is for everybody."""
    if request.endpoint is None or request.endpoint.rpartition(".")[2] not in OPERATIONS:
        return None
    if any(name.lower() in _KEY_NAMES or value.startswith("wm_") for name, value in request.args.items(multi=True)):
        return problem(400, "A key in an address is a key in logs", "Send it as Authorization: Bearer; make a new one.")
    if "\0" in request.path:
        return http_problem(NotFound())  # no database takes it, and nothing here is called so
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    caller = caller_of(key.strip()) if scheme.lower() == "bearer" and key.strip() else None
    if caller is None:
        response = problem(401, "No key, or none that is known", "Send Authorization: Bearer and a key of yours.")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    g.caller = caller
    g.used = queue.count_use(f"api:{caller.key_id}", window_s=_WINDOW_S)
    if g.used > PER_MINUTE:
        response = problem(429, "Too many requests", f"A key may ask {PER_MINUTE} times a minute.")
        response.headers["Retry-After"] = str(_left_s())
        return response
    return None


@blueprint.after_request
def tell_rate(response: Response) -> Response:
    """Say how much is left, as the IETF's RateLimit header fields do (draft-ietf-httpapi-ratelimit-headers)."""
    if "used" in g:
        left = max(PER_MINUTE - g.used, 0)
        response.headers["RateLimit-Policy"] = f'"key";q={PER_MINUTE};w={_WINDOW_S}'
        response.headers["RateLimit"] = f'"key";r={left};t={_left_s()}'
    return response


def _left_s() -> int:
    return _WINDOW_S - int(time.time()) % _WINDOW_S


blueprint.register_error_handler(WebmailError, known_problem)
blueprint.register_error_handler(HTTPException, http_problem)
