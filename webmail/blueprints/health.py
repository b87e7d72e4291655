"""For load balancers and supervisors: is the process alive, can it work, and how much has it to do."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST

from webmail import queue
from webmail.blueprints._metrics import may_read
from webmail.blueprints._metrics import metrics as written_metrics
from webmail.blueprints._session import public
from webmail.store.migrate import is_migrated

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
    parts = {"database": _database_state(), "redis": "ok" if queue.is_reachable() else "away"}
    return jsonify(parts), 200 if set(parts.values()) == {"ok"} else 503


@blueprint.get("/metrics")
@public
def metrics() -> Response:
    """Give what Prometheus reads, to this machine and to whoever has the operator's token; 404 to everybody else."""
    if not may_read(current_app.config["WEBMAIL"].metrics_token):
        abort(404)
    return Response(written_metrics(), content_type=CONTENT_TYPE_LATEST)


def _database_state() -> str:
    try:
        return "ok" if is_migrated() else "not migrated"
    except Exception:  # noqa: BLE001  # whatever the driver says, the answer is the same
        return "away"
