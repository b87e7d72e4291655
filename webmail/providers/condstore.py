"""Who is known not to keep what QRESYNC promises (RFC 7162): facts, each with its source."""

from __future__ import annotations

from dataclasses import dataclass

from webmail.providers.network import server_name


@dataclass(frozen=True)
class QresyncQuirk:
    """A provider whose QRESYNC is not to be trusted; its CONDSTORE still is."""

    host_suffix: str
    source: str


QUIRKS = (
    QresyncQuirk(
        ".mail.me.com", "field notes 1: its VANISHED is malformed, mail looks deleted (Mailspring MailUtils.cpp)"
    ),
)


def is_honest(host: str) -> bool:
    """Say whether QRESYNC may be used at a host."""
    name = f".{server_name(host).lower()}"
    return not any(name.endswith(quirk.host_suffix) for quirk in QUIRKS)
