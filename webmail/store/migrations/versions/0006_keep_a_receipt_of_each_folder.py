"""Keep a receipt of each folder: when it was last compared with the server, and what was mended."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from webmail.store.types import UtcDateTime

revision = "0006"
down_revision = "0005"

_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("verified_at", UtcDateTime(), nullable=True),
    sa.Column("verified_count", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("verified_matched", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("mended", sa.JSON(), nullable=False, server_default="{}"),
    sa.Column("verify_progress", sa.JSON(), nullable=False, server_default="{}"),
    sa.Column("verify_after", UtcDateTime(), nullable=True),
)


def upgrade() -> None:
    for column in _COLUMNS:
        op.add_column("folders", column)


def downgrade() -> None:
    for column in reversed(_COLUMNS):
        op.drop_column("folders", column.name)
