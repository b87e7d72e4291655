"""What is put into a draft at a press, and the addresses that it goes out from: signatures, templates, aliases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.mails import build_mail
from tests.unit.blueprints.conftest import CheckedClient, load_user
from tests.unit.blueprints.test_compose import fill
from tests.unit.blueprints.written import add_account, add_message, draft_uuid_in, fields_of, load
from webmail.actions import mail_templates, signatures
from webmail.actions.mail_templates import TemplateFields
from webmail.actions.signatures import SignatureUse
from webmail.domain.mime import parse_message
from webmail.store.accounts import load_account
from webmail.store.models import Account, Message
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.submissions import load_mime

TAB = "/profileSettings?tab=connect"


@pytest.fixture
def account(user: Scope) -> Account:
    return add_account(user, signature="<p>Long: {{ user.name }}, {{ user.title }}</p>")


@pytest.fixture
def short(user: Scope, account: Account) -> UUID:
    """A second signature, for replies."""
    uuid = signatures.add_signature(user, account.uuid)
    use = SignatureUse("Short", is_for_new=False, is_for_replies=True)
    signatures.save_signature(user, account.uuid, "<p>Short: R</p>", uuid=uuid, use=use)
    return uuid


@pytest.fixture
def message(account: Account) -> Message:
    return add_message(account, build_mail(1, subject="Your role", recipient="jobs@acme.example"))


def open_draft(client: CheckedClient, query: str = "") -> UUID:
    return draft_uuid_in(client.get(f"/compose?{query}").location)


def typed(user: Scope, draft: UUID, **changes: str) -> dict[str, str]:
    """Give the form of a draft as JavaScript sends it."""
    row = load(user, draft)
    own = {"to": row.to, "subject": row.subject, "body_html": row.body_html, "revision": str(row.revision)}
    return fill(**(own | changes))


def sent(user: Scope, draft: UUID) -> Any:
    with reading() as s:
        return parse_message(load_mime(s, load(user, draft).id) or b"")


def test_new_mail_and_replies_have_signatures_of_their_own(
    client: CheckedClient, user: Scope, short: UUID, message: Message
) -> None:
    client.submit("/profile-settings/details", {"title": "Recruiter", "phone": "+49 30"})

    new = load(user, open_draft(client)).body_html
    reply = load(user, open_draft(client, f"mode=reply&message={message.uuid}")).body_html

    assert "Recruiter</p>" in new
    assert "{{" not in new
    assert "Short" not in new
    assert "Short: R" in reply
    assert "Long" not in reply


def test_a_signature_is_swapped_in_the_composer_and_stands_there_once(
    client: CheckedClient, user: Scope, short: UUID
) -> None:
    draft = open_draft(client, "to=ana@example.com&subject=Hi")
    page = client.get(f"/compose/{draft}").text
    assert f'name="signature" value="{short}"' in page

    written = load(user, draft).body_html.replace("<br>", "Hello Ana", 1)
    changed = client.submit(
        f"/compose/{draft}/signature", typed(user, draft, body_html=written, signature=str(short)), htmx=True
    )
    client.submit(f"/compose/{draft}/signature", typed(user, draft, signature=str(short)), htmx=True)

    body = load(user, draft).body_html
    assert "Hello Ana" in body
    assert body.count("webmail-signature") == body.count("Short") == 1
    assert "Long" not in body
    assert 'data-focus="body"' in changed.text
    client.submit(f"/compose/{draft}/signature", typed(user, draft, signature=""))
    assert "webmail-signature" not in load(user, draft).body_html


def test_a_plain_mail_gets_the_other_signature_too(client: CheckedClient, user: Scope, short: UUID) -> None:
    draft = open_draft(client, "to=ana@example.com&subject=Hi")
    signed = f"-- \nLong: {load_user(user).name},\n"
    plain = {"format": "plain", "body_html": "", "body_text": f"Hello\n\n{signed}"}

    client.submit(f"/compose/{draft}/signature", typed(user, draft, signature=str(short), **plain))

    text = load(user, draft).body_text
    assert text.count("-- \n") == 1
    assert text.endswith("-- \nShort: R\n")


@pytest.mark.parametrize("when", ["now", "later"])
@pytest.mark.parametrize("own", ["", '<div class="webmail-signature">Mine</div>'])
def test_a_mail_from_a_template_has_the_signature_once_sent_now_or_later(
    client: CheckedClient, user: Scope, account: Account, when: str, own: str
) -> None:
    html = f"<p>Dear {{{{ contact.first_name }}}}, about {{{{ job.title }}}}</p>{own}"
    template = mail_templates.add_template(user, TemplateFields("Hello", "For you", html))
    draft = open_draft(client, "to=ana@example.com")
    written = load(user, draft).body_html.replace("<br>", "And one thing more.", 1)

    answer = client.submit(
        f"/compose/{draft}/template", typed(user, draft, body_html=written, template=str(template)), htmx=True
    )
    stored = load(user, draft)
    assert "square brackets" in answer.text
    assert stored.subject == "For you"
    assert stored.body_html.index("Dear") < stored.body_html.index("one thing more") < stored.body_html.index("Long")
    asked = client.submit(f"/compose/{draft}/send", typed(user, draft), htmx=True)
    assert "nobody has filled it in" in asked.text

    at = {"at": f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}T08:00"} if when == "later" else {}
    client.submit(f"/compose/{draft}/send?sure=gap", typed(user, draft, **at))
    mail = sent(user, draft)
    assert mail.html.count("webmail-signature") == 1
    assert mail.html.count("Long") == mail.text.count("Long") == 1
    assert "Mine" not in mail.html


def test_further_signatures_are_added_named_used_and_deleted(
    client: CheckedClient, user: Scope, account: Account
) -> None:
    added = client.submit(f"/signatures/{account.uuid}/add", htmx=True)
    uuid = added.text.split('name="signature" value="')[1].partition('"')[0]
    fields = {"signature": uuid, "html": "<p>For answers</p>", "format": "rich", "has_use": "1", "name": "Answers"}
    client.submit(f"/signatures/{account.uuid}", fields | {"is_for_replies": "1"}, htmx=True)

    with reading() as s:
        first, second = load_account(s, user, account.uuid).signatures
    assert (first.is_for_new, first.is_for_replies) == (True, False)
    assert (second.name, second.is_for_new, second.is_for_replies) == ("Answers", False, True)
    assert "For answers" in client.get(f"/signatures/{account.uuid}/preview?signature={uuid}").text
    assert "Answers" in client.get(TAB).text

    client.submit(f"/signatures/{account.uuid}", {"signature": uuid, "html": "", "remove": "1"}, htmx=True)
    assert client.submit(f"/signatures/{account.uuid}/{uuid}/drop", htmx=True).status_code == 200
    with reading() as s:
        (only,) = load_account(s, user, account.uuid).signatures
    assert only.is_for_replies


def test_a_field_that_nobody_can_fill_in_is_refused(client: CheckedClient, account: Account) -> None:
    answer = client.submit(f"/signatures/{account.uuid}", {"html": "<p>{{ user.salary }}</p>", "format": "rich"})

    assert answer.status_code == 422
    assert "user.salary" in answer.text


def test_mail_goes_out_from_the_address_that_was_written_to(
    client: CheckedClient, user: Scope, account: Account, message: Message
) -> None:
    saved = client.submit(f"/accounts/{account.uuid}/aliases", {"aliases": "Jobs@acme.example; rita@acme.example"})
    assert saved.status_code == 303

    draft = open_draft(client, f"mode=reply_all&message={message.uuid}")
    row = load(user, draft)
    page = client.get(f"/compose/{draft}").text
    assert row.from_email == "jobs@acme.example"
    assert "jobs@acme.example" not in row.cc
    assert fields_of(page)["account"] == f"{account.uuid} jobs@acme.example"

    client.submit(f"/compose/{draft}/send", fields_of(page) | {"sure": ""})
    assert load(user, draft).envelope_from == "jobs@acme.example"
    assert sent(user, draft).headers.from_.email == "jobs@acme.example"


def test_an_address_that_is_not_the_mailboxs_is_never_sent_from(
    client: CheckedClient, user: Scope, account: Account
) -> None:
    draft = open_draft(client, "to=ana@example.com&subject=Hi")

    client.submit(f"/compose/{draft}/send", typed(user, draft, account=f"{account.uuid} boss@acme.example"))

    assert load(user, draft).envelope_from == account.email
    refused = client.submit(f"/accounts/{account.uuid}/aliases", {"aliases": "no address"})
    assert refused.status_code == 422
