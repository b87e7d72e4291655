"""A bounded cache of what somebody opened, on this machine's disk: attachments, and the pictures that were drawn of
them or fetched for a message. Losing it costs a fetch.

Files lie in a folder per account, so that erasing an account erases them; the oldest go when the cache is full.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO
from uuid import UUID

LIMIT_BYTES = 512 * 1024 * 1024

_root: Path | None = None


def configure(root: Path) -> None:
    """Set where the cache lies; the folder is made when it is first used."""
    global _root
    _root = root


def read(account_uuid: UUID, uuid: UUID, kind: str = "") -> bytes | None:
    """Give what is kept, None if it is not here.

    Args:
        uuid: of the attachment, or of the message that it was fetched for.
        kind: what was made of it, in letters, digits and hyphens; "" for the attachment itself.
    """
    file = open_file(account_uuid, uuid, kind)
    if file is None:
        return None
    with file:
        return file.read()


def open_file(account_uuid: UUID, uuid: UUID, kind: str = "") -> BinaryIO | None:
    """Open what is kept, to be read piece by piece and closed; None if it is not here."""
    path = _path(account_uuid, uuid, kind)
    try:
        file = path.open("rb")
        os.utime(path)
    except OSError:
        return None
    return file


def write(account_uuid: UUID, uuid: UUID, content: bytes, kind: str = "") -> None:
    """Keep something; a full disk only means that it is fetched again next time."""
    write_file(account_uuid, uuid, BytesIO(content), kind)


def write_file(account_uuid: UUID, uuid: UUID, file: IO[bytes], kind: str = "") -> None:
    """Keep the rest of a file, as `write()` does."""
    path = _path(account_uuid, uuid, kind)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as temporary:
            shutil.copyfileobj(file, temporary)
        os.replace(temporary.name, path)
        _shrink()
    except OSError:
        return


def erase(account_uuid: UUID, uuid: UUID) -> None:
    """Drop what is kept of one attachment or message, and all that was made of it."""
    for path in _folder(account_uuid).glob(f"{uuid.hex}*"):
        path.unlink(missing_ok=True)


def erase_account(account_uuid: UUID) -> None:
    """Drop all that is kept of an account."""
    shutil.rmtree(_folder(account_uuid), ignore_errors=True)


def _folder(account_uuid: UUID) -> Path:
    if _root is None:
        raise RuntimeError("webmail.store.cache.configure() has not been called")
    return _root / account_uuid.hex


def _path(account_uuid: UUID, uuid: UUID, kind: str) -> Path:
    return _folder(account_uuid) / (f"{uuid.hex}-{kind}" if kind else uuid.hex)


def _shrink() -> None:
    assert _root is not None
    files = sorted((each for each in _root.glob("*/*") if each.is_file()), key=lambda each: each.stat().st_mtime)
    total = sum(each.stat().st_size for each in files)
    for each in files:
        if total <= LIMIT_BYTES:
            return
        total -= each.stat().st_size
        each.unlink(missing_ok=True)
