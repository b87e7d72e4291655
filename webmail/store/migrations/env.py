"""Alembic's environment: it runs on the engine that the process has configured.

Each step is one transaction on both databases, so that a step that fails leaves nothing behind. The web and the workers
may be at work meanwhile: a step on PostgreSQL waits for its locks only so long, and then gives up instead of holding up
everybody who comes after it; two that migrate at once do so one after the other.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from webmail.store.models import Base
from webmail.store.session import engine

_LOCK_ID = 7_305_508_814
"""Any number that nobody else takes for an advisory lock."""


def prepare(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Making a table anew drops the old one, and with foreign keys all rows that refer to it.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_ID})")
        connection.exec_driver_sql("SET LOCAL lock_timeout = '15s'")


with engine().connect() as connection:
    is_sqlite = connection.dialect.name == "sqlite"
    try:
        prepare(connection)
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=is_sqlite,
            compare_type=True,
            transactional_ddl=True,
        )
        context.run_migrations()
        connection.commit()
    finally:
        if is_sqlite:
            connection.rollback()
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
