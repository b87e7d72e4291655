"""Share mail with colleagues, or take it back: for a whole mailbox, or for a conversation by itself."""

from __future__ import annotations

from uuid import UUID

from webmail import queue
from webmail.domain.privacy import ALL, CONTACTS, NOTHING, PRIVATE, SHARED
from webmail.errors import InputRefused
from webmail.store import audit
from webmail.store.accounts import load_account
from webmail.store.conversations import find_conversation
from webmail.store.scope import Scope
from webmail.store.session import after_commit, transaction

RULES = (NOTHING, CONTACTS, ALL)


def share_account(scope: Scope, uuid: UUID, rule: str) -> bool:
    """Set what colleagues see of a mailbox; says whether that is another rule than before.

    Args:
        rule: `nothing`, `contacts` or `all`.

    Raises:
        NotFound: no such account.
        InputRefused: no such rule.
    """
    if rule not in RULES:
        raise InputRefused("sharing", "Choose what colleagues see.")
    with transaction() as s:
        account = load_account(s, scope, uuid)
        before, account.sharing = account.sharing, rule
        if before == rule:
            return False
        details = {"mailbox": account.email, "from": before, "to": rule}
        audit.add_entry(s, scope.tenant_id, scope.user_id, "sharing_changed", subject=account.uuid, **details)
        after_commit(s, lambda: queue.publish(scope.user_id, "account-changed", uuid=str(account.uuid)))
    return True


def share_conversation(scope: Scope, uuid: UUID) -> None:
    """Share a conversation, whatever its mailbox's rule.

    Raises:
        NotFound: no such conversation.
    """
    _choose(scope, uuid, SHARED)


def keep_private(scope: Scope, uuid: UUID) -> None:
    """Keep a conversation private, whatever its mailbox's rule.

    Raises:
        NotFound: no such conversation.
    """
    _choose(scope, uuid, PRIVATE)


def _choose(scope: Scope, uuid: UUID, choice: str) -> None:
    with transaction() as s:
        conversation = find_conversation(s, scope, uuid)
        # Where the mailbox shares nothing, private needs no saying, and a rule that is set later holds here, too.
        is_usual = choice == PRIVATE and conversation.account.sharing == NOTHING
        before, conversation.sharing = conversation.sharing, "" if is_usual else choice
        if before != conversation.sharing:
            details = {"mailbox": conversation.account.email, "from": before, "to": conversation.sharing}
            audit.add_entry(s, scope.tenant_id, scope.user_id, "sharing_changed", subject=conversation.uuid, **details)
