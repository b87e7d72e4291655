"""Messages: reading one, and taking in those that a sync found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.orm import joinedload, selectinload, undefer

from webmail.errors import NotFound
from webmail.store.correspondents import note_correspondents
from webmail.store.models import Account, Attachment, Conversation, Folder, Message, Placement
from webmail.store.scope import Scope
from webmail.store.search_index import index_messages, index_new
from webmail.store.session import Session
from webmail.store.threads import Threadable, assign_conversations

_CHUNK = 500
_MESSAGES, _PLACEMENTS, _ATTACHMENTS = (cast("Table", each.__table__) for each in (Message, Placement, Attachment))
_BLANK: dict[str, Any] = {
    **dict.fromkeys(("message_id_header", "in_reply_to", "from_name", "from_email", "subject", "snippet"), ""),
    **{name: [] for name in ("references", "reply_to", "to", "cc", "bcc")},
    **dict.fromkeys(("is_outgoing", "is_unread", "is_flagged", "is_answered", "has_attachments"), False),
    "date_header_at": None,
    "text": "",
    "html": "",
    "body_state": "headers",
    "size_bytes": 0,
}


@dataclass(frozen=True)
class NewAttachment:
    """An attachment as BODYSTRUCTURE tells of it; the columns of `Attachment`."""

    section: str
    filename: str
    media_type: str
    size_bytes: int
    content_id: str
    is_inline: bool
    encoding: str


@dataclass(frozen=True)
class Arrival:
    """A message as a sync found it in a folder, or as a submission makes it (then without `uid`)."""

    identity: str
    thread_keys: Sequence[str]
    values: dict[str, Any]
    """Columns of `Message`: message_id_header, sent_at, from_name, subject …"""
    visible: str = ""
    """What a reader sees of its text, for the search index; "" where the index has to find out."""
    attachments: Sequence[NewAttachment] = ()
    uid: int | None = None
    modseq: int = 0
    flags: frozenset[str] = field(default_factory=frozenset)
    known_as: str = ""
    """The identity that it may be stored under from before its server gave it one of its own: a mail of ours."""


@dataclass
class TakenIn:
    """What `take_in()` did: the messages that were new here, and the conversations that changed."""

    new_message_ids: list[int]
    conversation_ids: set[int]
    message_id_by_uid: dict[int, int]


def load_message(s: Session, scope: Scope, uuid: UUID) -> Message:
    """Give one of the user's messages with text, HTML, attachments and placements (with folder).

    Raises:
        NotFound: there is none, or it is another user's.
    """
    query = (
        select(Message)
        .where(Message.uuid == uuid, Message.tenant_id == scope.tenant_id, Message.user_id == scope.user_id)
        .options(
            undefer(Message.text),
            undefer(Message.html),
            selectinload(Message.attachments),
            selectinload(Message.placements).joinedload(Placement.folder),
        )
    )
    message = s.scalar(query)
    if message is None:
        raise NotFound("This message is not here any more.")
    return message


def load_attachment(s: Session, scope: Scope, uuid: UUID) -> Attachment:
    """Give one attachment of the user's messages, with its message and where that lies.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    query = (
        select(Attachment)
        .join(Attachment.message)
        .where(Attachment.uuid == uuid, Message.tenant_id == scope.tenant_id, Message.user_id == scope.user_id)
        .options(joinedload(Attachment.message).selectinload(Message.placements).joinedload(Placement.folder))
    )
    attachment = s.scalar(query)
    if attachment is None:
        raise NotFound("This attachment is not here any more.")
    return attachment


def take_in(s: Session, account: Account, folder: Folder | None, arrivals: Sequence[Arrival]) -> TakenIn:
    """Store messages with their placements in `folder`, each message once per account.

    What is already known by its identity only gets its placement; the rest is threaded and inserted. The caller
    refreshes the conversations named in the answer.

    Args:
        folder: where they lie; None for a mail that we are about to send.
    """
    # A sync and a submission may bring the same mail at the same moment; SQLite has one writer anyway.
    s.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    known = ids_by_identity(s, account.id, [arrival.identity for arrival in arrivals])
    known |= _adopt(s, account, [each for each in arrivals if each.known_as and each.identity not in known])
    fresh: dict[str, Arrival] = {}
    for arrival in sorted(arrivals, key=lambda each: each.values["sent_at"]):
        if arrival.identity not in known:
            fresh.setdefault(arrival.identity, arrival)
    new_ids = _insert_messages(s, account, list(fresh.values()))
    known.update(new_ids)
    by_uid = {arrival.uid: known[arrival.identity] for arrival in arrivals if arrival.uid is not None}
    if folder is not None:
        _place(s, account, folder, arrivals, by_uid)
    touched = set(conversation_ids_of(s, known.values()))
    return TakenIn(list(new_ids.values()), touched, by_uid)


def _adopt(s: Session, account: Account, arrivals: Sequence[Arrival]) -> dict[str, int]:
    """Give messages that were stored before their server had an id for them that id; {identity: message id}."""
    stored = ids_by_identity(s, account.id, [each.known_as for each in arrivals])
    adopted: dict[str, int] = {}
    for arrival in arrivals:
        message_id = stored.pop(arrival.known_as, None)
        if message_id is not None:
            s.execute(update(Message).where(Message.id == message_id).values(identity=arrival.identity))
            adopted[arrival.identity] = message_id
    if adopted:
        known = [each for each in arrivals if each.identity in adopted]
        assign_conversations(
            s, account, [Threadable(each.thread_keys, each.values["subject"], each.values["sent_at"]) for each in known]
        )
    return adopted


def ids_by_identity(s: Session, account_id: int, identities: Sequence[str]) -> dict[str, int]:
    """Give the keys of those messages of an account that are stored, by identity."""
    found: dict[str, int] = {}
    for start in range(0, len(identities), _CHUNK):
        query = select(Message.identity, Message.id).where(
            Message.account_id == account_id, Message.identity.in_(identities[start : start + _CHUNK])
        )
        found.update({identity: message_id for identity, message_id in s.execute(query)})
    return found


def _insert_messages(s: Session, account: Account, arrivals: Sequence[Arrival]) -> dict[str, int]:
    if not arrivals:
        return {}
    conversation_ids = assign_conversations(
        s,
        account,
        [Threadable(each.thread_keys, each.values.get("subject", ""), each.values["sent_at"]) for each in arrivals],
    )
    rows = [
        {
            "uuid": uuid4(),
            "tenant_id": account.tenant_id,
            "user_id": account.user_id,
            "account_id": account.id,
            "conversation_id": conversation_id,
            "identity": arrival.identity,
            "has_attachments": any(not each.is_inline for each in arrival.attachments),
            **arrival.values,
        }
        for arrival, conversation_id in zip(arrivals, conversation_ids, strict=True)
    ]
    whole = [_BLANK | row for row in rows]
    s.execute(insert(_MESSAGES), [_columns(row) for row in whole])
    note_correspondents(s, account, whole)
    ids = ids_by_identity(s, account.id, [arrival.identity for arrival in arrivals])
    attachments = [
        {"uuid": uuid4(), "message_id": ids[arrival.identity], **vars(attachment)}
        for arrival in arrivals
        for attachment in arrival.attachments
    ]
    if attachments:
        s.execute(insert(_ATTACHMENTS), attachments)
    index_new(
        s, ((row | {"id": ids[row["identity"]]}, each.visible) for row, each in zip(whole, arrivals, strict=True))
    )
    return ids


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row by the names of its columns: rows of one shape go to the database in one call, past the ORM."""
    return {"to_addresses" if name == "to" else name: value for name, value in row.items()}


def _place(s: Session, account: Account, folder: Folder, arrivals: Sequence[Arrival], by_uid: dict[int, int]) -> None:
    uids = [arrival.uid for arrival in arrivals if arrival.uid is not None]
    placed = set(s.scalars(select(Placement.uid).where(Placement.folder_id == folder.id, Placement.uid.in_(uids))))
    leaving = _drop_stale(s, folder.id, set(by_uid.values()))
    rows = [
        {
            "account_id": account.id,
            "message_id": by_uid[arrival.uid],
            "folder_id": folder.id,
            "uid": arrival.uid,
            "modseq": arrival.modseq,
            **flag_values(arrival.flags),
            "is_leaving": by_uid[arrival.uid] in leaving or "\\deleted" in {flag.lower() for flag in arrival.flags},
        }
        for arrival in arrivals
        if arrival.uid is not None and arrival.uid not in placed
    ]
    if rows:
        s.execute(insert(_PLACEMENTS), rows)


def _drop_stale(s: Session, folder_id: int, message_ids: set[int]) -> set[int]:
    """Drop placements kept from before a UIDVALIDITY change (negative UIDs, see `store.placements`).

    Returns:
        The messages among them that were on their way out: what the user did here still holds.
    """
    where = (Placement.folder_id == folder_id, Placement.uid < 0, Placement.message_id.in_(message_ids))
    leaving = set(s.scalars(select(Placement.message_id).where(*where, Placement.is_leaving)))
    s.execute(delete(Placement).where(*where))
    return leaving


def flag_values(flags: frozenset[str]) -> dict[str, bool]:
    """Turn IMAP system flags into the columns of a placement.

    What is \\Deleted waits for somebody's EXPUNGE; without UIDPLUS it is all that a move leaves behind.
    """
    lowered = {flag.lower() for flag in flags}
    return {
        "is_seen": "\\seen" in lowered,
        "is_flagged": "\\flagged" in lowered,
        "is_answered": "\\answered" in lowered,
        "is_draft": "\\draft" in lowered,
        "is_leaving": "\\deleted" in lowered,
    }


def conversation_ids_of(s: Session, message_ids: Iterable[int]) -> list[int]:
    """Give the conversations of these messages, each once."""
    ids = sorted(set(message_ids))
    found: set[int] = set()
    for start in range(0, len(ids), _CHUNK):
        found.update(
            s.scalars(select(Message.conversation_id).where(Message.id.in_(ids[start : start + _CHUNK])).distinct())
        )
    return sorted(found)


def set_unread(s: Session, message_ids: Sequence[int], *, is_unread: bool) -> None:
    """Mark messages as unread here, or as read."""
    for start in range(0, len(message_ids), _CHUNK):
        chunk = list(message_ids[start : start + _CHUNK])
        s.execute(update(Message).where(Message.id.in_(chunk)).values(is_unread=is_unread))


def messages_of_conversation(s: Session, conversation_id: int) -> list[Message]:
    """Give a conversation's messages with their placements (with folder), oldest first."""
    return messages_of_conversations(s, [conversation_id])


def messages_of_conversations(s: Session, conversation_ids: Sequence[int]) -> list[Message]:
    """Give the messages of several conversations with their placements (with folder), oldest first."""
    query = (
        select(Message)
        .where(Message.conversation_id.in_(conversation_ids))
        .options(selectinload(Message.placements).joinedload(Placement.folder))
        .order_by(Message.sent_at, Message.id)
    )
    return list(s.scalars(query))


@dataclass(frozen=True)
class WaitingBody:
    """A message whose text is not here yet, and where to get it."""

    message_id: int
    uid: int
    size_bytes: int


def bodies_waiting(s: Session, folder: Folder, limit: int) -> list[WaitingBody]:
    """Give the newest messages of a folder whose bodies have not been fetched."""
    # By the account's index of those that wait: by the folder's, each call would walk past all that are done.
    query = (
        select(Message.id, Placement.uid, Message.size_bytes)
        .join(Placement, Placement.message_id == Message.id)
        .where(
            Message.account_id == folder.account_id,
            Message.body_state == "headers",
            Placement.folder_id == folder.id,
            Placement.uid > 0,
        )
        .order_by(Message.sent_at.desc())
        .limit(limit)
    )
    return [WaitingBody(*row) for row in s.execute(query)]


@dataclass(frozen=True)
class Whereabouts:
    """Where one message without its body lies."""

    account_id: int
    folder_name: str
    uidvalidity: int | None
    uid: int
    size_bytes: int
    conversation_uuid: UUID


def where_it_lies(s: Session, message_id: int) -> Whereabouts | None:
    """Give where a message whose body is still missing can be fetched; None when that is not so, or nowhere."""
    query = (
        select(
            Message.account_id,
            Folder.name,
            Folder.uidvalidity,
            Placement.uid,
            Message.size_bytes,
            Conversation.uuid,
        )
        .join(Placement, Placement.message_id == Message.id)
        .join(Folder, Placement.folder_id == Folder.id)
        .join(Conversation, Message.conversation_id == Conversation.id)
        .where(Message.id == message_id, Message.body_state == "headers", Placement.uid > 0)
        .limit(1)
    )
    row = s.execute(query).first()
    return Whereabouts(*row) if row else None


def save_bodies(s: Session, bodies: Sequence[dict[str, Any]]) -> None:
    """Store text, HTML and snippet: [{"id", "text", "html", "snippet", "body_state", "has_attachments"?}, …].

    "visible", what a reader sees of HTML that came without text, is not stored but spares finding it out for the index.
    """
    if bodies:
        visible = {body["id"]: body["visible"] for body in bodies if "visible" in body}
        s.execute(update(Message), [{key: body[key] for key in body if key != "visible"} for body in bodies])
        index_messages(s, [body["id"] for body in bodies], visible)
