"""Keep the lines of a list that could not be read beside a mailing's recipients, with their numbers and the reason."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("mailing_recipients", sa.Column("line", sa.Integer(), nullable=True))
    op.add_column("mailing_recipients", sa.Column("problem", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("mailing_recipients") as batch_op:
        batch_op.drop_column("problem")
        batch_op.drop_column("line")
