"""RQ entry points of connecting and parting with a mailbox."""

from __future__ import annotations

from webmail.actions import connect, departures, discovery


def run_attempt(attempt_id: int) -> None:
    """Check an attempt's servers, and connect the account if all is well."""
    connect.run_attempt(attempt_id)


def discover(domain: str) -> None:
    """Find out where a domain's mail is kept, for whoever has just typed an address of it."""
    discovery.discover(domain)


def disconnect(account_id: int) -> None:
    """Do what still needs a mailbox that is being disconnected, then erase its credentials."""
    departures.finish_disconnect(account_id)
