"""The API for a tenant's own server: telling of contacts. Keys, not sessions; problems as RFC 9457 writes them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from webmail import queue
from webmail.actions import contacts
from webmail.blueprints._session import public
from webmail.errors import InputRefused, NotFound
from webmail.store.contacts import load_contact
from webmail.store.models import Contact
from webmail.store.session import reading

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

_PER_MINUTE = 600
_MAX_BODY = 64 * 1024


@blueprint.before_request
def require_key() -> Response | None:
    """Know the tenant by its key, and hold it to its rate."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    tenant_id = contacts.tenant_of_key(key.strip()) if scheme.lower() == "bearer" and key else None
    if tenant_id is None:
        response = _problem(401, "No key, or none that is known", "Send Authorization: Bearer and a key of yours.")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    if not queue.is_within_limit(f"api:{tenant_id}", limit=_PER_MINUTE, window_s=60):
        response = _problem(429, "Too many requests", f"A tenant may ask {_PER_MINUTE} times a minute.")
        response.headers["Retry-After"] = "60"
        return response
    if (request.content_length or 0) > _MAX_BODY:
        return _problem(413, "This is too large", f"A request takes up to {_MAX_BODY} bytes.")
    g.tenant_id = tenant_id
    return None


@blueprint.get("/contacts/<external_id>")
@public
def show(external_id: str) -> Response:
    with reading() as s:
        return jsonify(_shown(load_contact(s, g.tenant_id, external_id)))


@blueprint.put("/contacts/<external_id>")
@public
def save(external_id: str) -> Response:
    """Make or update a contact; the same request twice is the same as once."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        return _problem(400, "This is no JSON object", 'Send {"name": "…", "addresses": ["…"]}.')
    name, addresses = body.get("name", ""), body.get("addresses", [])
    is_new = contacts.save_contact(g.tenant_id, external_id, name=name, addresses=addresses)
    with reading() as s:
        response = jsonify(_shown(load_contact(s, g.tenant_id, external_id)))
    response.status_code = 201 if is_new else 200
    return response


@blueprint.delete("/contacts/<external_id>")
@public
def delete(external_id: str) -> Response:
    contacts.delete_contact(g.tenant_id, external_id)
    return Response(status=204)


@blueprint.errorhandler(NotFound)
def _not_found(error: NotFound) -> Response:
    return _problem(404, "Not found", error.user_message)


@blueprint.errorhandler(InputRefused)
def _refused(error: InputRefused) -> Response:
    return _problem(422, "This cannot be taken", error.user_message, field=error.field)


@blueprint.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> Response:
    return _problem(error.code or 500, error.name, error.description or "")


def _shown(contact: Contact) -> dict[str, Any]:
    return {"id": contact.external_id, "name": contact.name, "addresses": contact.addresses}


def _problem(status: int, title: str, detail: str, **more: str) -> Response:
    response: Response = jsonify({"type": "about:blank", "title": title, "status": status, "detail": detail, **more})
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response
