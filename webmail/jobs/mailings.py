"""RQ entry points of mailings. When the next turn is due is a row's affair: the sweep asks for it."""

from __future__ import annotations

from webmail.actions import pacing


def pace_account(account_id: int) -> None:
    """Send of an account's mailings what may go now, and file what has gone."""
    pacing.pace_account(account_id)
