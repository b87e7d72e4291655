"""The pinned script files, where this machine serves them itself (`WEBMAIL_ASSETS=local`)."""

from __future__ import annotations

from flask import Blueprint, Response, abort, send_file

from webmail import assets
from webmail.blueprints._session import public

blueprint = Blueprint("assets", __name__)


@blueprint.get("/assets/<filename>")
@public
def file(filename: str) -> Response:
    """Serve one file; its name carries its version, so browsers may keep it."""
    path = assets.local_file(filename)
    if path is None:
        abort(404)
    response = send_file(path, mimetype="text/javascript", max_age=365 * 24 * 3600)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
