"""Add the search index. It is empty at first: `webmail.store.migrate` fills it afterwards, some messages at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

# The trigger stands for a foreign key, which a virtual table cannot have. A later step that makes `messages` anew must
# make it anew, too. The entry's key is that of `webmail.store._search_entry.key_of`.
_KEY = "min(max(CAST(strftime('%s', substr(old.sent_at, 1, 19)) AS INTEGER), 0), 4294967295) << 31 | old.id"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE message_index USING fts5"
            "(scope, subject, sender, recipients, body, tokenize='ascii', prefix='2 3', columnsize=0)"
        )
        op.execute(
            "CREATE TRIGGER messages_leave_index AFTER DELETE ON messages "  # noqa: S608  # constants of ours
            f"BEGIN DELETE FROM message_index WHERE rowid = ({_KEY}); END"
        )
        return
    op.create_table(
        "message_index",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("terms", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_index_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_index")),
    )
    op.create_index(op.f("ix_message_index_user_id_key"), "message_index", ["user_id", "key"])
    op.create_index(
        op.f("ix_message_index_terms"),
        "message_index",
        ["terms"],
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": "256"},
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER messages_leave_index")
    op.drop_table("message_index")
