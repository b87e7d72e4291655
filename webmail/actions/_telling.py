"""Write down what the server is to be told of messages that were marked or moved here, wherever they lie.

A message may lie nowhere for certain at the moment: on its way to another folder, or in one whose UIDVALIDITY has just
changed. What is done to it then is written down without UIDs, and the engine finds it when its turn comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from webmail.store import changes as ledger
from webmail.store.models import Account, Folder, Message, Placement
from webmail.store.session import Session
from webmail.sync import requests


def seen_places(s: Session, account: Account, messages: Sequence[Message], *, is_seen: bool) -> list[Placement]:
    """Give where these messages are to be marked as read on the server, or as unread: those that are not so already.

    That is in the inbox, and of what does not lie there, wherever it does; of what was sent nothing is marked.
    """
    pending = ledger.pending_message_ids(s, account.id)
    places = []
    for message in messages:
        received = [each for each in message.placements if each.folder.role not in ("sent", "drafts")]
        inbox = [each for each in received if each.folder.role == "inbox" and not each.is_leaving]
        # What waits to be told may turn round what is known of the server.
        places += [each for each in inbox or received if each.is_seen != is_seen or message.id in pending]
    return places


def flagged_places(messages: Sequence[Message]) -> list[Placement]:
    """Give where these messages are to be starred on the server, or no more."""
    places = []
    for message in messages:
        places += [each for each in message.placements if not each.is_leaving] or message.placements
    return places


def tell_marks(s: Session, account: Account, placements: Sequence[Placement], flag: str, *, is_set: bool) -> None:
    """Write down that the server is to set a flag of these messages, or to clear it, and ask for a sync."""
    tell(s, account, "flag", placements, {"add": [flag] if is_set else [], "remove": [] if is_set else [flag]})
    if placements:
        requests.request_sync(s, account)


def tell(
    s: Session, account: Account, kind: str, placements: Sequence[Placement], payload: Mapping[str, object]
) -> None:
    """Write down a change that the user made, for each of the folders concerned."""
    for folder, group in _by_folder(placements):
        is_certain = all(placement.uid > 0 for placement in group)
        ledger.record_change(
            s,
            account,
            kind=kind,
            reason="user",
            folder=folder,
            uids=[placement.uid for placement in group] if is_certain else [],
            message_ids=[placement.message_id for placement in group],
            payload=dict(payload),
        )


def _by_folder(placements: Sequence[Placement]) -> list[tuple[Folder, list[Placement]]]:
    groups: dict[int, tuple[Folder, list[Placement]]] = {}
    for placement in placements:
        groups.setdefault(placement.folder_id, (placement.folder, []))[1].append(placement)
    return list(groups.values())
