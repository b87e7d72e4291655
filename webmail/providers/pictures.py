"""Fetch a picture that a mail names, from wherever its sender says.

The address is a stranger's: only public hosts are connected to, whatever `WEBMAIL_ALLOW_PRIVATE_HOSTS` lifts for mail
servers, on the two ports of the web, at an address that was checked, anew for each redirect. Nothing is sent that says
who asks: no cookies, no referrer, and the same few header fields for everybody.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from urllib.parse import urljoin, urlsplit

from webmail.errors import ProviderError
from webmail.providers import network

TIMEOUT_S = 8.0
MAX_BYTES = 8 * 1024 * 1024
_MAX_URL = 4000
_MAX_REDIRECTS = 4
_AT_ONCE = 8
_WAIT_S = 10.0
_PIECE = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")

Connect = Callable[[str, int, float], socket.socket]

_slots = threading.BoundedSemaphore(_AT_ONCE)


def fetch_picture(url: str, *, connect: Connect = network.open_public_socket) -> bytes | None:
    """Fetch a PNG, JPEG, GIF or WebP, known by its first bytes; None where there is none to be had.

    Args:
        connect: opens a connection to host and port within a time; the way out, which tests lead to a server of theirs.
    """
    if not _slots.acquire(timeout=_WAIT_S):
        return None
    ends_at = time.monotonic() + TIMEOUT_S
    try:
        for _ in range(_MAX_REDIRECTS + 1):
            content, location = _get(url, ends_at, connect)
            if location is None:
                return content if content is not None and _is_picture(content) else None
            url = urljoin(url, location)
    except (ProviderError, OSError, ValueError, HTTPException):
        return None
    finally:
        _slots.release()
    return None


def _get(url: str, ends_at: float, connect: Connect) -> tuple[bytes | None, str | None]:
    """Ask once: gives the content, or where it has gone to."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    if scheme not in _PORTS or parts.port not in (None, _PORTS[scheme]) or not host or len(url) > _MAX_URL:
        raise ValueError("not an address of the web")
    raw = connect(host, _PORTS[scheme], _left(ends_at))
    with network.wrap_tls(raw, host) if scheme == "https" else raw as connection:
        connection.sendall(_request(parts.path, parts.query, host))
        with HTTPResponse(connection) as answer:
            connection.settimeout(_left(ends_at))
            answer.begin()
            if answer.status in _REDIRECTS:
                return None, answer.getheader("Location", "")
            return (_read(answer, connection, ends_at) if answer.status == 200 else None), None


def _request(path: str, query: str, host: str) -> bytes:
    wanted = (path or "/") + (f"?{query}" if query else "")
    target = "".join(each if "!" <= each <= "~" else _escaped(each) for each in wanted)
    name = network.ascii_name(host)
    return (
        f"GET {target} HTTP/1.1\r\nHost: {f'[{name}]' if ':' in name else name}\r\nConnection: close\r\n"
        "User-Agent: Mozilla/5.0\r\nAccept: image/webp,image/png,image/jpeg,image/gif\r\n\r\n"
    ).encode("ascii")


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))


def _read(answer: HTTPResponse, connection: socket.socket, ends_at: float) -> bytes | None:
    """Read the content as long as it may be a picture, is not too large, and comes in time."""
    content = b""
    while True:
        connection.settimeout(_left(ends_at))
        piece = answer.read1(_PIECE)
        content += piece
        if not piece:
            return content
        if len(content) > MAX_BYTES or (len(content) >= 16 and not _is_picture(content)):
            return None


def _left(ends_at: float) -> float:
    left_s = ends_at - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _is_picture(content: bytes) -> bool:
    return content.startswith(_MAGIC) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")
