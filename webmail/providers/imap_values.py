"""What servers tell, as plain values: tolerant of servers that leave things out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from webmail.domain.folders import folder_role
from webmail.providers.base import RemoteFlags, RemoteFolder, RemoteMessage

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Some servers write dots between hours and minutes, or leave the zone out.
_INTERNAL_DATE = re.compile(
    rb"\s*(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d{1,2})[:.](\d\d)[:.](\d\d)(?: ([+-])(\d\d)(\d\d))?\s*"
)
_MONTHS = {name: at for at, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_MOST_COPIED = 100_000
_NOT_SELECTABLE = frozenset({"\\noselect", "\\nonexistent"})


def build_folder(flags: Iterable[bytes], delimiter: bytes | None, name: str) -> RemoteFolder:
    """Build a folder from one line of LIST."""
    attributes = [each.decode("ascii", "replace") for each in flags]
    separator = delimiter.decode("ascii", "replace") if delimiter else ""
    return RemoteFolder(
        name=name,
        delimiter=separator,
        role=folder_role(name, separator, attributes),
        is_selectable=_NOT_SELECTABLE.isdisjoint(each.lower() for each in attributes),
        is_marked=bool(folder_role("", "", attributes)),
    )


def parse_names(values: Iterable[bytes]) -> frozenset[str]:
    """Give capability names in upper case."""
    return frozenset(each.decode("ascii", "replace").upper() for each in values)


def parse_number(value: Any) -> int | None:
    """Give a number, which some answers wrap in a list; None where there is none."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def build_message(uid: int, data: Mapping[bytes, Any]) -> RemoteMessage | None:
    """Build a message from the items of its FETCH answer; None where its header is missing."""
    header = next((value for key, value in data.items() if key.startswith(b"BODY[HEADER")), None)
    if header is None:
        return None
    return RemoteMessage(
        uid=uid,
        flags=parse_flags(data.get(b"FLAGS")),
        modseq=parse_number(data.get(b"MODSEQ")) or 0,
        internal_date=parse_time(data.get(b"INTERNALDATE")),
        size_bytes=parse_number(data.get(b"RFC822.SIZE")) or 0,
        header=bytes(header),
        structure=data.get(b"BODYSTRUCTURE"),
        gmail_id=str(parse_number(data.get(b"X-GM-MSGID")) or ""),
        gmail_thread_id=str(parse_number(data.get(b"X-GM-THRID")) or ""),
        labels=parse_flags(data.get(b"X-GM-LABELS")),
    )


def parse_flags(value: Any) -> frozenset[str]:
    """Give flags as text, without \\Recent, which says something of the session and nothing of the message."""
    flags = (each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in value or ())
    return frozenset(flag for flag in flags if flag != "\\Recent")


def parse_time(value: Any) -> datetime:
    """Give an INTERNALDATE, such as ` 1-Nov-2026 10:00:00 +0100`, as aware UTC; the epoch where there is none."""
    found = _INTERNAL_DATE.fullmatch(value) if isinstance(value, bytes) else None
    month = _MONTHS.get(found[2].lower()) if found else None
    if not found or month is None:
        return EPOCH
    offset = timedelta(hours=int(found[8] or 0), minutes=int(found[9] or 0)) * (-1 if found[7] == b"-" else 1)
    try:
        day, hour, minute, second = (int(found[each]) for each in (1, 4, 5, 6))
        return datetime(int(found[3]), month, day, hour, minute, second, tzinfo=UTC) - offset
    except (ValueError, OverflowError):
        return EPOCH


def parse_copied(code: list[bytes]) -> dict[int, int]:
    """Give {old uid: new uid} from the words of COPYUID.

    Source: RFC 4315, section 3: uidvalidity, the old uids, the new uids in the same order.
    """
    if len(code) != 3:
        return {}
    return dict(zip(_expand(code[1]), _expand(code[2]), strict=False))


def build_flags(answer: Mapping[int, Mapping[bytes, Any]]) -> dict[int, RemoteFlags]:
    """Build the flags of messages, by UID, from the items of their FETCH answers."""
    return {
        uid: RemoteFlags(parse_flags(data[b"FLAGS"]), parse_number(data.get(b"MODSEQ")) or 0)
        for uid, data in answer.items()
        if b"FLAGS" in data
    }


def expand_uid_sets(sets: Iterable[bytes]) -> list[int]:
    """Give the UIDs of uid-sets; [] where there are so many that something else has to tell."""
    found: list[int] = []
    for each in sets:
        found += _expand(each)
        if len(found) >= _MOST_COPIED:
            return []
    return found


def _expand(numbers: bytes) -> list[int]:
    """Expand a uid-set such as `4,7:9`."""
    result: list[int] = []
    for piece in numbers.split(b","):
        first, _, last = piece.partition(b":")
        if first.isdigit() and (not last or last.isdigit()):
            low, high = sorted((int(first), int(last or first)))
            result += range(low, min(high, low + _MOST_COPIED) + 1)
    return result
