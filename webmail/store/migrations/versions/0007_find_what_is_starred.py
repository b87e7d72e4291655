"""Find what is starred without looking through everything."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index(op.f("ix_conversations_starred"), "conversations", ["user_id", "is_flagged", "last_at", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_conversations_starred"), table_name="conversations")
