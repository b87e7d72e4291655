"""Whom a user writes with: kept up as mail comes in and goes out, so that a name that is being typed is found at once.

A row counts what one account has sent to an address, and got from it. What is typed is compared with the beginnings of
words of these few thousand rows, never with mail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from webmail.domain.addresses import normalise_email
from webmail.domain.suggestions import Known
from webmail.domain.words import words_of
from webmail.store.models import Account, Contact, ContactAddress, Correspondent
from webmail.store.scope import Scope
from webmail.store.session import Session

_MOST_FOUND = 200
_MOST_CONTACTS = 20
_MOST_WORDS = 6
_LAST = "\uffff"
"""Sorts behind all that begins like it."""


def note_correspondents(s: Session, account: Account, rows: Iterable[Mapping[str, Any]]) -> None:
    """Count whom these messages, new here, were sent to or came from.

    Args:
        rows: messages with `is_outgoing`, `from_name`, `from_email`, `to`, `cc`, `bcc` and `sent_at`.
    """
    counted: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["is_outgoing"]:
            for name, email in [*row["to"], *row["cc"], *row["bcc"]]:
                _count(counted, name, email, "written", row["sent_at"])
        else:
            _count(counted, row["from_name"], row["from_email"], "heard", row["sent_at"])
    if not counted:
        return
    own = {"account_id": account.id, "user_id": account.user_id}
    # In one order, so that two syncs never wait for each other.
    values = [own | counted[email] for email in sorted(counted)]
    table = Correspondent.__table__
    insert = sqlite_insert if s.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert(table)  # type: ignore[arg-type]  # a declared class's table is one
    fresh, old = statement.excluded, table.c
    set_ = {
        "written_count": old.written_count + fresh.written_count,
        "heard_count": old.heard_count + fresh.heard_count,
        "written_at": func.coalesce(fresh.written_at, old.written_at),
        "heard_at": func.coalesce(fresh.heard_at, old.heard_at),
        "name": case((fresh.name != "", fresh.name), else_=old.name),
        "words": case((fresh.name != "", fresh.words), else_=old.words),
    }
    s.execute(statement.on_conflict_do_update(index_elements=["account_id", "email"], set_=set_), values)


def _count(counted: dict[str, dict[str, Any]], name: str, email: str, kind: str, at: datetime) -> None:
    address = normalise_email(email)
    if "@" not in address or len(address) > 320:
        return
    blank = {"email": address, "name": "", "words": ""}
    times = {"written_count": 0, "written_at": None, "heard_count": 0, "heard_at": None}
    row = counted.setdefault(address, blank | times)
    row[f"{kind}_count"] += 1
    row[f"{kind}_at"] = max(at, row[f"{kind}_at"] or at)
    row["name"] = name[:200] or row["name"]
    row["words"] = "".join(f" {word}" for word in dict.fromkeys(words_of(f"{row['name']} {address}")))


def find_known(s: Session, scope: Scope, typed: str) -> list[Known]:
    """Give those whom the user has mail with, and the tenant's contacts, of whom each word typed begins a word.

    Args:
        typed: a name, an address, or the beginning of one; nothing is found by nothing.
    """
    words = words_of(typed)[:_MOST_WORDS]
    if not words:
        return []
    found = {each.email: each for each in _contacts(s, scope, typed.strip())}
    query = (
        select(Correspondent)
        .where(Correspondent.user_id == scope.user_id)
        .where(*(Correspondent.words.like(f"% {word}%") for word in words))
        .order_by(Correspondent.written_count.desc(), Correspondent.heard_count.desc(), Correspondent.email)
        .limit(_MOST_FOUND)
    )
    for email, rows in _by_email(s.scalars(query)).items():
        found[email] = _merged(email, rows)
    return list(found.values())


def _by_email(rows: Iterable[Correspondent]) -> dict[str, list[Correspondent]]:
    grouped: dict[str, list[Correspondent]] = {}
    for row in rows:
        grouped.setdefault(row.email, []).append(row)
    return grouped


def _merged(email: str, rows: Sequence[Correspondent]) -> Known:
    """Put together what several accounts know of one address."""
    times = [at for row in rows for at in (row.written_at, row.heard_at) if at is not None]
    return Known(
        name=next((row.name for row in rows if row.name), ""),
        email=email,
        written_count=sum(row.written_count for row in rows),
        heard_count=sum(row.heard_count for row in rows),
        last_at=max(times, default=None),
    )


def _contacts(s: Session, scope: Scope, typed: str) -> list[Known]:
    """Give contacts whose address, or name as it is written, begins like that: each by a range of an index."""
    address = normalise_email(typed)
    by_address = (
        select(Contact.name, ContactAddress.address)
        .join(Contact, Contact.id == ContactAddress.contact_id)
        .where(ContactAddress.tenant_id == scope.tenant_id)
        .where(ContactAddress.address >= address, ContactAddress.address < address + _LAST)
        .order_by(ContactAddress.address)
        .limit(_MOST_CONTACTS)
    )
    beginnings = sorted({typed, typed.title(), typed.upper()})
    by_name = (
        select(Contact.name, Contact.addresses)
        .where(Contact.tenant_id == scope.tenant_id)
        .where(or_(*(_begins(each) for each in beginnings)))
        .limit(_MOST_CONTACTS)
    )
    named = [(name, addresses[0]) for name, addresses in s.execute(by_name) if addresses]
    return [Known(name, email) for name, email in [*s.execute(by_address).all(), *named]]


def _begins(typed: str) -> Any:
    return (Contact.name >= typed) & (Contact.name < typed + _LAST)


def known_addresses(s: Session, scope: Scope) -> dict[str, bool]:
    """Give all with whom the user has had mail: {normalised address: whether the user has written to them}."""
    query = select(Correspondent.email, func.max(Correspondent.written_count)).where(
        Correspondent.user_id == scope.user_id
    )
    return {email: count > 0 for email, count in s.execute(query.group_by(Correspondent.email))}


def strangers_among(s: Session, scope: Scope, emails: Iterable[str]) -> set[str]:
    """Say which of these addresses the user has had one mail from at most, and has never written to, normalised."""
    wanted = sorted({normalise_email(each) for each in emails})
    query = (
        select(Correspondent.email)
        .where(Correspondent.user_id == scope.user_id, Correspondent.email.in_(wanted))
        .group_by(Correspondent.email)
        .having(func.sum(Correspondent.heard_count) <= 1, func.sum(Correspondent.written_count) == 0)
    )
    return set(s.scalars(query))
