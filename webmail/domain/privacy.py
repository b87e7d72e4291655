"""Who may see what of a conversation: the sharing rule, and the leak guard that stands above it.

Nothing is shared unless somebody shares it. Whatever is shared, three things stay private (the leak guard):

- a message that went among colleagues only, and so a conversation of which that is true altogether;
- a conversation with somebody who is a contact and one of the tenant's own people: an application of one's own staff;
- under *mail with contacts*, each message that no contact wrote or got.

Addresses are compared as `webmail.domain.addresses.normalise_email` gives them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from webmail.domain.addresses import domain_of, normalise_email

NOTHING, CONTACTS, ALL = "nothing", "contacts", "all"
SHARED, PRIVATE = "shared", "private"
INTERNAL, OWN_STAFF, NO_CONTACT = "internal", "own_staff", "no_contact"
STAFF_TAG = "staff"
"""The tag of a contact who is one of the tenant's own people, where no address tells."""

Parties = frozenset[str]
"""Everybody whom a message came from or went to."""


@dataclass(frozen=True)
class Colleagues:
    """The tenant's own people: those who sign in, their mailboxes, and whole domains."""

    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def has(self, email: str) -> bool:
        """Say whether an address, normalised, is one of the tenant's own."""
        if email in self.addresses:
            return True
        domain = domain_of(email)
        return any(domain == own or domain.endswith(f".{own}") for own in self.domains)

    def are_all(self, parties: Collection[str]) -> bool:
        """Say whether nobody else is among these; where nobody is told, that is so."""
        return all(self.has(email) for email in parties)


@dataclass(frozen=True)
class KnownContact:
    """A contact as far as sharing is concerned."""

    addresses: frozenset[str]
    has_staff_tag: bool = False

    def is_staff(self, colleagues: Colleagues) -> bool:
        """Say whether it is one of the tenant's own people."""
        return self.has_staff_tag or any(colleagues.has(email) for email in self.addresses)


@dataclass(frozen=True)
class Verdict:
    """What of a conversation colleagues may see.

    `visible` and `hidden` are the keys of messages; `hidden` holds those that the leak guard keeps back although the
    rule shares them. `reason` says why nothing is visible although the rule shares it: `internal`, `own_staff` or
    `no_contact`; "" otherwise.
    """

    visible: frozenset[int] = frozenset()
    hidden: frozenset[int] = frozenset()
    reason: str = ""


@dataclass(frozen=True)
class Case:
    """What there is to judge by: the parties of each message by its key, and the contacts among them."""

    messages: Mapping[int, Parties]
    contacts: Sequence[KnownContact] = ()
    colleagues: Colleagues = field(default_factory=Colleagues)


def parties_of(sender: str, *recipients: Iterable[Sequence[str]]) -> Parties:
    """Give everybody whom a message concerns, from its columns (lists of [name, email])."""
    emails = [sender, *(email for each in recipients for _, email in each)]
    return frozenset(normal for email in emails if (normal := normalise_email(email)))


def rule_of(account: str, conversation: str) -> str:
    """Give the rule that holds for a conversation: its own where it has one, else its account's."""
    if conversation == SHARED:
        return ALL
    if conversation == PRIVATE:
        return NOTHING
    return account if account in (CONTACTS, ALL) else NOTHING


def merged(choices: Iterable[str]) -> str:
    """Give the choice that holds for conversations which turn out to be one: the most private of theirs."""
    made = set(choices)
    if PRIVATE in made:
        return PRIVATE
    return SHARED if made == {SHARED} else ""


def judge(rule: str, case: Case) -> Verdict:
    """Say which messages of a conversation colleagues may see."""
    if rule not in (CONTACTS, ALL) or not case.messages:
        return Verdict()
    colleagues = case.colleagues
    internal = frozenset(key for key, parties in case.messages.items() if colleagues.are_all(parties))
    everything = frozenset(case.messages)
    if internal == everything:
        return Verdict(hidden=everything, reason=INTERNAL)
    if _is_own_staffs(case):
        return Verdict(hidden=everything, reason=OWN_STAFF)
    known = frozenset(email for each in case.contacts for email in each.addresses)
    with_contacts = frozenset(key for key, parties in case.messages.items() if parties & known)
    if not with_contacts:
        return Verdict(hidden=everything, reason=NO_CONTACT)
    shared = everything if rule == ALL else with_contacts
    visible = shared - internal
    if not visible:
        return Verdict(hidden=everything, reason=INTERNAL)
    return Verdict(visible, everything - visible)


def _is_own_staffs(case: Case) -> bool:
    """Say whether somebody in it is a contact and a colleague: met at a private address, or with nobody else there.

    A colleague who is a contact, too, and has a copy at work does not make somebody else's conversation theirs.
    """
    parties = frozenset(email for each in case.messages.values() for email in each)
    met = [each for each in case.contacts if each.addresses & parties]
    staff = [each for each in met if each.is_staff(case.colleagues)]
    if staff and len(staff) == len(met):
        return True
    return any(not case.colleagues.has(email) for each in staff for email in each.addresses & parties)
