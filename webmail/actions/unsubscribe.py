"""Unsubscribe links: making them, and what becomes of those who follow one."""

from __future__ import annotations

from uuid import UUID

from webmail.domain import unsubscribe as links

_base_url = ""
_key = b""


def configure(*, base_url: str, secret_key: str) -> None:
    """Set where this installation is found, and what signs its links. Another secret makes the links of old mails
    worthless.
    """
    global _base_url, _key
    _base_url, _key = base_url, links.derive_key(secret_key)


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
    """Give the token that stands in a recipient's links.

    Raises:
        RuntimeError: this process was never told its secret.
    """
    if not _key:
        raise RuntimeError("webmail.actions.unsubscribe.configure() has not been called")
    return links.make_token(_key, recipient_uuid)
