"""The API's users and their accounts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from webmail.actions import api_users
from webmail.blueprints._api import Answer, Argument, Asked, operation
from webmail.blueprints._api_pages import PAGING, limit_of, page, position_of
from webmail.store.api_users import account_page, find_account, find_user, user_page
from webmail.store.models import Account, User
from webmail.store.session import reading

USER = Argument("user", {"type": "string", "maxLength": 200}, "Only this user's, by your own id.")


@operation("GET", "/users", summary="List users", scope="users:read", answers={200: "UserPage"}, arguments=PAGING)
def list_users(asked: Asked) -> Answer:
    at, limit = position_of(asked), limit_of(asked)
    with reading() as s:
        rows = user_page(s, asked.tenant_id, after=at[0] if at else 0, limit=limit + 1)
    return page(asked, rows, limit, shown=_shown, position=lambda row: [row.id])


@operation("GET", "/users/<external_id>", summary="Show a user", scope="users:read", answers={200: "User"})
def show_user(asked: Asked, external_id: str) -> Answer:
    with reading() as s:
        return Answer(_shown(find_user(s, asked.tenant_id, external_id)))


@operation(
    "PUT",
    "/users/<external_id>",
    summary="Make or update a user",
    scope="users:write",
    body="UserFields",
    answers={200: "User", 201: "User"},
    about="A launch makes its user by itself; this is for knowing them before.",
)
def put_user(asked: Asked, external_id: str) -> Answer:
    is_new = api_users.upsert(asked.tenant_id, external_id, name=asked.body["name"], email=asked.body.get("email"))
    with reading() as s:
        return Answer(_shown(find_user(s, asked.tenant_id, external_id)), 201 if is_new else 200)


@operation(
    "DELETE",
    "/users/<external_id>/sessions",
    summary="End all sessions of a user",
    scope="users:write",
    answers={204: ""},
    about="For when they sign out of your application, or may use it no longer: open pages stop with their next "
    "request, event streams within seconds. A new launch begins a new session.",
)
def end_sessions(asked: Asked, external_id: str) -> Answer:
    api_users.end_sessions(asked.tenant_id, external_id)
    return Answer(status=204)


@operation(
    "GET",
    "/accounts",
    summary="List connected mailboxes and their status",
    scope="users:read",
    answers={200: "AccountPage"},
    arguments=(*PAGING, USER),
)
def list_accounts(asked: Asked) -> Answer:
    at, limit = position_of(asked), limit_of(asked)
    with reading() as s:
        user = find_user(s, asked.tenant_id, asked.arguments["user"]) if "user" in asked.arguments else None
        rows = account_page(
            s, asked.tenant_id, user_id=user.id if user else None, after=at[0] if at else 0, limit=limit + 1
        )
    return page(asked, rows, limit, shown=_account, position=lambda row: [row.id])


@operation(
    "GET",
    "/accounts/<uuid:account_uuid>",
    summary="Show a mailbox and its status",
    scope="users:read",
    answers={200: "Account"},
)
def show_account(asked: Asked, account_uuid: UUID) -> Answer:
    with reading() as s:
        return Answer(_account(find_account(s, asked.tenant_id, account_uuid)))


def _shown(user: User) -> dict[str, Any]:
    return {
        "id": user.external_id,
        "uuid": str(user.uuid),
        "name": user.name,
        "email": user.launch_email or ("" if user.external_id else user.email),
        "created_at": user.created_at.isoformat(),
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": str(account.uuid),
        "user": {"id": account.user.external_id, "uuid": str(account.user.uuid)},
        "email": account.email,
        "provider": account.provider,
        "status": account.status,
        "reason": account.status_sentence,
        "next_step": account.status_next_step,
        "cause": account.status_cause,
        "since": account.status_since.isoformat() if account.status_since else None,
        "reads_mail": account.reads_mail,
        "can_send": account.secret is not None and account.status in ("connected", "error"),
        "synced": {
            "done": account.sync_done,
            "total": account.sync_total,
            "at": account.last_synced_at.isoformat() if account.last_synced_at else None,
        },
    }
