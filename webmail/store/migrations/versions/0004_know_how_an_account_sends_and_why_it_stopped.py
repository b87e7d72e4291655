"""Know how an account sends, since when and why it needs a sign-in, and what it missed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webmail.store.types import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("sends_by", sa.String(length=10), nullable=False, server_default="smtp"))
    op.add_column("accounts", sa.Column("status_cause", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("accounts", sa.Column("status_since", UtcDateTime(), nullable=True))
    op.add_column("accounts", sa.Column("away_from", UtcDateTime(), nullable=True))
    op.add_column("accounts", sa.Column("away_until", UtcDateTime(), nullable=True))
    op.add_column("oauth_grants", sa.Column("granted_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("oauth_grants", "granted_at")
    for name in ("away_until", "away_from", "status_since", "status_cause", "sends_by"):
        op.drop_column("accounts", name)
