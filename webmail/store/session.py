"""The database: engine, sessions and transactions.

`configure()` is called once a process. `transaction()` is the only way to write: it begins with a write lock on
SQLite (so that two writers queue up instead of failing half-way), commits at the end, and only then runs what was
handed to `after_commit()`: jobs and events never tell of rows that are not there yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import CursorResult, Engine, UpdateBase, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

from webmail.store import secrets

__all__ = [
    "Session",
    "after_commit",
    "configure",
    "count_changed",
    "dispose_after_fork",
    "reading",
    "transaction",
]

_engine: Engine | None = None
_sessions: sessionmaker[Session] = sessionmaker(expire_on_commit=False, autoflush=False)


def configure(database_url: str, encryption_keys: tuple[str, ...]) -> Engine:
    """Point this process at its database and its encryption keys, and give the engine."""
    global _engine
    secrets.configure(encryption_keys)
    # `hide_parameters`: what a failed statement was to store is nobody's to read in a log.
    is_sqlite = database_url.startswith("sqlite")
    if is_sqlite:
        _engine = create_engine(
            database_url, hide_parameters=True, connect_args={"timeout": 30, "check_same_thread": False}
        )
        event.listen(_engine, "connect", _prepare_sqlite)
    else:
        # `prepare_threshold`: a prepared statement's plan does not know what is searched for; poolers do without, too.
        _engine = create_engine(
            database_url,
            hide_parameters=True,
            pool_size=10,
            max_overflow=30,
            pool_pre_ping=True,
            connect_args={"prepare_threshold": None},
        )
    _sessions.configure(bind=_engine)
    return _engine


def engine() -> Engine:
    """Give the engine, for migrations."""
    if _engine is None:
        raise RuntimeError("webmail.store.session.configure() has not been called")
    return _engine


def dispose_after_fork() -> None:
    """Forget the parent's connections in a forked child, without closing them for the parent."""
    engine().dispose(close=False)


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session for reading; whatever it changed by mistake is rolled back."""
    session = _sessions()
    try:
        yield session
    finally:
        session.close()


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a session, commit it at the end, then run what `after_commit()` collected; roll back on any error."""
    session = _sessions(info={"is_writing": True})
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
    for callback in session.info.pop("after_commit", []):
        callback()


def count_changed(session: Session, statement: UpdateBase) -> int:
    """Execute an UPDATE or DELETE and say how many rows it met."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def after_commit(session: Session, callback: Callable[[], Any]) -> None:
    """Have `callback` called once the session's transaction is committed; never if it is rolled back."""
    session.info.setdefault("after_commit", []).append(callback)


@event.listens_for(_sessions, "after_begin")
def _mark_writer(session: Session, _transaction: Any, connection: Any) -> None:
    # The pysqlite driver begins nothing by itself (isolation_level None, below): a reader takes a plain BEGIN,
    # a writer takes the write lock at once, because a lock upgrade in mid-transaction fails without waiting.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if session.info.get("is_writing") else "BEGIN")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-16000",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
