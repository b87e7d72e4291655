"""The API for a tenant's own server. Keys, not sessions; problems as RFC 9457 writes them; docs/api.md tells of it."""

from __future__ import annotations

from flask import Response, current_app, jsonify, render_template

from webmail.actions.api_keys import SCOPES
from webmail.blueprints import _api_contacts, _api_mail, _api_privacy, _api_reference, _api_users, _api_webhooks
from webmail.blueprints._api import OPERATIONS, blueprint
from webmail.blueprints._api_document import document
from webmail.blueprints._session import public
from webmail.domain.webhooks import EVENTS

__all__ = ["OPERATIONS", "blueprint"]

PARTS = (_api_contacts, _api_users, _api_mail, _api_webhooks, _api_privacy)
"""Where the operations are declared."""


@blueprint.get("/openapi.json")
@public
def show_document() -> Response:
    return jsonify(document(current_app.config["WEBMAIL"].base_url))


@blueprint.get("/docs")
@public
def show_docs() -> str:
    """Show the document as a page."""
    base_url = current_app.config["WEBMAIL"].base_url
    whole = document(base_url)
    return render_template(
        "api/docs.html",
        info=whole["info"],
        openapi=whole["openapi"],
        root=whole["servers"][0]["url"],
        scopes=SCOPES,
        sections=_api_reference.sections(base_url),
        shapes=_api_reference.shapes(base_url),
        events=EVENTS,
    )
