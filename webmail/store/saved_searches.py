"""The searches that a user keeps."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, func, select

from webmail.errors import NotFound
from webmail.store.models import SavedSearch
from webmail.store.scope import Scope
from webmail.store.session import Session


def list_saved(s: Session, scope: Scope) -> list[SavedSearch]:
    """Give them all, by name."""
    return list(s.scalars(_owned(scope).order_by(func.lower(SavedSearch.name), SavedSearch.id)))


def load_saved(s: Session, scope: Scope, uuid: UUID) -> SavedSearch:
    """Give one.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    found = s.scalar(_owned(scope).where(SavedSearch.uuid == uuid))
    if found is None:
        raise NotFound("saved search")
    return found


def add_saved(s: Session, scope: Scope, name: str, query: str) -> SavedSearch:
    """Keep a search."""
    saved = SavedSearch(tenant_id=scope.tenant_id, user_id=scope.user_id, name=name, query=query)
    s.add(saved)
    s.flush()
    return saved


def _owned(scope: Scope) -> Select[SavedSearch]:
    return select(SavedSearch).where(SavedSearch.tenant_id == scope.tenant_id, SavedSearch.user_id == scope.user_id)
