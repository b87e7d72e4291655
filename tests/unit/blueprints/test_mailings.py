"""Mailings through their pages: with and without JavaScript, from the list to what came back."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.mailed import form_of, load, recipients, written_mailing
from tests.unit.blueprints.written import add_account
from webmail.actions import mailings
from webmail.store.models import Account, Mailing, MailingRecipient, Tenant, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction


@pytest.fixture
def account(user: Scope) -> Account:
    return add_account(user, signature="<p>Rita, <b>Acme</b></p>")


@pytest.fixture
def uuid(user: Scope, account: Account) -> UUID:
    """A mailing that could be started."""
    return written_mailing(user)


def set_columns(row: type[Any], key: int, **values: Any) -> None:
    with transaction() as s:
        found = s.get(row, key)
        for name, value in values.items():
            setattr(found, name, value)


def test_the_empty_list_says_what_mailings_are_for(client: CheckedClient, account: Account) -> None:
    page = client.get("/mailings").text

    assert "Write to many, one by one" in page
    assert "New mailing" in page


def test_a_new_mailing_opens_as_a_draft_in_the_browsers_time_zone(
    client: CheckedClient, account: Account, user: Scope
) -> None:
    client.set_cookie("zone", "Europe/Berlin")

    answer = client.submit("/mailings")

    page = client.get(answer.location).text
    assert answer.status_code == 303
    assert form_of(page)["time_zone"] == "Europe/Berlin"
    assert form_of(page)["account"] == str(account.uuid)
    assert "Your signature is not added to a mailing by itself." in page


def test_a_mailing_of_somebody_else_is_not_found(
    client: CheckedClient, uuid: UUID, user: Scope, make_user: Any, app: Any
) -> None:
    (recipient,) = recipients(user, uuid).values()
    one = f"/recipients/{recipient.uuid}"
    with reading() as s:
        slug = s.get_one(Tenant, user.tenant_id).slug
    for other in (app.test_client().sign_in_as(make_user(tenant=slug)), app.test_client().sign_in_as(make_user())):
        for path in ("", "/check", "/preview", "/preview/body", "/signature", f"/template?template={uuid4()}"):
            assert other.get(f"/mailings/{uuid}{path}").status_code == 404, path
        for path in (
            *("", "/follow-ups", "/follow-ups/remove", "/template", "/signature", "/files", f"/files/{uuid4()}/remove"),
            *("/recipients", "/recipients/find", "/recipients/contacts", "/recipients/tag", "/recipients/pasted"),
            *("/recipients/clear", f"{one}/leave-out", f"{one}/take-in", f"{one}/settle", "/table/columns"),
            *("/check", "/test", "/start", "/pause", "/resume", "/cancel", "/copy", "/delete"),
        ):
            fields = {
                "pasted": "a@b.example",
                "tag": "x",
                "text": "email\na@b.example",
                "column": "email",
                "revision": "1",
            }
            assert other.submit(f"/mailings/{uuid}{path}", fields).status_code == 404, path
        assert "Nurses" not in other.get("/mailings").text
    assert load(user, uuid).state == "draft"


def test_the_check_names_what_prevents_the_start_and_the_start_says_it_at_its_field(
    client: CheckedClient, account: Account, user: Scope
) -> None:
    uuid = mailings.create_mailing(user)

    check = client.get(f"/mailings/{uuid}/check").text
    answer = client.submit(f"/mailings/{uuid}/start")

    assert "Give the mail a subject." in check
    assert "Nobody would get this mail." in check
    assert answer.status_code == 422
    assert "Not done yet" in answer.text
    assert load(user, uuid).state == "draft"


def test_a_missing_value_is_named_before_anything_is_sent(client: CheckedClient, account: Account, user: Scope) -> None:
    uuid = written_mailing(user, html="<div>Dear {{ contact.city }}</div>")

    check = client.get(f"/mailings/{uuid}/check").text
    preview = client.get(f"/mailings/{uuid}/preview").text

    assert "1 recipient without a value" in check
    assert "contact.city" in check
    assert "There is no value for contact.city" in preview


def test_each_mail_can_be_looked_at_one_after_the_other(client: CheckedClient, account: Account, user: Scope) -> None:
    uuid = written_mailing(user, emails=("ana@people.example", "bo@people.example"), steps=2)
    second = recipients(user, uuid)["bo@people.example"].uuid

    first = client.get_partial(f"/mailings/{uuid}/preview").text
    body = client.get(f"/mailings/{uuid}/preview/body?recipient={second}")
    follow_up = client.get_partial(f"/mailings/{uuid}/preview?recipient={second}&step=1").text

    assert "1 of 2" in first
    assert f"recipient={second}" in first
    assert "Dear Bo, we look for nurses." in body.text
    assert "default-src 'none'" in body.headers["Content-Security-Policy"]
    assert "Re: A role for you" in follow_up
    assert client.get(f"/mailings/{uuid}/preview?step=7").status_code == 404


def test_a_mailing_is_started_paused_resumed_and_cancelled(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    started = client.submit(f"/mailings/{uuid}/start")
    under_way = client.get(f"/mailings/{uuid}").text
    paused = client.submit(f"/mailings/{uuid}/pause", htmx=True).text
    resumed = client.submit(f"/mailings/{uuid}/resume").location
    cancelled = client.submit(f"/mailings/{uuid}/cancel", htmx=True).text

    assert started.status_code == 303
    assert "Sending" in under_way
    assert "0 of 1 sent" in under_way
    assert "Resume" in paused
    assert "Sending again." in client.get(resumed).text
    assert "Cancelled" in cancelled
    assert recipients(user, uuid)["ana@people.example"].state == "cancelled"


def test_a_test_goes_to_oneself(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    (recipient,) = recipients(user, uuid).values()

    answer = client.submit(f"/mailings/{uuid}/test", {"recipient": str(recipient.uuid), "step": "0"}, htmx=True)

    assert "A test is on its way to your own mailbox." in answer.text
    assert recipients(user, uuid)["ana@people.example"].state == "ready"


def test_what_came_back_is_shown_with_the_servers_words(client: CheckedClient, account: Account, user: Scope) -> None:
    uuid = written_mailing(user, emails=("ana@people.example", "bo@people.example", "cy@people.example"))
    mailings.start(user, uuid)
    rows = recipients(user, uuid)
    now = utc_now()
    set_columns(MailingRecipient, rows["ana@people.example"].id, state="sent", sent_at=now, replied_at=now)
    set_columns(
        MailingRecipient,
        rows["bo@people.example"].id,
        state="sent",
        sent_at=now,
        bounced_at=now,
        answer="550 5.1.1 <unknown>",
    )
    set_columns(MailingRecipient, rows["cy@people.example"].id, state="unsure")
    set_columns(Mailing, load(user, uuid).id, state="paused", paused_because="The mailbox refused the password.")

    page = client.get(f"/mailings/{uuid}").text
    bounced = client.get_partial(f"/mailings/{uuid}?show=bounced").text
    listed = client.get("/mailings").text

    assert "550 5.1.1 &lt;unknown&gt;" in bounced
    assert "ana@people.example" not in bounced
    assert "The mailbox refused the password." in page
    assert "It was sent" in page
    assert "2 of 3 sent" in listed
    assert "1 bounced" in listed
    assert "1 replied" in listed


def test_a_copy_is_a_new_draft_and_what_is_over_can_be_deleted(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    copied = client.submit(f"/mailings/{uuid}/copy")
    deleted = client.submit(f"/mailings/{uuid}/delete")

    page = client.get(copied.location).text
    assert form_of(page)["subject"] == "A role for you"
    assert "Nobody yet." in page
    assert deleted.location == "/mailings"
    assert client.get(f"/mailings/{uuid}").status_code == 404


def test_pages_say_that_mass_mail_is_switched_off(client: CheckedClient, uuid: UUID, user: Scope) -> None:
    set_columns(Tenant, user.tenant_id, mass_mail_cap=0)

    for path in ("/mailings", f"/mailings/{uuid}"):
        assert "Mailings are switched off here." in client.get(path).text
    assert "New mailing" not in client.get("/mailings").text
    assert client.submit(f"/mailings/{uuid}/start").status_code == 422
