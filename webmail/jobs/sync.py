"""RQ entry points of the sync engine."""

from __future__ import annotations

from webmail.actions.attachments import store_body
from webmail.sync import engine


def sync_account(account_id: int) -> None:
    """Bring an account up to date."""
    engine.sync_account(account_id)


def backfill_account(account_id: int) -> None:
    """Go on with an account's first import for one turn."""
    engine.backfill_account(account_id)


def fetch_body(message_id: int) -> None:
    """Fetch the text of a message that somebody has opened before its turn."""
    store_body(message_id)
