"""When a draft is copied into its mailbox, and how its copy is taken out again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from webmail.store import changes as ledger
from webmail.store.folders import folder_by_role
from webmail.store.models import Account, Change, Folder, Submission
from webmail.store.session import Session
from webmail.sync.requests import request_sync

AFTER = timedelta(seconds=30)
"""After the last save: while somebody types, nothing is copied."""
APART = timedelta(minutes=3)
"""Servers have taken a mailbox for a stolen one that got a draft a minute."""


def copy_later(draft: Submission, now: datetime) -> None:
    """Have a draft copied once it has rested."""
    last = draft.draft_copy.get("at")
    soonest = datetime.fromisoformat(last) + APART if last else now
    draft.draft_due_at = max(now + AFTER, soonest)


def forget_copy(s: Session, submission: Submission) -> None:
    """Take a submission's copy out of the folder for drafts, within a transaction: it has been sent, or discarded."""
    copy, account = submission.draft_copy, submission.account
    submission.draft_copy, submission.draft_due_at = {}, None
    if not copy or account is None or account.secret is None:
        return
    folder = folder_by_role(s, account.id, "drafts")
    if folder is not None and folder.id == copy["folder"]:
        record_removal(s, account, folder, copy)
        request_sync(s, account)


def record_removal(s: Session, account: Account, folder: Folder, copy: dict[str, Any]) -> Change:
    """Write down that a copy is to be removed; its UID counts under the UIDVALIDITY that it was made under."""
    change = ledger.record_change(s, account, kind="delete", reason="draft", folder=folder, uids=[copy["uid"]])
    change.uidvalidity = copy["uidvalidity"]
    s.flush()
    return change
