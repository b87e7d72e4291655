"""Keep a copy of each draft in the mailbox's own folder for drafts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webmail.store.types import UtcDateTime

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("submissions", sa.Column("draft_due_at", UtcDateTime(), nullable=True))
    op.add_column("submissions", sa.Column("draft_copy", sa.JSON(), nullable=False, server_default="{}"))
    op.create_index(op.f("ix_submissions_draft_due_at"), "submissions", ["draft_due_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_submissions_draft_due_at"), "submissions")
    op.drop_column("submissions", "draft_copy")
    op.drop_column("submissions", "draft_due_at")
