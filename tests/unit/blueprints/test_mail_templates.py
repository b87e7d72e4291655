"""Mail templates: written, shared, brought back, copied and filled in."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Flask

from tests.unit.blueprints.conftest import CheckedClient
from webmail.actions import contacts, mail_templates
from webmail.actions.contacts import ContactFields
from webmail.actions.mail_templates import TemplateFields
from webmail.store.mail_templates import list_templates, list_versions, load_template
from webmail.store.models import MailTemplate
from webmail.store.scope import Scope
from webmail.store.session import reading

HELLO = {
    "name": "Hello",
    "subject": "{{ job.title }} for {{ contact.first_name }}",
    "body_html": '<p>Dear {{ contact.first_name | "there" }},</p><script>x()</script>',
    "format": "rich",
}


def load(scope: Scope, uuid: UUID) -> MailTemplate:
    with reading() as s:
        return load_template(s, scope, uuid)


def add(scope: Scope, **fields: object) -> UUID:
    values = {"name": "Hello", "subject": "Hi", "html": "<p>Hi</p>"} | fields
    return mail_templates.add_template(scope, TemplateFields(**values))  # type: ignore[arg-type]


def test_without_templates_the_list_says_what_they_are_for(client: CheckedClient) -> None:
    page = client.get("/mail-templates").text

    assert "Write it once" in page
    assert 'href="/mail-templates/new"' in page


def test_a_template_is_written_cleaned_and_kept_as_it_was(client: CheckedClient, user: Scope) -> None:
    path = client.submit("/mail-templates/new", HELLO).location
    page = client.get(path).text
    with reading() as s:
        first = list_templates(s, user)[0]
    assert first.html == '<p>Dear {{ contact.first_name | "there" }},</p>'
    assert "earlier version" not in page

    saved = client.submit(path, {**HELLO, "version": "1", "body_html": "<p>Hello</p>"}, htmx=True)
    same = client.submit(path, {**HELLO, "version": "2", "body_html": "<p>Hello</p>", "is_shared": "1"}, htmx=True)
    assert "Saved" in saved.text
    assert "1 earlier version" in saved.text
    assert 'name="version" value="2"' in same.text

    old = client.get(f"{path}/version?number=1").text
    assert "Version 1 of" in old
    assert "Dear Ana," in client.get(f"{path}/preview?number=1").text
    client.submit(f"{path}/restore", {"number": "1"})
    now = load(user, first.uuid)
    with reading() as s:
        kept = [each.version for each in list_versions(s, now)]
    assert (now.version, now.html, now.is_shared, kept) == (3, first.html, True, [2, 1])


def test_two_tabs_notice_each_other_and_nothing_is_lost(client: CheckedClient, user: Scope) -> None:
    uuid = add(user)
    path = f"/mail-templates/{uuid}"
    client.submit(path, {**HELLO, "version": "1"})

    late = client.submit(path, {**HELLO, "version": "1", "body_html": "<p>Mine</p>"})
    assert late.status_code == 409
    assert "changed in another tab" in late.text
    assert "&lt;p&gt;Mine&lt;/p&gt;" in late.text

    client.submit(path, {**HELLO, "version": "1", "keep": "2", "body_html": "<p>Mine</p>"})
    assert load(user, uuid).html == "<p>Mine</p>"


def test_without_a_name_it_is_refused_in_place(client: CheckedClient) -> None:
    page = client.submit("/mail-templates/new", {**HELLO, "name": " "})
    part = client.submit("/mail-templates/new", {**HELLO, "name": " "}, htmx=True)

    assert page.status_code == part.status_code == 422
    assert "Give the template a name" in page.text
    assert "job.title" in page.text
    assert part.text.lstrip().startswith('<div id="template-state"')


def test_text_typed_without_a_script_keeps_its_lines_and_rich_text_that_was_not_touched(
    client: CheckedClient, user: Scope
) -> None:
    uuid = add(user, html="<p>Dear <b>{{ contact.name }}</b></p>")
    path = f"/mail-templates/{uuid}"
    fields = {"name": "Hello", "subject": "Hi", "format": "text", "body_html": "<p>Dear <b>{{ contact.name }}</b></p>"}

    client.submit(path, {**fields, "body_text": "Dear {{ contact.name }}", "version": "1"})
    assert "<b>" in load(user, uuid).html

    client.submit(path, {**fields, "body_text": "Dear {{ contact.name }}\r\nBye", "version": "1"})
    filled = mail_templates.fill_for(user, uuid, contact_address="x@y.example")
    assert "Dear [name]" in filled.html
    assert "Bye" in filled.html


def test_a_broken_field_is_told_before_any_mailing(client: CheckedClient, user: Scope) -> None:
    uuid = add(user, html="<p>{{ contact first_name }} {{ contact.shoe_size }} {{ user.phone }} {{ job.place }}</p>")

    page = client.get(f"/mail-templates/{uuid}").text

    assert "{{ contact first_name }} is no merge field" in page
    assert "No contact has a value for contact.shoe_size yet." in page
    assert "There is no user.phone." in page
    assert "job.place is" not in page


def test_what_is_typed_is_previewed_with_an_example_and_not_stored(client: CheckedClient, user: Scope) -> None:
    shown = client.submit("/mail-templates/preview", HELLO)

    assert "[title] for Ana" in shown.text
    assert "Dear Ana," in shown.text
    assert "script-src" not in shown.headers["Content-Security-Policy"]
    with reading() as s:
        assert list_templates(s, user) == []
    assert (
        client.submit("/mail-templates/preview", {**HELLO, "body_html": "x" * 500_001, "format": "rich"}).status_code
        == 422
    )


def test_others_of_the_tenant_read_and_copy_what_is_shared_and_change_nothing(
    app: Flask, client: CheckedClient, user: Scope, make_user: Callable[..., Scope]
) -> None:
    owner = make_user(tenant="other")
    colleague, stranger = make_user(tenant="other", name="Cleo Colleague"), user
    shared, private = add(owner, name="Open", is_shared=True), add(owner, name="Secret")
    browser = app.test_client()
    assert isinstance(browser, CheckedClient)
    browser.sign_in_as(colleague)
    path = f"/mail-templates/{shared}"

    listed = browser.get("/mail-templates").text
    read = browser.get(path).text
    assert "Shared by others" in listed
    assert "Secret" not in listed
    assert "Shared by Rita Recruiter" in read
    assert "data-mail-template" not in read
    assert browser.get(f"/mail-templates/{private}").status_code == 404
    for refused in ("", "/restore", "/delete"):
        assert browser.submit(path + refused, {**HELLO, "version": "1", "number": "1"}).status_code == 404
    assert browser.get(f"{path}/preview?number=1").status_code == 404
    copied = browser.submit(f"{path}/copy").location
    assert "Copy of Open" in browser.get(copied).text
    assert load(owner, shared).html == "<p>Hi</p>"

    assert client.get(path).status_code == client.submit(f"{path}/copy").status_code == 404
    with reading() as s:
        assert list_templates(s, stranger) == []


def test_a_template_is_filled_in_for_a_single_mail(user: Scope) -> None:
    contacts.add_contact(
        user, ContactFields(name="Ana Silva", addresses="ana@x.example", fields=[("City", "Lyon & Co")])
    )
    uuid = add(
        user, subject="{{ contact.city }}", html="<p>{{ contact.first_name }} {{ job.title }} {{ user.name }}</p>"
    )

    filled = mail_templates.fill_for(user, uuid, contact_address="ANA@x.example")
    unknown = mail_templates.fill_for(user, uuid, contact_address="")

    assert filled.subject == "Lyon & Co"
    assert "[title] Rita Recruiter" in filled.html
    assert "job.title" in filled.missing
    assert unknown.subject == "[city]"


def test_a_deleted_template_is_gone(client: CheckedClient, user: Scope) -> None:
    uuid = add(user)

    client.submit(f"/mail-templates/{uuid}/delete")

    assert "Hello is deleted." in client.get("/mail-templates").text
    assert client.get(f"/mail-templates/{uuid}").status_code == 404
