"""Know whose pictures a user always shows, and keep searches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webmail.store.types import UtcDateTime

revision = "0023"
down_revision = "0022"


def _table(name: str, *columns: sa.Column[str], constraints: tuple[sa.UniqueConstraint, ...] = ()) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        *columns,
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f(f"fk_{name}_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{name}_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("uuid", name=op.f(f"uq_{name}_uuid")),
        *constraints,
    )


def upgrade() -> None:
    once = sa.UniqueConstraint("user_id", "email", name=op.f("uq_trusted_senders_user_id_email"))
    _table("trusted_senders", sa.Column("email", sa.String(320), nullable=False), constraints=(once,))
    name = sa.Column("name", sa.String(80), nullable=False)
    _table("saved_searches", name, sa.Column("query", sa.Text(), nullable=False))
    op.create_index(op.f("ix_saved_searches_user_id"), "saved_searches", ["user_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_saved_searches_user_id"), "saved_searches")
    op.drop_table("saved_searches")
    op.drop_table("trusted_senders")
