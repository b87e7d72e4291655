"""Find what has left an account in the last minute, hour or day."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_index("ix_submissions_account_id_data_started_at", "submissions", ["account_id", "data_started_at"])


def downgrade() -> None:
    op.drop_index("ix_submissions_account_id_data_started_at", "submissions")
