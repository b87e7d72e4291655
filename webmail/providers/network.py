"""Open connections to mail servers, and to nothing else.

A host name in a form is hostile: it may point at this machine, at the operator's network or at a cloud's metadata
service. So the name is resolved once, every address that it has must be public, and the connection goes to the address
that was checked: a DNS answer that changes in between changes nothing. All refusals of a host read alike, whether
something listens there or not. `WEBMAIL_ALLOW_PRIVATE_HOSTS` lifts this for the demo and for mail servers in one's own
network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
import time
from functools import lru_cache
from http.client import HTTPResponse
from urllib.parse import urlsplit

from webmail.errors import ProviderError, Refused, Retryable

MAIL_PORTS = frozenset({25, 143, 465, 586, 587, 993, 1025, 1143, 2525})
"""Ports that a mail server may have: the standard ones, and those of shared/providers.csv."""

_NAME = re.compile(r"[\w.:\[\]-]{1,253}")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# 6to4 and Teredo carry an IPv4 address inside (RFC 3056, RFC 4380); no mail server has been there for years.
_TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))
# Azure's platform channel has an address that looks public (learn.microsoft.com: "What is IP address 168.63.129.16?").
_PLATFORM = frozenset({ipaddress.IPv4Address("168.63.129.16")})
_MOST_ADDRESSES = 8

_Addresses = list[tuple[socket.AddressFamily, str]]

_allow_private_hosts = False
_ca_file: str | None = None


def configure(*, allow_private_hosts: bool, ca_file: str | None) -> None:
    """Set this process's rules.

    Args:
        allow_private_hosts: True lets every host and every port pass.
        ca_file: a PEM file with a private authority to be trusted beside the system's.
    """
    global _allow_private_hosts, _ca_file
    _allow_private_hosts = allow_private_hosts
    _ca_file = ca_file
    tls_context.cache_clear()


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Give the context for all TLS to mail servers: verified, by name, TLS 1.2 or newer.

    One for all of them: reading the system's authorities takes longer than a handshake, and half a megabyte.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if _ca_file:
        context.load_verify_locations(_ca_file)
    return context


def server_name(host: str) -> str:
    """Give the name that a host's certificate has to carry: what was typed, without the root's dot and brackets."""
    return host.strip().rstrip(".").strip("[]")


def wrap_tls(connection: socket.socket, host: str) -> ssl.SSLSocket:
    """Encrypt a connection.

    Raises:
        ssl.SSLError: no TLS is spoken there, or its certificate does not hold.
    """
    return tls_context().wrap_socket(connection, server_hostname=server_name(host))


def open_socket(host: str, port: int, timeout_s: float, *, side: str) -> socket.socket:
    """Connect to a mail server; each of its addresses gets a try within the time.

    Args:
        timeout_s: for all tries together, and later for each read and write.
        side: "imap" or "smtp", for the errors.

    Raises:
        Refused: the host does not exist, or is not one to be connected to.
        Retryable: the host cannot be looked up just now.
        OSError: nobody answers there.
    """
    return _connect(_checked_addresses(host, port, side), port, timeout_s)


def _connect(addresses: _Addresses, port: int, timeout_s: float) -> socket.socket:
    ends_at = time.monotonic() + timeout_s
    error: OSError = OSError("no address")
    for tried, (family, address) in enumerate(addresses):
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(_share(ends_at - time.monotonic(), len(addresses) - tried))
        try:
            connection.connect((address, port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(timeout_s)
            return connection
        except OSError as failed:
            connection.close()
            error = failed
    raise error


async def open_connection(
    host: str, port: int, timeout_s: float, *, side: str, limit_bytes: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as `open_socket()` does, for asyncio; TLS is the caller's.

    Args:
        limit_bytes: the longest line that the reader takes.

    Raises:
        ProviderError, OSError: as `open_socket()` does.
    """
    loop = asyncio.get_running_loop()
    addresses = await loop.run_in_executor(None, _checked_addresses, host, port, side)
    ends_at = loop.time() + timeout_s
    error: OSError = OSError("no address")
    for tried, (family, address) in enumerate(addresses):
        try:
            async with asyncio.timeout(_share(ends_at - loop.time(), len(addresses) - tried)):
                return await asyncio.open_connection(address, port, family=family, limit=limit_bytes)
        except OSError as failed:
            error = failed
    raise error


def allows_private_hosts() -> bool:
    """Say whether every host and every port may be connected to here."""
    return _allow_private_hosts


def require_web_host(host: str, port: int) -> None:
    """Look a web server's host up, and refuse it unless all of its addresses are public.

    Raises:
        ProviderError: it does not exist, or is not one to be connected to.
    """
    _require_public(_resolve(host, port, "web"), host, "web")


def open_web_socket(host: str, port: int, timeout_s: float) -> socket.socket:
    """Connect to a web server, at an address that was checked; TLS is the caller's.

    Raises:
        ProviderError, OSError: as `open_socket()` does.
    """
    _require_public(addresses := _resolve(host, port, "web"), host, "web")
    return _connect(addresses[:_MOST_ADDRESSES], port, timeout_s)


def open_public_socket(host: str, port: int, timeout_s: float) -> socket.socket:
    """Connect to a host that a stranger named: at public addresses only, whatever this installation allows its users.

    Raises:
        ProviderError, OSError: as `open_socket()` does.
    """
    addresses = _resolve(host, port, "web")
    if not all(is_public(address) for _, address in addresses):
        raise _host_refused(host, "web")
    return _connect(addresses[:_MOST_ADDRESSES], port, timeout_s)


def fetch_https(url: str, *, timeout_s: float, limit_bytes: int, port: int = 443) -> bytes:
    """Fetch a small file by GET over HTTPS, from a checked address, without cookies and without following redirects.

    Args:
        url: begins with https:// and names no port.
        timeout_s: for connecting, and for each read.

    Raises:
        ProviderError: the host is not one to be connected to.
        OSError: nobody answers, no TLS is spoken there, or its certificate does not hold.
        ValueError: the answer is not 200, or larger than `limit_bytes`.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    _require_public(addresses := _resolve(host, port, "imap"), host, "imap")
    raw = _connect(addresses[:_MOST_ADDRESSES], port, timeout_s)
    with wrap_tls(raw, host) as connection:
        request = f"GET {parts.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAccept: */*\r\n\r\n"
        connection.sendall(request.encode("ascii"))
        with HTTPResponse(connection) as answer:
            answer.begin()
            body = answer.read(limit_bytes + 1) if answer.status == 200 else b""
    if not body or len(body) > limit_bytes:
        raise ValueError(f"HTTP {answer.status}, {len(body)} bytes")
    return body


def is_public(text: str) -> bool:
    """Say whether an address lies in the public internet, whatever it is wrapped in (IPv4-mapped, NAT64)."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        if address in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
        if address not in _GLOBAL_UNICAST or any(address in tunnel for tunnel in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved and address not in _PLATFORM


def _share(left_s: float, tries_left: int) -> float:
    return max(left_s / tries_left, 0.5)


def _checked_addresses(host: str, port: int, side: str) -> _Addresses:
    if not _allow_private_hosts and port not in MAIL_PORTS:
        raise _port_refused(port, side)
    addresses = _resolve(host, port, side)
    _require_public(addresses, host, side)
    return addresses[:_MOST_ADDRESSES]


def _require_public(addresses: _Addresses, host: str, side: str) -> None:
    if not _allow_private_hosts and not all(is_public(address) for _, address in addresses):
        raise _host_refused(host, side)


def _resolve(host: str, port: int, side: str) -> _Addresses:
    name = server_name(host)
    if not _NAME.fullmatch(name):
        raise _not_found(host, side)
    try:
        # Octal, hexadecimal and short forms of IPv4 are read here as the system reads them: the check sees the truth.
        found = socket.getaddrinfo(ascii_name(name), port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        # A name of one word, or under .invalid (RFC 6761), is nowhere, even when no resolver is there to say so.
        could_exist = "." in name and not name.lower().endswith(".invalid")
        if could_exist and isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise _not_answering(host, side) from error
        raise _not_found(host, side) from error
    if not found:
        raise _not_found(host, side)
    return [(family, str(address[0])) for family, _, _, _, address in found]


def ascii_name(name: str) -> str:
    """Give a host's name as it is looked up; raises UnicodeError where there is no such form."""
    return name if name.isascii() else name.encode("idna").decode("ascii")


def _port_refused(port: int, side: str) -> ProviderError:
    return Refused(
        f"Port {port} is not a port of mail servers.",
        side=side,
        cause="port_refused",
        next_step=f"The usual ports are {'993 and 143' if side == 'imap' else '465 and 587'}.",
    )


def _host_refused(host: str, side: str) -> ProviderError:
    return Refused(
        f"{host[:100]} is not a mail server that can be connected to from here.",
        side=side,
        cause="host_refused_private",
        next_step="Check the host with your mail provider. Private networks need your administrator's consent.",
    )


def _not_found(host: str, side: str) -> ProviderError:
    return Refused(
        f"There is no server named {host.strip()[:100]}.",
        side=side,
        cause="host_not_found",
        next_step="Check the spelling of the host.",
    )


def _not_answering(host: str, side: str) -> ProviderError:
    return Retryable(
        f"The address of {host.strip()[:100]} could not be looked up just now.",
        side=side,
        cause="dns_failed",
        next_step="Check the spelling of the host, or try again in a minute.",
    )
