"""Pages of the API: where one ended is sealed into its cursor, so that nobody can make one up or read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from webmail.blueprints._api import Answer, Argument, Asked
from webmail.errors import ConfigError, InputRefused
from webmail.store.secrets import seal, unseal

Row = TypeVar("Row")
MAX_ROWS = 200
_USUAL_ROWS = 50

CURSOR = Argument("cursor", {"type": "string", "maxLength": 2000}, "`next_cursor` of the page before.")
LIMIT = Argument(
    "limit", {"type": "integer", "minimum": 1, "maximum": MAX_ROWS}, f"Rows of a page; {_USUAL_ROWS} when left out."
)
PAGING = (CURSOR, LIMIT)


def limit_of(asked: Asked, most: int = MAX_ROWS) -> int:
    """Give how many rows a page is to have."""
    return min(int(asked.arguments.get("limit", _USUAL_ROWS)), most)


def position_of(asked: Asked, of: str = "") -> list[Any] | None:
    """Give where the page before ended, None for the first page.

    Args:
        of: what the list is of, where the path tells it, such as a conversation's id.

    Raises:
        InputRefused: it is no cursor of this list.
    """
    cursor = asked.arguments.get("cursor", "")
    if not cursor:
        return None
    try:
        kept = unseal(cursor.encode())
    except (ConfigError, ValueError):
        kept = {}
    if kept.get("of") != _list_name(asked, of):
        raise InputRefused("cursor", "This cursor does not belong to this list. Begin with the first page.")
    return list(kept["at"])


def page(
    asked: Asked,
    rows: Sequence[Row],
    limit: int,
    *,
    shown: Callable[[Row], dict[str, Any]],
    position: Callable[[Row], list[Any]],
    of: str = "",
) -> Answer:
    """Give a page.

    Args:
        rows: one more than `limit` where there are more.
        position: where a row stands, as JSON values.
    """
    cut = list(rows[:limit])
    cursor = cursor_at(asked, position(cut[-1]), of) if len(rows) > limit else None
    return Answer({"data": [shown(row) for row in cut], "next_cursor": cursor})


def cursor_at(asked: Asked, at: list[Any], of: str = "") -> str:
    """Seal a position into a cursor of this list."""
    return seal({"of": _list_name(asked, of), "at": at}).decode()


def moment(value: str) -> datetime:
    """Read a time of a cursor, or of an argument whose shape was checked."""
    return datetime.fromisoformat(value)


def _list_name(asked: Asked, of: str) -> list[Any]:
    chosen = sorted((name, value) for name, value in asked.arguments.items() if name not in ("cursor", "limit"))
    return [asked.operation.name, asked.tenant_id, of, [list(each) for each in chosen]]
