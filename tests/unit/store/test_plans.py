"""SQLite finds things by the index that leads there, also in a database that nobody has analysed."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from webmail.config import Config
from webmail.store.session import reading

REFRESH = "SELECT subject FROM messages WHERE account_id = 1 AND conversation_id IN (1, 2) ORDER BY sent_at, id"
WAITING = (
    "SELECT m.id FROM messages m JOIN placements p ON p.message_id = m.id WHERE m.account_id = 1 "
    "AND m.body_state = 'headers' AND p.folder_id = 1 AND p.uid > 0 ORDER BY m.sent_at DESC LIMIT 50"
)
OF_HITS = (
    "SELECT m.id, c.in_inbox FROM messages m JOIN conversations c ON c.id = m.conversation_id "
    "WHERE c.tenant_id = 1 AND c.user_id = 1 AND m.id IN (1, 2, 3)"
)
# As FTS5 drops what it has joined.
OLD_PIECES = "DELETE FROM message_index_data WHERE id >= 137438953472 AND id <= 274877906943"
UNREAD = (
    "SELECT account_id, count(*) FROM conversations "
    "WHERE tenant_id = 1 AND user_id = 1 AND in_inbox = 1 AND unread_count > 0 GROUP BY account_id"
)
SNOOZED = (
    "SELECT * FROM conversations WHERE tenant_id = 1 AND user_id = 1 AND message_count > 0 "
    "AND snoozed_until IS NOT NULL AND in_inbox IS NOT 1 AND in_trash IS 0 ORDER BY last_at DESC, id DESC LIMIT 51"
)
DUE = "SELECT id FROM conversations WHERE snoozed_until IS NOT NULL AND (snoozed_until <= 'now' OR in_inbox IS 1)"
BY_KEY = "SELECT * FROM conversations WHERE id IN (1, 2, 3) AND tenant_id = 1 AND user_id = 1"


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        (REFRESH, "messages USING INDEX ix_messages_conversation_id_sent_at"),
        (WAITING, "m USING COVERING INDEX ix_messages_account_id_body_state"),
        (OF_HITS, "m USING INTEGER PRIMARY KEY"),
        (OLD_PIECES, "message_index_data USING INTEGER PRIMARY KEY"),
        (UNREAD, "conversations USING COVERING INDEX ix_conversations_unread"),
        (SNOOZED, "conversations USING INDEX ix_conversations_snoozed"),
        (DUE, "conversations USING INDEX ix_conversations_snoozed"),
        (BY_KEY, "conversations USING INTEGER PRIMARY KEY"),
    ],
)
def test_a_statement_begins_where_few_rows_are(
    database: Config, database_kind: str, statement: str, first: str
) -> None:
    if database_kind != "sqlite":
        pytest.skip("PostgreSQL plans by what it has counted")

    with reading() as s:
        plan = s.execute(text(f"EXPLAIN QUERY PLAN {statement}")).all()

    assert first in plan[0].detail
