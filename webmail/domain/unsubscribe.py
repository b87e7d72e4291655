"""The token of an unsubscribe link: it names one recipient of one mailing, and nobody else can make one.

A token is the recipient's uuid and a signature, in URL-safe base64, with a checkable length and alphabet: it has to
survive being wrapped, quoted and put into a subject by mail programs. It never expires: a mail from two years ago has
to let people out, too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from urllib.parse import quote
from uuid import UUID

_PURPOSE = b"webmail unsubscribe link"
_SIGNATURE_BYTES = 17
TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{44}(?![A-Za-z0-9_-])")
"""What a token looks like, in any text."""
SUBJECT = "unsubscribe"


def derive_key(secret: str) -> bytes:
    """Give the key of these tokens: the secret signs other things too, and none may pass for another."""
    return hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256)


def make_token(key: bytes, recipient: UUID) -> str:
    """Make the token of a recipient: 44 letters, digits, `-` and `_`."""
    return base64.urlsafe_b64encode(recipient.bytes + _sign(key, recipient)).decode("ascii")


def read_token(key: bytes, token: str) -> UUID | None:
    """Give the recipient whom a token names; None when it was not made with this key, or was changed."""
    if not TOKEN.fullmatch(token):
        return None
    raw = base64.urlsafe_b64decode(token)
    recipient = UUID(bytes=raw[:16])
    return recipient if hmac.compare_digest(raw[16:], _sign(key, recipient)) else None


def list_headers(token: str, base_url: str, email: str) -> dict[str, str]:
    """Give the header fields by which mail programs offer *Unsubscribe*.

    Args:
        base_url: this installation's address; only https lets a program unsubscribe by one request (RFC 8058), and
            without it the address alone is offered.
        email: the account's address, which a mail with the token in its subject unsubscribes at.
    """
    mailto = f"<mailto:{quote(email, safe='@')}?subject={SUBJECT}%20{token}>"
    if not base_url.startswith("https://"):
        return {"List-Unsubscribe": mailto}
    return {
        "List-Unsubscribe": f"<{base_url}/u/{token}>, {mailto}",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _sign(key: bytes, recipient: UUID) -> bytes:
    return hmac.digest(key, recipient.bytes, hashlib.sha256)[:_SIGNATURE_BYTES]
