"""Writing a mailing: saved as it is typed, in two tabs, with and without JavaScript."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import pytest
from werkzeug.datastructures import MultiDict

from tests.unit.blueprints.conftest import PARTIAL, CheckedClient
from tests.unit.blueprints.mailed import form_of, load, recipients, send_form, written_mailing
from tests.unit.blueprints.written import add_account, revision_in
from webmail.actions import mailings
from webmail.store.models import Account
from webmail.store.scope import Scope


@pytest.fixture
def account(user: Scope) -> Account:
    return add_account(user, signature="<p>Rita, <b>Acme</b></p>")


@pytest.fixture
def uuid(user: Scope, account: Account) -> UUID:
    """A mailing that could be started."""
    return written_mailing(user)


def test_nothing_changes_without_the_forms_token(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    for path in ("", "/start", "/delete", "/recipients/clear"):
        assert client.post(f"/mailings/{uuid}{path}", data={"name": "Other"}).status_code == 400

    assert load(user, uuid).name == "Nurses in Lyon"
    assert recipients(user, uuid)


def test_a_form_that_comes_back_as_it_was_changes_no_text(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    before = load(user, uuid)

    answer = send_form(client, f"/mailings/{uuid}", form_of(client.get(f"/mailings/{uuid}").text))

    after = load(user, uuid)
    assert answer.status_code == 303
    assert after.steps[0].html == before.steps[0].html
    for name in (
        "name",
        "job",
        "time_zone",
        "window_from",
        "window_until",
        "weekdays",
        "has_unsubscribe",
        "account_id",
    ):
        assert getattr(after, name) == getattr(before, name), name


def test_plain_text_becomes_the_mail_where_no_editor_runs(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    fields["body_text"] = 'Hi {{ contact.first_name | "there" }},\r\nsee <you>.'

    send_form(client, f"/mailings/{uuid}", fields)

    html = load(user, uuid).steps[0].html
    assert "&lt;you&gt;" in html
    assert mailings.preview(user, uuid, next(iter(recipients(user, uuid).values())).uuid).text.startswith("Hi Ana,")


def test_autosave_answers_with_the_new_revision_and_another_tab_is_told(
    client: CheckedClient, uuid: UUID, user: Scope
) -> None:
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    fields["name"] = "From one tab"
    saved = send_form(client, f"/mailings/{uuid}", fields, htmx=True)
    fields["name"] = "From another"
    late = send_form(client, f"/mailings/{uuid}", fields, htmx=True)
    plain = send_form(client, f"/mailings/{uuid}", fields)

    assert revision_in(saved.text) == str(load(user, uuid).revision)
    assert late.status_code == plain.status_code == 409
    assert "Changed in another tab" in late.text
    assert form_of(plain.text)["name"] == "From another"
    assert load(user, uuid).name == "From one tab"
    kept = send_form(client, f"/mailings/{uuid}", fields, keep=revision_in(saved.text))
    assert kept.status_code == 303
    assert load(user, uuid).name == "From another"


def test_what_cannot_be_stored_is_said_at_its_field_and_kept(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    fields["time_zone"] = "Atlantis"
    fields.poplist("weekday")

    answer = send_form(client, f"/mailings/{uuid}", fields)

    assert answer.status_code == 422
    assert "This time zone is not known" in answer.text
    assert form_of(answer.text)["time_zone"] == "Atlantis"


def test_follow_ups_come_and_go_with_what_was_typed(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    fields["name"] = "Typed before"
    added = send_form(client, f"/mailings/{uuid}/follow-ups", fields)
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    texts = fields.poplist("body_text")
    fields.setlist("body_text", [texts[0], "Still interested?"])
    fields.setlist("wait_days", ["0", "5"])
    send_form(client, f"/mailings/{uuid}", fields)

    stored = load(user, uuid)
    assert added.location.endswith("#step-1")
    assert stored.name == "Typed before"
    assert [(step.number, step.wait_days) for step in stored.steps] == [(0, 0), (1, 5)]
    assert "Still interested?" in stored.steps[1].html
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    send_form(client, f"/mailings/{uuid}/follow-ups/remove", fields, number="1")
    assert len(load(user, uuid).steps) == 1


def test_a_signature_is_there_only_once_it_was_inserted(
    client: CheckedClient, uuid: UUID, user: Scope, account: Account
) -> None:
    before = client.get(f"/mailings/{uuid}/preview").text
    send_form(client, f"/mailings/{uuid}/signature", form_of(client.get(f"/mailings/{uuid}").text), number="0")
    after = client.get(f"/mailings/{uuid}/preview").text

    assert "No signature: a mailing gets one only where you insert it" in before
    assert "inserted into the text by hand" in after
    assert "Rita, <b>Acme</b>" in load(user, uuid).steps[0].html
    assert client.get(f"/mailings/{uuid}/signature?account={account.uuid}").text == "<p>Rita, <b>Acme</b></p>"


def test_inserting_a_signature_that_is_not_written_says_so(client: CheckedClient, user: Scope) -> None:
    account = add_account(user, "none@acme.example")
    uuid = written_mailing(user)

    asked = client.get(f"/mailings/{uuid}/signature?account={account.uuid}")
    pressed = send_form(
        client, f"/mailings/{uuid}/signature", form_of(client.get(f"/mailings/{uuid}").text), number="0"
    )

    assert asked.status_code == pressed.status_code == 422
    assert "none@acme.example has no signature yet" in asked.text
    assert "none@acme.example has no signature yet" in pressed.text


def test_files_are_attached_and_removed(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    fields = form_of(client.get(f"/mailings/{uuid}").text)
    revision, data = fields["revision"], [*fields.items(multi=True), ("csrf_token", client.token)]

    attached = client.post(
        f"/mailings/{uuid}/files", data=MultiDict([*data, ("files", (BytesIO(b"x"), "role.pdf"))]), headers=PARTIAL
    )
    (file,) = load(user, uuid).files
    after_attaching = revision_in(attached.text)
    downloaded = client.get(f"/mailings/{uuid}/files/{file.uuid}")
    removed = send_form(
        client, f"/mailings/{uuid}/files/{file.uuid}/remove", form_of(client.get(f"/mailings/{uuid}").text)
    )

    assert "role.pdf" in attached.text
    assert int(after_attaching) == int(revision) + 1
    assert f'href="/mailings/{uuid}/files/{file.uuid}"' in attached.text
    assert downloaded.data == b"x"
    assert downloaded.headers["Content-Disposition"] == "attachment; filename=role.pdf"
    assert client.get(f"/mailings/{uuid}/files/{file.uuid}").status_code == 404
    assert removed.status_code == 303
    assert load(user, uuid).files == []
