"""How large a mail may be: what its server has said, and what that leaves for files."""

from __future__ import annotations

from webmail.providers.graph import LARGEST_BYTES
from webmail.store.models import Account

MOST_FILES_BYTES = 25_000_000
"""What the large providers take, and so what most recipients can be sent."""
_ENCODED = 1.37
"""Files grow by so much on their way: base64, with its line ends."""
_TEXT_BYTES = 200_000
"""Room that is kept for the text and the header fields."""


def server_limit(account: Account) -> int:
    """Give the size in bytes of the largest mail that an account's server takes, 0 where it has not said."""
    if account.sends_by == "graph":
        return LARGEST_BYTES
    said = str(account.fingerprint.get("smtp", {}).get("size", ""))
    return int(said) if said.isdigit() else 0


def files_limit(account: Account | None) -> int:
    """Give how many bytes the files of one mail may have together."""
    limit = server_limit(account) if account is not None else 0
    if not limit:
        return MOST_FILES_BYTES
    return max(min(MOST_FILES_BYTES, int((limit - _TEXT_BYTES) / _ENCODED)), 0)


def megabytes(size_bytes: int) -> str:
    """Write a size as people read it."""
    return f"{max(1, round(size_bytes / 1_000_000))} MB"
