"""All attachments of a message as one zip file, written while it is sent: one file is open at a time, and none held."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import IO
from uuid import UUID
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from webmail.actions.attachments import open_attachment_file
from webmail.domain.filenames import distinct_filenames
from webmail.errors import NotFound, ProviderError
from webmail.store.messages import load_message
from webmail.store.models import Attachment
from webmail.store.scope import Scope
from webmail.store.session import reading

_PIECE_BYTES = 256 * 1024
_DATE = (2026, 1, 1, 0, 0, 0)
"""Of every file: when it was made is not known, and zip cannot do without."""


def zip_attachments(scope: Scope, message_uuid: UUID) -> Iterator[bytes]:
    """Give the attachments of a message as a zip file, piece by piece.

    What cannot be fetched is told in a text file in its place, since the download has begun by then.

    Raises:
        NotFound: no such message, or it has no attachments.
    """
    with reading() as s:
        message = load_message(s, scope, message_uuid)
        shows_own = "cid:" in message.html
        attachments = [each for each in message.attachments if not (each.is_inline and shows_own)]
    if not attachments:
        raise NotFound("This message has no attachments.")
    return _zipped(scope, attachments)


def _zipped(scope: Scope, attachments: Sequence[Attachment]) -> Iterator[bytes]:
    outlet = _Outlet()
    with ZipFile(outlet, "w", ZIP_STORED) as archive:
        names = distinct_filenames(each.filename for each in attachments)
        for name, attachment in zip(names, attachments, strict=True):
            name_in_zip, file = _opened(scope, attachment, name)
            with file, archive.open(ZipInfo(name_in_zip, _DATE), "w") as entry:
                while piece := file.read(_PIECE_BYTES):
                    entry.write(piece)
                    yield outlet.take()
    yield outlet.take()


def _opened(scope: Scope, attachment: Attachment, name: str) -> tuple[str, IO[bytes]]:
    try:
        return name, open_attachment_file(scope, attachment.uuid).file
    except (NotFound, ProviderError) as error:
        return f"{name} is missing.txt", io.BytesIO(f"{error.user_message}\n".encode())


class _Outlet(io.RawIOBase):
    """Where the zip is written to; what has been written is taken away again and again."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]  # any buffer
        self._written.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """Give what has been written since the last time."""
        pieces, self._written = self._written, []
        return b"".join(pieces)
