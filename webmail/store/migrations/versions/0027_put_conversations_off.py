"""Put conversations off until a time, after which mail brings them back, and note when they came back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webmail.store.types import UtcDateTime

revision = "0027"
down_revision = "0026"

_TIMES = ("snoozed_at", "snoozed_until", "raised_at")


def upgrade() -> None:
    for name in _TIMES:
        op.add_column("conversations", sa.Column(name, UtcDateTime(), nullable=True))
    op.add_column("conversations", sa.Column("snoozed_after", sa.BigInteger(), nullable=True))
    where = sa.text("snoozed_until IS NOT NULL")
    op.create_index(
        "ix_conversations_snoozed",
        "conversations",
        ["user_id", "last_at", "id"],
        sqlite_where=where,
        postgresql_where=where,
    )


def downgrade() -> None:
    op.drop_index("ix_conversations_snoozed", "conversations")
    op.drop_column("conversations", "snoozed_after")
    for name in reversed(_TIMES):
        op.drop_column("conversations", name)
