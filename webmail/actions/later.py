"""What is sent later: chosen, changed, sent now after all; and what is thrown away before it has left.

A mail carries the time at which it goes out in its Date field, so that another time makes another mail of the same
draft. Should that fail on the way, the draft is there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from webmail.actions import drafts
from webmail.actions.submit import back_to_draft, submit
from webmail.domain.schedule import LONGEST
from webmail.errors import InputRefused
from webmail.store import submissions as store
from webmail.store.models import utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading

SOONEST = timedelta(minutes=1)


def check_time(at: datetime) -> None:
    """Refuse a time that is over, or too far away.

    Raises:
        InputRefused: field `later`.
    """
    wait = at - utc_now()
    if wait < SOONEST:
        raise InputRefused("later", "This time is over, or about to be. Choose a later one.")
    if wait > LONGEST:
        raise InputRefused("later", "A mail can wait for up to a year. Choose an earlier time.")


def schedule(scope: Scope, uuid: UUID, at: datetime) -> None:
    """Have a draft go out later.

    Raises:
        NotFound: no such draft.
        InputRefused: field `later` when the time cannot be kept; others as for `submit()`.
    """
    check_time(at)
    submit(scope, uuid, at=at)


def reschedule(scope: Scope, uuid: UUID, at: datetime) -> None:
    """Have a mail that waits for its time go out at another.

    Raises:
        NotFound: no such mail.
        InputRefused: field `later` when the time cannot be kept; "" when it does not wait any more.
    """
    check_time(at)
    _take_from_schedule(scope, uuid)
    submit(scope, uuid, at=at)


def send_now(scope: Scope, uuid: UUID) -> None:
    """Send a mail that waits for its time at once.

    Raises:
        NotFound: no such mail.
        InputRefused: "" when it does not wait any more.
    """
    _take_from_schedule(scope, uuid)
    submit(scope, uuid)


def _take_from_schedule(scope: Scope, uuid: UUID) -> None:
    with reading() as s:
        submission = store.load_submission(s, scope, uuid)
    if submission.state != "queued" or submission.held_reason != "scheduled":
        raise InputRefused("", "This mail does not wait for its time any more.")
    back_to_draft(scope, uuid)


def throw_away(scope: Scope, uuid: UUID) -> None:
    """Delete a mail that has not left, and what was written with it.

    Raises:
        NotFound: no such mail.
        InputRefused: it is on its way, has been sent, or may have been.
    """
    back_to_draft(scope, uuid)
    drafts.discard(scope, uuid)
