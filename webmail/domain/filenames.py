"""Names of files that strangers gave: made such that no system trips over them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069/\\:*?"<>|]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)", re.IGNORECASE)
_LONGEST = 120
_PICTURES = frozenset("image/png image/jpeg image/jpg image/pjpeg image/gif image/webp image/bmp".split())


def saved_filename(name: str, fallback: str = "attachment") -> str:
    """Make a name without folders, control and direction marks, or what Windows keeps for itself; its end is kept."""
    tidy = " ".join(_NOT_IN_NAMES.sub(" ", name).split()).strip(". ")
    stem, _, ending = tidy.rpartition(".")
    if len(tidy) > _LONGEST:
        is_ending = bool(stem) and len(ending) <= 16
        tidy = f"{stem[: _LONGEST - len(ending) - 1]}.{ending}" if is_ending else tidy[:_LONGEST]
    return f"_{tidy}" if _RESERVED.match(tidy) else tidy or fallback


def preview_kind(media_type: str, filename: str) -> str:
    """Say what of a file could be shown, going by what its sender calls it: `picture`, `pdf`, `text` or ""."""
    ending = filename.lower().rpartition(".")[2]
    if media_type in _PICTURES or ending in ("png", "jpg", "jpeg", "gif", "webp", "bmp"):
        return "picture"
    if media_type == "application/pdf" or ending == "pdf":
        return "pdf"
    is_text = media_type.startswith("text/") and media_type != "text/calendar"
    return "text" if is_text or ending in ("txt", "csv", "md", "log", "json") else ""


def distinct_filenames(names: Iterable[str]) -> list[str]:
    """Make names safe, and each another, whatever the case: the second "cv.pdf" becomes "cv (2).pdf"."""
    taken: set[str] = set()
    found = []
    for name in map(saved_filename, names):
        stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
        number, candidate = 1, name
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{stem} ({number}){dot}{ending}"
        taken.add(candidate.casefold())
        found.append(candidate)
    return found
