"""The pages of contacts: the list, one of them, lists of them, and the addresses that are not to be mailed."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask

from tests.unit.blueprints.conftest import CheckedClient
from webmail.actions import contacts, suppressions
from webmail.actions.contacts import ContactFields
from webmail.actions.imports import import_contacts
from webmail.domain.columns import guess_columns
from webmail.domain.tables import read_table
from webmail.store.contacts import count_contacts, load_by_uuid
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.suppressions import suppressed_among, suppression_page

CSV = "Vorname;Nachname;E-Mail;Ort\nAna;Müller;ana@x.example;Köln\nBo;;bo(at)x;\nCy;Li;cy@x.example;\n"


def count(scope: Scope) -> int:
    with reading() as s:
        return count_contacts(s, scope.tenant_id)


def fill(scope: Scope, *lines: str) -> None:
    table = read_table("\n".join(("Name;Email;Tags", *lines)).encode())
    import_contacts(scope, table, guess_columns(table))


def test_without_contacts_the_list_offers_the_first_step(client: CheckedClient) -> None:
    page = client.get("/contacts").text

    assert "People you write to" in page
    assert 'href="/contacts/import"' in page


def test_the_list_is_searched_narrowed_and_paged(client: CheckedClient, user: Scope) -> None:
    fill(user, *(f"P{number:03};p{number}@x.example;even" for number in range(60)), "Zoë;zoe@y.example;night, day")

    first = client.get("/contacts").text
    later = client.get_partial(
        first.split('hx-get="/contacts?after=')[1].join(["/contacts?after=", ""]).partition('"')[0]
    ).text

    assert "61 contacts" in first
    assert "P049" in first
    assert "P050" not in first
    assert "<html" not in later
    assert "Zoë" in later
    assert "zoe@y.example" in client.get("/contacts?q=zoë").text
    assert "1 contact<" in client.get("/contacts?tag=day").text
    assert "Nobody is found" in client.get_partial("/contacts?q=nobody").text


def test_a_contact_is_made_changed_and_deleted(client: CheckedClient, user: Scope) -> None:
    typed = {"first_name": "Ana", "addresses": "ana@x.example", "field_name": ["City"], "field_value": ["Lyon"]}
    made = client.submit("/contacts/new", typed)
    path = made.location

    shown = client.get(path).text
    assert 'value="Ana"' in shown
    assert 'value="City"' in shown

    refused = client.submit(path, {**typed, "addresses": "nobody", "company": "Acme"})
    assert refused.status_code == 422
    assert "Not saved yet: “nobody” is no mail address." in refused.text
    assert 'value="Acme"' in refused.text

    client.submit(path, {**typed, "name": "Ana S", "tags": "nurse"})
    assert "Ana S" in client.get("/contacts?tag=nurse").text

    client.submit(f"{path}/delete")
    assert count(user) == 0
    assert client.get(path).status_code == 404


def test_another_tenants_contacts_are_not_there(client: CheckedClient, make_user: Callable[..., Scope]) -> None:
    stranger = make_user()
    uuid = contacts.add_contact(stranger, ContactFields(name="Secret", addresses="secret@x.example"))

    assert "Secret" not in client.get("/contacts").text
    assert "secret" not in client.get("/contacts/export").text
    assert client.get(f"/contacts/{uuid}").status_code == 404
    assert client.submit(f"/contacts/{uuid}", {"addresses": "x@y.example"}).status_code == 404
    assert client.submit(f"/contacts/{uuid}/delete").status_code == 404
    with reading() as s:
        assert load_by_uuid(s, stranger.tenant_id, uuid).name == "Secret"


@pytest.mark.parametrize("charset", ["utf-8", "cp1252", "utf-16"])
def test_a_file_is_read_its_columns_asked_for_and_its_people_taken_in(
    client: CheckedClient, user: Scope, charset: str
) -> None:
    asked = client.submit("/contacts/import", {"file": (BytesIO(CSV.encode(charset)), "list.csv")})

    assert "2 people in this list" in asked.text
    assert "Line 3: “bo(at)x” is no mail address." in asked.text
    assert '<option value="ort" selected>' in asked.text
    assert count(user) == 0

    text = CSV.encode(charset).decode(charset)
    columns = ["first_name", "last_name", "email", "ort"]
    done = client.submit("/contacts/import/columns", {"text": text, "column": columns, "tag": "spring"})

    assert "Imported" in done.text
    assert "Line 3" in done.text
    listed = client.get("/contacts?tag=spring").text
    assert "Ana Müller" in listed
    assert "2 contacts" in listed


def test_a_list_that_is_refused_is_still_there(client: CheckedClient) -> None:
    nothing = client.submit("/contacts/import", {"text": " "})
    workbook = client.submit("/contacts/import", {"text": "kept@x.example", "file": (BytesIO(b"PK\x03\x04"), "a.xlsx")})
    without = client.submit(
        "/contacts/import/columns", {"text": CSV, "column": ["name", "", "", ""], "tag": "kept-tag"}
    )

    assert nothing.status_code == workbook.status_code == without.status_code == 422
    assert "Choose a file, or paste" in nothing.text
    assert "Save it as CSV" in workbook.text
    assert "kept@x.example" in workbook.text
    assert "which column holds the mail addresses" in without.text
    assert "ana@x.example" in without.text
    assert 'value="kept-tag"' in without.text


def test_a_file_of_one_column_and_a_file_of_our_own_are_taken_in(client: CheckedClient, user: Scope) -> None:
    asked = client.submit("/contacts/import", {"file": (BytesIO(b"E-mail\nana@x.example\n"), "list.csv")})
    assert 'name="is_file" value="1"' in asked.text

    text = "E-mail\r\nana@x.example\r\n"
    done = client.submit("/contacts/import/columns", {"text": text, "column": "email", "is_file": "1"})
    assert "Imported" in done.text
    assert count(user) == 1

    own = client.submit("/contacts/import", {"file": (BytesIO(client.get("/contacts/export").data), "contacts.csv")})
    assert '<option value="do_not_mail" >' in own.text


def test_pasted_addresses_are_taken_in(client: CheckedClient, user: Scope) -> None:
    asked = client.submit("/contacts/import", {"text": "Ana Silva <ana@x.example>\nbo@x.example"})
    assert "2 people" in asked.text

    client.submit(
        "/contacts/import/columns", {"text": "Ana Silva <ana@x.example>\nbo@x.example", "column": ["name", "email"]}
    )

    assert count(user) == 2


def test_an_import_says_who_is_not_to_be_mailed_and_the_list_shows_it(client: CheckedClient, user: Scope) -> None:
    suppressions.suppress_typed(user, "ana@x.example")

    done = client.submit("/contacts/import/columns", {"text": CSV, "column": ["first_name", "last_name", "email", ""]})

    assert "Mailings do not write to 1 of these addresses" in done.text
    assert client.get("/contacts").text.count("Do not mail</span>") == 1
    exported = client.get("/contacts/export").text
    assert "ana@x.example,,,,ana@x.example" in exported
    assert "cy@x.example,,,,\r\n" in exported


def test_a_saved_file_holds_no_formula(client: CheckedClient, user: Scope) -> None:
    contacts.add_contact(user, ContactFields(name='=HYPERLINK("https://x")', addresses="a@x.example", company="@cmd"))

    answer = client.get("/contacts/export")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="contacts.csv"'
    assert "\"'=HYPERLINK(" in answer.text
    assert ",'@cmd," in answer.text


def test_addresses_are_put_on_the_list_and_taken_off_with_a_word(client: CheckedClient, user: Scope) -> None:
    refused = client.submit("/contacts/suppressions", {"emails": "ana@x.example, nobody", "note": "by phone"})
    assert refused.status_code == 422
    assert "“nobody” is no mail address." in refused.text
    assert "ana@x.example, nobody" in refused.text

    client.submit("/contacts/suppressions", {"emails": "ana@x.example", "note": "by phone"})
    page = client.get("/contacts/suppressions?q=ANA@")
    assert "By hand" in page.text
    assert "by phone" in page.text
    with reading() as s:
        uuid = suppression_page(s, user).rows[0].uuid

    asked = client.get(f"/contacts/suppressions/{uuid}/remove")
    dialog = client.get_partial(f"/contacts/suppressions/{uuid}/remove")
    assert "Mail ana@x.example again?" in asked.text
    assert "A colleague of yours, or you, put it here." in asked.text
    assert dialog.text.startswith("<dialog")

    client.submit(f"/contacts/suppressions/{uuid}/remove")
    with reading() as s:
        assert suppressed_among(s, user.tenant_id, ["ana@x.example"]) == set()


def test_a_file_of_addresses_not_to_be_mailed_goes_in_and_out(client: CheckedClient, user: Scope) -> None:
    told = client.submit("/contacts/suppressions/import", {"file": (BytesIO(CSV.encode()), "old.csv")})
    assert "2 addresses added." in told.text
    assert "Line 3: There is no mail address in this line." in told.text

    exported = client.get("/contacts/suppressions/export")
    assert "cy@x.example,imported," in exported.text

    again = client.submit("/contacts/suppressions/import", {"file": (BytesIO(exported.data), "own.csv")})
    assert again.status_code == 303
    assert "2 were here already" in client.get("/contacts/suppressions").text


def test_nobody_sees_contacts_without_signing_in(app: Flask, stranger: CheckedClient) -> None:
    for path in ("/contacts", "/contacts/new", "/contacts/import", "/contacts/export", "/contacts/suppressions"):
        assert stranger.get(path).status_code == 303
