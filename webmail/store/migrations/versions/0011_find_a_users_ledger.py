"""Find the newest entries of a user's ledger."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_index("ix_changes_user_id_id", "changes", ["user_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_changes_user_id_id", "changes")
