"""Count unread conversations without looking at the read ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_UNREAD = sa.text("unread_count > 0")


def upgrade() -> None:
    op.create_index(
        op.f("ix_conversations_unread"),
        "conversations",
        ["user_id", "in_inbox", "account_id", "tenant_id"],
        sqlite_where=_UNREAD,
        postgresql_where=_UNREAD,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_conversations_unread"), table_name="conversations")
