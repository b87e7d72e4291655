"""RQ entry point of webhooks. Waits and retries are rows, not RQ's: the sweep asks again when one is due."""

from __future__ import annotations

from webmail.actions import webhooks


def deliver(endpoint_id: int) -> None:
    """Post what is due at one endpoint."""
    webhooks.deliver(endpoint_id)
