"""The API's webhooks: endpoints, and the log of what was delivered to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from webmail.actions import webhooks
from webmail.blueprints._api import Answer, Asked, operation
from webmail.blueprints._api_pages import PAGING, limit_of, page, position_of
from webmail.store.models import WebhookDelivery, WebhookEndpoint
from webmail.store.session import reading
from webmail.store.webhooks import delivery_page, endpoints_of, load_delivery, load_endpoint

_ONE = "/webhook-endpoints/<uuid:endpoint_uuid>"


@operation(
    "GET",
    "/webhook-endpoints",
    summary="List webhook endpoints",
    scope="webhooks",
    answers={200: "WebhookEndpointList"},
)
def list_endpoints(asked: Asked) -> Answer:
    with reading() as s:
        return Answer({"data": [_shown(each) for each in endpoints_of(s, asked.tenant_id)]})


@operation(
    "POST",
    "/webhook-endpoints",
    summary="Make a webhook endpoint",
    scope="webhooks",
    body="WebhookEndpointFields",
    answers={201: "WebhookEndpoint"},
    about="The secret is in this answer and in no other.",
)
def add_endpoint(asked: Asked) -> Answer:
    uuid, secret = webhooks.add_endpoint(asked.tenant_id, **asked.body)
    return Answer(_load(asked, uuid) | {"secret": secret}, 201)


@operation("GET", _ONE, summary="Show a webhook endpoint", scope="webhooks", answers={200: "WebhookEndpoint"})
def show_endpoint(asked: Asked, endpoint_uuid: UUID) -> Answer:
    return Answer(_load(asked, endpoint_uuid))


@operation(
    "PUT",
    _ONE,
    summary="Change a webhook endpoint",
    scope="webhooks",
    body="WebhookEndpointFields",
    answers={200: "WebhookEndpoint"},
)
def put_endpoint(asked: Asked, endpoint_uuid: UUID) -> Answer:
    webhooks.change_endpoint(asked.tenant_id, endpoint_uuid, **asked.body)
    return Answer(_load(asked, endpoint_uuid))


@operation("DELETE", _ONE, summary="Forget a webhook endpoint", scope="webhooks", answers={204: ""})
def delete_endpoint(asked: Asked, endpoint_uuid: UUID) -> Answer:
    webhooks.remove_endpoint(asked.tenant_id, endpoint_uuid)
    return Answer(status=204)


@operation(
    "POST",
    f"{_ONE}/rotate-secret",
    summary="Give a webhook endpoint a new secret",
    scope="webhooks",
    answers={200: "WebhookEndpoint"},
    about="For 24 hours each delivery carries two signatures, by the new secret and by the one before.",
)
def rotate_secret(asked: Asked, endpoint_uuid: UUID) -> Answer:
    secret = webhooks.rotate_secret(asked.tenant_id, endpoint_uuid)
    return Answer(_load(asked, endpoint_uuid) | {"secret": secret})


@operation(
    "GET",
    f"{_ONE}/deliveries",
    summary="See what was delivered",
    scope="webhooks",
    answers={200: "DeliveryPage"},
    arguments=PAGING,
    about="Newest first, for 30 days.",
)
def list_deliveries(asked: Asked, endpoint_uuid: UUID) -> Answer:
    of, limit = str(endpoint_uuid), limit_of(asked)
    at = position_of(asked, of)
    with reading() as s:
        endpoint = load_endpoint(s, asked.tenant_id, endpoint_uuid)
        rows = delivery_page(s, endpoint.id, before=at[0] if at else None, limit=limit + 1)
    return page(asked, rows, limit, shown=_delivery, position=lambda row: [row.id], of=of)


@operation(
    "POST",
    f"{_ONE}/deliveries/<uuid:delivery_uuid>/send-again",
    summary="Deliver an event once more",
    scope="webhooks",
    answers={202: "Delivery"},
    about="Under the same `webhook-id`.",
)
def send_again(asked: Asked, endpoint_uuid: UUID, delivery_uuid: UUID) -> Answer:
    webhooks.send_again(asked.tenant_id, endpoint_uuid, delivery_uuid)
    with reading() as s:
        endpoint = load_endpoint(s, asked.tenant_id, endpoint_uuid)
        return Answer(_delivery(load_delivery(s, endpoint.id, delivery_uuid)), 202)


def _load(asked: Asked, uuid: UUID) -> dict[str, Any]:
    with reading() as s:
        return _shown(load_endpoint(s, asked.tenant_id, uuid))


def _shown(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": str(endpoint.uuid),
        "url": endpoint.url,
        "events": endpoint.events,
        "is_enabled": endpoint.is_enabled,
        "disabled_because": endpoint.disabled_because,
        "created_at": endpoint.created_at.isoformat(),
    }


def _delivery(row: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": str(row.uuid),
        "event_id": f"msg_{row.event_uuid.hex}",
        "type": row.event.type,
        "state": row.state,
        "attempts": row.attempts,
        "next_at": row.next_at.isoformat() if row.state == "pending" else None,
        "tried_at": row.tried_at.isoformat() if row.tried_at else None,
        "status_code": row.status_code,
        "answer": row.answer,
        "created_at": row.event.created_at.isoformat(),
    }
