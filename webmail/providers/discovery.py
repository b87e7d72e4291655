"""Find out where an address's mail is kept, by asking: its MX, its SRV records (RFC 6186), its autoconfig file.

All three are asked at once and the first in this order counts. What they name is only filled into a form: the user
sees it before anything is connected to. The autoconfig file is fetched over HTTPS, from checked addresses only, without
telling whose address it is; ways to sign in without encryption are passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import dns.exception
import dns.rdatatype
import dns.resolver
import structlog
from lxml import etree

from webmail.errors import ProviderError
from webmail.providers import network, presets
from webmail.providers.base import STARTTLS, TLS

log = structlog.get_logger(__name__)

LIMIT_S = 4.0
"""All lookups together take no longer."""
_LARGEST_FILE = 64 * 1024
_MOST_MX = 10
_SOCKET_TYPES = {"SSL": TLS, "STARTTLS": STARTTLS}
_PATHS = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
)


@dataclass(frozen=True)
class Server:
    """A server that was found; `user_name_form` is `full_email`, `local_part` or ""."""

    host: str
    port: int
    security: str
    user_name_form: str = ""


@dataclass(frozen=True)
class Found:
    """What was found: a provider that is known by its id, or the two servers."""

    provider: str = ""
    imap: Server | None = None
    smtp: Server | None = None
    source: str = ""
    """`mx`, `srv` or `autoconfig`."""


_nameserver: tuple[str, int] | None = None
_web_port = 443


def configure(*, nameserver: tuple[str, int] | None, web_port: int = 443) -> None:
    """Set whom this process asks.

    Args:
        nameserver: address and port of the DNS server; None for the system's.
        web_port: where autoconfig files are served.
    """
    global _nameserver, _web_port
    _nameserver, _web_port = nameserver, web_port


def discover(domain: str, *, limit_s: float = LIMIT_S) -> Found | None:
    """Find the servers of a domain; never raises, and None when nothing useful was found in time.

    Args:
        domain: in ASCII, lower case.
    """
    deadline = time.monotonic() + limit_s
    ways: tuple[Callable[[str, float], Found | None], ...] = (_by_mx, _by_srv, _by_autoconfig)
    pool = ThreadPoolExecutor(len(ways), thread_name_prefix="discovery")
    try:
        asked = [pool.submit(_quietly, way, domain, limit_s) for way in ways]
        for answer in asked:
            try:
                found = answer.result(timeout=max(0.05, deadline - time.monotonic()))
            except TimeoutError:
                continue
            if found is not None:
                return found
        return None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _quietly(way: Callable[[str, float], Found | None], domain: str, limit_s: float) -> Found | None:
    try:
        return way(domain, limit_s)
    except (dns.exception.DNSException, ProviderError, OSError, ValueError, etree.LxmlError) as error:
        log.info("discovery_failed", way=way.__name__, domain=domain, error=type(error).__name__)
        return None


def _resolver(limit_s: float) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=_nameserver is None)
    if _nameserver is not None:
        resolver.nameservers, resolver.port = [_nameserver[0]], _nameserver[1]
    resolver.lifetime, resolver.timeout = limit_s, limit_s / 2
    return resolver


def _by_mx(domain: str, limit_s: float) -> Found | None:
    answer = _resolver(limit_s).resolve(domain, dns.rdatatype.MX)
    records = sorted(answer, key=lambda each: each.preference)[:_MOST_MX]
    known = presets.preset_for_mx([str(each.exchange).rstrip(".").lower() for each in records])
    return None if known is None else Found(provider=known.id, source="mx")


def _by_srv(domain: str, limit_s: float) -> Found | None:
    imap = _service(domain, (("_imaps", TLS), ("_imap", STARTTLS)), limit_s / 2)
    smtp = _service(domain, (("_submissions", TLS), ("_submission", STARTTLS)), limit_s / 2)
    return _settled(imap, smtp, "srv")


def _service(domain: str, services: Sequence[tuple[str, str]], limit_s: float) -> Server | None:
    for name, security in services:
        try:
            answer = _resolver(limit_s / len(services)).resolve(f"{name}._tcp.{domain}", dns.rdatatype.SRV)
        except dns.exception.DNSException:
            continue
        best = min(answer, key=lambda each: (each.priority, -each.weight))
        host = str(best.target).rstrip(".").lower()
        # A target of "." says that there is no such service (RFC 2782).
        if host:
            return Server(host, int(best.port), security)
    return None


def _by_autoconfig(domain: str, limit_s: float) -> Found | None:
    for path in _PATHS:
        try:
            text = network.fetch_https(
                path.format(domain=domain), timeout_s=limit_s / 2, limit_bytes=_LARGEST_FILE, port=_web_port
            )
            return read_autoconfig(text, domain)
        except (ProviderError, OSError, ValueError, etree.LxmlError):
            continue
    return None


def read_autoconfig(text: bytes, domain: str) -> Found | None:
    """Read a file of Mozilla's autoconfig format 1.1; what it says twice counts as it is first said.

    Raises:
        ValueError, lxml.etree.LxmlError: it is no such file.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = etree.fromstring(text, parser)
    imap = _server_of(root.iterfind(".//incomingServer[@type='imap']"), domain)
    smtp = _server_of(root.iterfind(".//outgoingServer[@type='smtp']"), domain)
    return _settled(imap, smtp, "autoconfig")


def _server_of(elements: object, domain: str) -> Server | None:
    for element in elements:  # type: ignore[attr-defined]  # lxml has no types
        security = _SOCKET_TYPES.get((element.findtext("socketType") or "").strip().upper())
        host = (element.findtext("hostname") or "").strip().replace("%EMAILDOMAIN%", domain).lower()
        port = (element.findtext("port") or "").strip()
        if security is None or not host or len(host) > 253 or not port.isascii() or not port.isdigit():
            continue
        name = (element.findtext("username") or "").strip()
        forms = {"%EMAILADDRESS%": "full_email", "%EMAILLOCALPART%": "local_part"}
        return Server(host, int(port), security, forms.get(name, ""))
    return None


def _settled(imap: Server | None, smtp: Server | None, source: str) -> Found | None:
    if imap is None and smtp is None:
        return None
    known = presets.preset_for_host(imap.host) if imap is not None else None
    return Found(known.id if known is not None else "", imap, smtp, source)
