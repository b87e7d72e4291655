"""Draw a picture of a file that a stranger sent, in a process of its own.

Decoders of pictures and PDFs are written in C, and are what hostile files are made for. So none of them is ever loaded
into a process that holds keys, mail or connections. A child is started for each picture; it has an empty environment,
reads the file from its standard input, and before it looks at the first byte it gives up the right to use more than
so much memory and processor time, to write more than the picture, and to open further files (`child.py`). What comes
out of it is a picture that it has drawn itself; nothing of the file is passed on.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PICTURE_TYPE = "image/webp"
MAX_FILE_BYTES = 40 * 1024 * 1024
MAX_PICTURE_BYTES = 8 * 1024 * 1024
_TIMEOUT_S = 12.0
_WAIT_S = 10.0
_AT_ONCE = 2
_CHILD = Path(__file__).with_name("child.py")

_slots = threading.BoundedSemaphore(_AT_ONCE)


@dataclass(frozen=True)
class Drawn:
    """A picture (WebP) of one page; `pages` is how many the file has."""

    content: bytes
    pages: int


@dataclass(frozen=True)
class Small:
    """A picture that any mail program shows."""

    content: bytes
    media_type: str


_TYPES = {b"RIFF": PICTURE_TYPE, b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}
"""What a child may answer with, by how it begins."""


def draw(file: IO[bytes], kind: str, *, width: int, page: int = 1) -> Drawn | None:
    """Draw a page of a PDF, or a picture, at most `width` pixels wide.

    Args:
        file: one with a descriptor of its own; it is read from its beginning.
        kind: `picture` or `pdf`, as its first bytes say: see `kind_of()`.
        page: of a PDF, from 1 on.

    Returns:
        None where it cannot be drawn: it is broken, locked, too large, or takes too long.

    Raises:
        TimeoutError: others are being drawn, and its turn did not come.
    """
    return _in_turn(file, [kind, str(width), str(page)])


def shrink(file: IO[bytes], *, width: int, most_bytes: int) -> Small | None:
    """Draw a picture anew as PNG or JPEG, at most `width` pixels wide and as much smaller as its size in bytes asks.

    Returns:
        None where it cannot be drawn: it is broken, too large, or no size is small enough.

    Raises:
        TimeoutError: others are being drawn, and its turn did not come.
    """
    drawn = _in_turn(file, ["small", str(width), str(most_bytes)])
    return Small(drawn.content, _type_of(drawn.content)) if drawn else None


def _type_of(content: bytes) -> str:
    return next((media_type for magic, media_type in _TYPES.items() if content.startswith(magic)), "")


def _in_turn(file: IO[bytes], arguments: list[str]) -> Drawn | None:
    if not _slots.acquire(timeout=_WAIT_S):
        raise TimeoutError
    try:
        return _run(file, arguments)
    finally:
        _slots.release()


def _run(file: IO[bytes], arguments: list[str]) -> Drawn | None:
    file.flush()
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # the child reads on where the descriptor stands, past Python's buffer
    with tempfile.TemporaryFile() as answer:
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(_CHILD), *arguments],
                stdin=file,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError):
            return None
        answer.seek(0)
        head, picture = answer.readline(12), answer.read(MAX_PICTURE_BYTES)
    if done.returncode != 0 or not head.strip().isdigit() or not _type_of(picture):
        return None
    return Drawn(picture, int(head))


def kind_of(beginning: bytes) -> str:
    """Say what a file is by its first bytes, whatever its name and type claim: `picture`, `pdf` or "" for neither."""
    if beginning.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")):
        return "picture"
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "picture"
    return "pdf" if b"%PDF-" in beginning[:1024] else ""
