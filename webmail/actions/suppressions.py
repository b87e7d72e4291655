"""Addresses that no mailing of the tenant writes to: put on the list by who asks for it, by machines, and by hand.

Once an address is on the list, nothing takes it off but a person who says so: no import, no edit of a contact, no API.
Individual mails are not concerned.
"""

from __future__ import annotations

from uuid import UUID

from webmail.domain.addresses import normalise_email
from webmail.store import audit, suppressions
from webmail.store.scope import Scope
from webmail.store.session import Session, transaction

_MOST_DETAIL = 1000


def suppress(
    s: Session, tenant_id: int, email: str, *, reason: str, detail: str = "", mailing_id: int | None = None
) -> bool:
    """Put an address on the tenant's list, in a transaction that is under way; the first reason stays.

    Args:
        reason: see `Suppression`.
        detail: the server's words, or who put it in.

    Returns:
        Whether it is new there.
    """
    normal = normalise_email(email)
    added = suppressions.add_suppressions(
        s, tenant_id, [normal], reason=reason, detail=detail[:_MOST_DETAIL], mailing_id=mailing_id
    )
    if added:
        audit.add_entry(s, tenant_id, None, "suppression_added", email=normal, reason=reason)
    return added > 0


def lift(scope: Scope, uuid: UUID) -> str:
    """Take an address off the list, so that mailings may write to it again; gives the address.

    Raises:
        NotFound: it is not on the list.
    """
    with transaction() as s:
        found = suppressions.load_suppression(s, scope.tenant_id, uuid)
        email = found.email
        audit.add_entry(
            s, scope.tenant_id, scope.user_id, "suppression_removed", subject=uuid, email=email, reason=found.reason
        )
        s.delete(found)
    return email
