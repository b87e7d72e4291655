"""Keep several signatures for an account, addresses to send from, and whom a user writes with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from webmail.domain.addresses import normalise_email
from webmail.domain.words import words_of
from webmail.store.types import UtcDateTime

revision = "0016"
down_revision = "0015"

_AT_ONCE = 2000


def upgrade() -> None:
    op.add_column("users", sa.Column("undo_s", sa.Integer(), nullable=False, server_default="10"))
    op.add_column("users", sa.Column("title", sa.String(length=120), nullable=False, server_default=""))
    op.add_column("users", sa.Column("phone", sa.String(length=60), nullable=False, server_default=""))
    op.add_column("accounts", sa.Column("aliases", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("submissions", sa.Column("from_email", sa.String(length=320), nullable=False, server_default=""))
    with op.batch_alter_table("signatures") as signatures:
        signatures.drop_constraint("uq_signatures_account_id", type_="unique")
        signatures.add_column(sa.Column("name", sa.String(length=80), nullable=False, server_default=""))
        signatures.add_column(sa.Column("is_for_new", sa.Boolean(), nullable=False, server_default=sa.true()))
        signatures.add_column(sa.Column("is_for_replies", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_index(op.f("ix_signatures_account_id"), "signatures", ["account_id"])
    op.create_table(
        "correspondents",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("written_count", sa.Integer(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=True),
        sa.Column("heard_count", sa.Integer(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_correspondents_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_correspondents_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "email", name=op.f("pk_correspondents")),
    )
    op.create_index(op.f("ix_correspondents_user_id"), "correspondents", ["user_id"])
    _know_from_mail()


def _know_from_mail() -> None:
    """Fill in whom users have written with so far."""
    connection = op.get_bind()
    columns: dict[str, Any] = {
        "id": sa.Integer(),
        "account_id": sa.Integer(),
        "user_id": sa.Integer(),
        "is_outgoing": sa.Boolean(),
        "from_name": sa.Text(),
        "from_email": sa.Text(),
        "to_addresses": sa.JSON(),
        "cc": sa.JSON(),
        "bcc": sa.JSON(),
        "sent_at": UtcDateTime(),
    }
    messages = sa.table("messages", *(sa.column(name, kind) for name, kind in columns.items()))
    known: dict[tuple[int, str], dict[str, Any]] = {}
    last_id = 0
    while rows := connection.execute(
        sa.select(messages).where(messages.c.id > last_id).order_by(messages.c.id).limit(_AT_ONCE)
    ).all():
        for row in rows:
            written = [*(row.to_addresses or []), *(row.cc or []), *(row.bcc or [])]
            people = written if row.is_outgoing else [[row.from_name, row.from_email]]
            kind = "written" if row.is_outgoing else "heard"
            for name, email in people:
                _count(known, row.account_id, row.user_id, name, email, kind, row.sent_at)
        last_id = rows[-1].id
    table = sa.table(
        "correspondents",
        *(sa.column(name) for name in ("account_id", "email", "user_id", "name", "words", "written_count")),
        sa.column("written_at", UtcDateTime()),
        sa.column("heard_count"),
        sa.column("heard_at", UtcDateTime()),
    )
    if known:
        op.bulk_insert(table, list(known.values()))


def _count(
    known: dict[tuple[int, str], dict[str, Any]],
    account_id: int,
    user_id: int,
    name: str,
    email: str,
    kind: str,
    at: datetime,
) -> None:
    key = (account_id, normalise_email(email)[:320])
    if "@" not in key[1]:
        return
    blank = {"account_id": account_id, "user_id": user_id, "email": key[1], "name": "", "words": ""}
    row = known.setdefault(key, blank | {"written_count": 0, "written_at": None, "heard_count": 0, "heard_at": None})
    row[f"{kind}_count"] += 1
    row[f"{kind}_at"] = max(at, row[f"{kind}_at"] or at)
    row["name"] = name[:200] or row["name"]
    row["words"] = " " + " ".join(dict.fromkeys(words_of(f"{row['name']} {key[1]}")))


def downgrade() -> None:
    op.drop_table("correspondents")
    op.execute(sa.text("DELETE FROM signatures WHERE id NOT IN (SELECT MIN(id) FROM signatures GROUP BY account_id)"))
    op.drop_index(op.f("ix_signatures_account_id"), "signatures")
    with op.batch_alter_table("signatures") as signatures:
        for column in ("is_for_replies", "is_for_new", "name"):
            signatures.drop_column(column)
        signatures.create_unique_constraint("uq_signatures_account_id", ["account_id"])
    op.drop_column("submissions", "from_email")
    op.drop_column("accounts", "aliases")
    for column in ("phone", "title", "undo_s"):
        op.drop_column("users", column)
