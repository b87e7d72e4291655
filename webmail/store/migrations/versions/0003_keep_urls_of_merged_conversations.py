"""Keep the URLs of merged conversations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "conversation_aliases",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_conversation_aliases_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_conversation_aliases")),
    )
    op.create_index(op.f("ix_conversation_aliases_conversation_id"), "conversation_aliases", ["conversation_id"])


def downgrade() -> None:
    op.drop_table("conversation_aliases")
