"""Know which mailings their user has deleted although mails of theirs are out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webmail.store.types import UtcDateTime

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("mailings", sa.Column("hidden_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("mailings") as batch_op:
        batch_op.drop_column("hidden_at")
