"""What the page of a shared conversation shows, and what its owner is told about sharing it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask_babel import gettext, ngettext

from webmail.blueprints._conversation import MessageView
from webmail.domain.privacy import ALL, INTERNAL, NO_CONTACT, NOTHING, OWN_STAFF, PRIVATE
from webmail.store import sharing
from webmail.store.contacts import load_by_uuid
from webmail.store.conversations import body_facts
from webmail.store.models import Contact, Conversation
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.sharing import SharedConversation, Standing

REASONS = {
    INTERNAL: "Stays private: everybody in it is a colleague.",
    OWN_STAFF: "Stays private: it is with one of your own people.",
    NO_CONTACT: "Stays private: nobody in it is a contact.",
}


@dataclass(frozen=True)
class SharedView:
    """A colleague's conversation as its page shows it."""

    contact: Contact
    shared: SharedConversation
    messages: list[MessageView]

    @property
    def write_to(self) -> str:
        """The address that a mail of one's own goes to."""
        return next(iter(self.contact.addresses), "")


def load_shared_view(scope: Scope, contact_uuid: UUID, conversation_uuid: UUID) -> SharedView:
    """Read a colleague's conversation with a contact for its page.

    Raises:
        NotFound: no such contact, or no such conversation that is shared.
    """
    with reading() as s:
        contact = load_by_uuid(s, scope.tenant_id, contact_uuid)
        shared = sharing.load_shared(s, scope, contact, conversation_uuid)
        messages = sharing.load_messages(s, shared)
        facts = body_facts(s, [message.id for message in messages])
    views = [
        MessageView(message, facts[message.id], None, is_open=message is messages[-1], owner=shared.owner)
        for message in messages
    ]
    return SharedView(contact, shared, views)


@dataclass(frozen=True)
class SharingNote:
    """What stands above a conversation about sharing it; `sentence` is "" where nothing needs saying."""

    sentence: str
    is_shared: bool
    """The rule shares it, whether or not the leak guard lets it."""


def sharing_note(conversation: Conversation, standing: Standing) -> SharingNote:
    """Say in words how a conversation stands with colleagues."""
    verdict = standing.verdict
    if standing.rule == NOTHING:
        was_chosen = conversation.sharing == PRIVATE
        return SharingNote("Kept private, although this mailbox is shared." if was_chosen else "", is_shared=False)
    if verdict.reason:
        return SharingNote(REASONS[verdict.reason], is_shared=True)
    hidden = len(verdict.hidden)
    more = ""
    if hidden:
        among = ngettext(
            "%(num)d message that went among colleagues stays private.",
            "%(num)d messages that went among colleagues stay private.",
            hidden,
        )
        strange = ngettext(
            "%(num)d message that no contact wrote or got stays private.",
            "%(num)d messages that no contact wrote or got stay private.",
            hidden,
        )
        more = f" {among if standing.rule == ALL else strange}"
    return SharingNote(gettext("Colleagues can read this on the contact's page.") + more, is_shared=True)
