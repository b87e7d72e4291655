"""Unsubscribe links: making them, and what becomes of those who follow one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from webmail import queue
from webmail.actions.suppressions import suppress
from webmail.domain import unsubscribe as links
from webmail.errors import NotFound
from webmail.store import link_keys, reports
from webmail.store.models import utc_now
from webmail.store.session import Session, after_commit, reading, transaction
from webmail.store.suppressions import suppressed_among

_base_url = ""
_DEAD = "This link does not work any more."


def configure(*, base_url: str, secret_key: str) -> None:
    """Set where this installation is found, and what signs its links. Another secret makes the links of old mails
    worthless.
    """
    global _base_url
    _base_url = base_url
    link_keys.configure(secret_key)


def unsubscribe_url(recipient_uuid: UUID) -> str:
    """Give the link for a mail's text; "" where this installation has no https address: nobody could reach it."""
    return f"{_base_url}/u/{token_of(recipient_uuid)}" if _base_url.startswith("https://") else ""


def headers_for(recipient_uuid: UUID, account_email: str) -> dict[str, str]:
    """Give the header fields by which mail programs offer *Unsubscribe* (RFC 2369, RFC 8058).

    Args:
        account_email: the sender's address, which takes requests by mail.
    """
    return links.list_headers(token_of(recipient_uuid), _base_url, account_email)


def token_of(recipient_uuid: UUID) -> str:
    """Give the token that stands in a recipient's links."""
    return links.make_token(link_keys.unsubscribe_key(), recipient_uuid)


@dataclass(frozen=True)
class Standing:
    """What the page of a link shows.

    Args:
        sender: the tenant's name.
        is_done: no mailing writes to this person any more.
        can_undo: it was this request that saw to it.
    """

    sender: str
    is_done: bool
    can_undo: bool = False


def look_at(token: str) -> Standing:
    """Say how things stand, without changing anything: programs follow links to look what is behind them.

    Raises:
        NotFound: nobody made this link, or whom it was made for is not known any more.
    """
    with reading() as s:
        found = _find(s, token)
        recipient = found.recipient
        return Standing(found.tenant_name, bool(suppressed_among(s, recipient.tenant_id, [recipient.email])))


def unsubscribe(token: str, *, detail: str) -> Standing:
    """Have no mailing of the tenant write to this person any more; follow-ups that wait are dropped.

    Args:
        detail: how it was asked for, for the tenant's list.

    Raises:
        NotFound: as above.
    """
    with transaction() as s:
        found = _find(s, token)
        recipient = found.recipient
        is_new = suppress(
            s,
            recipient.tenant_id,
            recipient.email,
            reason="unsubscribed",
            detail=detail,
            mailing_id=recipient.mailing_id,
        )
        recipient.unsubscribed_at = recipient.unsubscribed_at or utc_now()
        reports.drop_follow_ups(s, recipient.tenant_id, recipient.email)
        after_commit(s, lambda: queue.publish(found.user_id, "mailing-changed", uuid=str(found.mailing_uuid)))
        return Standing(found.tenant_name, is_done=True, can_undo=is_new)


def undo(token: str) -> Standing:
    """Take back an unsubscription that was a mistake. Follow-ups that were dropped stay so.

    Raises:
        NotFound: as above.
    """
    with transaction() as s:
        found = _find(s, token)
        recipient = found.recipient
        reports.forget_unsubscription(s, recipient.tenant_id, recipient.email)
        recipient.unsubscribed_at = None
        after_commit(s, lambda: queue.publish(found.user_id, "mailing-changed", uuid=str(found.mailing_uuid)))
        s.flush()
        is_done = bool(suppressed_among(s, recipient.tenant_id, [recipient.email]))
        return Standing(found.tenant_name, is_done)


def _find(s: Session, token: str) -> reports.Addressee:
    uuid = links.read_token(link_keys.unsubscribe_key(), token)
    found = reports.find_addressee(s, uuid) if uuid else None
    if found is None:
        raise NotFound(_DEAD)
    return found
