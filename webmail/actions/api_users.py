"""Users, as a tenant's own server tells of them."""

from __future__ import annotations

from uuid import uuid4

from webmail.actions.api_contacts import require_external_id
from webmail.errors import InputRefused
from webmail.store import audit, sessions
from webmail.store.api_users import find_user
from webmail.store.frames import find_launched_user
from webmail.store.models import User
from webmail.store.session import transaction
from webmail.store.users import hold_tenant


def upsert(tenant_id: int, external_id: str, *, name: str, email: str | None) -> bool:
    """Make or update a user, as a launch of theirs would; says whether they are new.

    Args:
        email: the address to be shown; None leaves it as it is.

    Raises:
        InputRefused: a field is not what it has to be.
    """
    require_external_id(external_id)
    plain = " ".join(name.split())
    if not plain:
        raise InputRefused("name", "A user has a name.")
    if email and ("@" not in email.strip("@") or not email.isprintable() or " " in email):
        raise InputRefused("email", f"{email[:80]!r} is no mail address.")
    with transaction() as s:
        hold_tenant(s, tenant_id)
        user = find_launched_user(s, tenant_id, external_id)
        is_new = user is None
        if user is None:
            user = User(tenant_id=tenant_id, external_id=external_id, email=f"{uuid4()}@launch.invalid")
            s.add(user)
        user.name = plain
        user.launch_email = user.launch_email or "" if email is None else email
    return is_new


def end_sessions(tenant_id: int, external_id: str) -> None:
    """End all sessions of a user, in each frame and each browser: they have left the tenant's own application.

    Raises:
        NotFound: the tenant has no such user.
    """
    with transaction() as s:
        user = find_user(s, tenant_id, external_id)
        sessions.end_all(s, user)
        audit.add_entry(s, tenant_id, user.id, "sessions_ended", subject=user.uuid)
