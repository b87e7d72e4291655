"""What colleagues see of a user's mail, and the only way for them to see it.

Everything that shows one user's mail to another asks `_judged()`, which holds the tenant, the sharing rule and the leak
guard (`webmail.domain.privacy`) together. Nothing else in the store looks past a user's own rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import contains_eager, selectinload, undefer

from webmail.domain.addresses import normalise_email
from webmail.domain.privacy import (
    ALL,
    CONTACTS,
    NOTHING,
    SHARED,
    STAFF_TAG,
    Case,
    Colleagues,
    KnownContact,
    Parties,
    Verdict,
    judge,
    parties_of,
    rule_of,
)
from webmail.domain.search import SearchQuery, Term
from webmail.domain.words import words_of
from webmail.errors import NotFound
from webmail.store._search_entry import NEWEST_KEY, Wanted, message_id_of
from webmail.store.models import (
    Account,
    Attachment,
    Contact,
    ContactAddress,
    Conversation,
    Folder,
    Message,
    Placement,
    Submission,
    Tenant,
    User,
)
from webmail.store.scope import Scope
from webmail.store.search_index import dialect_of
from webmail.store.session import Session

_CHUNK = 500
_MOST_MESSAGES = 500
"""Of each mailbox, address and direction, the newest so many are looked through."""
_MOST_LOOKED_AT = 4000
_MOST_SHOWN = 200


@dataclass(frozen=True)
class SharedMessage:
    """What a list shows of a message that colleagues may see."""

    id: int
    sent_at: datetime
    sender: str
    subject: str
    snippet: str
    has_attachments: bool
    is_outgoing: bool


@dataclass(frozen=True)
class SharedConversation:
    """What a colleague sees of somebody's conversation; `messages`, oldest first, is never empty.

    `conversation` has its account with it. Its own figures are not for colleagues: they count what is hidden, too.
    """

    conversation: Conversation
    owner: str
    owner_uuid: UUID
    messages: list[SharedMessage]

    @property
    def uuid(self) -> UUID:
        return self.conversation.uuid

    @property
    def mailbox(self) -> str:
        return self.conversation.account.email

    @property
    def newest(self) -> SharedMessage:
        return self.messages[-1]

    @property
    def last_at(self) -> datetime:
        return self.newest.sent_at

    @property
    def subject(self) -> str:
        return self.messages[0].subject

    @property
    def senders(self) -> list[str]:
        """Display names in order of first appearance, the owner's in place of "me"."""
        return list(dict.fromkeys(self.owner if each.is_outgoing else each.sender for each in self.messages))

    @property
    def has_attachments(self) -> bool:
        return any(each.has_attachments for each in self.messages)


@dataclass(frozen=True)
class Standing:
    """How a conversation stands with colleagues, for its owner: the rule that holds, and what the leak guard says."""

    rule: str
    verdict: Verdict

    @property
    def is_shared(self) -> bool:
        return bool(self.verdict.visible)


def shared_with(s: Session, scope: Scope, contact: Contact) -> list[SharedConversation]:
    """Give what colleagues of the user share of their mail with a contact, newest first.

    Args:
        contact: one of the user's tenant.
    """
    addresses = {normalise_email(each) for each in contact.addresses}
    if not addresses:
        return []
    query = _of_colleagues(scope).where(
        Conversation.id.in_(_conversations_with(s, scope, addresses)), Conversation.in_trash.is_(False)
    )
    found = list(s.scalars(query.order_by(Conversation.last_at.desc(), Conversation.id.desc()).limit(_MOST_SHOWN)))
    shared = _judged(s, scope, contact, found)
    return sorted(shared, key=lambda each: (each.last_at, each.conversation.id), reverse=True)


def load_shared(s: Session, scope: Scope, contact: Contact, conversation_uuid: UUID) -> SharedConversation:
    """Give a colleague's conversation with a contact, as far as it is shared.

    Raises:
        NotFound: there is none, it is not shared, or it is not with this contact.
    """
    query = _of_colleagues(scope).where(Conversation.uuid == conversation_uuid, Conversation.in_trash.is_(False))
    shared = _judged(s, scope, contact, list(s.scalars(query)))
    if not shared:
        raise NotFound("This conversation is not shared with you.")
    return shared[0]


def load_messages(s: Session, shared: SharedConversation) -> list[Message]:
    """Give the visible messages of a shared conversation, oldest first, with their attachments."""
    query = _visible(shared).options(selectinload(Message.attachments)).order_by(Message.sent_at, Message.id)
    return list(s.scalars(query))


def load_message(s: Session, shared: SharedConversation, uuid: UUID) -> Message:
    """Give a visible message of a shared conversation with its text, HTML and attachments.

    Raises:
        NotFound: there is none.
    """
    options = undefer(Message.text), undefer(Message.html), selectinload(Message.attachments)
    message = s.scalar(_visible(shared).where(Message.uuid == uuid).options(*options))
    if message is None:
        raise NotFound("This message is not shared with you.")
    return message


def require_attachment(s: Session, shared: SharedConversation, uuid: UUID) -> None:
    """See that an attachment belongs to a visible message of a shared conversation.

    Raises:
        NotFound: it does not.
    """
    query = select(Attachment.id).where(
        Attachment.uuid == uuid, Attachment.message_id.in_([each.id for each in shared.messages])
    )
    if s.scalar(query) is None:
        raise NotFound("This attachment is not shared with you.")


def _visible(shared: SharedConversation) -> Select[Message]:
    return select(Message).where(Message.id.in_([each.id for each in shared.messages]))


def standing_of(s: Session, scope: Scope, conversation: Conversation) -> Standing:
    """Say how one of the user's conversations, with its account, stands with colleagues."""
    rule = rule_of(conversation.account.sharing, conversation.sharing)
    if rule == NOTHING:
        return Standing(rule, Verdict())
    rows = _rows(s, [conversation.id]).get(conversation.id, [])
    messages = {row.id: row.parties for row in rows}
    case = Case(messages, _contacts_among(s, scope.tenant_id, messages.values()), colleagues_of(s, scope.tenant_id))
    return Standing(rule, judge(rule, case))


def colleagues_of(s: Session, tenant_id: int) -> Colleagues:
    """Give the tenant's own people: its users, their mailboxes with further addresses, and its own domains."""
    addresses: set[str] = set()
    for email, launch_email in s.execute(select(User.email, User.launch_email).where(User.tenant_id == tenant_id)):
        addresses |= {normalise_email(email), normalise_email(launch_email)}
    for email, aliases in s.execute(select(Account.email, Account.aliases).where(Account.tenant_id == tenant_id)):
        addresses |= {normalise_email(str(each)) for each in (email, *aliases)}
    domains = s.scalar(select(Tenant.own_domains).where(Tenant.id == tenant_id)) or []
    return Colleagues(frozenset(addresses - {""}), frozenset(domains))


def known_among(s: Session, tenant_id: int, emails: Collection[str]) -> set[str]:
    """Give those of these addresses, normalised, that are a contact's."""
    found: set[str] = set()
    ordered = sorted(emails)
    for start in range(0, len(ordered), _CHUNK):
        query = select(ContactAddress.address).where(
            ContactAddress.tenant_id == tenant_id, ContactAddress.address.in_(ordered[start : start + _CHUNK])
        )
        found.update(s.scalars(query))
    return found


def _of_colleagues(scope: Scope) -> Select[Conversation]:
    """Begin a query for what colleagues of the user may have shared: the same tenant, another user, a rule."""
    return (
        select(Conversation)
        .join(Conversation.account)
        .where(
            Conversation.tenant_id == scope.tenant_id,
            Account.tenant_id == scope.tenant_id,
            Conversation.user_id != scope.user_id,
            Account.status != "erasing",
            _is_shared(),
        )
        .options(contains_eager(Conversation.account))
    )


def _is_shared() -> ColumnElement[bool]:
    """Give the sharing rule as a condition; `_judged()` has the last word."""
    by_account = and_(Conversation.sharing == "", Account.sharing.in_((CONTACTS, ALL)))
    return or_(Conversation.sharing == SHARED, by_account)


def _judged(
    s: Session, scope: Scope, contact: Contact, conversations: Sequence[Conversation]
) -> list[SharedConversation]:
    """Give what of these conversations the user may see in the pane of a contact: rule and leak guard in one place."""
    colleagues = colleagues_of(s, scope.tenant_id)
    if not conversations or _known(contact).is_staff(colleagues):
        return []
    rows = _rows(s, [each.id for each in conversations])
    contacts = _contacts_among(s, scope.tenant_id, [row.parties for each in rows.values() for row in each])
    wanted = {normalise_email(each) for each in contact.addresses}
    owners = _names_of(s, {each.user_id for each in conversations})
    shared = []
    for each in conversations:
        if each.tenant_id != scope.tenant_id or each.user_id == scope.user_id:
            continue
        messages = {row.id: row.parties for row in rows.get(each.id, [])}
        verdict = judge(rule_of(each.account.sharing, each.sharing), Case(messages, contacts, colleagues))
        visible = [row for row in rows.get(each.id, []) if row.id in verdict.visible and row.is_there]
        if any(row.parties & wanted for row in visible):
            owner, owner_uuid = owners[each.user_id]
            shared.append(SharedConversation(each, owner, owner_uuid, [row.message for row in visible]))
    return shared


@dataclass(frozen=True)
class _Row:
    message: SharedMessage
    parties: Parties
    is_there: bool
    """It has been sent, and lies elsewhere than in the trash or among junk."""

    @property
    def id(self) -> int:
        return self.message.id


def _rows(s: Session, conversation_ids: Sequence[int]) -> dict[int, list[_Row]]:
    columns = (
        Message.id,
        Message.conversation_id,
        Message.sent_at,
        Message.from_name,
        Message.from_email,
        Message.to.label("to"),
        Message.cc,
        Message.bcc,
        Message.subject,
        Message.snippet,
        Message.has_attachments,
        Message.is_outgoing,
    )
    rows: dict[int, list[_Row]] = {}
    absent = _absent(s, conversation_ids)
    query = select(*columns).where(Message.conversation_id.in_(conversation_ids))
    for each in s.execute(query.order_by(Message.sent_at, Message.id)):
        message = SharedMessage(
            each.id,
            each.sent_at,
            each.from_name or each.from_email,
            each.subject,
            each.snippet,
            each.has_attachments,
            each.is_outgoing,
        )
        parties = parties_of(each.from_email, each.to, each.cc, each.bcc)
        rows.setdefault(each.conversation_id, []).append(_Row(message, parties, each.id not in absent))
    return rows


def _absent(s: Session, conversation_ids: Sequence[int]) -> set[int]:
    """Give the messages that the owner has put away, or has not sent yet."""
    lies_away = func.max(case((Folder.role.in_(("trash", "junk")), 0), else_=1))
    away = (
        select(Message.id)
        .join(Placement, Placement.message_id == Message.id)
        .join(Folder, Placement.folder_id == Folder.id)
        .where(Message.conversation_id.in_(conversation_ids))
        .group_by(Message.id)
        .having(lies_away == 0)
    )
    unsent = (
        select(Submission.message_id)
        .join(Message, Submission.message_id == Message.id)
        .where(Message.conversation_id.in_(conversation_ids), Submission.state != "sent")
    )
    return {*s.scalars(away), *(key for key in s.scalars(unsent) if key is not None)}


def _contacts_among(s: Session, tenant_id: int, parties: Iterable[Parties]) -> list[KnownContact]:
    emails = sorted({email for each in parties for email in each})
    found: dict[int, KnownContact] = {}
    for start in range(0, len(emails), _CHUNK):
        query = (
            select(Contact)
            .join(ContactAddress, ContactAddress.contact_id == Contact.id)
            .where(ContactAddress.tenant_id == tenant_id, ContactAddress.address.in_(emails[start : start + _CHUNK]))
        )
        found |= {contact.id: _known(contact) for contact in s.scalars(query)}
    return list(found.values())


def _known(contact: Contact) -> KnownContact:
    tags = {str(tag).casefold() for tag in contact.tags}
    return KnownContact(frozenset(normalise_email(each) for each in contact.addresses), STAFF_TAG in tags)


def _names_of(s: Session, user_ids: Collection[int]) -> dict[int, tuple[str, UUID]]:
    query = select(User.id, User.name, User.launch_email, User.email, User.uuid).where(User.id.in_(user_ids))
    return {key: (name or launch_email or email, uuid) for key, name, launch_email, email, uuid in s.execute(query)}


def _conversations_with(s: Session, scope: Scope, addresses: Collection[str]) -> list[int]:
    """Give conversations in mailboxes of colleagues that share anything, in which one of these addresses may have a
    part, by what the index finds."""
    by_itself = select(Conversation.account_id).where(
        Conversation.tenant_id == scope.tenant_id, Conversation.sharing == SHARED
    )
    accounts = select(Account.id, Account.user_id).where(
        Account.tenant_id == scope.tenant_id,
        Account.user_id != scope.user_id,
        or_(Account.sharing.in_((CONTACTS, ALL)), Account.id.in_(by_itself)),
    )
    found: set[int] = set()
    for account_id, user_id in s.execute(accounts):
        for address in addresses:
            for place in ("from", "to"):
                terms = (Term(tuple(words_of(address)), field=place),)
                wanted = Wanted(SearchQuery(terms=terms), user_id, account_id)
                found.update(dialect_of(s).newest(s, wanted, NEWEST_KEY, _MOST_MESSAGES))
    ids = [message_id_of(key) for key in sorted(found, reverse=True)[:_MOST_LOOKED_AT]]
    met: set[int] = set()
    for start in range(0, len(ids), _CHUNK):
        query = select(Message.conversation_id).where(Message.id.in_(ids[start : start + _CHUNK]))
        met.update(s.scalars(query))
    return sorted(met)
