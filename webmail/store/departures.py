"""What disconnecting an account would end, counted before it is asked for; and the end itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select

from webmail.store.grants import find_grant, other_grants_of_subject
from webmail.store.models import Account, ConnectAttempt, Conversation, Message, Submission
from webmail.store.session import Session, transaction

_CHUNK = 200


@dataclass(frozen=True)
class Departure:
    """What hangs on an account: `queued` are the subjects of mails that have not gone out yet, oldest first.

    `grant` says what becomes of a sign-in: `google` (withdrawn there), `shared` (another mailbox still lives from it),
    `microsoft` (only the user can take it back), or "" for a password.
    """

    account: Account
    queued: list[str]
    conversation_count: int
    grant: str = ""


def load_departure(s: Session, account: Account) -> Departure:
    """Count what ends, or becomes a draft, when this account (already checked to be the user's) is disconnected."""
    queued = select(Submission.subject).where(
        Submission.account_id == account.id, Submission.state == "queued", Submission.mailing_id.is_(None)
    )
    count = select(func.count()).select_from(Conversation).where(Conversation.account_id == account.id)
    grant = find_grant(s, account.id)
    ending = "" if grant is None else grant.provider
    if grant is not None and grant.provider == "google" and other_grants_of_subject(s, grant):
        ending = "shared"
    return Departure(account, list(s.scalars(queued.order_by(Submission.id))), s.scalar(count) or 0, ending)


def queued_submissions(s: Session, account_id: int) -> list[UUID]:
    """Give what waits to go out through an account, oldest first."""
    query = select(Submission.uuid).where(
        Submission.account_id == account_id, Submission.state == "queued", Submission.mailing_id.is_(None)
    )
    return list(s.scalars(query.order_by(Submission.id)))


def unfinished_departures(s: Session, now: datetime) -> list[Account]:
    """Give the accounts on their way out that it is time to look after."""
    query = select(Account).where(
        Account.status.in_(("disconnecting", "erasing")), or_(Account.retry_at.is_(None), Account.retry_at <= now)
    )
    return list(s.scalars(query))


def erase_mail(account_id: int) -> None:
    """Delete an account's conversations, some at a time, so that nobody else waits long for the database."""
    while True:
        with transaction() as s:
            query = select(Conversation.id).where(Conversation.account_id == account_id).limit(_CHUNK)
            ids = list(s.scalars(query))
            if not ids:
                return
            s.execute(delete(Conversation).where(Conversation.id.in_(ids)))


def erase_answers(s: Session, account_id: int) -> None:
    """Delete the drafts that answer or forward an account's mail: they hold its text."""
    own = select(Message.id).where(Message.account_id == account_id)
    s.execute(delete(Submission).where(Submission.state == "draft", Submission.source_message_id.in_(own)))


def erase_leftovers(s: Session) -> None:
    """Delete what was on its way out when its account was erased, now that it has arrived, or has not."""
    s.execute(delete(Submission).where(Submission.account_id.is_(None), Submission.state.not_in(("draft", "sending"))))


def erase_account(s: Session, account: Account) -> None:
    """Delete an account with all that hangs on it; drafts of new mail stay, and so does what is on its way."""
    account_id = account.id
    tries = select(ConnectAttempt).where(ConnectAttempt.user_id == account.user_id, ConnectAttempt.account_id.is_(None))
    for attempt in s.scalars(tries):
        if attempt.settings.get("email") == account.email:
            s.delete(attempt)
    s.flush()
    s.execute(
        delete(Submission).where(Submission.account_id == account_id, Submission.state.not_in(("draft", "sending")))
    )
    s.execute(delete(Account).where(Account.id == account_id))
