"""Post an event to a tenant's server: to a checked address, without following anything, bounded in time and size."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from webmail.domain.webhooks import flaw_in_url
from webmail.errors import ProviderError
from webmail.providers import network

TIMEOUT_S = 10.0
_MOST_BYTES = 8192
_WORDS = 500


@dataclass(frozen=True)
class HookAnswer:
    """What a receiver said. `status` None: nobody answered, and `words` say why."""

    status: int | None
    words: str


def require_receiver(url: str) -> str:
    """Say in one sentence why nothing may be sent to this URL, "" when it may; its host is looked up."""
    flaw = flaw_in_url(url, allow_private=network.allows_private_hosts())
    if flaw:
        return flaw
    parts = urlsplit(url)
    try:
        network.require_web_host(parts.hostname or "", _port(url))
    except ProviderError:
        return "This host is not one that can be connected to from here."
    return ""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> HookAnswer:
    """Post JSON; never raises for what a receiver does."""
    flaw = flaw_in_url(url, allow_private=network.allows_private_hosts())
    if flaw:
        return HookAnswer(None, flaw)
    try:
        return _exchange(url, _request(url, body, headers))
    except ProviderError:
        return HookAnswer(None, "The host is not one that can be connected to from here.")
    except (OSError, ValueError) as error:
        return HookAnswer(None, f"No answer: {error}"[:_WORDS])


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _request(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "User-Agent": "webmail-webhooks/1",
        "Accept": "*/*",
        "Connection": "close",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _exchange(url: str, request: bytes) -> HookAnswer:
    parts = urlsplit(url)
    ends_at = time.monotonic() + TIMEOUT_S
    raw = network.open_web_socket(parts.hostname or "", _port(url), TIMEOUT_S)
    with network.wrap_tls(raw, parts.hostname or "") if parts.scheme == "https" else raw as connection:
        connection.sendall(request)
        received = b""
        # As much as it takes to know the status, and how the answer begins: nobody may keep us with a long one.
        while len(received) < _MOST_BYTES:
            left_s = ends_at - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("it took too long")
            connection.settimeout(left_s)
            piece = connection.recv(4096)
            received += piece
            if not piece or _is_enough(received):
                break
    return _read(received)


def _is_enough(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    if not end or head.split(b" ", 2)[1:2] == [b"100"]:
        return False
    lengths = [line.partition(b":")[2].strip() for line in head.lower().split(b"\r\n") if line.startswith(b"content-l")]
    is_whole = bool(lengths) and lengths[0].isdigit() and len(body) >= int(lengths[0])
    return is_whole or len(body) >= _WORDS or head.split(b" ", 2)[1:2] == [b"204"]


def _read(received: bytes) -> HookAnswer:
    head, _, body = received.partition(b"\r\n\r\n")
    if head.split(b" ", 2)[1:2] == [b"100"]:
        return _read(body)
    pieces = head.split(b"\r\n")[0].split(b" ", 2)
    if not pieces[0].startswith(b"HTTP/1.") or len(pieces) < 2 or not pieces[1].isdigit() or len(pieces[1]) != 3:
        raise ValueError("what came back is no HTTP")
    words = body[:_WORDS].decode("utf-8", errors="replace")
    return HookAnswer(int(pieces[1]), "".join(each if each.isprintable() else " " for each in words).strip())
