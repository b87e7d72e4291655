"""Web origins: the scheme, host and port of a page, as browsers write them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_LOOPBACK = re.compile(r"localhost|127\.0\.0\.1|[a-z0-9.-]+\.localhost")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_USUAL_PORTS = {"https": 443, "http": 80}


def normalise_origin(text: str) -> str | None:
    """Write an origin the way a browser does in its `Origin` header.

    Returns:
        Such as "https://ats.acme.example"; None for what is no single origin (a pattern, a path, "null") and
        for plain http anywhere but on this machine.
    """
    try:
        parts = urlsplit(text.strip().lower())
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError):
        return None
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        return None
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and _LOOPBACK.fullmatch(host) is not None)
    if not is_secure or not _HOST.fullmatch(host):
        return None
    shown_port = "" if port in (None, _USUAL_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown_port}"
