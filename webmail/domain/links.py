"""Links in a mail that do not lead where a reader would think. Nothing is changed in the mail: it is told above it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from webmail.domain.hosts import is_number, is_same_owner, looks_like, readable_host
from webmail.domain.text import parse_html

_MOST_LINKS = 2000
_MOST_TOLD = 5
_SHOWN = 60
_NAMES_HOST = re.compile(
    r"(?:(?P<scheme>https?)://)?(?:[^\s/@]{1,60}@)?(?P<host>(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?::\d{1,5})?(?:[/?#]\S{0,2000})?",
    re.IGNORECASE,
)
_FILES = frozenset("doc docx exe htm html jpeg jpg pdf php png ppt pptx py rtf txt xls xlsx zip".split())


@dataclass(frozen=True)
class Doubt:
    """A link that misleads: what it shows, the host that it leads to, and how the two differ.

    `reason`: `elsewhere` (its text names another host), `letters` (the host's letters pretend to be `pretends`),
    `account` (a name before an @ stands where the host is looked for) or `number` (the host has no name).
    """

    text: str
    host: str
    reason: str
    pretends: str = ""


def find_doubts(html: str) -> list[Doubt]:
    """Find the links that mislead, each host once, at most five; never raises.

    Args:
        html: cleaned.
    """
    if "<a " not in html:
        return []
    root = parse_html(html)
    if root is None:
        return []
    found: dict[str, Doubt] = {}
    for number, link in enumerate(root.iter("a")):
        if number >= _MOST_LINKS or len(found) >= _MOST_TOLD:
            break
        text = " ".join("".join(link.itertext())[:2000].split())
        doubt = judge_link(str(link.get("href") or ""), text)
        if doubt:
            found.setdefault(doubt.host, doubt)
    return list(found.values())


def judge_link(href: str, text: str) -> Doubt | None:
    """Say what is misleading about a link; None where nothing is."""
    try:
        parts = urlsplit(href.strip())
        host, user = parts.hostname or "", parts.username
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host:
        return None
    shown, readable = text[:_SHOWN], readable_host(host)
    pretends = looks_like(host)
    if pretends:
        return Doubt(shown, readable, "letters", pretends)
    named = host_named_in(text)
    if named and not is_same_owner(named, host):
        return Doubt(shown, readable, "elsewhere")
    if user:
        return Doubt(shown, readable, "account")
    return Doubt(shown, readable, "number") if is_number(host) else None


def host_named_in(text: str) -> str:
    """Give the host that a link's text shows, when it shows an address of the web and nothing else; "" otherwise."""
    found = _NAMES_HOST.fullmatch(text.strip(" <>()[]\u200b"))
    if not found or "@" in text:
        return ""
    is_file = not found["scheme"] and found["host"].rpartition(".")[2].lower() in _FILES
    return "" if is_file else found["host"]
