"""The addresses that no mailing of a tenant writes to any more."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from webmail.domain.addresses import normalise_email, spellings_of
from webmail.errors import NotFound
from webmail.store.models import Suppression, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session

REASONS = ("unsubscribed", "bounced", "complained", "imported", "by_hand")
_AT_ONCE = 500


@dataclass(frozen=True)
class SuppressionPage:
    """One page of the list, newest first; `next_cursor` is None on the last one."""

    rows: list[Suppression]
    next_cursor: UUID | None


def suppressed_among(s: Session, tenant_id: int, emails: Collection[str]) -> set[str]:
    """Say which of these addresses the tenant's mailings do not write to, normalised."""
    normal = {normalise_email(each) for each in emails}
    by_form = {each: each for each in normal} | {
        erased_form(tenant_id, spelling): each for each in normal for spelling in spellings_of(each)
    }
    wanted = sorted(by_form)
    found: set[str] = set()
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        query = select(Suppression.email).where(Suppression.tenant_id == tenant_id, Suppression.email.in_(some))
        found.update(by_form[each] for each in s.scalars(query))
    return found


def erased_form(tenant_id: int, email: str) -> str:
    """Give what stands on the list of a person who was erased: it is known again, and tells nobody whose it is."""
    return f"sha256:{hashlib.sha256(f'{tenant_id}:{email}'.encode()).hexdigest()}"


def add_suppressions(
    s: Session, tenant_id: int, emails: Sequence[str], *, reason: str, detail: str, mailing_id: int | None = None
) -> int:
    """Put addresses on the list that are not there yet, whoever else does so at the same time; says how many were new.

    Args:
        emails: normalised.
    """
    insert = insert_sqlite if s.get_bind().dialect.name == "sqlite" else insert_postgres
    added = 0
    wanted = list(dict.fromkeys(emails))
    for start in range(0, len(wanted), _AT_ONCE):
        values = [
            {
                "uuid": uuid4(),
                "tenant_id": tenant_id,
                "email": email,
                "reason": reason,
                "detail": detail,
                "mailing_id": mailing_id,
                "created_at": utc_now(),
            }
            for email in wanted[start : start + _AT_ONCE]
        ]
        statement = insert(Suppression).values(values).on_conflict_do_nothing()
        added += len(s.scalars(statement.returning(Suppression.id)).all())
    return added


def load_suppression(s: Session, tenant_id: int, uuid: UUID) -> Suppression:
    """Give one entry of the tenant's list.

    Raises:
        NotFound: there is none.
    """
    found = s.scalar(select(Suppression).where(Suppression.tenant_id == tenant_id, Suppression.uuid == uuid))
    if found is None:
        raise NotFound("This address is not on the list any more.")
    return found


def suppression_page(
    s: Session, scope: Scope, *, search: str = "", after: UUID | None = None, limit: int = 100
) -> SuppressionPage:
    """Give a page of the tenant's list.

    Args:
        search: a part of the address.
        after: `next_cursor` of the page before.
    """
    query = _matching(scope, search).order_by(Suppression.id.desc()).limit(limit + 1)
    if after is not None:
        last = select(Suppression.id).where(Suppression.uuid == after, Suppression.tenant_id == scope.tenant_id)
        query = query.where(Suppression.id < last.scalar_subquery())
    found = list(s.scalars(query))
    return SuppressionPage(found[:limit], found[limit - 1].uuid if len(found) > limit else None)


def every_suppression(s: Session, scope: Scope) -> Iterator[Suppression]:
    """Give the whole list, newest first, without holding it in memory."""
    query = _matching(scope, "").order_by(Suppression.id.desc()).execution_options(yield_per=_AT_ONCE)
    yield from s.scalars(query)


def _matching(scope: Scope, search: str) -> Select[Suppression]:
    query = select(Suppression).where(Suppression.tenant_id == scope.tenant_id)
    if search:
        query = query.where(Suppression.email.contains(normalise_email(search), autoescape=True))
    return query
