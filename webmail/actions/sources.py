"""The source of a message: as it lies in the mailbox, or as it was built here. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from webmail.actions._pieces import pieces_from_server
from webmail.domain.headers import decode_value, each_field
from webmail.errors import NotFound
from webmail.store.accounts import find_account
from webmail.store.messages import load_message
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.submissions import mime_of_message

MAX_SOURCE_BYTES = 100 * 1024 * 1024
_MAX_HEADER_BYTES = 256 * 1024
_MOST_FIELDS = 400
_MOST_CHARACTERS = 8000


def open_source(scope: Scope, message_uuid: UUID, *, limit_bytes: int = MAX_SOURCE_BYTES) -> Iterator[bytes]:
    """Give a message as it is, piece by piece.

    Raises:
        NotFound: no such message, or it is no longer in the mailbox.
        ProviderError: the server could not be reached or did not give it.
    """
    return _open(scope, message_uuid, "", limit_bytes)


def read_fields(scope: Scope, message_uuid: UUID) -> list[tuple[str, str, str]]:
    """Give the header fields of a message in their order: name, decoded value, value as it came.

    Raises:
        NotFound, ProviderError: as `open_source()` does.
    """
    header = b"".join(_open(scope, message_uuid, "HEADER", _MAX_HEADER_BYTES))
    return [
        (name, decode_value(value[:_MOST_CHARACTERS]), _as_text(value[:_MOST_CHARACTERS]))
        for name, value in islice(each_field(header), _MOST_FIELDS)
    ]


def _open(scope: Scope, message_uuid: UUID, section: str, limit_bytes: int) -> Iterator[bytes]:
    with reading() as s:
        message = load_message(s, scope, message_uuid)
        account = find_account(s, message.account_id)
        mime = mime_of_message(s, message.id)
    if mime is not None:
        # A header ends where its fields do, so that the rest does no harm.
        return iter([mime[:limit_bytes]])
    if account is None:
        raise NotFound
    return pieces_from_server(account, message, section, limit_bytes)


def _as_text(value: str) -> str:
    """Show bytes above 127 as their numbers: what a field holds, and not what it may mean."""
    return value.encode("ascii", "surrogateescape").decode("ascii", "backslashreplace")
