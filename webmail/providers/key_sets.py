"""Fetch the key set that a tenant publishes: from a checked address, without following anything, bounded."""

from __future__ import annotations

import io
import time
from http.client import HTTPException, HTTPResponse
from typing import Any, cast
from urllib.parse import urlsplit

from webmail.domain.webhooks import flaw_in_url
from webmail.errors import ProviderError
from webmail.providers import network

TIMEOUT_S = 5.0
"""For all of it: somebody waits for a page meanwhile."""
_MOST_BYTES = 64 * 1024


def fetch(url: str) -> bytes:
    """Give what lies there.

    Raises:
        ValueError: nothing could be had, and why in a sentence that tells nothing of what is at the address.
    """
    if flaw_in_url(url, allow_private=network.allows_private_hosts()):
        raise ValueError("A key set's address begins with https:// and a host, at port 443 or 8443, and holds no name.")
    try:
        return _content(_exchange(url))
    except ProviderError:
        raise ValueError("The host is not one that can be connected to from here.") from None
    except (OSError, HTTPException) as error:
        raise ValueError(f"Nothing came from there: {type(error).__name__}.") from None


def _exchange(url: str) -> bytes:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    ends_at = time.monotonic() + TIMEOUT_S
    raw = network.open_web_socket(host, port, TIMEOUT_S)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with network.wrap_tls(raw, host) if parts.scheme == "https" else raw as connection:
        head = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode("ascii"))
        received = b""
        while len(received) <= _MOST_BYTES:
            left_s = ends_at - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            connection.settimeout(left_s)
            piece = connection.recv(16384)
            if not piece:
                return received
            received += piece
    raise ValueError(f"It is larger than {_MOST_BYTES // 1024} KB.")


def _content(received: bytes) -> bytes:
    with HTTPResponse(cast("Any", _Received(received))) as answer:
        answer.begin()
        if answer.status != 200:
            raise ValueError(f"It was answered with the status {answer.status}; only 200 will do.")
        return answer.read()


class _Received:
    """What came from a server, as `http.client` wants to read it."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._received)
