"""Put conversations off: out of the inbox here until a time, then back at its top, unread.

On the server nothing moves: another mail program shows them where they lie. Mail from somebody else brings one back at
once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from webmail.actions import mail
from webmail.domain.schedule import LONGEST
from webmail.errors import InputRefused
from webmail.store.conversations import find_conversation
from webmail.store.models import Conversation, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, reading, transaction
from webmail.store.snoozes import (
    conversations_put_off_at,
    end_snoozes,
    hold_snoozed,
    newest_message_id,
    snoozes_due,
)


@dataclass(frozen=True)
class PutOff:
    """What was put off in one go; `at` is what `undo()` takes."""

    at: datetime
    count: int


def snooze(scope: Scope, conversation_uuid: UUID, until: datetime) -> None:
    """Put a conversation off until a time.

    Raises:
        NotFound: no such conversation.
        InputRefused: the time is over already, or further away than a year; or it does not lie in the inbox.
    """
    with transaction() as s:
        _put_off(s, [find_conversation(s, scope, conversation_uuid)], until)


def snooze_selected(scope: Scope, conversation_uuids: Sequence[UUID], until: datetime) -> PutOff:
    """Put several conversations off in one go; those that are out of the inbox are left out.

    Raises:
        InputRefused: as for `snooze()`; or there is none, or there are too many.
    """
    with transaction() as s:
        return _put_off(s, mail.selected(s, scope, conversation_uuids), until)


def wake(scope: Scope, conversation_uuid: UUID) -> None:
    """Have a conversation back where it was, as if it had not been put off.

    Raises:
        NotFound: no such conversation.
    """
    with transaction() as s:
        _wake(s, [find_conversation(s, scope, conversation_uuid)])


def undo(scope: Scope, at: datetime) -> None:
    """Have back what was put off in one go.

    Raises:
        InputRefused: nothing of it is put off any more.
    """
    with transaction() as s:
        conversations = conversations_put_off_at(s, scope, at)
        if not conversations:
            raise InputRefused("", "There is nothing to undo.")
        _wake(s, conversations)


def wake_due() -> None:
    """Bring back what is due: at the top of the inbox, and unread; what has left the inbox meanwhile stays out."""
    now = utc_now()
    with reading() as s:
        due = snoozes_due(s, now)
    for conversation_id in due:
        with transaction() as s:
            conversation = hold_snoozed(s, conversation_id)
            if conversation is None:
                continue
            was_asleep = not conversation.in_inbox
            _wake(s, [conversation])
            s.refresh(conversation, ["in_inbox"])
            if was_asleep and conversation.in_inbox:
                conversation.raised_at = now
                s.flush()
                mail.turn_unread(s, [conversation])


def _put_off(s: Session, conversations: Sequence[Conversation], until: datetime) -> PutOff:
    now = utc_now()
    if not now < until <= now + LONGEST:
        raise InputRefused("until", "Choose a time that is still to come, within a year.")
    in_inbox = [each for each in conversations if each.in_inbox]
    if not in_inbox:
        raise InputRefused("", "Only what lies in the inbox can be put off.")
    for account_id, group in groupby(in_inbox, lambda each: each.account_id):
        put_off, after = list(group), newest_message_id(s, account_id)
        for each in put_off:
            each.snoozed_at, each.snoozed_after, each.snoozed_until = now, after, until
        s.flush()
        mail.show_changed(s, put_off[0].account, [each.id for each in put_off])
    return PutOff(now, len(in_inbox))


def _wake(s: Session, conversations: Sequence[Conversation]) -> None:
    end_snoozes(s, [each.id for each in conversations])
    for _, group in groupby(conversations, lambda each: each.account_id):
        woken = list(group)
        mail.show_changed(s, woken[0].account, [each.id for each in woken])
