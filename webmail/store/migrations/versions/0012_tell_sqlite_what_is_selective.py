"""Tell SQLite's planner how selective each index is.

Without figures it takes an index on one user's or one account's rows for as good as any, and reads a whole mailbox to
find ten messages. It would learn by ANALYZE, but in a new database there is nothing to learn from, so it is told what a
few mailboxes of 50,000 messages look like. PostgreSQL analyses by itself.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

# Rows, then how many of them share the index's first column, its first two, and so on.
_FIGURES = (
    ("messages", "ix_messages_conversation_id_sent_at", "500000 5 1"),
    ("messages", "ix_messages_account_id_message_id_header", "500000 50000 1"),
    ("messages", "ix_messages_account_id_body_state", "500000 50000 5000 1"),
    ("messages", "sqlite_autoindex_messages_1", "500000 50000 1"),
    ("messages", "sqlite_autoindex_messages_2", "500000 1"),
    ("placements", "ix_placements_message_id", "500000 1"),
    ("placements", "ix_placements_account_id", "500000 50000"),
    ("placements", "sqlite_autoindex_placements_1", "500000 25000 1"),
    ("conversations", "ix_conversations_all", "120000 12000 1 1"),
    ("conversations", "ix_conversations_inbox", "120000 12000 6000 1 1"),
    ("conversations", "ix_conversations_sent", "120000 12000 6000 1 1"),
    ("conversations", "ix_conversations_starred", "120000 12000 6000 1 1"),
    ("conversations", "ix_conversations_unread", "5000 500 400 300 300"),
    ("conversations", "ix_conversations_account_id", "120000 12000"),
    ("conversations", "sqlite_autoindex_conversations_1", "120000 1"),
    ("thread_keys", "ix_thread_keys_conversation_id", "500000 4"),
    ("thread_keys", "sqlite_autoindex_thread_keys_1", "500000 50000 1"),
    ("attachments", "ix_attachments_message_id", "100000 2"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("ANALYZE")
    for table, index, figures in _FIGURES:
        row = {"table": table, "index": index, "figures": figures}
        op.execute(sa.text("DELETE FROM sqlite_stat1 WHERE tbl = :table AND idx = :index").bindparams(**_but(row)))
        op.execute(sa.text("INSERT INTO sqlite_stat1 VALUES (:table, :index, :figures)").bindparams(**row))
    op.execute("ANALYZE sqlite_master")


def _but(row: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in row.items() if name != "figures"}


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DELETE FROM sqlite_stat1")
