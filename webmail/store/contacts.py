"""Contacts of a tenant, and the conversations that a user has with one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from webmail.domain.addresses import normalise_email
from webmail.domain.search import SearchQuery, Term
from webmail.domain.words import words_of
from webmail.errors import NotFound
from webmail.store._search_entry import NEWEST_KEY, Wanted, message_id_of
from webmail.store.conversations import ConversationPage
from webmail.store.models import ApiKey, Contact, Conversation, Message, utc_now
from webmail.store.scope import Scope
from webmail.store.search_index import dialect_of
from webmail.store.session import Session, count_changed

_MOST_MESSAGES = 2000
"""Of each address and direction, the newest so many are looked through."""


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


def save_contact(s: Session, tenant_id: int, external_id: str, *, name: str, addresses: Sequence[str]) -> bool:
    """Store a person as the tenant knows them now; says whether they are new. Addresses are normalised already."""
    query = select(Contact).where(Contact.tenant_id == tenant_id, Contact.external_id == external_id)
    contact = s.scalar(query)
    is_new = contact is None
    if contact is None:
        contact = Contact(tenant_id=tenant_id, external_id=external_id)
        s.add(contact)
    contact.name, contact.addresses, contact.updated_at = name, list(addresses), utc_now()
    s.flush()
    return is_new


def delete_contact(s: Session, tenant_id: int, external_id: str) -> bool:
    """Forget a person; says whether there was one. Their mail stays in the mailboxes that it lies in."""
    statement = delete(Contact).where(Contact.tenant_id == tenant_id, Contact.external_id == external_id)
    return count_changed(s, statement) > 0


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


def find_api_key(s: Session, key_hash: str) -> ApiKey | None:
    """Give the key of that hash, None when there is none."""
    return s.scalar(select(ApiKey).where(ApiKey.key_hash == key_hash))


def add_api_key(s: Session, tenant_id: int, name: str, key_hash: str) -> None:
    """Keep a key's hash."""
    s.add(ApiKey(tenant_id=tenant_id, name=name, key_hash=key_hash))
