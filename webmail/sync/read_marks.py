"""The product's rule that synced mail becomes read in the user's own mailbox, and how it is taken back.

The fetch itself never marks anything (PEEK on a folder opened read-only). The rule is carried out afterwards, as a
Change of its own with the UIDs of the batch, in the inbox only; so what it did is listed, counted and can be put back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from webmail.store.accounts import update_account
from webmail.store.changes import finish_change, pending_message_ids, read_mark_changes, record_change
from webmail.store.messages import Arrival, TakenIn
from webmail.store.models import Account, Folder
from webmail.store.placements import sync_message_flags
from webmail.store.session import Session


def record_read_marks(
    s: Session, account: Account, folder: Folder, arrivals: Sequence[Arrival], taken: TakenIn
) -> None:
    """Write down which of these arrivals the rule marks as read on the server; `push_changes` carries it out.

    Args:
        folder: the inbox, with its present UIDVALIDITY.
    """
    if account.read_marks == "keep":
        return
    new = set(taken.new_message_ids)
    # A server tells the time of arrival in whole seconds.
    since = account.read_marks_from.replace(microsecond=0)
    marked = [
        arrival.uid
        for arrival in arrivals
        if arrival.uid is not None
        and taken.message_id_by_uid[arrival.uid] in new
        and "\\seen" not in {flag.lower() for flag in arrival.flags}
        and (account.read_marks == "all" or arrival.values["sent_at"] >= since)
    ]
    if marked:
        record_change(
            s,
            account,
            kind="flag",
            reason="read_marks",
            folder=folder,
            uids=marked,
            message_ids=[taken.message_id_by_uid[uid] for uid in marked],
            payload={"add": ["\\Seen"], "remove": []},
        )


def record_put_back(s: Session, account: Account, folders: dict[int, Folder]) -> int:
    """Write down that all marks of the rule are to be taken off again, as far as their messages are where they were.

    Returns:
        How many messages will be unread on the server again.
    """
    count = 0
    for change in read_mark_changes(s, account.id):
        if change.state == "pending":
            finish_change(change, "cancelled")
            continue
        folder = folders.get(change.folder_id or 0)
        if folder is not None:
            record_change(
                s,
                account,
                kind="flag",
                reason="put_back",
                folder=folder,
                # UIDs of an older UIDVALIDITY mean nothing; the messages are then looked up.
                uids=change.uids if folder.uidvalidity == change.uidvalidity else (),
                message_ids=change.message_ids,
                payload={"add": [], "remove": ["\\Seen"]},
            )
            count += len(change.message_ids)
        finish_change(change, "undone")
    update_account(s, account.id, marked_count=0)
    return count


def adopt_flags(s: Session, account: Account, folder: Folder, message_ids: Iterable[int]) -> None:
    """Let known messages that have just come into a folder say what the server says of them there.

    Flags may have changed on the way, where nobody looked. What was done here and not yet told wins.
    """
    settled = set(message_ids) - pending_message_ids(s, account.id)
    sync_message_flags(s, settled, seen_too=account.read_marks == "keep" and folder.role == "inbox")
