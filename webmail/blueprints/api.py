"""The API for a tenant's own server. Keys, not sessions; problems as RFC 9457 writes them; docs/api.md tells of it."""

from __future__ import annotations

from flask import Response, current_app, jsonify

from webmail.blueprints import _api_contacts, _api_mail, _api_privacy, _api_users, _api_webhooks
from webmail.blueprints._api import OPERATIONS, blueprint
from webmail.blueprints._api_document import document
from webmail.blueprints._session import public

__all__ = ["OPERATIONS", "blueprint"]

PARTS = (_api_contacts, _api_users, _api_mail, _api_webhooks, _api_privacy)
"""Where the operations are declared."""


@blueprint.get("/openapi.json")
@public
def show_document() -> Response:
    return jsonify(document(current_app.config["WEBMAIL"].base_url))
