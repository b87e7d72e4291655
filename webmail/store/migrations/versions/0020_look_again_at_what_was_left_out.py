"""Know how far what was left out of a mailbox has been looked at again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("has_private", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("folders", sa.Column("second_look_uid", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("folders", "second_look_uid")
    op.drop_column("accounts", "has_private")
