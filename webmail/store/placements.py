"""Where messages lie, and with which flags.

After a UIDVALIDITY change the old UIDs mean nothing, but the messages are most likely still there. Their placements
stay, with the UID turned negative, until the folder has been read again: each is replaced when its message turns up,
and what is left at the end is gone for good. So nothing vanishes from the list meanwhile, and nothing shows twice.
A message that is being moved back has a provisional placement of the same sort until the server has named its new UID.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import delete, func, insert, select, update

from webmail.store.messages import flag_values
from webmail.store.models import Folder, Message, Placement
from webmail.store.session import Session

_CHUNK = 500
_PROVISIONAL = -(10**9)
"""UIDs at or below this are those of placements that the server has not confirmed."""


def count_in_folder(s: Session, folder_id: int, from_uid: int = 1) -> int:
    """Count the placements of a folder at or above a UID."""
    query = select(func.count()).where(Placement.folder_id == folder_id, Placement.uid >= from_uid)
    return s.scalar(query) or 0


def uids_in_folder(s: Session, folder_id: int, from_uid: int = 1) -> set[int]:
    """Give the UIDs that are stored for a folder, at or above a UID."""
    return set(s.scalars(select(Placement.uid).where(Placement.folder_id == folder_id, Placement.uid >= from_uid)))


def message_ids_in_folder(s: Session, folder_id: int) -> list[int]:
    """Give the messages that lie in a folder, or have lain there under an older UIDVALIDITY."""
    return list(s.scalars(select(Placement.message_id).where(Placement.folder_id == folder_id)))


def make_stale(s: Session, folder_id: int) -> None:
    """Keep a folder's placements as those of an older UIDVALIDITY."""
    s.execute(update(Placement).where(Placement.folder_id == folder_id, Placement.uid > 0).values(uid=-Placement.id))


def has_stale(s: Session, folder_id: int, message_ids: Collection[int] | None = None) -> bool:
    """Say whether a folder has placements of an older UIDVALIDITY, of these messages or of any."""
    query = select(Placement.id).where(
        Placement.folder_id == folder_id, Placement.uid < 0, Placement.uid > _PROVISIONAL
    )
    if message_ids is not None:
        query = query.where(Placement.message_id.in_(message_ids))
    return s.scalar(query.limit(1)) is not None


def drop_stale(s: Session, folder_id: int) -> list[int]:
    """Delete what is left of an older UIDVALIDITY, and give the messages concerned."""
    where = (Placement.folder_id == folder_id, Placement.uid < 0, Placement.uid > _PROVISIONAL)
    message_ids = list(s.scalars(select(Placement.message_id).where(*where)))
    s.execute(delete(Placement).where(*where))
    return message_ids


def remove_uids(s: Session, folder_id: int, uids: Iterable[int]) -> list[int]:
    """Delete placements that the server no longer has, and give the messages concerned."""
    message_ids: list[int] = []
    ordered = sorted(uids)
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        where = (Placement.folder_id == folder_id, Placement.uid.in_(chunk))
        message_ids += s.scalars(select(Placement.message_id).where(*where))
        s.execute(delete(Placement).where(*where))
    return message_ids


def save_flags(s: Session, folder_id: int, flags_by_uid: Mapping[int, tuple[frozenset[str], int]]) -> list[int]:
    """Take over the server's flags for known placements.

    Args:
        flags_by_uid: {uid: (flags, modseq)}.

    Returns:
        The messages whose flags are different now.
    """
    changed: list[int] = []
    updates = []
    for placement in _by_uid(s, folder_id, sorted(flags_by_uid)):
        flags, modseq = flags_by_uid[placement.uid]
        values = flag_values(flags)
        if any(getattr(placement, name) != value for name, value in values.items()):
            changed.append(placement.message_id)
        elif placement.modseq == modseq:
            continue
        updates.append({"id": placement.id, "modseq": modseq, **values})
    if updates:
        s.execute(update(Placement), updates)
    return changed


def _by_uid(s: Session, folder_id: int, uids: Sequence[int]) -> list[Placement]:
    found: list[Placement] = []
    for start in range(0, len(uids), _CHUNK):
        query = select(Placement).where(
            Placement.folder_id == folder_id, Placement.uid.in_(uids[start : start + _CHUNK])
        )
        found += s.scalars(query)
    return found


def placements_by_uid(s: Session, folder_id: int, uids: Iterable[int]) -> dict[int, Placement]:
    """Give the placements of these UIDs, by UID."""
    return {placement.uid: placement for placement in _by_uid(s, folder_id, sorted(uids))}


def placements_in_folder(s: Session, folder_id: int, message_ids: Sequence[int]) -> list[Placement]:
    """Give where these messages lie in a folder now."""
    query = select(Placement).where(
        Placement.folder_id == folder_id, Placement.message_id.in_(list(message_ids)), Placement.uid > 0
    )
    return list(s.scalars(query))


def places_of(s: Session, message_ids: Collection[int]) -> list[tuple[Folder, list[int]]]:
    """Give where these messages lie for certain: folders, and their UIDs there."""
    query = (
        select(Folder, Placement.uid)
        .join(Placement, Placement.folder_id == Folder.id)
        .where(Placement.message_id.in_(message_ids), Placement.uid > 0)
        .order_by(Folder.id, Placement.uid)
    )
    places: dict[int, tuple[Folder, list[int]]] = {}
    for folder, uid in s.execute(query):
        places.setdefault(folder.id, (folder, []))[1].append(uid)
    return list(places.values())


def without_place(s: Session, message_ids: Collection[int]) -> set[int]:
    """Give those of these messages that lie nowhere for certain."""
    query = select(Placement.message_id).where(Placement.message_id.in_(message_ids), Placement.uid > 0)
    return set(message_ids) - set(s.scalars(query))


def message_id_headers(s: Session, folder_id: int, uids: Sequence[int]) -> dict[int, str]:
    """Give the Message-ID field of each of these UIDs' messages."""
    query = (
        select(Placement.uid, Message.message_id_header)
        .join(Message, Placement.message_id == Message.id)
        .where(Placement.folder_id == folder_id, Placement.uid.in_(list(uids)))
    )
    return {uid: header for uid, header in s.execute(query)}


def identities_by_uid(s: Session, folder_id: int, uids: Sequence[int]) -> dict[int, str]:
    """Give the identity of each of these UIDs' messages."""
    query = (
        select(Placement.uid, Message.identity)
        .join(Message, Placement.message_id == Message.id)
        .where(Placement.folder_id == folder_id, Placement.uid.in_(list(uids)))
    )
    return {uid: identity for uid, identity in s.execute(query)}


def add_provisional(s: Session, folder: Folder, message_id: int) -> None:
    """Show a message in a folder that it is on its way to; its UID there is not known yet."""
    add_placement(s, folder, message_id, _PROVISIONAL - message_id, frozenset({"\\Seen"}))


def drop_provisional(s: Session, message_ids: Iterable[int]) -> None:
    """Take back what `add_provisional()` did."""
    ids = list(message_ids)
    s.execute(delete(Placement).where(Placement.message_id.in_(ids), Placement.uid <= _PROVISIONAL))


def add_placement(s: Session, folder: Folder, message_id: int, uid: int, flags: frozenset[str]) -> None:
    """Record that a message lies in a folder now; a UID that is known already stays as it is."""
    if uid > 0:
        s.execute(
            delete(Placement).where(
                Placement.folder_id == folder.id, Placement.message_id == message_id, Placement.uid < 0
            )
        )
    if s.scalar(select(Placement.id).where(Placement.folder_id == folder.id, Placement.uid == uid)) is None:
        row = {"account_id": folder.account_id, "message_id": message_id, "folder_id": folder.id, "uid": uid}
        s.execute(insert(Placement), [{**row, **flag_values(flags)}])


def set_leaving(s: Session, placement_ids: Iterable[int], is_leaving: bool) -> None:
    """Mark placements whose move or deletion waits for the server, or take that back."""
    s.execute(update(Placement).where(Placement.id.in_(list(placement_ids))).values(is_leaving=is_leaving))


def set_flags(
    s: Session, folder_id: int, uids: Iterable[int], *, add: Collection[str], remove: Collection[str]
) -> None:
    """Note flags that the server has set and cleared for us."""
    names = {"\\Seen": "is_seen", "\\Flagged": "is_flagged", "\\Answered": "is_answered"}
    for placement in placements_by_uid(s, folder_id, uids).values():
        for flag, column in names.items():
            if flag in add or flag in remove:
                setattr(placement, column, flag in add)


def keep_in_folder(s: Session, folder_id: int, message_ids: Collection[int]) -> None:
    """Take back that these messages are leaving a folder."""
    where = (Placement.folder_id == folder_id, Placement.message_id.in_(message_ids))
    s.execute(update(Placement).where(*where).values(is_leaving=False))


def sync_message_flags(s: Session, message_ids: Iterable[int], *, seen_too: bool) -> None:
    """Carry the placements' flags over to the messages.

    Args:
        seen_too: whether read there is read here (*Keep in step*); otherwise unread stays this side's own affair.
    """
    ids = sorted(set(message_ids))
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        query = (
            select(Placement, Message.is_outgoing)
            .join(Message, Placement.message_id == Message.id)
            .where(Placement.message_id.in_(chunk))
        )
        by_message: dict[int, list[Placement]] = {}
        outgoing: set[int] = set()
        for placement, is_outgoing in s.execute(query):
            by_message.setdefault(placement.message_id, []).append(placement)
            outgoing |= {placement.message_id} if is_outgoing else set()
        updates = []
        for message_id, placements in by_message.items():
            # What only waits for somebody's EXPUNGE says nothing of a message that lies elsewhere as well.
            valid = [each for each in placements if not each.is_leaving] or placements
            values = {
                "id": message_id,
                "is_flagged": any(each.is_flagged for each in valid),
                "is_answered": any(each.is_answered for each in valid),
            }
            if seen_too:
                is_seen = any(each.is_seen for each in valid)
                values["is_unread"] = not is_seen and message_id not in outgoing
            updates.append(values)
        if updates:
            s.execute(update(Message), updates)
