"""Contacts of a tenant, whom an address belongs to, and the conversations that a user has with a contact."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, delete, func, insert, or_, select, true, tuple_
from sqlalchemy.orm import joinedload

from webmail.domain.addresses import normalise_email
from webmail.domain.search import SearchQuery, Term
from webmail.domain.words import words_of
from webmail.errors import NotFound
from webmail.store._search_entry import NEWEST_KEY, Wanted, message_id_of
from webmail.store.conversations import ConversationPage
from webmail.store.models import Contact, ContactAddress, Conversation, Message
from webmail.store.scope import Scope
from webmail.store.search_index import dialect_of
from webmail.store.session import Session

_MOST_MESSAGES = 2000
"""Of each address and direction, the newest so many are looked through."""
_AT_ONCE = 500
_MOST_WORDS = 6


@dataclass(frozen=True)
class ContactPage:
    """One page of the list, by name; `next_cursor` is None on the last one."""

    rows: list[Contact]
    next_cursor: UUID | None


def contact_page(
    s: Session, tenant_id: int, *, search: str = "", tag: str = "", after: UUID | None = None, limit: int = 50
) -> ContactPage:
    """Give a page of the tenant's contacts by keyset.

    Args:
        search: words that each stand in the name, the company or an address.
        tag: only those who have it.
        after: `next_cursor` of the page before; one that is not here any more gives the first page.
    """
    query = select(Contact).where(*_matching(tenant_id, search, tag)).order_by(Contact.name, Contact.id)
    last = find_by_uuid(s, tenant_id, after) if after is not None else None
    if last is not None:
        query = query.where(tuple_(Contact.name, Contact.id) > (last.name, last.id))
    found = list(s.scalars(query.limit(limit + 1)))
    return ContactPage(found[:limit], found[limit - 1].uuid if len(found) > limit else None)


def count_contacts(s: Session, tenant_id: int, *, search: str = "", tag: str = "") -> int:
    """Say how many of the tenant's contacts are found."""
    query = select(func.count()).select_from(Contact).where(*_matching(tenant_id, search, tag))
    return s.scalar(query) or 0


def every_contact(s: Session, tenant_id: int, *, search: str = "", tag: str = "") -> Iterator[Contact]:
    """Give all that are found, by name, without holding them in memory."""
    query = select(Contact).where(*_matching(tenant_id, search, tag)).order_by(Contact.name, Contact.id)
    yield from s.scalars(query.execution_options(yield_per=_AT_ONCE))


def tags_of(s: Session, tenant_id: int) -> list[str]:
    """Give the tags that the tenant's contacts have, in order of the alphabet."""
    if s.get_bind().dialect.name == "sqlite":
        each = func.json_each(Contact.tags).table_valued("value")
    else:
        each = func.json_array_elements_text(Contact.tags).table_valued("value").render_derived()
    query = select(each.c.value).select_from(Contact).join(each, true()).where(Contact.tenant_id == tenant_id)
    return sorted((str(tag) for tag in s.scalars(query.distinct())), key=lambda tag: (tag.casefold(), tag))


def field_names_of(s: Session, tenant_id: int) -> list[str]:
    """Give the names of the further merge fields that the tenant's contacts have."""
    if s.get_bind().dialect.name == "sqlite":
        each = func.json_each(Contact.fields).table_valued("key")
    else:
        each = func.json_object_keys(Contact.fields).table_valued("key").render_derived()
    query = select(each.c.key).select_from(Contact).join(each, true()).where(Contact.tenant_id == tenant_id)
    return sorted(str(name) for name in s.scalars(query.distinct()))


def find_by_uuid(s: Session, tenant_id: int, uuid: UUID) -> Contact | None:
    """Give one of the tenant's contacts, None when there is none."""
    return s.scalar(select(Contact).where(Contact.tenant_id == tenant_id, Contact.uuid == uuid))


def load_by_uuid(s: Session, tenant_id: int, uuid: UUID) -> Contact:
    """Give one of the tenant's contacts.

    Raises:
        NotFound: there is none.
    """
    contact = find_by_uuid(s, tenant_id, uuid)
    if contact is None:
        raise NotFound("This contact is not here any more.")
    return contact


def contacts_by_address(s: Session, tenant_id: int, addresses: Collection[str]) -> dict[str, Contact]:
    """Say whose these addresses are, those of nobody left out; of two who share one, whom we have known longer.

    Args:
        addresses: normalised.
    """
    wanted = sorted(set(addresses))
    found: dict[str, Contact] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        query = (
            select(ContactAddress.address, Contact)
            .join(Contact, Contact.id == ContactAddress.contact_id)
            .where(ContactAddress.tenant_id == tenant_id, ContactAddress.address.in_(wanted[start : start + _AT_ONCE]))
            .order_by(Contact.id.desc())
        )
        found.update((address, contact) for address, contact in s.execute(query))
    return found


def put_addresses(s: Session, contact: Contact, addresses: Sequence[str]) -> None:
    """Give a stored contact its addresses, and let it be found by them; they are normalised already, each once."""
    contact.addresses = list(addresses)
    s.execute(delete(ContactAddress).where(ContactAddress.contact_id == contact.id))
    if addresses:
        key = {"tenant_id": contact.tenant_id, "contact_id": contact.id}
        s.execute(insert(ContactAddress), [key | {"address": each} for each in addresses])


def add_contacts(s: Session, contacts: Sequence[Contact]) -> None:
    """Store new contacts, to be found by their addresses."""
    s.add_all(contacts)
    s.flush()
    rows = [
        {"tenant_id": contact.tenant_id, "contact_id": contact.id, "address": address}
        for contact in contacts
        for address in contact.addresses
    ]
    if rows:
        s.execute(insert(ContactAddress), rows)


def _matching(tenant_id: int, search: str, tag: str) -> Iterator[ColumnElement[bool]]:
    yield Contact.tenant_id == tenant_id
    for word in search.split()[:_MOST_WORDS]:
        by_address = select(ContactAddress.contact_id).where(
            ContactAddress.tenant_id == tenant_id, ContactAddress.address.contains(word.casefold(), autoescape=True)
        )
        yield or_(
            *(
                column.icontains(each, autoescape=True)
                for column in (Contact.name, Contact.company)
                for each in _cases(word)
            ),
            Contact.id.in_(by_address),
        )
    if tag:
        yield cast(Contact.tags, String).contains(json.dumps(tag), autoescape=True)


def _cases(word: str) -> Iterable[str]:
    # SQLite knows upper and lower case of ASCII letters only.
    return {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}


def load_contact(s: Session, tenant_id: int, external_id: str) -> Contact:
    """Give the person whom a tenant calls so.

    Raises:
        NotFound: the tenant has told of nobody of that name.
    """
    query = select(Contact).where(Contact.tenant_id == tenant_id, Contact.external_id == external_id)
    contact = s.scalar(query)
    if contact is None:
        raise NotFound("This person is not known here yet.")
    return contact


def conversations_with(s: Session, scope: Scope, addresses: Sequence[str], *, limit: int = 200) -> ConversationPage:
    """Give the user's conversations in which one of these addresses wrote, or was written to, newest first.

    The index finds what may be meant; each message found is then compared address by address.
    """
    wanted = {normalise_email(each) for each in addresses}
    if not wanted:
        return ConversationPage([], "")
    ids = {message_id_of(key) for address in wanted for key in _candidates(s, scope, address)}
    met: set[int] = set()
    ordered = sorted(ids)
    for start in range(0, len(ordered), 500):
        columns = (Message.conversation_id, Message.from_email, Message.to, Message.cc)
        query = select(*columns).where(Message.id.in_(ordered[start : start + 500]), Message.user_id == scope.user_id)
        for conversation_id, sender, to, cc in s.execute(query):
            if wanted & {normalise_email(each) for each in _addresses(sender, to, cc)}:
                met.add(conversation_id)
    rows = (
        select(Conversation)
        .where(
            Conversation.id.in_(met),
            Conversation.tenant_id == scope.tenant_id,
            Conversation.user_id == scope.user_id,
            Conversation.in_trash.is_(False),
        )
        .options(joinedload(Conversation.account))
        .order_by(Conversation.last_at.desc(), Conversation.id.desc())
        .limit(limit)
    )
    return ConversationPage(list(s.scalars(rows)), "")


def _candidates(s: Session, scope: Scope, address: str) -> Iterable[int]:
    words = tuple(words_of(address))
    for field in ("from", "to"):
        query = SearchQuery(terms=(Term(words, field=field),))
        yield from dialect_of(s).newest(s, Wanted(query, scope.user_id, None), NEWEST_KEY, _MOST_MESSAGES)


def _addresses(sender: str, *recipients: Sequence[Sequence[str]]) -> Iterable[str]:
    yield sender
    for each in recipients:
        yield from (email for _, email in each)
