"""All sealed secrets, wherever they lie, sealed anew with the newest key.

Every column named `secret` is one. A secret that the newest key opens is left alone, so the work can be cut short and
begun again at any time; one that changes meanwhile is not overwritten, for whoever changed it has sealed it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, select, update

from webmail.errors import ConfigError
from webmail.store.models import Base
from webmail.store.secrets import is_newest, reseal
from webmail.store.session import Session, count_changed, transaction

_BATCH = 100


@dataclass
class Rotation:
    """What became of the secrets of one table."""

    table: str
    sealed_anew: int = 0
    new_already: int = 0
    unreadable: int = 0
    """No configured key opens them."""


def rotate_keys() -> list[Rotation]:
    """Seal all secrets with the newest key, some at a time; gives what was done, by table."""
    return [_rotate(table) for table in sealed_tables()]


def sealed_tables() -> list[Table]:
    """Give the tables that hold a sealed secret."""
    return [table for table in Base.metadata.sorted_tables if "secret" in table.columns]


def _rotate(table: Table) -> Rotation:
    done = Rotation(table.name)
    [key] = table.primary_key.columns
    last = 0
    while True:
        query = select(key, table.c.secret).where(key > last).order_by(key).limit(_BATCH)
        with transaction() as s:
            rows = s.execute(query).all()
            for row_key, sealed in rows:
                _rotate_one(s, table, key == row_key, sealed, done)
        if not rows:
            return done
        last = rows[-1][0]


def _rotate_one(s: Session, table: Table, is_row: ColumnElement[bool], sealed: bytes | None, done: Rotation) -> None:
    if sealed is None:
        return
    if is_newest(sealed):
        done.new_already += 1
        return
    try:
        anew = reseal(sealed)
    except ConfigError:
        done.unreadable += 1
        return
    statement = update(table).where(is_row, table.c.secret == sealed).values(secret=anew)
    done.sealed_anew += count_changed(s, statement)
