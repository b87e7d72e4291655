"""RQ entry points of connecting and parting with a mailbox."""

from __future__ import annotations

from webmail.actions import connect, departures


def run_attempt(attempt_id: int) -> None:
    """Check an attempt's servers, and connect the account if all is well."""
    connect.run_attempt(attempt_id)


def disconnect(account_id: int) -> None:
    """Do what still needs a mailbox that is being disconnected, then erase its credentials."""
    departures.finish_disconnect(account_id)
