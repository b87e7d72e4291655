"""Webhooks: who wants to hear of what, what happened, and what became of each delivery.

Events are written in the transaction of the fact, and only where somebody wants to hear of it: one small query where
nobody does. Deliveries are found by the sweep, so nothing is lost with a job.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import joinedload

from webmail.errors import NotFound
from webmail.store.models import (
    Account,
    Message,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    utc_now,
)
from webmail.store.session import Session, count_changed

CLAIM_S = 60
KEPT_FOR = timedelta(days=30)
"""How long the log of deliveries goes back."""


@dataclass(frozen=True)
class Fact:
    """Something that happened to a user."""

    user_id: int
    account_uuid: UUID | None = None
    message_id: int | None = None
    submission_id: int | None = None
    details: dict[str, Any] = field(default_factory=dict)


def record(s: Session, tenant_id: int, kind: str, facts: Sequence[Fact]) -> None:
    """Write down what happened, for those of the tenant's endpoints that want to hear of it.

    Args:
        kind: one of `webmail.domain.webhooks.EVENTS`.
    """
    wanting = _wanting(s, tenant_id, kind) if facts else []
    if not wanting:
        return
    now, first = utc_now(), time.time_ns() // 1000
    events = [
        {
            "uuid": uuid4(),
            "tenant_id": tenant_id,
            "type": kind,
            "sequence": first + at,
            "payload": {},
            "created_at": now,
            **vars(fact),
        }
        for at, fact in enumerate(facts)
    ]
    s.execute(insert(WebhookEvent), events)
    deliveries = [
        {"uuid": uuid4(), "event_uuid": event["uuid"], "endpoint_id": endpoint_id, "next_at": now}
        for event in events
        for endpoint_id in wanting
    ]
    s.execute(insert(WebhookDelivery), deliveries)


def _wanting(s: Session, tenant_id: int, kind: str) -> list[int]:
    columns = select(WebhookEndpoint.id, WebhookEndpoint.events)
    rows = s.execute(columns.where(WebhookEndpoint.tenant_id == tenant_id, WebhookEndpoint.is_enabled))
    return [endpoint_id for endpoint_id, events in rows if kind in events]


def record_of_account(s: Session, account: Account, kind: str, **details: str) -> None:
    """Write down what happened to a mailbox."""
    record(s, account.tenant_id, kind, [Fact(account.user_id, account.uuid, details=details)])


def record_received(s: Session, account: Account, message_ids: Sequence[int]) -> None:
    """Write down which of these new messages have come from somebody else."""
    if not message_ids or not _wanting(s, account.tenant_id, "message.received"):
        return
    query = select(Message.id).where(Message.id.in_(message_ids), Message.is_outgoing.is_(False))
    incoming = s.scalars(query.order_by(Message.sent_at, Message.id))
    facts = [Fact(account.user_id, account.uuid, message_id=each) for each in incoming]
    record(s, account.tenant_id, "message.received", facts)


def endpoints_of(s: Session, tenant_id: int) -> list[WebhookEndpoint]:
    """Give a tenant's endpoints, oldest first."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.tenant_id == tenant_id)
    return list(s.scalars(query.order_by(WebhookEndpoint.id)))


def load_endpoint(s: Session, tenant_id: int, uuid: UUID) -> WebhookEndpoint:
    """Give one of a tenant's endpoints.

    Raises:
        NotFound: there is none.
    """
    query = select(WebhookEndpoint).where(WebhookEndpoint.tenant_id == tenant_id, WebhookEndpoint.uuid == uuid)
    endpoint = s.scalar(query)
    if endpoint is None:
        raise NotFound("There is no such endpoint.")
    return endpoint


def due_endpoints(s: Session, now: datetime) -> list[WebhookEndpoint]:
    """Give the endpoints for which something is due that they can be told now."""
    due = select(WebhookDelivery.endpoint_id).where(WebhookDelivery.state == "pending", WebhookDelivery.next_at <= now)
    quiet = WebhookEndpoint.quiet_until
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.id.in_(due), WebhookEndpoint.is_enabled, quiet.is_(None) | (quiet <= now)
    )
    return list(s.scalars(query))


def claim_next(s: Session, endpoint_id: int, now: datetime) -> WebhookDelivery | None:
    """Take the endpoint's next delivery that is due, with event and endpoint; None when there is none to be had."""
    query = (
        select(WebhookDelivery)
        .join(WebhookDelivery.endpoint)
        .where(
            WebhookDelivery.endpoint_id == endpoint_id,
            WebhookDelivery.state == "pending",
            WebhookDelivery.next_at <= now,
            WebhookEndpoint.is_enabled,
            WebhookEndpoint.quiet_until.is_(None) | (WebhookEndpoint.quiet_until <= now),
        )
        .options(joinedload(WebhookDelivery.event), joinedload(WebhookDelivery.endpoint))
        .order_by(WebhookDelivery.id)
        .limit(1)
        .with_for_update(of=WebhookDelivery, skip_locked=True)
    )
    delivery = s.scalar(query)
    if delivery is None:
        return None
    delivery.claim_token += 1
    delivery.attempts += 1
    delivery.tried_at, delivery.next_at = now, now + timedelta(seconds=CLAIM_S)
    s.flush()
    return delivery


def find_claimed(s: Session, delivery_id: int, token: int) -> WebhookDelivery | None:
    """Give a delivery that is being tried, with its endpoint; None when somebody else has taken it meanwhile."""
    query = select(WebhookDelivery).where(WebhookDelivery.id == delivery_id, WebhookDelivery.claim_token == token)
    return s.scalar(query.options(joinedload(WebhookDelivery.endpoint)).with_for_update(of=WebhookDelivery))


def fail_pending(s: Session, endpoint_id: int, words: str) -> None:
    """Give up what an endpoint has not been told yet."""
    waiting = (WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.state == "pending")
    s.execute(update(WebhookDelivery).where(*waiting).values(state="failed", answer=words))


def delivery_page(s: Session, endpoint_id: int, *, before: int | None, limit: int) -> list[WebhookDelivery]:
    """Give an endpoint's deliveries before a position, newest first, with their events."""
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if before is not None:
        query = query.where(WebhookDelivery.id < before)
    query = query.options(joinedload(WebhookDelivery.event)).order_by(WebhookDelivery.id.desc())
    return list(s.scalars(query.limit(limit)))


def load_delivery(s: Session, endpoint_id: int, uuid: UUID) -> WebhookDelivery:
    """Give one of an endpoint's deliveries, with its event.

    Raises:
        NotFound: there is none.
    """
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.uuid == uuid)
    delivery = s.scalar(query.options(joinedload(WebhookDelivery.event)))
    if delivery is None:
        raise NotFound("There is no such delivery.")
    return delivery


def forget_old(s: Session, now: datetime) -> int:
    """Drop events that are older than the log goes back, with their deliveries; says how many."""
    return count_changed(s, delete(WebhookEvent).where(WebhookEvent.created_at < now - KEPT_FOR))
