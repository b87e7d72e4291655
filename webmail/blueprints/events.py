"""The stream of what happens, by server-sent events: a page learns that something changed, and asks what."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, current_app, request

from webmail import queue
from webmail.blueprints._event_hub import EventHub, Stream, TooManyStreams
from webmail.blueprints._session import load_signed_in, signed_in

blueprint = Blueprint("events", __name__)

HEARTBEAT_S = 15.0
MOST_STREAMS = 64
"""The web server's threads (webmail.web), less those that pages need."""
MOST_PER_USER = 4
_RETRY_AFTER_S = 30

_hub = EventHub()


@blueprint.get("/events")
def stream() -> Response:
    """Stream the events of this user; 503 when there are streams enough, and the page polls.

    `since` is when the page was made, in ms since 1970: if anything happened before it was listening, it reads again.
    """
    user = signed_in()
    most = current_app.config.get("MOST_STREAMS", MOST_STREAMS)
    try:
        joined = _hub.join(user.scope.user_id, _gone_check(request.environ), most=most, most_per_user=MOST_PER_USER)
    except TooManyStreams:
        return Response(status=503, headers={"Retry-After": str(_RETRY_AFTER_S)})
    if queue.was_told_since(user.scope.user_id, request.args.get("since", _now_ms(), type=int)):
        joined.push(("resumed", "{}"))
    response = Response(
        _lines(joined, user.get_id(), current_app.config.get("HEARTBEAT_S", HEARTBEAT_S)),
        mimetype="text/event-stream",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )
    # The generator's own end is not enough: one that was never started has none.
    response.call_on_close(joined.close)
    return response


@blueprint.app_template_global("now_ms")
def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _gone_check(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """Give a question to the connection: has its other end been closed?"""
    connection = environ.get("gunicorn.socket")

    def is_gone() -> bool:
        if connection is None:
            return False
        try:
            return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"")
        except BlockingIOError:
            return False
        except OSError:
            return True

    return is_gone


def _lines(stream: Stream, session_id: str, heartbeat_s: float) -> Iterator[str]:
    """Write events, and a comment now and then, by which a page that has gone is noticed; end with the session."""
    yield ": open\n\n"
    checked_at = time.monotonic()
    try:
        while True:
            event = stream.next_event(heartbeat_s)
            if event is not None:
                yield f"event: {event[0]}\ndata: {event[1]}\n\n"
            if time.monotonic() - checked_at >= heartbeat_s:
                if load_signed_in(session_id) is None:
                    return
                checked_at = time.monotonic()
                yield ": still here\n\n"
    except EOFError:
        return
    finally:
        stream.close()
