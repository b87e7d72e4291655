"""Reading and writing users and tenants."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from webmail.errors import NotFound
from webmail.store.models import Tenant, User
from webmail.store.scope import Scope
from webmail.store.session import Session


def find_by_email(s: Session, email: str) -> User | None:
    """Give the user who signs in with this address (already normalised), None when there is none."""
    return s.scalar(select(User).where(User.email == email))


def find_by_uuid(s: Session, uuid: UUID) -> User | None:
    """Give the user of a session cookie, None when the user is gone."""
    return s.scalar(select(User).where(User.uuid == uuid))


def load_user(s: Session, scope: Scope) -> User:
    """Give the user that a scope stands for.

    Raises:
        NotFound: the user is gone.
    """
    user = s.scalar(select(User).where(User.id == scope.user_id, User.tenant_id == scope.tenant_id))
    if user is None:
        raise NotFound("This user is not here any more.")
    return user


def find_user(s: Session, user_id: int) -> User:
    """Give a user by its key, for jobs that work on what is the user's."""
    return s.get_one(User, user_id)


def load_tenant_of(s: Session, tenant_id: int) -> Tenant:
    """Give a tenant by its key, for jobs that work on what is the tenant's."""
    return s.get_one(Tenant, tenant_id)


def load_tenant(s: Session, scope: Scope) -> Tenant:
    """Give the tenant that a scope belongs to."""
    return s.get_one(Tenant, scope.tenant_id)


def find_tenant(s: Session, slug: str) -> Tenant | None:
    """Give a tenant by its slug, None when there is none."""
    return s.scalar(select(Tenant).where(Tenant.slug == slug))


def hold_tenant(s: Session, tenant_id: int) -> None:
    """Have whoever makes people of this tenant at the same time wait for the end of this transaction."""
    s.execute(select(Tenant.id).where(Tenant.id == tenant_id).with_for_update(key_share=True))


def list_tenants(s: Session) -> list[Tenant]:
    """Give all tenants, for the operator."""
    return list(s.scalars(select(Tenant).order_by(Tenant.slug)))


def list_users(s: Session) -> list[User]:
    """Give the users of all tenants with their tenant, for the operator."""
    query = select(User).join(Tenant, Tenant.id == User.tenant_id).options(joinedload(User.tenant))
    return list(s.scalars(query.order_by(Tenant.slug, User.email)))


def add_tenant(s: Session, slug: str) -> Tenant:
    """Make a tenant, named after its slug until somebody names it."""
    tenant = Tenant(slug=slug, name=slug)
    s.add(tenant)
    s.flush()
    return tenant


def add_user(s: Session, tenant: Tenant, *, email: str, name: str, password_hash: str) -> User:
    """Make a user of a tenant."""
    user = User(tenant_id=tenant.id, email=email, name=name, password_hash=password_hash)
    s.add(user)
    s.flush()
    return user


def update_password(s: Session, user_id: int, password_hash: str, *, ends_sessions: bool) -> None:
    """Store a new password hash; with `ends_sessions`, sign the user out everywhere."""
    epoch = User.session_epoch + (1 if ends_sessions else 0)
    s.execute(update(User).where(User.id == user_id).values(password_hash=password_hash, session_epoch=epoch))
