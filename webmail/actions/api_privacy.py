"""Export and erase a person, for a tenant's server and the operator: a contact, or a user with all that is theirs.

A contact is erased at once. A user is shut out at once; the mailboxes are disconnected by their jobs, and the sweep
takes away the rest when they are gone (`recover_lost`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from webmail.actions import departures
from webmail.errors import InputRefused
from webmail.store import audit, cache, erasing, exporting, private_mail, user_erasing, users
from webmail.store.accounts import find_account, list_accounts
from webmail.store.api_contacts import find_contact
from webmail.store.api_users import find_user
from webmail.store.models import utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.store.wiping import wipe_deleted

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Erased:
    """How much of a person is gone."""

    contacts: int
    messages: int
    submissions: int
    recipients: int


def tenant_id_of(slug: str) -> int:
    """Give a tenant's key, for the operator.

    Raises:
        InputRefused: no such tenant.
    """
    with reading() as s:
        tenant = users.find_tenant(s, slug)
    if tenant is None:
        raise InputRefused("tenant", f"There is no tenant {slug}.")
    return tenant.id


def erase_contact(tenant_id: int, name: str) -> Erased:
    """Erase a contact with all mail of and about the person; it can be cut short and run again.

    The contact itself goes last, so that whoever comes after a crash still knows whom to erase.

    Args:
        name: the tenant's id of the person, or the uuid of whom only this product knows.

    Raises:
        NotFound: there is nobody of that name.
    """
    with reading() as s:
        contact = find_contact(s, tenant_id, name)
        addresses = list(contact.addresses)
        traces = list(erasing.traces_of(s, tenant_id, addresses)) if addresses else []
        doomed = {(each.message_id, each.account_id) for each in traces}
        doomed |= set(erasing.messages_in(s, {each.conversation_id for each in traces if each.is_participant}))
    submissions = _empty(doomed)
    with transaction() as s:
        recipients = erasing.erase_recipients(s, tenant_id, addresses, contact.id)
        if addresses:
            submissions += erasing.erase_submissions(s, tenant_id, addresses)
            erasing.hide_suppressions(s, tenant_id, addresses)
            erasing.erase_mentions(s, tenant_id, addresses, contact.external_id)
            private_mail.forget_addresses(s, tenant_id, addresses)
        s.delete(find_contact(s, tenant_id, name))
        audit.add_entry(s, tenant_id, None, "contact_erased", subject=contact.uuid, messages=len(doomed))
    wipe_deleted()
    log.info("contact_erased", tenant=tenant_id, messages=len(doomed))
    return Erased(1, len(doomed), submissions, recipients)


def _empty(doomed: set[tuple[int, int]]) -> int:
    """Empty messages, some at a time, and drop their files; gives how many submissions went with them."""
    by_account: dict[int, list[int]] = defaultdict(list)
    for message_id, account_id in sorted(doomed):
        by_account[account_id].append(message_id)
    submissions = 0
    for account_id, ids in by_account.items():
        for start in range(0, len(ids), erasing.AT_ONCE):
            some = ids[start : start + erasing.AT_ONCE]
            with reading() as s:
                files = erasing.files_of(s, some)
            with transaction() as s:
                account = find_account(s, account_id)
                if account is not None:
                    submissions += erasing.empty_messages(s, account, some)
            for account_uuid, attachment_uuid in files:
                cache.erase(account_uuid, attachment_uuid)
    return submissions


def erase_user(tenant_id: int, name: str) -> bool:
    """Shut a user out for good and begin to erase all that is theirs; says whether that is done already.

    Raises:
        NotFound: there is nobody of that name.
    """
    with transaction() as s:
        user = find_user(s, tenant_id, name)
        scope, uuid = Scope(tenant_id, user.id), user.uuid
        user_erasing.shut_out(s, user, utc_now())
        audit.add_entry(s, tenant_id, None, "user_erased", subject=uuid)
    with reading() as s:
        accounts = list_accounts(s, scope)
    for account in accounts:
        departures.disconnect(scope, account.uuid, erase=True, put_back_marks=False)
    recover_lost()
    return not accounts


def recover_lost() -> None:
    """Take away the users whose mailboxes are gone by now, and see to those whose mailboxes are not, as the sweep."""
    with reading() as s:
        leaving = user_erasing.leaving(s)
    for user_id, scope, left in leaving:
        for account in left:
            if account.status != "erasing":
                departures.disconnect(scope, account.uuid, erase=True, put_back_marks=False)
        if not left:
            with transaction() as s:
                user_erasing.erase_user(s, user_id)
            wipe_deleted()
            log.info("user_erased", user=user_id)


def export_contact(tenant_id: int, name: str) -> Iterator[str]:
    """Give all that is kept of a contact, as the pieces of one JSON object.

    Raises:
        NotFound: there is nobody of that name; at once, before the first piece is asked for.
    """
    with transaction() as s:
        contact = find_contact(s, tenant_id, name)
        audit.add_entry(s, tenant_id, None, "contact_exported", subject=contact.uuid)
        addresses = list(contact.addresses)
        facts = exporting.contact_facts(s, contact)
        traces = list(erasing.traces_of(s, tenant_id, addresses)) if addresses else []
        whole = erasing.messages_in(s, {each.conversation_id for each in traces if each.is_participant})
    ids = sorted({message_id for message_id, _ in whole} | {each.message_id for each in traces})
    return exporting.pieces(facts, _messages(ids))


def export_user(tenant_id: int, name: str) -> Iterator[str]:
    """Give all that is kept of a user, as the pieces of one JSON object.

    Raises:
        NotFound: there is nobody of that name; at once, before the first piece is asked for.
    """
    with transaction() as s:
        user = find_user(s, tenant_id, name)
        audit.add_entry(s, tenant_id, None, "user_exported", subject=user.uuid)
        facts = exporting.user_facts(s, user)
        ids = exporting.message_ids_of_user(s, tenant_id, user.id)
    return exporting.pieces(facts, _messages(ids))


def _messages(ids: Sequence[int]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(ids), erasing.AT_ONCE):
        with reading() as s:
            yield from exporting.messages(s, ids[start : start + erasing.AT_ONCE])
