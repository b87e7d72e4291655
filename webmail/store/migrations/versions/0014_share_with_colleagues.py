"""Let users share mail with colleagues, and keep mail that is with no contact out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("tenants", sa.Column("own_domains", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("accounts", sa.Column("sharing", sa.String(length=10), nullable=False, server_default="nothing"))
    op.add_column("accounts", sa.Column("only_contacts", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("conversations", sa.Column("sharing", sa.String(length=8), nullable=False, server_default=""))
    op.add_column("folders", sa.Column("left_out", sa.Text(), nullable=False, server_default=""))
    shared = sa.text("sharing = 'shared'")
    op.create_index(
        "ix_conversations_shared", "conversations", ["tenant_id"], sqlite_where=shared, postgresql_where=shared
    )
    op.create_table(
        "searched_addresses",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_searched_addresses_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "address", name=op.f("pk_searched_addresses")),
    )


def downgrade() -> None:
    op.drop_table("searched_addresses")
    op.drop_index("ix_conversations_shared", "conversations")
    for table, column in (
        ("folders", "left_out"),
        ("conversations", "sharing"),
        ("accounts", "only_contacts"),
        ("accounts", "sharing"),
        ("tenants", "own_domains"),
    ):
        op.drop_column(table, column)
