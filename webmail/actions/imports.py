"""Lists of people become contacts: who is known by an address is brought up to date, everybody else is added.

A list never takes anything away: what it leaves empty stays, tags are added, and whoever is not to be mailed is told
and stays so. What the ATS says of a person it owns is only filled up, since its next word would undo anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from webmail.actions import privacy
from webmail.actions.contacts import MOST_ADDRESSES
from webmail.domain.addresses import normalise_email
from webmail.domain.columns import MOST_FIELDS, People, Person, read_people
from webmail.domain.tables import Problem, RecipientRow, Table
from webmail.errors import InputRefused
from webmail.store import audit, contacts
from webmail.store.models import Contact, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, transaction
from webmail.store.suppressions import suppressed_among

_AT_ONCE = 500
_COLUMNS = ("name", "first_name", "last_name", "company", "time_zone")


@dataclass
class Imported:
    """What became of a list.

    `suppressed`: addresses in it that mailings do not write to, as before.
    `problems`: what could not be taken, line by line.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    suppressed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def import_contacts(scope: Scope, table: Table, columns: Sequence[str], *, tag: str = "") -> Imported:
    """Take the people of a list into the tenant's contacts.

    Args:
        columns: for each column what it holds; see `webmail.domain.columns`.
        tag: given to everybody on the list, "" for none.

    Raises:
        InputRefused: no column holds the addresses.
    """
    if "email" not in columns:
        raise InputRefused("columns", "Say which column holds the mail addresses.")
    people = read_people(table, columns)
    told = Imported(problems=people.problems)
    for start in range(0, len(people.rows), _AT_ONCE):
        with transaction() as s:
            _take_in(s, scope, people.rows[start : start + _AT_ONCE], " ".join(tag.split())[:40], told)
    with transaction() as s:
        audit.add_entry(s, scope.tenant_id, scope.user_id, "contacts_imported", added=told.added, updated=told.updated)
        privacy.contacts_changed(s, scope.tenant_id)
    return told


def recipient_rows(table: Table, columns: Sequence[str]) -> tuple[list[RecipientRow], list[Problem]]:
    """Give the people of a list as a mailing takes them, line by line, and what could not be read of it.

    A line without an address is among them, with its problem: a mailing keeps it in sight, and writes to nobody by it.

    Raises:
        InputRefused: no column holds the addresses.
    """
    if "email" not in columns:
        raise InputRefused("columns", "Say which column holds the mail addresses.")
    people: People = read_people(table, columns)
    found = sorted([*people.rows, *people.unreadable], key=lambda each: each.line)
    return [person.to_row() for person in found], people.problems


def _take_in(s: Session, scope: Scope, people: Sequence[Person], tag: str, told: Imported) -> None:
    addresses = {normalise_email(each.email) for person in people for each in person.addresses}
    told.suppressed += sorted(suppressed_among(s, scope.tenant_id, addresses) - set(told.suppressed))
    known = contacts.contacts_by_address(s, scope.tenant_id, addresses)
    new: dict[int, Contact] = {}
    changed: set[int] = set()
    for person in people:
        emails = [normalise_email(each.email) for each in person.addresses]
        contact = next((known[email] for email in emails if email in known), None)
        if contact is None:
            contact = _new(scope.tenant_id, emails)
            new[id(contact)] = contact
        elif id(contact) in new:
            told.problems.append(Problem(person.line, f"{emails[0]} stands in this list twice; the lines were joined."))
        before = _state(contact)
        _bring_up_to_date(s, contact, person, emails, tag, is_new=id(contact) in new)
        if before != _state(contact):
            changed.add(id(contact))
        known |= dict.fromkeys(emails, contact)
    contacts.add_contacts(s, list(new.values()))
    met = {id(each) for each in known.values()} - new.keys()
    told.added += len(new)
    told.updated += len(met & changed)
    told.unchanged += len(met - changed)


def _new(tenant_id: int, emails: list[str]) -> Contact:
    values = dict.fromkeys(_COLUMNS, "")
    return Contact(tenant_id=tenant_id, addresses=emails, tags=[], fields={}, **values)


def _bring_up_to_date(
    s: Session, contact: Contact, person: Person, emails: list[str], tag: str, *, is_new: bool
) -> None:
    is_owned = contact.external_id is not None
    before = _state(contact)
    for column in _COLUMNS:
        value = getattr(person, column)
        if value and not (is_owned and getattr(contact, column)):
            setattr(contact, column, value)
    called = {name.casefold(): name for name in contact.fields}
    given = {called.get(name, name): value for name, value in person.fields.items()}
    fields = contact.fields | given if not is_owned else given | contact.fields
    contact.fields = dict(list(fields.items())[:MOST_FIELDS])
    have = {each.casefold() for each in contact.tags}
    tags = {each.casefold(): each for each in [*person.tags, tag] if each}
    contact.tags = [*contact.tags, *(each for key, each in tags.items() if key not in have)]
    further = [each for each in emails if each not in contact.addresses][: MOST_ADDRESSES - len(contact.addresses)]
    if further and is_new:
        contact.addresses = [*contact.addresses, *further]
    elif further and not is_owned:
        contacts.put_addresses(s, contact, [*contact.addresses, *further])
    if before != _state(contact) and not is_new:
        contact.updated_at = utc_now()


def _state(contact: Contact) -> tuple[object, ...]:
    return (*(getattr(contact, column) for column in _COLUMNS), contact.fields, contact.tags, contact.addresses)
