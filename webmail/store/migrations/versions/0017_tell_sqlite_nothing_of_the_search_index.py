"""Let SQLite know nothing of the search index's own tables.

ANALYZE in a new database (step 0012) had counted two rows in `message_index_data`. Whoever has two rows is read from
end to end: FTS5 drops what it has joined by a range of keys, and each time read all that was ever indexed.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DELETE FROM sqlite_stat1 WHERE tbl GLOB 'message_index*'")
        op.execute("ANALYZE sqlite_master")


def downgrade() -> None:
    """Leave it so: what was counted was of no use before, either."""
