"""What the pacing of mailings asks of the database: whose turn it is, what is due, what has left lately.

A mailing's submissions wait as `queued` with `held_reason` "pacing". Nothing here looks at more rows than it gives
back, except for counting, which an index does: ten thousand of them may wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Table, and_, exists, func, insert, or_, select, update
from sqlalchemy.orm import joinedload, selectinload

from webmail.store.mailing_steps import has_answered
from webmail.store.models import (
    Account,
    Contact,
    Folder,
    Mailing,
    MailingRecipient,
    Message,
    Placement,
    Submission,
    Suppression,
    utc_now,
)
from webmail.store.session import Session, count_changed

_SUBMISSIONS = cast("Table", Submission.__table__)
_CHUNK = 500
_SHOWN_WITHIN = timedelta(seconds=10)
_WORKING = ("connected", "error")


def _can_send() -> ColumnElement[bool]:
    return and_(Account.status.in_(_WORKING), Account.sends_by != "blocked", Account.secret.is_not(None))


def _of_mailings() -> ColumnElement[bool]:
    return Submission.mailing_id.is_not(None)


def _is_lost(now: datetime) -> ColumnElement[bool]:
    return and_(Submission.state == "sending", Submission.claimed_until <= now, _of_mailings())


def _waits_for_filing(now: datetime) -> ColumnElement[bool]:
    return and_(
        Submission.filing == "pending",
        Submission.state == "sent",
        _of_mailings(),
        or_(Submission.filing_at.is_(None), Submission.filing_at <= now),
        or_(Submission.claimed_until.is_(None), Submission.claimed_until <= now),
    )


def _is_unshown(now: datetime) -> ColumnElement[bool]:
    """Whose sender ended before it could show what it had sent."""
    return and_(Submission.filing == "unshown", Submission.updated_at <= now - _SHOWN_WITHIN)


def accounts_due(s: Session, now: datetime) -> list[Account]:
    """Give the accounts with something to do for mailings: a mail whose turn it is, a sender gone, a copy to file."""
    sending = select(Mailing.account_id).where(Mailing.state == "sending", Mailing.account_id.is_not(None))
    may_send = and_(
        Account.id.in_(sending),
        _can_send(),
        or_(Account.mass_next_at.is_(None), Account.mass_next_at <= now),
        or_(Account.mass_until.is_(None), Account.mass_until <= now),
    )
    left_behind = select(Submission.account_id).where(_is_lost(now))
    unfiled = select(Submission.account_id).where(or_(_waits_for_filing(now), _is_unshown(now)))
    can_file = and_(Account.id.in_(unfiled), Account.status.in_(_WORKING), Account.secret.is_not(None))
    return list(s.scalars(select(Account).where(or_(may_send, Account.id.in_(left_behind), can_file))))


def stranded_mailings(s: Session) -> list[Mailing]:
    """Give the mailings under way whose account cannot send any more until somebody does something."""
    query = (
        select(Mailing)
        .outerjoin(Account, Mailing.account_id == Account.id)
        .where(Mailing.state == "sending", or_(Account.id.is_(None), ~_can_send()))
    )
    return list(s.scalars(query.options(joinedload(Mailing.account))))


def take_turn(s: Session, account_id: int, now: datetime, until: datetime) -> int | None:
    """Take the account's turn to send, for as long as until then; gives its number, None when it is not to be had."""
    statement = update(Account).where(
        Account.id == account_id,
        _can_send(),
        or_(Account.mass_next_at.is_(None), Account.mass_next_at <= now),
        or_(Account.mass_until.is_(None), Account.mass_until <= now),
    )
    generation = Account.mass_generation + 1
    if not count_changed(s, statement.values(mass_generation=generation, mass_next_at=until)):
        return None
    return s.scalar(select(Account.mass_generation).where(Account.id == account_id))


def set_turn(s: Session, account_id: int, generation: int, next_at: datetime | None) -> None:
    """Say when the account's next turn is, or that this one lasts longer; a turn that another has taken stays so."""
    statement = update(Account).where(Account.id == account_id, Account.mass_generation == generation)
    s.execute(statement.values(mass_next_at=next_at))


def start_generation(s: Session, account_id: int, generation: int) -> None:
    """Give the account's next job a new id, where the old one is lost although the queue still lists it."""
    statement = update(Account).where(Account.id == account_id, Account.mass_generation == generation)
    s.execute(statement.values(mass_generation=generation + 1))


def wake_account(s: Session, account_id: int) -> None:
    """Let the account's turn come at once; what its provider has said still holds."""
    s.execute(update(Account).where(Account.id == account_id).values(mass_next_at=None))


def sending_mailings(s: Session, account_id: int) -> list[Mailing]:
    """Give the mailings that an account has under way, the oldest first, with their steps."""
    query = select(Mailing).where(Mailing.account_id == account_id, Mailing.state == "sending")
    return list(s.scalars(query.options(selectinload(Mailing.steps)).order_by(Mailing.id)))


def queue_first_mails(s: Session, mailing: Mailing, account: Account, message_ids: Sequence[str]) -> int:
    """Queue the first mail for each who is ready, all at once; says how many.

    Args:
        message_ids: as many as there are of them.
    """
    query = select(MailingRecipient.id, MailingRecipient.email).where(
        MailingRecipient.mailing_id == mailing.id, MailingRecipient.state == "ready"
    )
    rows = s.execute(query.order_by(MailingRecipient.id)).all()
    fixed = _fixed(mailing, account, 0)
    values = [
        fixed | {"uuid": uuid4(), "recipient_id": key, "to_text": email, "message_id_header": message_id}
        for (key, email), message_id in zip(rows, message_ids, strict=True)
    ]
    if values:
        s.execute(insert(_SUBMISSIONS), values)
    statement = update(MailingRecipient).where(
        MailingRecipient.mailing_id == mailing.id, MailingRecipient.state == "ready"
    )
    s.execute(statement.values(state="queued", step=0))
    return len(values)


def _fixed(mailing: Mailing, account: Account, step: int) -> dict[str, object]:
    now = utc_now()
    return {
        "tenant_id": mailing.tenant_id,
        "user_id": mailing.user_id,
        "account_id": account.id,
        "mailing_id": mailing.id,
        "step": step,
        "state": "queued",
        "held_reason": "pacing",
        "envelope_from": account.email,
        "created_at": now,
        "updated_at": now,
    }


def following(s: Session, mailing_id: int, now: datetime, limit: int) -> list[MailingRecipient]:
    """Give those whose next follow-up is due."""
    query = select(MailingRecipient).where(
        MailingRecipient.mailing_id == mailing_id, MailingRecipient.next_step_at <= now
    )
    return list(s.scalars(query.order_by(MailingRecipient.next_step_at).limit(limit)))


def queue_follow_up(
    s: Session, mailing: Mailing, account: Account, recipient: MailingRecipient, step: int, message_id: str
) -> None:
    """Queue a follow-up for somebody; it cannot be queued twice."""
    values = {"uuid": uuid4(), "recipient_id": recipient.id, "to_text": recipient.email}
    s.execute(insert(_SUBMISSIONS), [_fixed(mailing, account, step) | values | {"message_id_header": message_id}])
    recipient.step, recipient.next_step_at = step, None


@dataclass(frozen=True)
class DueMail:
    """A mail that waits for its turn: its submission (without account), who gets it, and the contact that they are."""

    submission: Submission
    recipient: MailingRecipient
    contact: Contact | None


def due_mails(s: Session, mailing_ids: Sequence[int], now: datetime, limit: int) -> list[DueMail]:
    """Give the next mails of these mailings whose time has come, in the order in which they were queued."""
    query = (
        select(Submission, MailingRecipient, Contact)
        .join(MailingRecipient, Submission.recipient_id == MailingRecipient.id)
        .outerjoin(Contact, MailingRecipient.contact_id == Contact.id)
        .where(
            Submission.mailing_id.in_(mailing_ids),
            Submission.state == "queued",
            or_(Submission.not_before.is_(None), Submission.not_before <= now),
        )
        .order_by(Submission.id)
        .limit(limit)
    )
    return [DueMail(*row) for row in s.execute(query)]


def put_off(s: Session, submission_ids: Sequence[int], until: datetime) -> None:
    """Let queued mails wait until then."""
    for start in range(0, len(submission_ids), _CHUNK):
        ids = submission_ids[start : start + _CHUNK]
        s.execute(
            update(Submission).where(Submission.id.in_(ids), Submission.state == "queued").values(not_before=until)
        )


def next_due_at(s: Session, mailing_ids: Sequence[int]) -> datetime | None:
    """Give when the next of these mailings' mails or follow-ups is due; None when nothing waits."""
    mails = select(func.min(func.coalesce(Submission.not_before, Submission.created_at))).where(
        Submission.mailing_id.in_(mailing_ids), Submission.state == "queued"
    )
    steps = select(func.min(MailingRecipient.next_step_at)).where(MailingRecipient.mailing_id.in_(mailing_ids))
    found = [each for each in (s.scalar(mails), s.scalar(steps)) if each is not None]
    return min(found, default=None)


def has_individual_mail_due(s: Session, account_id: int, now: datetime) -> bool:
    """Say whether a mail that somebody has written by hand waits to go out of this account: it goes first."""
    query = select(Submission.id).where(
        Submission.state == "queued",
        Submission.account_id == account_id,
        Submission.mailing_id.is_(None),
        or_(Submission.not_before.is_(None), Submission.not_before <= now),
    )
    return s.scalar(query.limit(1)) is not None


def earlier_mails(s: Session, recipient_id: int, step: int) -> list[tuple[str, str]]:
    """Give Message-ID and subject of what somebody got before this step, in order, as the server knows them."""
    query = (
        select(func.coalesce(Message.message_id_header, Submission.message_id_header), Submission.subject)
        .outerjoin(Message, Submission.message_id == Message.id)
        .where(Submission.recipient_id == recipient_id, Submission.step < step, Submission.state == "sent")
        .order_by(Submission.step)
    )
    return [(message_id, subject) for message_id, subject in s.execute(query)]


@dataclass(frozen=True)
class Standing:
    """What may stand against a mail at the last moment: its mailing's state, an answer, a wish for no more mail."""

    mailing_state: str
    has_answered: bool
    is_suppressed: bool


def standing_of(s: Session, submission_id: int) -> Standing | None:
    """Give how a mail stands; its mailing's state stays so until the end of this transaction. None when it is gone."""
    suppressed = exists().where(
        Suppression.tenant_id == MailingRecipient.tenant_id, Suppression.email == MailingRecipient.email
    )
    query = (
        select(Mailing.state, has_answered(), suppressed)
        .select_from(Submission)
        .join(Mailing, Submission.mailing_id == Mailing.id)
        .join(MailingRecipient, Submission.recipient_id == MailingRecipient.id)
        .where(Submission.id == submission_id)
        .with_for_update(read=True, of=[Mailing, MailingRecipient])
    )
    row = s.execute(query).first()
    return None if row is None else Standing(row[0], bool(row[1]), bool(row[2]))


def change_mail(s: Session, submission_id: int, **values: Any) -> None:
    """Set columns of a mail."""
    s.execute(update(Submission).where(Submission.id == submission_id).values(**values))


def cancel_queued(s: Session, mailing_id: int) -> int:
    """Cancel what waits of a mailing, follow-ups included; says how many mails."""
    statement = update(Submission).where(Submission.mailing_id == mailing_id, Submission.state == "queued")
    cancelled = count_changed(s, statement.values(state="cancelled", held_reason="", updated_at=utc_now()))
    of_mailing = update(MailingRecipient).where(MailingRecipient.mailing_id == mailing_id)
    s.execute(of_mailing.where(MailingRecipient.state == "queued").values(state="cancelled"))
    s.execute(of_mailing.where(MailingRecipient.next_step_at.is_not(None)).values(next_step_at=None))
    return cancelled


def last_outcomes(s: Session, mailing_id: int, since: datetime, limit: int) -> list[str]:
    """Give the states of the mails of a mailing that were settled last, the newest first."""
    query = (
        select(Submission.state)
        .where(
            Submission.mailing_id == mailing_id,
            Submission.state.in_(("sent", "failed")),
            Submission.updated_at >= since,
        )
        .order_by(Submission.updated_at.desc())
        .limit(limit)
    )
    return list(s.scalars(query))


def lost_mails(s: Session, account_id: int, now: datetime) -> list[int]:
    """Give the mails of an account's mailings that a process was sending when it ended."""
    return list(s.scalars(select(Submission.id).where(_is_lost(now), Submission.account_id == account_id)))


def unshown_mails(s: Session, account_id: int, limit: int) -> list[Submission]:
    """Give the mails of an account's mailings that have left, and that no conversation shows yet."""
    query = select(Submission).where(Submission.filing == "unshown", Submission.account_id == account_id)
    return list(s.scalars(query.order_by(Submission.id).limit(limit)))


def mail_states(s: Session, submission_ids: Sequence[int]) -> dict[int, str]:
    """Give the states of a few mails as they are stored."""
    query = select(Submission.id, Submission.state).where(Submission.id.in_(submission_ids))
    return {key: state for key, state in s.execute(query)}


def unfiled_mails(s: Session, account_id: int, now: datetime, limit: int) -> list[int]:
    """Give the sent mails of an account's mailings whose copy waits to be filed and whom nobody is filing."""
    query = select(Submission.id).where(_waits_for_filing(now), Submission.account_id == account_id)
    return list(s.scalars(query.order_by(Submission.id).limit(limit)))


def put_off_filing(s: Session, account_id: int, until: datetime) -> None:
    """Let all copies of an account's mailings that wait to be filed wait until then."""
    statement = update(Submission).where(
        Submission.filing == "pending", Submission.account_id == account_id, _of_mailings()
    )
    s.execute(statement.values(filing_at=until))


def proven_mails(s: Session) -> list[int]:
    """Give the unsure mails of mailings that have turned up in a Sent folder since."""
    query = (
        select(Submission.id)
        .join(Placement, Placement.message_id == Submission.message_id)
        .join(Folder, Placement.folder_id == Folder.id)
        .where(Submission.state == "unsure", _of_mailings(), Folder.role == "sent", Placement.uid > 0)
    )
    return list(s.scalars(query.limit(_CHUNK)))


def left_since(s: Session, account_id: int, since: datetime) -> int:
    """Count the mails that have left an account from here since then, or may have."""
    query = select(func.count()).where(Submission.account_id == account_id, Submission.data_started_at > since)
    return s.scalar(query) or 0


def first_left_at(s: Session, account_id: int, since: datetime) -> datetime | None:
    """Give when the first of the mails that `left_since()` counts left."""
    query = select(func.min(Submission.data_started_at)).where(
        Submission.account_id == account_id, Submission.data_started_at > since
    )
    return s.scalar(query)


def individual_mails(s: Session, account_id: int, since: datetime) -> list[tuple[datetime, int]]:
    """Give when mails that were written by hand here left, and to how many people each."""
    query = select(Submission.data_started_at, Submission.envelope_to).where(
        Submission.account_id == account_id, Submission.data_started_at > since, Submission.mailing_id.is_(None)
    )
    return [(at, max(1, len(people))) for at, people in s.execute(query) if at is not None]


def mails_from_elsewhere(s: Session, account_id: int, since: datetime) -> list[tuple[datetime, int]]:
    """Give when mails left that other programs have sent, as seen in the Sent folder, and to how many people each."""
    query = select(Message.sent_at, Message.to, Message.cc, Message.bcc).where(
        Message.account_id == account_id,
        Message.body_state.in_(("headers", "stored", "broken")),
        Message.sent_at > since,
        Message.is_outgoing,
        ~exists().where(Submission.message_id == Message.id),
    )
    return [(at, max(1, len(to) + len(cc) + len(bcc))) for at, to, cc, bcc in s.execute(query)]


def waiting_mails(s: Session, account_id: int) -> int:
    """Count the mails of all mailings under way that wait to go out of an account."""
    query = (
        select(func.count())
        .select_from(Submission)
        .join(Mailing, Submission.mailing_id == Mailing.id)
        .where(Mailing.account_id == account_id, Mailing.state == "sending", Submission.state == "queued")
    )
    return s.scalar(query) or 0


def mailing_uuid_of(s: Session, mailing_id: int | None) -> UUID | None:
    """Give the id by which pages know a mailing."""
    return s.scalar(select(Mailing.uuid).where(Mailing.id == mailing_id))
