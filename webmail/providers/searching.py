"""SEARCH for what stands in a mail: quoted, and only where it is harmless in a command (IMAPClient #657)."""

from __future__ import annotations

from webmail.providers.answers import has_control
from webmail.providers.imap_client import GuardedClient

_LONGEST_MESSAGE_ID = 900
_LONGEST_ADDRESS = 320


def by_message_id(client: GuardedClient, message_id: str, *, is_microsoft: bool) -> list[int]:
    """Find a mail by its Message-ID, or by the one that Outlook.com replaced; UIDs, ascending.

    An id with control characters, beyond ASCII or of absurd length is simply not found.
    """
    if not _is_harmless(message_id, _LONGEST_MESSAGE_ID):
        return []
    found = client.search_header("Message-ID", f"<{message_id}>")
    if not found and is_microsoft:
        found = client.search_header("X-Microsoft-Original-Message-ID", f"<{message_id}>")
    return sorted(found)


def by_address(client: GuardedClient, address: str) -> list[int]:
    """Find mail that may have come from an address or gone to it; UIDs, ascending.

    Servers look for the text anywhere in the field, so what is found is still to be compared.
    """
    if not _is_harmless(address, _LONGEST_ADDRESS):
        return []
    return sorted({uid for field in ("From", "To", "Cc") for uid in client.search_header(field, address)})


def _is_harmless(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isascii() and not has_control(text)
