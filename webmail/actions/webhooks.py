"""Webhooks: endpoints are made and changed, and what happened is posted to them.

Written down in the fact's transaction (`store.webhooks`) -> the sweep sees what is due (`recover_lost`) -> one job an
endpoint (`deliver`) -> each delivery is claimed, posted with no transaction open, and settled under its claim's token.
A receiver may get an event twice, never under another `webhook-id`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from webmail import queue
from webmail.domain.webhooks import EVENTS, new_secret, signature_header, wait_s
from webmail.errors import InputRefused
from webmail.providers import hooks
from webmail.store import webhooks as store
from webmail.store.models import WebhookDelivery, WebhookEndpoint, utc_now
from webmail.store.secrets import seal, unseal
from webmail.store.session import reading, transaction
from webmail.store.webhook_payloads import payload_of

log = structlog.get_logger(__name__)

MOST_ENDPOINTS = 20
BOTH_SIGN_FOR = timedelta(hours=24)
_TURN_S = 20.0
_TIDY_EVERY_S = 600.0
_GONE = "The receiver answered 410: it wants no more."

_tidy_at = 0.0


@dataclass(frozen=True)
class Parcel:
    """A delivery that has been claimed: everything that it takes to post it."""

    delivery_id: int
    token: int
    webhook_id: str
    url: str
    secrets: list[str]
    body: bytes


def add_endpoint(tenant_id: int, *, url: str, events: Sequence[str], is_enabled: bool = True) -> tuple[UUID, str]:
    """Make an endpoint; gives its id and its secret, which is shown this once.

    Raises:
        InputRefused: `url` cannot be a receiver's, an event is none, or there are too many endpoints.
    """
    _check(url, events)
    secret = new_secret()
    with transaction() as s:
        if len(store.endpoints_of(s, tenant_id)) >= MOST_ENDPOINTS:
            raise InputRefused("url", f"A tenant has up to {MOST_ENDPOINTS} endpoints.")
        endpoint = WebhookEndpoint(
            tenant_id=tenant_id,
            url=url,
            events=list(dict.fromkeys(events)),
            secret=seal({"now": secret}),
            is_enabled=is_enabled,
        )
        s.add(endpoint)
        s.flush()
        return endpoint.uuid, secret


def change_endpoint(tenant_id: int, uuid: UUID, *, url: str, events: Sequence[str], is_enabled: bool = True) -> None:
    """Change an endpoint; one that was disabled may be enabled again.

    Raises:
        NotFound: there is none.
        InputRefused: as for `add_endpoint()`.
    """
    _check(url, events)
    with transaction() as s:
        endpoint = store.load_endpoint(s, tenant_id, uuid)
        endpoint.url, endpoint.events = url, list(dict.fromkeys(events))
        endpoint.is_enabled, endpoint.disabled_because, endpoint.quiet_until = is_enabled, "", None


def remove_endpoint(tenant_id: int, uuid: UUID) -> None:
    """Forget an endpoint with its log.

    Raises:
        NotFound: there is none.
    """
    with transaction() as s:
        s.delete(store.load_endpoint(s, tenant_id, uuid))


def rotate_secret(tenant_id: int, uuid: UUID) -> str:
    """Give an endpoint a new secret, shown this once; for a day the one before signs, too.

    Raises:
        NotFound: there is none.
    """
    secret = new_secret()
    with transaction() as s:
        endpoint = store.load_endpoint(s, tenant_id, uuid)
        endpoint.secret = seal({"now": secret, "before": unseal(endpoint.secret)["now"]})
        endpoint.before_until = utc_now() + BOTH_SIGN_FOR
    return secret


def send_again(tenant_id: int, endpoint_uuid: UUID, delivery_uuid: UUID) -> None:
    """Have an event delivered once more, under the same `webhook-id`.

    Raises:
        NotFound: there is no such endpoint or delivery.
        InputRefused: the endpoint is disabled.
    """
    with transaction() as s:
        endpoint = store.load_endpoint(s, tenant_id, endpoint_uuid)
        if not endpoint.is_enabled:
            raise InputRefused("", "This endpoint is disabled. Enable it first.")
        delivery = store.load_delivery(s, endpoint.id, delivery_uuid)
        delivery.state, delivery.attempts, delivery.next_at = "pending", 0, utc_now()
        endpoint.quiet_until = None


def _check(url: str, events: Sequence[str]) -> None:
    unknown = [each for each in events if each not in EVENTS]
    if unknown or not events:
        raise InputRefused("events", f"An endpoint is told of one or more of {', '.join(EVENTS)}.")
    flaw = hooks.require_receiver(url)
    if flaw:
        raise InputRefused("url", flaw)


def list_endpoints(tenant_id: int) -> list[WebhookEndpoint]:
    """Give a tenant's endpoints, for the operator."""
    with reading() as s:
        return store.endpoints_of(s, tenant_id)


def list_deliveries(tenant_id: int, endpoint_uuid: UUID, *, limit: int = 100) -> list[WebhookDelivery]:
    """Give an endpoint's newest deliveries with their events, for the operator.

    Raises:
        NotFound: there is no such endpoint.
    """
    with reading() as s:
        endpoint = store.load_endpoint(s, tenant_id, endpoint_uuid)
        return store.delivery_page(s, endpoint.id, before=None, limit=limit)


def recover_lost() -> None:
    """Ask for what is due at each endpoint, as the sweep; now and then, drop what is too old."""
    global _tidy_at
    now = utc_now()
    with reading() as s:
        due = store.due_endpoints(s, now)
    for endpoint in due:
        # A job that was lost is asked for anew with the next minute.
        queue.enqueue("webhooks", endpoint.id, job_id=f"webhooks-{endpoint.uuid}-{int(now.timestamp() // 60)}")
    if time.monotonic() >= _tidy_at:
        _tidy_at = time.monotonic() + _TIDY_EVERY_S
        with transaction() as s:
            store.forget_old(s, now)


def deliver(endpoint_id: int) -> None:
    """Post what is due at one endpoint, for one turn; as a job, safe to run twice."""
    ends_at = time.monotonic() + _TURN_S
    while time.monotonic() < ends_at:
        parcel = _claim(endpoint_id)
        if parcel is None:
            return
        timestamp = int(time.time())
        headers = {
            "webhook-id": parcel.webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature_header(parcel.secrets, parcel.webhook_id, timestamp, parcel.body),
        }
        answer = hooks.post(parcel.url, parcel.body, headers)
        log.info("webhook_tried", delivery=parcel.delivery_id, status=answer.status)
        _settle(parcel, answer)


def _claim(endpoint_id: int) -> Parcel | None:
    now = utc_now()
    with transaction() as s:
        delivery = store.claim_next(s, endpoint_id, now)
        if delivery is None:
            return None
        if not delivery.event.payload:
            delivery.event.payload = payload_of(s, delivery.event)
        body = json.dumps(delivery.event.payload, separators=(",", ":")).encode()
        secrets = _secrets(delivery.endpoint, now)
        name = f"msg_{delivery.event_uuid.hex}"
        return Parcel(delivery.id, delivery.claim_token, name, delivery.endpoint.url, secrets, body)


def _secrets(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    kept = unseal(endpoint.secret)
    both = "before" in kept and endpoint.before_until is not None and endpoint.before_until > now
    return [kept["now"], kept["before"]] if both else [kept["now"]]


def _settle(parcel: Parcel, answer: hooks.HookAnswer) -> None:
    now = utc_now()
    with transaction() as s:
        delivery = store.find_claimed(s, parcel.delivery_id, parcel.token)
        if delivery is None:
            return
        endpoint = delivery.endpoint
        delivery.status_code, delivery.answer = answer.status, answer.words[:500]
        if answer.status is not None and 200 <= answer.status < 300:
            delivery.state = "delivered"
            endpoint.quiet_until = None
        elif answer.status == 410:
            delivery.state = "failed"
            endpoint.is_enabled, endpoint.disabled_because = False, _GONE
            s.flush()
            store.fail_pending(s, endpoint.id, _GONE)
        else:
            _put_off(delivery, now)
            if answer.status is None:
                # Whoever does not answer is left alone for a while, whatever else is due there.
                endpoint.quiet_until = now + timedelta(seconds=min(wait_s(delivery.attempts) or 600, 600))


def _put_off(delivery: WebhookDelivery, now: datetime) -> None:
    wait = wait_s(delivery.attempts)
    if wait is None:
        delivery.state = "failed"
    else:
        delivery.next_at = now + timedelta(seconds=wait * (0.9 + 0.2 * random.random()))
