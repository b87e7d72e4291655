"""What accounts that keep only mail with contacts know of the rest: nothing but the UIDs that were left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, delete, exists, insert, select, update

from webmail.domain.uid_sets import pack_uids, unpack_uids
from webmail.store.correspondents import note_correspondents
from webmail.store.models import (
    Account,
    ContactAddress,
    Conversation,
    Correspondent,
    Folder,
    MailingRecipient,
    Message,
    Placement,
    SearchedAddress,
    Submission,
)
from webmail.store.session import Session

_CHUNK = 500
_WRITTEN_TO = ("queued", "sent", "failed", "unsure")


def contacts_among(s: Session, tenant_id: int, emails: Collection[str]) -> set[str]:
    """Give those of these addresses, normalised, that are a contact's or that a mailing has written to."""
    found: set[str] = set()
    for chunk in _chunks(emails):
        known = select(ContactAddress.address).where(
            ContactAddress.tenant_id == tenant_id, ContactAddress.address.in_(chunk)
        )
        written_to = select(MailingRecipient.email).where(
            MailingRecipient.tenant_id == tenant_id,
            MailingRecipient.email.in_(chunk),
            MailingRecipient.state.in_(_WRITTEN_TO),
        )
        found.update(s.scalars(known))
        found.update(s.scalars(written_to))
    return found


def stored_ids(s: Session, account_id: int, message_ids: Collection[str]) -> set[str]:
    """Give those of these Message-IDs that messages of an account have."""
    found: set[str] = set()
    for chunk in _chunks(message_ids):
        query = select(Message.message_id_header).where(
            Message.account_id == account_id, Message.message_id_header.in_(chunk)
        )
        found.update(s.scalars(query))
    return found


def _chunks(values: Collection[str]) -> Iterable[list[str]]:
    ordered = sorted(values)
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))


def left_out_of(s: Session, folder_id: int) -> set[int]:
    """Give the UIDs that were left out of a folder."""
    return unpack_uids(s.scalar(select(Folder.left_out).where(Folder.id == folder_id)) or "")


def count_left_out(s: Session, account_id: int) -> int:
    """Count the messages that were left out of an account."""
    texts = s.scalars(select(Folder.left_out).where(Folder.account_id == account_id, Folder.left_out != ""))
    return sum(len(unpack_uids(text)) for text in texts)


def note_left_out(s: Session, folder_id: int, *, add: Collection[int] = (), drop: Collection[int] = ()) -> int:
    """Note UIDs that are left out of a folder, and such as are not any more: gives how many of these there were."""
    if not add and not drop:
        return 0
    known = left_out_of(s, folder_id)
    now = (known | set(add)) - set(drop)
    if now != known:
        s.execute(update(Folder).where(Folder.id == folder_id).values(left_out=pack_uids(now)))
    return len(known & set(drop))


def unsearched(s: Session, account: Account, limit: int) -> list[str]:
    """Give addresses of contacts whose older mail has not been looked for in an account, at most so many."""
    query = (
        select(ContactAddress.address)
        .where(
            ContactAddress.tenant_id == account.tenant_id,
            ~exists().where(
                SearchedAddress.account_id == account.id, SearchedAddress.address == ContactAddress.address
            ),
        )
        .distinct()
        .order_by(ContactAddress.address)
        .limit(limit)
    )
    return list(s.scalars(query))


def mark_searched(s: Session, account: Account, addresses: Sequence[str] | None = None) -> None:
    """Note that older mail has been looked for: with these addresses, or with those of all contacts there are now.

    Addresses that are no contact's any more are forgotten: should one come back, it is looked for again.
    """
    wanted = unsearched(s, account, 1_000_000) if addresses is None else addresses
    if wanted:
        s.execute(insert(SearchedAddress), [{"account_id": account.id, "address": each} for each in wanted])
    s.execute(delete(SearchedAddress).where(*_no_contacts(account)))


def has_forgotten(s: Session, account: Account) -> bool:
    """Say whether an address is noted as looked for that is no contact's any more."""
    return s.scalar(select(SearchedAddress.address).where(*_no_contacts(account)).limit(1)) is not None


def forget_addresses(s: Session, tenant_id: int, addresses: Sequence[str]) -> None:
    """Forget that these addresses have been looked for in the accounts of a tenant."""
    accounts = select(Account.id).where(Account.tenant_id == tenant_id)
    s.execute(
        delete(SearchedAddress).where(SearchedAddress.account_id.in_(accounts), SearchedAddress.address.in_(addresses))
    )


def _no_contacts(account: Account) -> tuple[ColumnElement[bool], ...]:
    is_known = exists().where(
        ContactAddress.tenant_id == account.tenant_id, ContactAddress.address == SearchedAddress.address
    )
    return SearchedAddress.account_id == account.id, ~is_known


def forget_searches(s: Session, account_id: int) -> None:
    """Have nothing left out of an account any more: what is in the mailbox is to be read again."""
    s.execute(delete(SearchedAddress).where(SearchedAddress.account_id == account_id))
    s.execute(update(Folder).where(Folder.account_id == account_id).values(left_out="", second_look_uid=None))


def accounts_with_private(s: Session) -> list[Account]:
    """Give the accounts in which what is with no contact has still to be erased."""
    return list(s.scalars(select(Account).where(Account.has_private)))


def accounts_keeping_contacts_only(s: Session, tenant_id: int) -> list[Account]:
    """Give the accounts of a tenant that keep only mail with contacts and are read."""
    query = select(Account).where(
        Account.tenant_id == tenant_id,
        Account.only_contacts,
        Account.reads_mail,
        Account.secret.is_not(None),
        Account.status.in_(("connected", "error")),
    )
    return list(s.scalars(query))


def messages_to_judge(
    s: Session, account_id: int, conversation_ids: Sequence[int] | None = None
) -> Iterable[tuple[int, str, list[list[str]]]]:
    """Give (conversation, sender, recipients) of each message of an account, or of some of its conversations."""
    columns = (Message.conversation_id, Message.from_email, Message.to.label("to"), Message.cc, Message.bcc)
    query = select(*columns).where(Message.account_id == account_id).execution_options(yield_per=1000)
    if conversation_ids is not None:
        query = query.where(Message.conversation_id.in_(conversation_ids))
    for row in s.execute(query):
        yield row.conversation_id, row.from_email, [*row.to, *row.cc, *row.bcc]


def conversations_sent_from_here(s: Session, account_id: int) -> set[int]:
    """Give the conversations of an account in which something was sent from here."""
    query = (
        select(Message.conversation_id)
        .join(Submission, Submission.message_id == Message.id)
        .where(Message.account_id == account_id)
    )
    return set(s.scalars(query))


def count_messages(s: Session, conversation_ids: Collection[int]) -> int:
    """Count the messages of conversations."""
    total = 0
    ordered = sorted(conversation_ids)
    for start in range(0, len(ordered), _CHUNK):
        query = select(Message.id).where(Message.conversation_id.in_(ordered[start : start + _CHUNK]))
        total += len(list(s.scalars(query)))
    return total


def count_correspondents_anew(s: Session, account: Account) -> None:
    """Have an account know only those whom the mail that is left was sent to or came from."""
    s.execute(delete(Correspondent).where(Correspondent.account_id == account.id))
    columns = (
        Message.is_outgoing,
        Message.from_name,
        Message.from_email,
        Message.to.label("to"),
        Message.cc,
        Message.bcc,
        Message.sent_at,
    )
    query = select(*columns).where(Message.account_id == account.id).order_by(Message.id)
    for rows in s.execute(query).mappings().partitions(_CHUNK):
        note_correspondents(s, account, [{str(key): value for key, value in row.items()} for row in rows])


def erase_conversations(s: Session, conversation_ids: Sequence[int]) -> None:
    """Delete conversations of one account with the drafts that answer them; their UIDs count as left out."""
    placed = (
        select(Placement.folder_id, Placement.uid)
        .join(Message, Placement.message_id == Message.id)
        .join(Folder, Placement.folder_id == Folder.id)
        .where(Message.conversation_id.in_(conversation_ids), Placement.uid > 0, Folder.is_synced)
    )
    uids: dict[int, set[int]] = {}
    for folder_id, uid in s.execute(placed):
        uids.setdefault(folder_id, set()).add(uid)
    for folder_id, found in uids.items():
        note_left_out(s, folder_id, add=found)
    own = select(Message.id).where(Message.conversation_id.in_(conversation_ids))
    s.execute(delete(Submission).where(Submission.state == "draft", Submission.source_message_id.in_(own)))
    s.execute(delete(Conversation).where(Conversation.id.in_(conversation_ids)))
