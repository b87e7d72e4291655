"""Launches: from a token that an ATS has signed to a session in its frame."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import structlog

from webmail.actions import key_sets
from webmail.domain import launches
from webmail.domain.launches import Launch
from webmail.errors import WebmailError
from webmail.store import frames, tenants, users
from webmail.store.models import Tenant, User
from webmail.store.session import Session, reading, transaction

log = structlog.get_logger(__name__)

_TAKEN = "This launch was used before: each needs a jti of its own, and can be opened once. Sign a new one each time."


class LaunchRefused(WebmailError):
    """A launch was refused.

    Args:
        user_message: for the integrator; says nothing of tenants and keys unless the launch was signed by one.
        reference: by which the operator finds the detail in the log.
        origins: where the refusal may be shown; [] as long as nobody knows whose launch it was.
    """

    def __init__(self, user_message: str, reference: str, origins: list[str]) -> None:
        super().__init__(user_message)
        self.reference = reference
        self.origins = origins


@dataclass(frozen=True)
class Launched:
    """A session that a launch has begun, and where it is to go."""

    session_uuid: UUID
    page: str
    contact: str


def launch(token: str, *, origin: str, audience: str, zone: str = "") -> Launched:
    """Take a launch: check it, use it up, make or update its user, and begin a session.

    Args:
        origin: what the browser says of the page that posted the launch; "" if it said nothing.
        audience: this installation's address.
        zone: the browser's time zone, which no cookie can tell here.

    Raises:
        LaunchRefused: see there.
    """
    known: list[str] = []
    try:
        issuer = launches.unverified_issuer(token)
        with reading() as s:
            tenant = users.find_tenant(s, issuer)
            keys = tenants.keys_of(s, tenant.id) if tenant is not None else []
        if tenant is not None:
            keys += key_sets.keys_for(tenant.id, launches.unverified_kid(token))
        known = list(tenant.origins) if tenant is not None else []
        read = launches.read_launch(token, keys, tenant=issuer, audience=audience, now=int(time.time()))
        assert tenant is not None  # without a tenant there is no key
        _require_origin(origin, known)
        return _begin(tenant, read, origin=origin, zone=zone)
    except launches.LaunchRefused as refusal:
        raise refused(
            refusal.sentence, f"{refusal.detail}; from {origin[:200]}", known if refusal.is_signed else []
        ) from None


def refused(sentence: str, detail: str, origins: list[str] | None = None) -> LaunchRefused:
    """Write down why a launch is refused, and give the error that says so."""
    reference = secrets.token_hex(4)
    log.warning("launch_refused", reference=reference, detail=detail)
    return LaunchRefused(sentence, reference, origins or [])


def _require_origin(origin: str, known: list[str]) -> None:
    if origin in known:
        return
    listed = ", ".join(known) or "none"
    raise launches.LaunchRefused(
        f"The launch was posted from {origin[:200] or 'a page that keeps its origin to itself'!r}, which is not among "
        f"the tenant's origins ({listed}). Post it from a form in your page, without Referrer-Policy: no-referrer, or "
        "have the origin added.",
        "origin not listed",
    )


def _begin(tenant: Tenant, read: Launch, *, origin: str, zone: str) -> Launched:
    expires_at = datetime.fromtimestamp(read.expires_at, UTC) + timedelta(seconds=launches.LEEWAY_S)
    with transaction() as s:
        if not frames.use_up(s, tenant.id, read.jti, expires_at):
            raise launches.LaunchRefused(_TAKEN, "jti used before")
        user = _user_of(s, tenant, read)
        data = {"_user_id": f"{user.uuid}.{user.session_epoch}", "_fresh": True, "theme": read.theme, "zone": zone}
        session = frames.add_session(s, user, origin=origin, data=data)
        session.data = {**data, "_user_id": f"{user.uuid}.{user.session_epoch}.{session.uuid}"}
    log.info("launched", tenant=tenant.slug, user=str(user.uuid), page=read.page)
    return Launched(session.uuid, read.page, read.contact)


def _user_of(s: Session, tenant: Tenant, read: Launch) -> User:
    """Give the user whom the tenant means, made now or brought up to date; an address proves nothing."""
    user = frames.find_launched_user(s, tenant.id, read.external_id)
    if user is None:
        user = User(tenant_id=tenant.id, external_id=read.external_id, email=f"{uuid4()}@launch.invalid")
        s.add(user)
    user.name, user.launch_email = read.name, read.email
    user.locale = read.locale or user.locale or ""
    s.flush()
    return user


def end(session_id: int) -> None:
    """End a frame's session: for all its pages, its event streams, and for whoever copied its token."""
    with transaction() as s:
        frames.end_session(s, session_id)
