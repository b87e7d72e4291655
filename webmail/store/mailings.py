"""Mailings: the list, one in full, its recipients, and how far it has come."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import Select, Table, case, delete, func, insert, or_, select, update
from sqlalchemy.orm import joinedload, selectinload, undefer

from webmail.errors import NotFound
from webmail.store.models import (
    Account,
    Contact,
    Mailing,
    MailingFile,
    MailingRecipient,
    MailTemplate,
    Submission,
    utc_now,
)
from webmail.store.scope import Scope
from webmail.store.session import Session, count_changed

_RECIPIENTS = cast("Table", MailingRecipient.__table__)
_CHUNK = 500
CAME_BACK = ("replied", "bounced", "unsubscribed", "auto_replied", "complained")
"""What can come back from a recipient; each has its time."""
STATES = ("ready", "left_out", "queued", "sent", "failed", "unsure", "cancelled")


@dataclass(frozen=True)
class Counts:
    """How many of a mailing's recipients are in each state, and what came back from how many."""

    total: int = 0
    ready: int = 0
    left_out: int = 0
    queued: int = 0
    sent: int = 0
    failed: int = 0
    unsure: int = 0
    cancelled: int = 0
    bounced: int = 0
    replied: int = 0
    unsubscribed: int = 0
    auto_replied: int = 0
    complained: int = 0


@dataclass(frozen=True)
class MailingRow:
    """A mailing in the list (with its account, without steps)."""

    mailing: Mailing
    counts: Counts


def list_mailings(s: Session, scope: Scope) -> list[MailingRow]:
    """Give the user's mailings, the newest first, each with its counts."""
    query = select(Mailing).where(
        Mailing.tenant_id == scope.tenant_id, Mailing.user_id == scope.user_id, Mailing.hidden_at.is_(None)
    )
    rows = list(s.scalars(query.options(joinedload(Mailing.account)).order_by(Mailing.id.desc())))
    counted = _counts(s, [row.id for row in rows])
    return [MailingRow(row, counted.get(row.id, Counts())) for row in rows]


def load_mailing(s: Session, scope: Scope, uuid: UUID) -> Mailing:
    """Give one of the user's mailings with its account (with signature), steps and files (without content).

    Raises:
        NotFound: there is none, it was deleted, or it is another user's.
    """
    query = (
        select(Mailing)
        .where(Mailing.uuid == uuid, Mailing.tenant_id == scope.tenant_id, Mailing.user_id == scope.user_id)
        .where(Mailing.hidden_at.is_(None))
        .options(
            joinedload(Mailing.account).selectinload(Account.signatures),
            selectinload(Mailing.steps),
            selectinload(Mailing.files),
        )
    )
    mailing = s.scalar(query)
    if mailing is None:
        raise NotFound("This mailing is not here any more.")
    return mailing


def counts(s: Session, mailing_id: int) -> Counts:
    """Give how far a mailing has come."""
    return _counts(s, [mailing_id]).get(mailing_id, Counts())


def _counts(s: Session, mailing_ids: Sequence[int]) -> dict[int, Counts]:
    state = MailingRecipient.state
    columns = [func.sum(case((state == each, 1), else_=0)).label(each) for each in STATES]
    columns += [func.count(getattr(MailingRecipient, f"{each}_at")).label(each) for each in CAME_BACK]
    query = (
        select(MailingRecipient.mailing_id, func.count().label("total"), *columns)
        .where(MailingRecipient.mailing_id.in_(mailing_ids))
        .group_by(MailingRecipient.mailing_id)
    )
    found = {}
    for row in s.execute(query).mappings():
        values = dict(row)
        mailing_id = values.pop("mailing_id")
        found[mailing_id] = Counts(**{name: int(value or 0) for name, value in values.items()})
    return found


def list_recipients(
    s: Session, mailing_id: int, *, state: str = "", after: int = 0, limit: int = 100
) -> list[MailingRecipient]:
    """Give a page of a mailing's recipients, in the order in which they were added.

    Args:
        state: one of `STATES` or of `CAME_BACK`, or "" for all.
        after: the id of the last one of the page before.
    """
    query = _in_state(mailing_id, state).where(MailingRecipient.id > after)
    return list(s.scalars(query.order_by(MailingRecipient.id).limit(limit)))


def _in_state(mailing_id: int, state: str) -> Select[MailingRecipient]:
    query = select(MailingRecipient).where(MailingRecipient.mailing_id == mailing_id)
    if state in CAME_BACK:
        return query.where(getattr(MailingRecipient, f"{state}_at").is_not(None))
    return query.where(MailingRecipient.state == state) if state else query


def find_recipient(s: Session, mailing_id: int, uuid: UUID) -> MailingRecipient:
    """Give one recipient of a mailing.

    Raises:
        NotFound: there is none.
    """
    query = select(MailingRecipient).where(MailingRecipient.mailing_id == mailing_id, MailingRecipient.uuid == uuid)
    recipient = s.scalar(query)
    if recipient is None:
        raise NotFound("This recipient is not here any more.")
    return recipient


def known_emails(s: Session, mailing_id: int) -> set[str]:
    """Give the addresses of all recipients of a mailing."""
    return set(s.scalars(select(MailingRecipient.email).where(MailingRecipient.mailing_id == mailing_id)))


def insert_recipients(s: Session, mailing: Mailing, rows: Sequence[dict[str, Any]]) -> None:
    """Add recipients: [{"email", "name", "fields", "time_zone", "contact_id", "line", "problem", "state", …}, …]."""
    fixed = {"tenant_id": mailing.tenant_id, "mailing_id": mailing.id}
    if rows:
        s.execute(insert(_RECIPIENTS), [{"uuid": uuid4(), **fixed, **row} for row in rows])


def change_recipient(s: Session, recipient_id: int, from_states: Sequence[str], to_state: str, **values: Any) -> bool:
    """Take a recipient from one of these states to another; False when it is in none of them by now."""
    statement = update(MailingRecipient).where(
        MailingRecipient.id == recipient_id, MailingRecipient.state.in_(from_states)
    )
    return bool(count_changed(s, statement.values(state=to_state, **values)))


def change_recipients(s: Session, mailing_id: int, from_state: str, to_state: str, **values: Any) -> int:
    """Take all recipients of a mailing from one state to another, and say how many."""
    statement = update(MailingRecipient).where(
        MailingRecipient.mailing_id == mailing_id, MailingRecipient.state == from_state
    )
    return count_changed(s, statement.values(state=to_state, **values))


def leave_out_all(s: Session, recipient_ids: Collection[int], because: str) -> None:
    """Leave recipients out who were ready."""
    ids = sorted(recipient_ids)
    for start in range(0, len(ids), _CHUNK):
        statement = update(MailingRecipient).where(
            MailingRecipient.id.in_(ids[start : start + _CHUNK]), MailingRecipient.state == "ready"
        )
        s.execute(statement.values(state="left_out", left_out_because=because))


def drop_recipients(s: Session, mailing_id: int) -> None:
    """Take all recipients off a mailing."""
    s.execute(delete(MailingRecipient).where(MailingRecipient.mailing_id == mailing_id))


def left_out_reasons(s: Session, mailing_id: int) -> dict[str, int]:
    """Count who is left out, by the reason."""
    query = (
        select(MailingRecipient.left_out_because, func.count())
        .where(MailingRecipient.mailing_id == mailing_id, MailingRecipient.state == "left_out")
        .group_by(MailingRecipient.left_out_because)
    )
    return {reason: count for reason, count in s.execute(query)}


@dataclass(frozen=True)
class ReadyRecipient:
    """Somebody who is to get the mail, with what their merge fields are filled from."""

    id: int
    uuid: UUID
    email: str
    name: str
    fields: dict[str, Any]
    contact_id: int | None


def ready_recipients(s: Session, mailing_id: int, state: str = "ready") -> list[ReadyRecipient]:
    """Give all who are in a state, with no more than the checks need: there may be ten thousand."""
    columns = ("id", "uuid", "email", "name", "fields", "contact_id")
    query = select(*(getattr(MailingRecipient, each) for each in columns)).where(
        MailingRecipient.mailing_id == mailing_id, MailingRecipient.state == state
    )
    return [ReadyRecipient(*row) for row in s.execute(query.order_by(MailingRecipient.id))]


def contacts_by_id(s: Session, tenant_id: int, contact_ids: Collection[int]) -> dict[int, Contact]:
    """Give contacts of a tenant by their keys."""
    ids = sorted(contact_ids)
    found: dict[int, Contact] = {}
    for start in range(0, len(ids), _CHUNK):
        query = select(Contact).where(Contact.tenant_id == tenant_id, Contact.id.in_(ids[start : start + _CHUNK]))
        found |= {each.id: each for each in s.scalars(query)}
    return found


def contacts_for_mailing(s: Session, tenant_id: int, uuids: Collection[UUID], tag: str) -> list[Contact]:
    """Give the contacts that are named, and those with a tag ("" for none of them), by name."""
    query = select(Contact).where(Contact.tenant_id == tenant_id)
    if not tag:
        query = query.where(Contact.uuid.in_(list(uuids)))
    found = s.scalars(query.order_by(Contact.name, Contact.id))
    wanted = set(uuids)
    return [each for each in found if each.uuid in wanted or (tag and tag in each.tags)]


def load_files(s: Session, mailing_id: int) -> list[MailingFile]:
    """Give a mailing's files with their content."""
    query = select(MailingFile).where(MailingFile.mailing_id == mailing_id)
    return list(s.scalars(query.options(undefer(MailingFile.content)).order_by(MailingFile.id)))


def load_file(s: Session, mailing_id: int, uuid: UUID) -> MailingFile:
    """Give one of a mailing's files with its content.

    Raises:
        NotFound: it is gone.
    """
    query = select(MailingFile).where(MailingFile.mailing_id == mailing_id, MailingFile.uuid == uuid)
    file = s.scalar(query.options(undefer(MailingFile.content)))
    if file is None:
        raise NotFound("This file is not here any more.")
    return file


def change_mailing(s: Session, mailing_id: int, from_states: Sequence[str], to_state: str, **values: Any) -> bool:
    """Take a mailing from one of these states to another; False when it is in none of them by now."""
    statement = update(Mailing).where(Mailing.id == mailing_id, Mailing.state.in_(from_states))
    return bool(count_changed(s, statement.values(state=to_state, updated_at=utc_now(), **values)))


def delete_mailing(s: Session, mailing_id: int) -> None:
    """Delete a mailing with its steps, files, recipients and submissions; the mails themselves stay where they lie."""
    s.execute(delete(Mailing).where(Mailing.id == mailing_id))


def hide_mailing(s: Session, mailing_id: int) -> None:
    """Have nobody see a mailing any more; whom it was sent to is kept, its files are not."""
    s.execute(update(Mailing).where(Mailing.id == mailing_id).values(hidden_at=utc_now()))
    s.execute(delete(MailingFile).where(MailingFile.mailing_id == mailing_id))


def has_left(s: Session, mailing_id: int) -> bool:
    """Say whether any mail of a mailing has left, or may have."""
    query = select(Submission.id).where(
        Submission.mailing_id == mailing_id, Submission.state.in_(("sending", "sent", "unsure"))
    )
    return s.scalar(query.limit(1)) is not None


def unsure_submission(s: Session, recipient_id: int) -> Submission | None:
    """Give the mail to a recipient of which nobody knows whether it has left."""
    query = select(Submission).where(Submission.recipient_id == recipient_id, Submission.state == "unsure")
    return s.scalar(query.options(joinedload(Submission.account)))


def is_wanted(s: Session, mailing_id: int) -> bool:
    """Say whether anything of a mailing is still to be sent, follow-ups included."""
    waiting = select(Submission.id).where(
        Submission.mailing_id == mailing_id, Submission.state.in_(("queued", "sending"))
    )
    following = select(MailingRecipient.id).where(
        MailingRecipient.mailing_id == mailing_id,
        or_(MailingRecipient.state == "queued", MailingRecipient.next_step_at.is_not(None)),
    )
    return s.scalar(waiting.limit(1)) is not None or s.scalar(following.limit(1)) is not None


def last_step(s: Session, mailing_id: int) -> int | None:
    """Give the number of the last step that was queued for anybody; None when none was."""
    return s.scalar(select(func.max(Submission.step)).where(Submission.mailing_id == mailing_id))


def template_id_of(s: Session, scope: Scope, uuid: UUID) -> int | None:
    """Give the key of a mail template that the user can use, None when there is none."""
    query = select(MailTemplate.id).where(
        MailTemplate.uuid == uuid,
        MailTemplate.tenant_id == scope.tenant_id,
        or_(MailTemplate.is_shared, MailTemplate.user_id == scope.user_id),
    )
    return s.scalar(query)
