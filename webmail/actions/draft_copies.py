"""Keep a copy of each draft in the mailbox's own folder for drafts: one at a time, replaced, never piled up.

A copy is appended first, and the one before removed by its UID, which this product alone has given it: drafts that were
written elsewhere are nobody's here. Each of the two is a Change, written down before it is done. A copy of which a
crash has left unknown whether it was made is searched for by its Message-ID, and removed, before the next is made.

It is done where it can be undone exactly: the server tells UIDs and expunges just these (UIDPLUS). Gmail keeps what is
expunged from its drafts in All Mail, so nothing is copied there.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import structlog

from webmail import queue
from webmail.actions._claims import Claim, held_claim
from webmail.actions._draft_copy import record_removal
from webmail.actions.outgoing import build_draft_copy
from webmail.errors import LeaseLost, ProviderError
from webmail.providers.imap import ImapSession
from webmail.store import changes as ledger
from webmail.store import draft_copies as store
from webmail.store.folders import folder_by_role
from webmail.store.models import Account, Change, Folder, Submission, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, reading, transaction
from webmail.store.submissions import find_message, find_submission, load_files
from webmail.store.users import load_user
from webmail.sync.connections import open_imap_for

log = structlog.get_logger(__name__)

_TIMEOUT_S = 20
_AGAIN = timedelta(minutes=10)


def recover_lost() -> None:
    """Ask for the copies that are due."""
    with reading() as s:
        due = store.copies_due(s, utc_now())
    for draft in due:
        queue.enqueue("copy_draft", draft.id, job_id=f"draft-{draft.uuid}-{draft.claim_token}")


def copy_draft(submission_id: int) -> None:
    """Bring the copy of a draft up to date, as a job; what cannot be done now is tried again later."""
    now = utc_now()
    with transaction() as s:
        token = store.claim_copy(s, submission_id, now)
        draft = find_submission(s, submission_id) if token is not None else None
        folder = folder_by_role(s, draft.account_id, "drafts") if draft is not None and draft.account_id else None
    if draft is None or token is None:
        log.info("draft_copy_not_due", submission=submission_id)
        return
    with held_claim(draft.id, token) as claim:
        try:
            if folder is None or not _can_keep(draft.account):
                _put_off(claim, None)
            else:
                _copy(claim, draft, folder)
        except LeaseLost:
            log.info("draft_gone_on", submission=submission_id)
        except ProviderError as error:
            log.info("draft_not_copied", submission=submission_id, cause=error.cause, detail=error.detail[:300])
            _put_off(claim, _AGAIN * (1 + random.random()))


def _can_keep(account: Account | None) -> bool:
    return account is not None and account.secret is not None and account.reads_mail and account.status == "connected"


def _put_off(claim: Claim, wait: timedelta | None) -> None:
    with claim.transaction() as s:
        draft = find_submission(s, claim.submission_id)
        if draft is not None:
            draft.claimed_until = None
            draft.draft_due_at = utc_now() + wait if wait else None


def _copy(claim: Claim, draft: Submission, folder: Folder) -> None:
    account = draft.account
    assert account is not None
    scope = Scope(draft.tenant_id, draft.user_id)
    with reading() as s:
        files, source, user = load_files(s, draft.id), find_message(s, draft.source_message_id), load_user(s, scope)
    message_id, mime = build_draft_copy(draft, account, user.name, source, files, draft.updated_at)
    with open_imap_for(account, timeout_s=_TIMEOUT_S) as imap:
        if "UIDPLUS" not in imap.capabilities or "X-GM-EXT-1" in imap.capabilities:
            _put_off(claim, None)
            return
        _remove_begun(claim, imap, account, folder)
        change_id = _note_append(claim, account, folder, message_id)
        uid = imap.append(folder.name, mime, ["\\Draft", "\\Seen"], draft.updated_at)
        state = imap.select(folder.name, readonly=False)
        found = [uid] if uid is not None else imap.search_message_id(message_id)
        copy = {"folder": folder.id, "uid": found[-1], "uidvalidity": state.uidvalidity} if found else {}
        try:
            removal = _record_copy(claim, draft, folder, change_id, copy)
        except LeaseLost:
            # It was sent or discarded meanwhile: the copy that nobody knows goes again.
            imap.delete(found)
            _finish(change_id, "undone")
            raise
        if removal is not None:
            imap.delete(removal.uids if removal.uidvalidity == state.uidvalidity else [])
            _finish(removal.id, "done")


def _remove_begun(claim: Claim, imap: ImapSession, account: Account, folder: Folder) -> None:
    """Remove what a crash may have left behind."""
    with reading() as s:
        begun = store.begun_copies(s, account.id, claim.submission_id)
    for change in begun:
        imap.select(folder.name, readonly=False)
        imap.delete(imap.search_message_id(change.payload["message_id"]))
        _finish(change.id, "undone")


def _note_append(claim: Claim, account: Account, folder: Folder, message_id: str) -> int:
    with claim.transaction() as s:
        payload = {"draft": claim.submission_id, "message_id": message_id}
        change = ledger.record_change(s, account, kind="append", reason="draft", folder=folder, payload=payload)
        ledger.claim(s, change.id)
        return change.id


def _record_copy(
    claim: Claim, draft: Submission, folder: Folder, change_id: int, copy: dict[str, Any]
) -> Change | None:
    """Record where the copy lies now; gives the removal of the one before, None where there was none."""
    with claim.transaction() as s:
        current = find_submission(s, draft.id)
        if current is None or current.state != "draft":
            raise LeaseLost
        change = ledger.load_change(s, change_id)
        change.uids, change.uidvalidity = ([copy["uid"]], copy["uidvalidity"]) if copy else ([], None)
        ledger.finish_change(change, "done")
        removal = _removal_of(s, current, folder)
        current.draft_copy = copy | {"at": utc_now().isoformat()} if copy else {}
        current.claimed_until = None
        if current.revision == draft.revision:
            current.draft_due_at = None
        return removal


def _removal_of(s: Session, draft: Submission, folder: Folder) -> Change | None:
    before, account = draft.draft_copy, draft.account
    if account is None or before.get("folder") != folder.id:
        return None
    removal = record_removal(s, account, folder, before)
    ledger.claim(s, removal.id)
    return removal


def _finish(change_id: int, state: str) -> None:
    with transaction() as s:
        ledger.finish_change(ledger.load_change(s, change_id), state)
