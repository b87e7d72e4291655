"""Names of hosts as people read them: whose they are, and whether their letters pretend to be others."""

from __future__ import annotations

import ipaddress
import unicodedata

# Letters of other scripts that look like Latin ones in most fonts (Unicode UTS 39, as far as domains can hold them).
_LOOKS_LATIN = dict(
    zip(
        map(
            ord,
            "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d\u04bb\u04cf\u0475\u03bf\u03b1\u03bd\u03c1\u03b9\u03ba\u0585\u057d\u0578\u0570\u0261\u0251\u0131",
        ),
        "aeopcyxijsdqwhlvoavpikounhgai",
        strict=True,
    )
)
_SECOND_LEVEL = frozenset("ac co com edu gob gov go ne net nom or org sch".split())
_MIXED = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
"""Scripts that no name mixes for any good reason; others are written with Latin letters between them."""


def readable_host(host: str) -> str:
    """Give a host as a reader sees it: what the DNS writes as `xn--…`, in its own letters. Never raises."""
    return ".".join(_readable(label) for label in host.strip().rstrip(".").casefold().split(".")[:20])


def _readable(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:64].encode("ascii").decode("punycode") or label
    except (UnicodeError, ValueError):
        return label


def owner_of(host: str) -> str:
    """Give the part of a host that somebody has registered, near enough: the last two labels, or three of `co.uk`."""
    labels = readable_host(host).split(".")
    is_deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if is_deep else labels[-2:])


def is_same_owner(one: str, other: str) -> bool:
    """Say whether two hosts are of one owner, as far as their names tell."""
    return owner_of(one) == owner_of(other)


def looks_like(host: str) -> str:
    """Give the name that a host's letters pretend to be, "" for an honest one.

    A label that mixes alphabets pretends; so does one in foreign letters that all look Latin.
    """
    labels = readable_host(host).split(".")
    pretended = [label.translate(_LOOKS_LATIN) for label in labels]
    is_odd = any(
        _is_mixed(label) or (not label.isascii() and look.isascii())
        for label, look in zip(labels, pretended, strict=True)
    )
    return ".".join(pretended) if is_odd else ""


def _is_mixed(label: str) -> bool:
    if label.isascii():
        return False
    names = (unicodedata.name(each, "").partition(" ")[0] for each in label if each.isalpha())
    return len(_MIXED.intersection(names)) > 1


def is_number(host: str) -> bool:
    """Say whether a host is an address of numbers instead of a name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.replace(".", "").isdigit() or host.lower().startswith("0x")
    return True
