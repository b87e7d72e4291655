"""Open connections to mail servers, and to nothing else.

A host name in a form is hostile: it may point at this machine, at the operator's network or at a cloud's metadata
service. So the name is resolved once, every address that it has must be public, and the connection goes to the address
that was checked: a DNS answer that changes in between changes nothing. All refusals read alike, whether something
listens there or not. `WEBMAIL_ALLOW_PRIVATE_HOSTS` lifts this for the demo and for mail servers in one's own network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl

from webmail.errors import ProviderError, Refused, Retryable

MAIL_PORTS = frozenset({25, 143, 465, 586, 587, 993, 1025, 1143, 2525})

_allow_private_hosts = False
_ca_file: str | None = None


def configure(*, allow_private_hosts: bool, ca_file: str | None) -> None:
    """Set this process's rules.

    Args:
        ca_file: a PEM file with a private authority to be trusted beside the system's.
    """
    global _allow_private_hosts, _ca_file
    _allow_private_hosts = allow_private_hosts
    _ca_file = ca_file


def tls_context() -> ssl.SSLContext:
    """Give the context for all TLS to mail servers: verified, by name, TLS 1.2 or newer."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if _ca_file:
        context.load_verify_locations(_ca_file)
    return context


def open_socket(host: str, port: int, timeout_s: float, *, side: str) -> socket.socket:
    """Connect to a mail server; each of its addresses gets a try.

    Raises:
        Refused: the host does not exist, or is not one to be connected to.
        OSError: nobody answers there.
    """
    addresses = _checked(host, port, _resolve(host, port, side), side)
    error: OSError = OSError("no address")
    for family, address in addresses:
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(timeout_s)
        try:
            connection.connect((address, port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError as failed:
            connection.close()
            error = failed
    raise error


async def open_connection(
    host: str, port: int, timeout_s: float, *, side: str, limit_bytes: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as `open_socket()` does, for asyncio; TLS is the caller's."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(None, _resolve, host, port, side)
    error: OSError = OSError("no address")
    for family, address in _checked(host, port, found, side):
        try:
            return await asyncio.wait_for(
                asyncio.open_connection(address, port, family=family, limit=limit_bytes), timeout_s
            )
        except OSError as failed:
            error = failed
    raise error


_Addresses = list[tuple[socket.AddressFamily, str]]


def _resolve(host: str, port: int, side: str) -> _Addresses:
    name = host.strip().rstrip(".")
    if not re.fullmatch(r"[\w.:\[\]-]{1,253}", name):
        raise _not_found(host, side)
    try:
        found = socket.getaddrinfo(_ascii(name.strip("[]")), port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN and "." in name:
            raise _not_answering(host, side) from error
        raise _not_found(host, side) from error
    return [(family, str(address[0])) for family, _, _, _, address in found]


def _ascii(name: str) -> str:
    return name if name.isascii() else name.encode("idna").decode("ascii")


def _checked(host: str, port: int, addresses: _Addresses, side: str) -> _Addresses:
    if not _allow_private_hosts and (
        port not in MAIL_PORTS or not addresses or not all(is_public(address) for _, address in addresses)
    ):
        raise Refused(
            f"{host} on port {port} is not a mail server that can be connected to from here.",
            side=side,
            cause="host_refused",
            next_step="Check the host and the port with your mail provider. Servers in a private network need your "
            "administrator's consent.",
        )
    return addresses


def is_public(text: str) -> bool:
    """Say whether an address lies in the public internet, whatever it is wrapped in (mapped, 6to4, NAT64, Teredo)."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and (address in _NAT64 or address in _COMPATIBLE):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast and not address.is_reserved


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


def _not_found(host: str, side: str) -> ProviderError:
    return Refused(
        f"There is no server named {host[:100]}.",
        side=side,
        cause="host_not_found",
        next_step="Check the spelling of the host.",
    )


def _not_answering(host: str, side: str) -> ProviderError:
    return Retryable(
        f"The address of {host[:100]} could not be looked up just now.",
        side=side,
        cause="dns_failed",
        next_step="Check the spelling of the host, or try again in a minute.",
    )
