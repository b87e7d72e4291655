"""Count unread conversations in their index alone: looking at each row took 10 ms where 5,000 are unread."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_UNREAD = sa.text("unread_count > 0")
_NAME = "ix_conversations_unread"
_COLUMNS = ["user_id", "in_inbox", "account_id", "tenant_id"]


def upgrade() -> None:
    _make_anew([*_COLUMNS, "unread_count"])


def downgrade() -> None:
    _make_anew(_COLUMNS)


def _make_anew(columns: list[str]) -> None:
    op.drop_index(_NAME, table_name="conversations")
    op.create_index(_NAME, "conversations", columns, sqlite_where=_UNREAD, postgresql_where=_UNREAD)
    if op.get_bind().dialect.name == "sqlite":
        figures = "5000 500 400 300 300" + " 100" * (len(columns) - len(_COLUMNS))
        row = {"table": "conversations", "index": _NAME, "figures": figures}
        op.execute(sa.text("DELETE FROM sqlite_stat1 WHERE idx = :index").bindparams(index=_NAME))
        op.execute(sa.text("INSERT INTO sqlite_stat1 VALUES (:table, :index, :figures)").bindparams(**row))
