"""What deleted rows leave on the disk, and how it goes.

SQLite overwrites deleted rows at once (`secure_delete=ON`, see `store.session`), but the words of deleted entries stay
in the search index until its segments are merged, and old pages in the write-ahead log until it is emptied. PostgreSQL
does both by itself: rows go at the next (auto)vacuum, the log in time; what it has freed on the disk is reused, never
overwritten, so there an encrypted disk is the answer.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from webmail.store.session import engine, transaction

_PAGES = 400
"""Pages of the index that are merged in one transaction: a fraction of a second in which others wait."""
_MERGE = text("INSERT INTO message_index (message_index, rank) VALUES ('merge', :pages)")
_PATIENCE_MS, _USUAL_PATIENCE_MS = 2000, 30000


def wipe_deleted() -> None:
    """Leave nothing on the disk of what has been deleted, as far as the database lets us see to it."""
    if engine().dialect.name != "sqlite":
        return
    # A negative number begins to merge all segments into one; positive ones go on until nothing is left to do.
    pages = -_PAGES
    while _merge(pages):
        pages = _PAGES
    with engine().connect() as connection:
        # A reader that stays holds the log up; it is emptied the next time that somebody gets round to it.
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_PATIENCE_MS}")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_USUAL_PATIENCE_MS}")


def _merge(pages: int) -> bool:
    """Merge a piece of the index; False when there was nothing to merge."""
    with transaction() as s:
        driver: Any = s.connection().connection.dbapi_connection
        before = driver.total_changes
        s.execute(_MERGE, {"pages": pages})
        # As SQLite's documentation has it: the insert itself counts as one.
        return bool(driver.total_changes - before >= 2)
