"""Alembic's environment: it runs on the engine that the process has configured."""

from __future__ import annotations

from alembic import context

from webmail.store.models import Base
from webmail.store.session import engine

with engine().connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
