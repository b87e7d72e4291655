"""Lists become contacts, and addresses that are not to be mailed stay so."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from webmail.actions import contacts, suppressions
from webmail.actions.contacts import ContactFields
from webmail.actions.imports import Imported, import_contacts, recipient_rows
from webmail.domain.columns import guess_columns
from webmail.domain.tables import Problem, read_table
from webmail.errors import InputRefused, NotFound
from webmail.store.api_contacts import upsert_contact
from webmail.store.contacts import (
    contact_page,
    contacts_by_address,
    count_contacts,
    field_names_of,
    load_by_uuid,
    tags_of,
)
from webmail.store.models import AuditEntry, Contact, ContactAddress
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.store.suppressions import suppressed_among, suppression_page


def bring_in(scope: Scope, *lines: str, tag: str = "") -> Imported:
    table = read_table("\n".join(lines).encode())
    return import_contacts(scope, table, guess_columns(table), tag=tag)


def named(scope: Scope, email: str) -> Contact:
    with reading() as s:
        return contacts_by_address(s, scope.tenant_id, [email])[email]


def load(scope: Scope, uuid: UUID) -> Contact:
    with reading() as s:
        return load_by_uuid(s, scope.tenant_id, uuid)


def addresses_agree() -> bool:
    with reading() as s:
        listed = {(each.id, address) for each in s.scalars(select(Contact)) for address in each.addresses}
        found = {(each.contact_id, each.address) for each in s.scalars(select(ContactAddress))}
    return listed == found


def test_a_list_adds_people_and_brings_those_up_to_date_who_are_known(user: Scope) -> None:
    first = bring_in(
        user, "Name;Email;City;Tags", "Ana Silva;Ana@x.example;Lyon;nurse", "Bo;bo@x.example;;", tag="spring"
    )
    again = bring_in(
        user, "Name;Email;City;Phone", ";ana@x.example;;12", "Bo Li;bo@x.example;Rome;", "Cy;cy@x.example;;"
    )
    same = bring_in(user, "Name;Email", "Cy;CY@x.example")

    assert (first.added, first.updated, again.added, again.updated, same.unchanged) == (2, 0, 1, 2, 1)
    ana = named(user, "ana@x.example")
    assert (ana.name, ana.first_name, ana.fields, ana.tags) == (
        "Ana Silva",
        "Ana",
        {"city": "Lyon", "phone": "12"},
        ["nurse", "spring"],
    )
    assert addresses_agree()
    with reading() as s:
        assert tags_of(s, user.tenant_id) == ["nurse", "spring"]
        assert field_names_of(s, user.tenant_id) == ["city", "phone"]


def test_lines_of_one_person_are_joined_and_lines_that_are_none_are_told(user: Scope) -> None:
    told = bring_in(
        user, "Name;Email", "Ana;ana@x.example", "Ana Silva;ANA@x.example;", "Bo;", "Cy;cy(at)x", "Di;di@x.example"
    )

    assert told.added == 2
    assert told.problems == [
        Problem(4, "There is no mail address in this line."),
        Problem(5, "“cy(at)x” is no mail address."),
        Problem(3, "ana@x.example stands in this list twice; the lines were joined."),
    ]
    assert named(user, "ana@x.example").name == "Ana Silva"


def test_the_people_of_the_ats_are_only_filled_up(user: Scope) -> None:
    with transaction() as s:
        upsert_contact(s, user.tenant_id, "c1", {"name": "Ana Silva", "addresses": ["ana@x.example"]})

    bring_in(user, "Name;Email;Company;City", "Somebody Else;ana@x.example, other@x.example;Acme;Lyon")

    ana = named(user, "ana@x.example")
    assert (ana.name, ana.company, ana.fields, ana.addresses) == (
        "Ana Silva",
        "Acme",
        {"city": "Lyon"},
        ["ana@x.example"],
    )
    assert addresses_agree()


def test_an_import_takes_nobody_off_the_do_not_mail_list(user: Scope) -> None:
    with transaction() as s:
        assert suppressions.suppress(s, user.tenant_id, "Ana@X.example", reason="unsubscribed")
        assert not suppressions.suppress(s, user.tenant_id, "ana@x.example", reason="bounced")

    told = bring_in(user, "Name;Email", "Ana;ANA@x.example", "Bo;bo@x.example")

    assert told.suppressed == ["ana@x.example"]
    assert told.added == 2
    with reading() as s:
        assert suppressed_among(s, user.tenant_id, ["ana@x.example", "bo@x.example"]) == {"ana@x.example"}
        assert [each.reason for each in suppression_page(s, user).rows] == ["unsubscribed"]


def test_taking_an_address_off_the_list_is_noted_with_its_reason(user: Scope, make_user: Callable[..., Scope]) -> None:
    stranger = make_user()
    suppressions.suppress_typed(user, "Ann <ann@x.example>; bo@x.example", note="asked by phone")
    with reading() as s:
        ann = next(each for each in suppression_page(s, user, search="ann@").rows)
        assert suppression_page(s, stranger).rows == []
    assert (ann.reason, ann.detail) == ("by_hand", "asked by phone")

    with pytest.raises(NotFound):
        suppressions.lift(stranger, ann.uuid)
    assert suppressions.lift(user, ann.uuid) == "ann@x.example"

    with reading() as s:
        assert suppressed_among(s, user.tenant_id, ["ann@x.example", "bo@x.example"]) == {"bo@x.example"}
        noted = s.scalars(select(AuditEntry).where(AuditEntry.action == "suppression_removed")).one()
    assert noted.details == {"email": "ann@x.example", "reason": "by_hand"}
    assert noted.user_id == user.user_id


def test_a_list_of_addresses_not_to_be_mailed_is_read_from_any_column(user: Scope) -> None:
    table = read_table(b"Date;Who\n2024;Ann <ann@x.example>\n2025;nobody\n2026;bo@x.example, cy@x.example")

    told = suppressions.import_suppressions(user, table, name="old.csv")
    again = suppressions.import_suppressions(user, table, name="old.csv")

    assert (told.added, told.known, again.added, again.known) == (3, 0, 0, 3)
    assert told.problems == [Problem(3, "There is no mail address in this line.")]


def test_contacts_are_searched_tagged_and_paged_within_the_tenant(user: Scope, make_user: Callable[..., Scope]) -> None:
    bring_in(make_user(), "Name;Email", "Ana Other;other@x.example")
    lines = [
        f"P{number:03};p{number}@x.example;Müller & Söhne;{'even' if number % 2 == 0 else 'odd, 50%'}"
        for number in range(120)
    ]
    bring_in(user, "Name;Email;Company;Tags", *lines, "Élise;elise@y.example;;x_y")
    seen: list[str] = []
    after = None

    with reading() as s:
        while True:
            page = contact_page(s, user.tenant_id, after=after, limit=50)
            seen += [each.name for each in page.rows]
            after = page.next_cursor
            if after is None:
                break
        found = {
            words: [each.name for each in contact_page(s, user.tenant_id, search=words).rows]
            for words in ("élise", "P00 sÖhne", "p119@", "Y.EXAMPLE", "100%", "ana")
        }
        counts = [
            count_contacts(s, user.tenant_id, tag=tag) for tag in ("even", "odd", "50%", "x_y", "xxy", 'odd"', "")
        ]

    assert len(seen) == len(set(seen)) == 121
    assert found["élise"] == found["Y.EXAMPLE"] == ["Élise"]
    assert found["P00 sÖhne"] == [f"P{number:03}" for number in range(10)]
    assert found["p119@"] == ["P119"]
    assert found["100%"] == found["ana"] == []
    assert counts == [60, 60, 60, 1, 0, 0, 121]


def test_a_contact_is_added_edited_and_erased_with_its_addresses(user: Scope, make_user: Callable[..., Scope]) -> None:
    typed = ContactFields(
        first_name="Ana",
        last_name="Silva",
        addresses="Ana@x.example, ana@home.example",
        tags="nurse",
        time_zone="Europe/Paris",
        fields=[("Home city", "Lyon"), ("", "dropped")],
    )
    uuid = contacts.add_contact(user, typed)
    ana = load(user, uuid)
    assert (ana.name, ana.addresses, ana.fields) == (
        "Ana Silva",
        ["ana@x.example", "ana@home.example"],
        {"home_city": "Lyon"},
    )

    with pytest.raises(InputRefused, match="belongs to Ana Silva"):
        contacts.add_contact(user, ContactFields(addresses="ana@home.example"))
    with pytest.raises(InputRefused, match="no mail address"):
        contacts.edit_contact(user, uuid, ContactFields(name="x", addresses="nobody"))
    with pytest.raises(NotFound):
        contacts.edit_contact(make_user(), uuid, typed)
    contacts.edit_contact(user, uuid, ContactFields(name="Ana S", addresses="new@x.example"))
    assert load(user, uuid).addresses == ["new@x.example"]
    assert addresses_agree()

    contacts.erase_contact(user, uuid)
    assert addresses_agree()
    with pytest.raises(NotFound):
        load(user, uuid)


def test_what_a_field_is_called_stays_whoever_writes_it(user: Scope) -> None:
    typed = ContactFields(addresses="ana@x.example", fields=[("City", "Lyon"), ("Years of work", "7")])
    uuid = contacts.add_contact(user, typed)

    bring_in(user, "Email;City;YEARS OF WORK", "ana@x.example;Rome;8")

    assert load(user, uuid).fields == {"City": "Rome", "years_of_work": "8"}
    with pytest.raises(InputRefused, match="two fields called"):
        contacts.edit_contact(user, uuid, ContactFields(addresses="a@x.example", fields=[("City", "a"), ("city", "b")]))
    with pytest.raises(InputRefused, match="Choose another"):
        contacts.edit_contact(user, uuid, ContactFields(addresses="a@x.example", fields=[("Company", "a")]))


def test_the_rows_of_a_list_go_to_a_mailing_with_their_lines(user: Scope) -> None:
    table = read_table(b"Vorname;E-Mail;Ort\nAna;ana@x.example;Lyon\nBo;;\n")

    rows, problems = recipient_rows(table, guess_columns(table))

    assert [(row.email, row.fields, row.line) for row in rows] == [
        ("ana@x.example", {"first_name": "Ana", "ort": "Lyon"}, 2),
        ("", {"first_name": "Bo"}, 3),
    ]
    assert problems == [Problem(3, "There is no mail address in this line.")]
    with pytest.raises(InputRefused, match="which column"):
        recipient_rows(table, ["name", "", ""])
