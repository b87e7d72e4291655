"""Whose rows a query may see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scope:
    """One user of one tenant; every query on a user's behalf carries both."""

    tenant_id: int
    user_id: int
