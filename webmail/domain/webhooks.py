"""Webhooks: their events, how they are signed, how often they are tried.

Signed as Standard Webhooks has it, so that a receiver can use any library for it.
Source: https://www.standardwebhooks.com, "Specification".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

EVENTS = (
    "message.received",
    "message.sent",
    "message.bounced",
    "account.connected",
    "account.disconnected",
    "account.reconnect_needed",
)
WAITS_S = (5, 30, 120, 600, 1800, 7200, 18000, 36000, 50400, 72000, 86400, 86400)
"""Waits after each try that failed; with the last, four days have gone by."""
_PREFIX = "whsec_"
_PORTS = frozenset({None, 443, 8443})


def new_secret() -> str:
    """Make a signing secret."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature_header(secrets_: Sequence[str], webhook_id: str, timestamp: int, body: bytes) -> str:
    """Give the value of `webhook-signature`: one for each secret, so that one can take another's place."""
    signed = b".".join((webhook_id.encode(), str(timestamp).encode(), body))
    macs = (hmac.new(_key(each), signed, hashlib.sha256).digest() for each in secrets_)
    return " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX))


def flaw_in_url(url: str, *, allow_private: bool) -> str:
    """Say in one sentence why a URL can be no receiver's, "" when it can; its host is looked up elsewhere.

    Args:
        allow_private: http and any port will do.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "A URL is written in ASCII, without spaces."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is no URL."
    if parts.scheme not in (("https", "http") if allow_private else ("https",)) or not parts.hostname:
        return "A receiver's URL begins with https://, and a host."
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "A receiver's URL holds no name, password or fragment."
    if not allow_private and port not in _PORTS:
        return "A receiver listens on port 443 or 8443."
    return ""


def wait_s(attempts: int) -> int | None:
    """Give the seconds until the next try after so many; None when it was the last."""
    return WAITS_S[attempts - 1] if attempts <= len(WAITS_S) else None
