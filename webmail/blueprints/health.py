"""For load balancers and supervisors: is the process alive, and can it work."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from webmail import queue
from webmail.blueprints._session import public
from webmail.store import session as database

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """Answer as long as the process runs."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """Say which of the things that this process needs are there; 503 when one is not."""
    parts = {"database": _is_database_ready(), "redis": queue.is_reachable()}
    return jsonify({name: "ok" if is_ready else "away" for name, is_ready in parts.items()}), (
        200 if all(parts.values()) else 503
    )


def _is_database_ready() -> bool:
    try:
        return database.is_reachable()
    except Exception:  # noqa: BLE001  # whatever the driver says, the answer is the same
        return False
