"""What is known about providers before anybody asks a server: hosts, ports, folders, and how one signs in.

The facts lie in `providers.csv` beside this file, with a source for each row. This module reads them, adds the demo's
own mailbox where there is one, and answers two questions: which provider an address belongs to, and what it fills in.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from webmail.domain.addresses import domain_of
from webmail.providers.base import PLAIN, STARTTLS, TLS, ServerSettings

DEMO_ID = "demo"
DEMO_EMAIL, DEMO_PASSWORD = "recruiter@demo.example", "demo-mailbox"

_DOMAIN_MARK = "{domain}"
_SECURITY = {"ssl": TLS, "starttls": STARTTLS, "none": PLAIN, "": ""}
_SAVES_SENT = {"yes": True, "no": False, "unknown": None}
# The product's name for it; in the table it bears the provider's.
_NAMES = {"gmail": "Gmail smtp"}
_OF_OWN_DOMAIN = {"google": "google_workspace", "microsoft": "microsoft365"}
_HOST_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_LONGEST_DOMAIN = 253


@dataclass(frozen=True)
class Preset:
    """One provider.

    A host may hold `{domain}`, the address's own; an empty host is not known, or not offered by the provider.
    `imap_security` and `smtp_security` are as in `ServerSettings`, "" for a side that the provider does not offer.
    `username_form` is `full_email`, `local_part` or "" (neither, or not known); `server_saves_sent` is None when nobody
    knows; `auth` is `password`, `app_password`, `oauth_only` or "" (no mail program can sign in at all);
    `oauth_provider` names the card of an `oauth_only` provider: `google` or `microsoft`.
    """

    id: str
    name: str
    domains: tuple[str, ...]
    imap_host: str
    imap_port: int | None
    imap_security: str
    smtp_host: str
    smtp_port: int | None
    smtp_security: str
    username_form: str
    sent_folder: str
    server_saves_sent: bool | None
    auth: str
    oauth_provider: str
    daily_send_limit: str
    help_url: str
    mx_hints: tuple[str, ...] = ()
    """Names of its mail exchangers, with `*` and `[1-4]`: whose domain has such an MX has its mail there."""


@dataclass(frozen=True)
class DemoServers:
    """Where the demo's mail servers listen, without encryption: they are on this machine."""

    host: str
    imap_port: int
    smtp_port: int


_demo: Preset | None = None
_stand_ins: dict[str, tuple[ServerSettings, ServerSettings]] = {}


def configure(
    *,
    demo: DemoServers | None,
    stand_ins: Mapping[str, tuple[ServerSettings, ServerSettings]] = MappingProxyType({}),
) -> None:
    """Set this process's presets: with the demo's mailbox in front, or without it.

    Args:
        stand_ins: {"google" or "microsoft": (IMAP, SMTP)}: servers that stand in for the provider's own, for whoever
            signs in there; a password still goes to the provider itself.
    """
    global _demo
    _demo = None if demo is None else _demo_preset(demo)
    _stand_ins.clear()
    _stand_ins.update(stand_ins)


def all_presets() -> tuple[Preset, ...]:
    """Give all providers in the order in which a form offers them: the demo, then the table's own order."""
    return _table() if _demo is None else (_demo, *_table())


def preset(preset_id: str) -> Preset | None:
    """Give one provider, None for an id that is not known."""
    if _demo is not None and preset_id == _demo.id:
        return _demo
    return _by_id().get(preset_id)


def preset_for_email(email: str) -> Preset | None:
    """Give the provider that an address tells of by its domain, None when it tells of none; never raises.

    Args:
        email: as somebody types it, finished or not.
    """
    domain = _comparable(domain_of(email))
    if _demo is not None and domain in _demo.domains:
        return _demo
    return _by_domain().get(domain)


def preset_for_mx(hosts: Sequence[str]) -> Preset | None:
    """Give the provider that a domain's mail exchangers tell of, None when they tell of none.

    Args:
        hosts: the most preferred first, lower case, no final dot.
    """
    for host in hosts:
        for each in _table():
            if any(fnmatchcase(host, hint) for hint in each.mx_hints):
                return each
    return None


def preset_for_host(imap_host: str) -> Preset | None:
    """Give the provider of an IMAP host, for domains of people's own: Google's and Microsoft's come to their cards."""
    found = next((each for each in _table() if each.imap_host == imap_host), None)
    return None if found is None else preset(_OF_OWN_DOMAIN.get(found.oauth_provider, found.id))


def preset_for_sign_in(oauth_provider: str, email: str) -> Preset:
    """Give the preset of a mailbox whose user signed in at `google` or `microsoft`.

    An address of one's own domain tells of no provider: it is a Google Workspace or a Microsoft 365 mailbox then.
    """
    found = preset_for_email(email)
    if found is not None and found.oauth_provider == oauth_provider:
        return _as_stood_in(found)
    return _as_stood_in(_by_id()[_OF_OWN_DOMAIN[oauth_provider]])


def _as_stood_in(known: Preset) -> Preset:
    if known.oauth_provider not in _stand_ins:
        return known
    imap, smtp = _stand_ins[known.oauth_provider]
    return replace(
        known,
        imap_host=imap.host,
        imap_port=imap.port,
        imap_security=imap.security,
        smtp_host=smtp.host,
        smtp_port=smtp.port,
        smtp_security=smtp.security,
    )


def filled(preset: Preset, email: str) -> dict[str, str | int | bool | None]:
    """Give what a provider fills into the form, by the names of the form's fields.

    Args:
        email: the address as typed; its domain and local part stand in where the provider wants them.

    Returns:
        Text, port or flag for each field; None for a port that is not known.
    """
    local_part, _, _ = email.strip().rpartition("@")
    securities = {preset.imap_security, preset.smtp_security} - {""}
    return {
        "user_name": local_part if preset.username_form == "local_part" else "",
        "imap_host": _host(preset.imap_host, email),
        "imap_port": preset.imap_port,
        "smtp_host": _host(preset.smtp_host, email),
        "smtp_port": preset.smtp_port,
        "imap_folder": "INBOX",
        "outbox_folder": preset.sent_folder,
        "ssl_enabled": securities != {PLAIN},
    }


def _host(host: str, email: str) -> str:
    if _DOMAIN_MARK not in host:
        return host
    domain = domain_of(email)
    is_whole = len(domain) <= _LONGEST_DOMAIN and _HOST_DOMAIN.fullmatch(domain)
    # Half a domain makes a host that looks finished; an empty field asks for it.
    return host.replace(_DOMAIN_MARK, domain) if is_whole else ""


def _comparable(domain: str) -> str:
    """Bring a domain into the form that the table has: ASCII (RFC 5890), lower case, no final dot."""
    domain = domain.removesuffix(".")
    if len(domain) > _LONGEST_DOMAIN:
        return ""
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""


@cache
def _table() -> tuple[Preset, ...]:
    text = files("webmail.providers").joinpath("providers.csv").read_text(encoding="utf-8")
    return tuple(_read_row(row) for row in csv.DictReader(text.splitlines()))


@cache
def _by_id() -> dict[str, Preset]:
    return {each.id: each for each in _table()}


@cache
def _by_domain() -> dict[str, Preset]:
    return {domain: each for each in _table() for domain in each.domains}


def _read_row(row: dict[str, str]) -> Preset:
    return Preset(
        id=row["id"],
        name=_NAMES.get(row["id"], row["name"]),
        domains=tuple(domain for domain in row["domains"].split("|") if domain),
        imap_host=row["imap_host"],
        imap_port=int(row["imap_port"]) if row["imap_port"] else None,
        imap_security=_SECURITY[row["imap_security"]],
        smtp_host=row["smtp_host"],
        smtp_port=int(row["smtp_port"]) if row["smtp_port"] else None,
        smtp_security=_SECURITY[row["smtp_security"]],
        username_form=row["username_form"],
        sent_folder=row["sent_folder"],
        server_saves_sent=_SAVES_SENT[row["server_saves_sent"]],
        auth=row["auth"],
        oauth_provider=row["oauth_provider"],
        daily_send_limit=row["daily_send_limit"],
        help_url=row["help_url"],
        mx_hints=tuple(hint for hint in row["mx_hint"].split("|") if hint),
    )


def _demo_preset(servers: DemoServers) -> Preset:
    return Preset(
        id=DEMO_ID,
        name="Demo mailbox",
        domains=(domain_of(DEMO_EMAIL),),
        imap_host=servers.host,
        imap_port=servers.imap_port,
        imap_security=PLAIN,
        smtp_host=servers.host,
        smtp_port=servers.smtp_port,
        smtp_security=PLAIN,
        username_form="full_email",
        sent_folder="Sent",
        server_saves_sent=False,
        auth="password",
        oauth_provider="",
        daily_send_limit="",
        help_url="",
    )
