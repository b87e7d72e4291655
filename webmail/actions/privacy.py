"""*Only mail with contacts*: switching it on erases here what is with no contact; switching it off reads all again.

keep_only_contacts()   the rule holds from this moment on: a sync that began before it writes nothing more
erase_private()        the job: what was stored before and is with no contact goes, some at a time
recover_lost()         the sweep: finds erasing whose job got lost
"""

from __future__ import annotations

from uuid import UUID

import structlog

from webmail import queue
from webmail.domain.addresses import normalise_email
from webmail.domain.privacy import parties_of
from webmail.store import audit, cache, leases
from webmail.store import private_mail as store
from webmail.store.accounts import find_account, load_account
from webmail.store.folders import folders_of, update_folder
from webmail.store.models import Account
from webmail.store.scope import Scope
from webmail.store.session import Session, after_commit, reading, transaction
from webmail.store.wiping import wipe_deleted
from webmail.sync.requests import request_sync

log = structlog.get_logger(__name__)

_CHUNK = 200


def count_private(scope: Scope, uuid: UUID) -> int:
    """Count the messages that switching it on would erase here.

    Raises:
        NotFound: no such account.
    """
    with reading() as s:
        account = load_account(s, scope, uuid)
        return store.count_messages(s, _private_conversations(s, account))


def keep_only_contacts(scope: Scope, uuid: UUID) -> None:
    """Have an account keep only mail with contacts.

    Raises:
        NotFound: no such account.
    """
    with transaction() as s:
        account = load_account(s, scope, uuid)
        if account.only_contacts:
            return
        account.only_contacts = account.has_private = True
        s.flush()
        _changed(s, scope, account)


def keep_everything(scope: Scope, uuid: UUID) -> None:
    """Have an account keep all mail again: what was left out is read.

    Raises:
        NotFound: no such account.
    """
    with transaction() as s:
        account = load_account(s, scope, uuid)
        if not account.only_contacts:
            return
        account.only_contacts = account.has_private = False
        account.is_backfilled = False
        s.flush()
        store.forget_searches(s, account.id)
        for folder in folders_of(s, account.id):
            if folder.is_synced and folder.uidvalidity is not None:
                update_folder(s, folder.id, backfill_uid=folder.uidnext)
        _changed(s, scope, account)


def _changed(s: Session, scope: Scope, account: Account) -> None:
    leases.revoke(s, account.id)
    details = {"mailbox": account.email, "only_contacts": account.only_contacts}
    audit.add_entry(s, scope.tenant_id, scope.user_id, "privacy_changed", subject=account.uuid, **details)
    if account.reads_mail and account.status in ("connected", "error"):
        request_sync(s, account)
    after_commit(s, lambda: _enqueue(account))
    after_commit(s, lambda: queue.publish(account.user_id, "account-changed", uuid=str(account.uuid)))


def _enqueue(account: Account) -> None:
    if account.has_private:
        queue.enqueue("erase_private", account.id, job_id=f"erase-private-{account.uuid}")


def contacts_changed(s: Session, tenant_id: int) -> None:
    """Have the older mail of contacts who are new looked for soon; each poll would find it, too."""
    for account in store.accounts_keeping_contacts_only(s, tenant_id):
        request_sync(s, account)


def erase_private(account_id: int) -> None:
    """Erase what an account has stored and is with no contact, as a job, safe to run twice."""
    erased = 0
    while private := _still_private(account_id):
        for start in range(0, len(private), _CHUNK):
            erased += _erase(account_id, private[start : start + _CHUNK])
    with transaction() as s:
        account = find_account(s, account_id)
        if account is None or not account.has_private:
            return
        account.has_private = False
        s.flush()
        store.mark_searched(s, account)
        store.count_correspondents_anew(s, account)
    cache.erase_account(account.uuid)
    wipe_deleted()
    log.info("private_mail_erased", account=account_id, conversations=erased)
    queue.publish(account.user_id, "mail-new", count=0)
    queue.publish(account.user_id, "account-changed", uuid=str(account.uuid))


def _still_private(account_id: int) -> list[int]:
    with reading() as s:
        account = find_account(s, account_id)
        return sorted(_private_conversations(s, account)) if account is not None and account.has_private else []


def _erase(account_id: int, conversations: list[int]) -> int:
    """Erase those of these conversations that are private at this moment; gives how many."""
    with transaction() as s:
        account = find_account(s, account_id)
        if account is None or not account.has_private:
            return 0
        # Whoever syncs at this moment might file a message in one of them.
        leases.revoke(s, account_id)
        private = sorted(_private_conversations(s, account, conversations))
        store.erase_conversations(s, private)
        return len(private)


def _private_conversations(s: Session, account: Account, among: list[int] | None = None) -> set[int]:
    """Give the conversations of an account in which no contact has a part, and nothing was sent from here."""
    own = {normalise_email(each) for each in (account.email, *account.aliases)}
    parties: dict[int, set[str]] = {}
    for conversation_id, sender, recipients in store.messages_to_judge(s, account.id, among):
        parties.setdefault(conversation_id, set()).update(parties_of(sender, recipients) - own)
    met = {email for each in parties.values() for email in each}
    contacts = store.contacts_among(s, account.tenant_id, met)
    kept = store.conversations_sent_from_here(s, account.id)
    return {key for key, each in parties.items() if not each & contacts} - kept


def recover_lost() -> None:
    """Enqueue the erasing of each account that nobody has ended."""
    with reading() as s:
        waiting = store.accounts_with_private(s)
    for account in waiting:
        _enqueue(account)
