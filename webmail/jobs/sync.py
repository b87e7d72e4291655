"""RQ entry points of the sync engine."""

from __future__ import annotations

from webmail.actions import privacy
from webmail.actions.attachments import store_body
from webmail.sync import engine, tokens, verify_turns


def sync_account(account_id: int) -> None:
    """Bring an account up to date."""
    engine.sync_account(account_id)


def backfill_account(account_id: int) -> None:
    """Go on with an account's first import for one turn."""
    engine.backfill_account(account_id)


def verify_account(account_id: int) -> None:
    """Go on comparing an account's folders with the server."""
    verify_turns.verify_account(account_id)


def renew_grants() -> None:
    """Use the grants that have been idle for most of a day, so that they do not die of it."""
    tokens.keep_alive()


def erase_private(account_id: int) -> None:
    """Erase what an account that keeps only mail with contacts had stored of other mail."""
    privacy.erase_private(account_id)


def fetch_body(message_id: int) -> None:
    """Fetch the text of a message that somebody has opened before its turn."""
    store_body(message_id)
