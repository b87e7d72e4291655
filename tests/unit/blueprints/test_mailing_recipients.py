"""Whom a mailing goes to: pasted, out of a file, from contacts, left out and taken in again."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import pytest
from werkzeug.datastructures import MultiDict

from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.mailed import form_of, load, recipients, send_form, written_mailing
from tests.unit.blueprints.written import add_account, revision_in
from webmail.actions import mailings
from webmail.actions.suppressions import suppress
from webmail.domain.tables import RecipientRow
from webmail.errors import InputRefused
from webmail.store.models import Account, Contact
from webmail.store.scope import Scope
from webmail.store.session import transaction


@pytest.fixture
def account(user: Scope) -> Account:
    return add_account(user, signature="<p>Rita, <b>Acme</b></p>")


@pytest.fixture
def uuid(user: Scope, account: Account) -> UUID:
    """A mailing that could be started."""
    return written_mailing(user)


def test_pasted_addresses_are_taken_in_and_the_others_named(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    with transaction() as s:
        suppress(s, user.tenant_id, "no@people.example", reason="unsubscribed")
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    fields["pasted"] = "Bo Berg <bo@people.example>, ANA@people.example\nno@people.example\nnot an address"

    answer = send_form(client, f"/mailings/{uuid}/recipients/pasted", fields, htmx=True)

    assert "1 recipient added." in answer.text
    assert "1 was there already." in answer.text
    assert "1 gets no mailings and is left out." in answer.text
    assert "no mail address" in answer.text
    assert revision_in(answer.text) == str(load(user, uuid).revision)
    found = recipients(user, uuid)
    assert found["bo@people.example"].state == "ready"
    assert found["not an address #3"].left_out_because == "invalid"
    assert "Line 3: “not an address” is no mail address." in answer.text
    assert found["no@people.example"].left_out_because == "suppressed"


def test_a_change_to_the_recipients_does_not_hide_another_tabs_save(
    client: CheckedClient, uuid: UUID, user: Scope
) -> None:
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    send_form(client, f"/mailings/{uuid}", fields, htmx=True)

    fields["pasted"] = "bo@people.example"
    answer = send_form(client, f"/mailings/{uuid}/recipients/pasted", fields, htmx=True)

    assert revision_in(answer.text) == fields["revision"]
    assert send_form(client, f"/mailings/{uuid}", fields, htmx=True).status_code == 409


def test_recipients_are_left_out_and_taken_in_and_cleared_without_losing_what_was_typed(
    client: CheckedClient, uuid: UUID, user: Scope
) -> None:
    (recipient,) = recipients(user, uuid).values()
    path = f"/mailings/{uuid}/recipients/{recipient.uuid}"
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    fields["subject"] = "Typed just now"

    send_form(client, f"{path}/leave-out", fields)
    left_out = client.get(f"/mailings/{uuid}?show=left_out").text
    send_form(client, f"{path}/take-in", form_of(left_out))
    state = recipients(user, uuid)["ana@people.example"].state
    send_form(client, f"/mailings/{uuid}/recipients/clear", form_of(client.get(f"/mailings/{uuid}").text))

    assert load(user, uuid).steps[0].subject == "Typed just now"
    assert "Left out by you" in left_out
    assert state == "ready"
    assert recipients(user, uuid) == {}


def test_contacts_are_found_ticked_and_taken_in_by_tag(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    with transaction() as s:
        for name, tags in (("Cleo Costa", ["nurse"]), ("Dan Dahl", ["nurse", "lyon"]), ("Eva Ek", [])):
            email = f"{name.split()[0].lower()}@people.example"
            s.add(Contact(tenant_id=user.tenant_id, name=name, addresses=[email], tags=tags))
    page = form_of(client.get(f"/mailings/{uuid}").text)

    page["query"] = "Costa"
    found = send_form(client, f"/mailings/{uuid}/recipients/find", page, htmx=True)
    ticked = found.text.split('name="contact" value="')[1].partition('"')[0]
    page["contact"] = ticked
    send_form(client, f"/mailings/{uuid}/recipients/contacts", page, htmx=True)
    page = form_of(client.get(f"/mailings/{uuid}").text)
    page["tag"] = "nurse"
    added = send_form(client, f"/mailings/{uuid}/recipients/tag", page)

    assert "Cleo Costa" in found.text
    assert "Dan Dahl" not in found.text
    assert "1 recipient added." in added.text
    assert set(recipients(user, uuid)) == {f"{each}@people.example" for each in ("ana", "cleo", "dan")}


def test_a_file_goes_by_its_columns_to_recipients(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    content = "E-Mail;Vorname;Ort\nbo@people.example;Bö;Lyon\nkaputt;Xy;Lyon\nbo@people.example;Bö;Lyon\n".encode(
        "cp1252"
    )
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    data = MultiDict(
        [*fields.items(multi=True), ("csrf_token", client.token), ("table", (BytesIO(content), "list.csv"))]
    )

    asked = client.post(f"/mailings/{uuid}/table", data=data)
    text = asked.text.split('<textarea name="text" hidden>\n')[1].partition("</textarea>")[0]
    columns = [("column", each) for each in ("email", "first_name", "city")]
    answer = send_form(client, f"/mailings/{uuid}/table/columns", MultiDict([("text", text), *columns]))
    without = send_form(client, f"/mailings/{uuid}/table/columns", MultiDict([("text", text)]))

    assert "Line 3" in asked.text
    assert "1 recipient added." in answer.text
    found = recipients(user, uuid)
    assert found["bo@people.example"].fields == {"first_name": "Bö", "city": "Lyon"}
    assert (found["kaputt #3"].line, found["kaputt #3"].fields) == (3, {"first_name": "Xy", "city": "Lyon"})
    assert "Line 3: “kaputt” is no mail address." in client.get(f"/mailings/{uuid}?show=left_out").text
    assert "{{ contact.city }}" in answer.text
    assert without.status_code == 422
    assert "Say which column holds the mail addresses." in without.text


def test_a_file_that_is_no_list_is_refused_at_its_field(client: CheckedClient, uuid: UUID) -> None:
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    data = MultiDict(
        [*fields.items(multi=True), ("csrf_token", client.token), ("table", (BytesIO(b"PK\x03\x04"), "a.xlsx"))]
    )

    answer = client.post(f"/mailings/{uuid}/table", data=data)

    assert answer.status_code == 422
    assert "Save it as CSV" in answer.text


@pytest.mark.parametrize("is_scripted", [True, False])
def test_a_line_without_an_address_is_put_right_in_place(
    client: CheckedClient, uuid: UUID, user: Scope, *, is_scripted: bool
) -> None:
    problem = "“bo@” is no mail address."
    row = RecipientRow("bo@", "Bo", {"first_name": "Bo", "city": "Lyon"}, line=7, problem=problem)
    mailings.add_recipients(user, uuid, [row])
    path = f"/mailings/{uuid}/recipients/{recipients(user, uuid)['bo@ #7'].uuid}"
    opened = send_form(client, f"{path}/edit", form_of(client.get(f"/mailings/{uuid}").text))
    fields = form_of(opened.text)
    names = fields.getlist("value_name")
    fields.setlist(
        "value",
        ["Berg" if name == "last_name" else value for name, value in zip(names, fields.getlist("value"), strict=True)],
    )

    fields["recipient_email"] = "ana@people.example"
    refused = send_form(client, f"{path}/values", fields, htmx=is_scripted)
    fields = fields if is_scripted else form_of(refused.text)
    fields["recipient_email"] = "Bo@People.example"
    kept = send_form(client, f"{path}/values", fields, htmx=is_scripted)

    assert names[:4] == ["first_name", "last_name", "company", "city"]
    assert refused.status_code == 422
    assert "ana@people.example is among the recipients already." in refused.text
    assert 'value="Berg"' in refused.text
    assert kept.status_code == (200 if is_scripted else 303)
    found = recipients(user, uuid)["bo@people.example"]
    assert (found.state, found.left_out_because, found.problem) == ("ready", "", "")
    assert found.fields == {"first_name": "Bo", "last_name": "Berg", "city": "Lyon"}


def test_values_put_right_stay_in_the_mailing_and_off_the_contact(
    client: CheckedClient, uuid: UUID, user: Scope
) -> None:
    with transaction() as s:
        s.add(
            Contact(
                tenant_id=user.tenant_id, name="Cleo", company="Acme", addresses=["cleo@people.example"], tags=["x"]
            )
        )
    mailings.add_contacts(user, uuid, tag="x")
    cleo = recipients(user, uuid)["cleo@people.example"].uuid
    filled = mailings.values_of(user, uuid, cleo)

    values = [(name, "Cleo" if name == "first_name" else value) for name, value in filled.values]
    mailings.correct_recipient(user, uuid, cleo, email=filled.email, name=filled.name, values=values)

    assert recipients(user, uuid)["cleo@people.example"].fields == {"first_name": "Cleo"}
    assert dict(mailings.values_of(user, uuid, cleo).values)["company"] == "Acme"
    mailings.start(user, uuid)
    with pytest.raises(InputRefused, match="has been started"):
        mailings.correct_recipient(user, uuid, cleo, email=filled.email, name="", values=[])


def test_a_list_of_many_comes_page_by_page(client: CheckedClient, account: Account, user: Scope) -> None:
    uuid = written_mailing(user)
    mailings.add_recipients(user, uuid, [RecipientRow(f"p{number:03}@people.example") for number in range(204)])

    first = send_form(client, f"/mailings/{uuid}/recipients", form_of(client.get(f"/mailings/{uuid}").text), htmx=True)
    after = first.text.split('name="after" value="')[1].partition('"')[0]
    second = client.get(f"/mailings/{uuid}?after={after}").text
    somebody = recipients(user, uuid)["p060@people.example"].uuid
    changed = send_form(client, f"/mailings/{uuid}/recipients/{somebody}/leave-out", form_of(second), htmx=True)

    assert first.text.count("@people.example") < 160
    assert "p048@people.example" in first.text
    assert "p049@people.example" in second
    assert "p048@people.example" not in second
    assert "p049@people.example" in changed.text
    assert "Take in p060@people.example" in changed.text
