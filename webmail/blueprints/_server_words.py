"""What a server was found to do at Connect, in words for *Details*."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webmail.blueprints._numbers import number
from webmail.blueprints._times import full_time

_ABILITIES = (
    (
        "idle",
        _("Tells of new mail at once (IDLE)"),
        _("yes"),
        _("no, so it is asked twice a minute"),
    ),
    (
        "qresync",
        _("Tells what changed and what is gone (QRESYNC)"),
        _("offered"),
        _("no"),
    ),
    (
        "condstore",
        _("Tells which marks changed (CONDSTORE)"),
        _("yes"),
        _("no, so the marks are compared"),
    ),
    (
        "move",
        _("Moves in one step (MOVE)"),
        _("offered"),
        _("no, so it copies and deletes"),
    ),
    (
        "uidplus",
        _("Tells where a mail went (UIDPLUS)"),
        _("offered"),
        _("no, so moved mail is searched for"),
    ),
    (
        "special_use",
        _("Names its special folders (SPECIAL-USE)"),
        _("yes"),
        _("no, so they are known by their names"),
    ),
)


def server_abilities(fingerprint: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say what a mailbox's servers were found to do: [(what, how it is)]; [] for a mailbox that was never tried out."""
    if not fingerprint.get("capabilities"):
        return []
    lines = [(str(what), str(yes if fingerprint.get(name) else no)) for name, what, yes, no in _ABILITIES]
    sessions = fingerprint.get("sessions")
    if sessions:
        lines.append(
            (gettext("Takes several lines at once"), gettext("yes") if sessions > 1 else gettext("no, only one"))
        )
    size = str(fingerprint.get("smtp", {}).get("size", ""))
    if size.isdigit() and int(size):
        lines.append((gettext("Takes mails up to (SMTP)"), f"{number(round(int(size) / 1_000_000))} MB"))
    checked_at = fingerprint.get("checked_at")
    if checked_at:
        lines.append((gettext("Tried out"), full_time(datetime.fromisoformat(checked_at))))
    return lines
