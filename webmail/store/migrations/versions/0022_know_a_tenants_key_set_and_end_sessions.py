"""Know where a tenant publishes its keys, in which locale a user reads, and which sessions were signed out of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webmail.store.types import UtcDateTime

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("users", sa.Column("locale", sa.String(length=35), nullable=False, server_default=""))
    op.create_table(
        "tenant_key_sets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
        sa.Column("tried_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_tenant_key_sets_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_key_sets")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_tenant_key_sets_tenant_id")),
    )
    op.create_table(
        "ended_sessions",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_ended_sessions")),
    )
    op.create_index(op.f("ix_ended_sessions_ended_at"), "ended_sessions", ["ended_at"])


def downgrade() -> None:
    op.drop_table("ended_sessions")
    op.drop_table("tenant_key_sets")
    op.drop_column("users", "locale")
