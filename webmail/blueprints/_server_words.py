"""What a server was found to do at Connect, in words for *Details*."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webmail.blueprints._times import full_time

_ABILITIES = (
    ("idle", "Tells of new mail at once (IDLE)", "yes", "no, so it is asked twice a minute"),
    ("qresync", "Tells what changed and what is gone (QRESYNC)", "offered", "no"),
    ("condstore", "Tells which marks changed (CONDSTORE)", "yes", "no, so the marks are compared"),
    ("move", "Moves in one step (MOVE)", "offered", "no, so it copies and deletes"),
    ("uidplus", "Tells where a mail went (UIDPLUS)", "offered", "no, so moved mail is searched for"),
    ("special_use", "Names its special folders (SPECIAL-USE)", "yes", "no, so they are known by their names"),
)


def server_abilities(fingerprint: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say what a mailbox's servers were found to do: [(what, how it is)]; [] for a mailbox that was never tried out."""
    if not fingerprint.get("capabilities"):
        return []
    lines = [(what, yes if fingerprint.get(name) else no) for name, what, yes, no in _ABILITIES]
    sessions = fingerprint.get("sessions")
    if sessions:
        lines.append(("Takes several lines at once", "yes" if sessions > 1 else "no, only one"))
    size = str(fingerprint.get("smtp", {}).get("size", ""))
    if size.isdigit() and int(size):
        lines.append(("Takes mails up to (SMTP)", f"{int(size) / 1_000_000:,.0f} MB"))
    checked_at = fingerprint.get("checked_at")
    if checked_at:
        lines.append(("Tried out", full_time(datetime.fromisoformat(checked_at))))
    return lines
