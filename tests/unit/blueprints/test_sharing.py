"""A mailbox's page *Sharing and privacy*, and what its card and its form say of it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, receive
from tests.unit.blueprints.test_shared import add_contact, mail
from webmail.actions import api_privacy, privacy, tenants
from webmail.errors import InputRefused
from webmail.store.models import Account, AuditEntry, ConnectAttempt, Message, SearchedAddress
from webmail.store.private_mail import mark_searched
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.store.users import list_tenants


def stored(account: Account) -> Account:
    with reading() as s:
        return s.get_one(Account, account.id)


def test_a_rule_is_chosen_saved_and_noted(client: CheckedClient, user: Scope) -> None:
    account = add_mailbox(user)
    page = client.get(f"/accounts/{account.uuid}/sharing").get_data(as_text=True)
    assert 'value="nothing"' in page and "Only mail with contacts" in page

    answer = client.submit(f"/accounts/{account.uuid}/sharing", {"sharing": "contacts"})

    assert answer.status_code == 303 and stored(account).sharing == "contacts"
    assert "Shared with colleagues" in client.get("/profileSettings?tab=connect").get_data(as_text=True)
    with reading() as s:
        entry = s.scalars(select(AuditEntry).where(AuditEntry.action == "sharing_changed")).one()
    assert entry.details == {"mailbox": account.email, "from": "nothing", "to": "contacts"}


def test_switching_on_only_mail_with_contacts_says_what_will_be_erased(client: CheckedClient, user: Scope) -> None:
    account = add_mailbox(user)
    add_contact(user.tenant_id, "cara", "cara@home.example")
    receive(account, *(mail("cara@home.example", subject=f"c{at}") for at in range(2)))
    receive(account, *(mail("mum@family.example", subject=f"m{at}") for at in range(3)))
    form = {"sharing": "nothing", "only_contacts": "1"}

    asked = client.submit(f"/accounts/{account.uuid}/sharing", form)
    assert asked.status_code == 200 and "Erase 3 messages here" in asked.get_data(as_text=True)
    assert not stored(account).only_contacts
    client.submit(f"/accounts/{account.uuid}/sharing", form | {"confirmed": "1"})
    assert stored(account).only_contacts and stored(account).has_private
    privacy.erase_private(account.id)

    with reading() as s:
        left = sorted(s.scalars(select(Message.subject)))
    assert left == ["c0", "c1"] and not stored(account).has_private
    assert "Only mail with contacts" in client.get("/profileSettings?tab=connect").get_data(as_text=True)
    client.submit(f"/accounts/{account.uuid}/sharing", {"sharing": "nothing"})
    assert not stored(account).only_contacts and not stored(account).is_backfilled


def test_another_users_mailbox_has_no_such_page(client: CheckedClient, make_user) -> None:
    account = add_mailbox(make_user(), "ben@acme.example")

    assert client.get(f"/accounts/{account.uuid}/sharing").status_code == 404
    assert client.submit(f"/accounts/{account.uuid}/sharing", {"sharing": "all"}).status_code == 404
    assert stored(account).sharing == "nothing"


def test_the_form_keeps_private_mail_out_from_the_start(client: CheckedClient) -> None:
    page = client.get("/accounts/new").get_data(as_text=True)
    assert 'name="only_contacts"' in page

    fields = {"email": "a@own.example", "password": "x", "imap_host": "imap.own.example", "imap_port": "993"}
    servers = {"smtp_host": "smtp.own.example", "smtp_port": "587", "ssl_enabled": "1", "reads_mail": "1"}
    client.submit("/accounts", fields | servers | {"only_contacts": "1"})

    with reading() as s:
        attempt = s.scalars(select(ConnectAttempt)).one()
    assert attempt.settings["only_contacts"] is True


def test_a_tenants_own_domains_are_its_own(user: Scope) -> None:
    with reading() as s:
        slug = next(each.slug for each in list_tenants(s) if each.id == user.tenant_id)

    assert tenants.add_domain(slug, "@Acme.Example.") == "acme.example"
    assert tenants.list_domains(slug) == ["acme.example"]
    for wrong in ("gmail.com", "acme", "a b.example", ""):
        with pytest.raises(InputRefused):
            tenants.add_domain(slug, wrong)
    tenants.remove_domain(slug, "acme.example")
    assert tenants.list_domains(slug) == []
    with pytest.raises(InputRefused):
        tenants.remove_domain(slug, "acme.example")


def test_erasing_a_contact_leaves_no_note_that_they_were_looked_for(user: Scope) -> None:
    account = add_mailbox(user, only_contacts=True)
    add_contact(user.tenant_id, "cara", "cara@home.example")
    with transaction() as s:
        mark_searched(s, account)

    api_privacy.erase_contact(user.tenant_id, "cara")

    with reading() as s:
        assert list(s.scalars(select(SearchedAddress.address))) == []
