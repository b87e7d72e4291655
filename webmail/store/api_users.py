"""Users and their accounts as a tenant's server asks for them: by its own ids, in pages."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webmail.errors import NotFound
from webmail.store.models import Account, User
from webmail.store.session import Session


def find_user(s: Session, tenant_id: int, name: str) -> User:
    """Give the user whom a tenant calls so; one of whom it has not told goes by the uuid.

    Raises:
        NotFound: there is nobody of that name.
    """
    owned = select(User).where(User.tenant_id == tenant_id, User.erasing_since.is_(None))
    found = s.scalar(owned.where(User.external_id == name))
    if found is None:
        try:
            key = UUID(name)
        except ValueError:
            key = None
        query = owned.where(User.uuid == key, User.external_id.is_(None))
        found = s.scalar(query) if key is not None else None
    if found is None:
        raise NotFound("This user is not known here.")
    return found


def user_page(s: Session, tenant_id: int, *, after: int, limit: int) -> list[User]:
    """Give a tenant's users after a position, in the order in which they were made."""
    query = select(User).where(User.tenant_id == tenant_id, User.erasing_since.is_(None), User.id > after)
    return list(s.scalars(query.order_by(User.id).limit(limit)))


def account_page(s: Session, tenant_id: int, *, user_id: int | None, after: int, limit: int) -> list[Account]:
    """Give a tenant's accounts after a position, with their users, in the order in which they were connected."""
    query = (
        select(Account)
        .join(Account.user)
        .where(Account.tenant_id == tenant_id, Account.id > after, User.erasing_since.is_(None))
        .options(joinedload(Account.user))
    )
    if user_id is not None:
        query = query.where(Account.user_id == user_id)
    return list(s.scalars(query.order_by(Account.id).limit(limit)))


def find_account(s: Session, tenant_id: int, uuid: UUID) -> Account:
    """Give one of a tenant's accounts, with its user.

    Raises:
        NotFound: there is none.
    """
    query = select(Account).where(Account.tenant_id == tenant_id, Account.uuid == uuid)
    account = s.scalar(query.options(joinedload(Account.user)))
    if account is None:
        raise NotFound("There is no such account.")
    return account
