"""A bounded cache of attachments that somebody opened, on this machine's disk. Losing it costs a fetch.

Files lie in a folder per account, so that erasing an account erases them; the oldest go when the cache is full.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from uuid import UUID

LIMIT_BYTES = 512 * 1024 * 1024

_root: Path | None = None


def configure(root: Path) -> None:
    """Set where the cache lies; the folder is made when it is first used."""
    global _root
    _root = root


def read(account_uuid: UUID, attachment_uuid: UUID) -> bytes | None:
    """Give a kept attachment, None if it is not here."""
    path = _path(account_uuid, attachment_uuid)
    try:
        content = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    return content


def write(account_uuid: UUID, attachment_uuid: UUID, content: bytes) -> None:
    """Keep an attachment; a full disk only means that it is fetched again next time."""
    path = _path(account_uuid, attachment_uuid)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as temporary:
            temporary.write(content)
        os.replace(temporary.name, path)
        _shrink()
    except OSError:
        return


def erase(account_uuid: UUID, attachment_uuid: UUID) -> None:
    """Drop what is kept of one attachment."""
    _path(account_uuid, attachment_uuid).unlink(missing_ok=True)


def erase_account(account_uuid: UUID) -> None:
    """Drop all that is kept of an account."""
    shutil.rmtree(_folder(account_uuid), ignore_errors=True)


def _folder(account_uuid: UUID) -> Path:
    if _root is None:
        raise RuntimeError("webmail.store.cache.configure() has not been called")
    return _root / account_uuid.hex


def _path(account_uuid: UUID, attachment_uuid: UUID) -> Path:
    return _folder(account_uuid) / attachment_uuid.hex


def _shrink() -> None:
    assert _root is not None
    files = sorted((each for each in _root.glob("*/*") if each.is_file()), key=lambda each: each.stat().st_mtime)
    total = sum(each.stat().st_size for each in files)
    for each in files:
        if total <= LIMIT_BYTES:
            return
        total -= each.stat().st_size
        each.unlink(missing_ok=True)
