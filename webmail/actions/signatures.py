"""The signature of an account: kept as it was cleaned, added to individual mails."""

from __future__ import annotations

from uuid import UUID

from webmail.domain.html import clean_composed_html
from webmail.domain.text import html_to_text
from webmail.errors import InputRefused
from webmail.store.accounts import load_account
from webmail.store.models import Signature, utc_now
from webmail.store.scope import Scope
from webmail.store.session import transaction

_MAX_HTML = 100_000


def save_signature(scope: Scope, account_uuid: UUID, html: str) -> str:
    """Store an account's signature; mails that are being written keep the one that they have.

    Args:
        html: rich text; without any text or picture in it, the account has no signature.

    Returns:
        What was stored: cleaned HTML, "" for none.

    Raises:
        NotFound: no such account.
        InputRefused: it is too large.
    """
    if len(html) > _MAX_HTML:
        raise InputRefused(
            "signature",
            "This signature is larger than 100 KB, and it would go out with each mail. Use a smaller picture.",
        )
    cleaned = clean_composed_html(html).strip()
    if not html_to_text(cleaned) and "<img" not in cleaned:
        cleaned = ""
    with transaction() as s:
        account = load_account(s, scope, account_uuid)
        if account.signature is None:
            s.add(Signature(tenant_id=account.tenant_id, user_id=account.user_id, account_id=account.id, html=cleaned))
        else:
            account.signature.html = cleaned
            account.signature.updated_at = utc_now()
    return cleaned
