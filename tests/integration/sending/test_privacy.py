"""Erasing and exporting a person: nothing is left in any table, in the index, in a file; the mailbox keeps its mail."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.connect.test_erasure import files_with, tables_with
from tests.integration.sending.conftest import Desk
from webmail.actions import api_contacts, api_privacy, api_users, drafts, mailings, suppressions, webhooks
from webmail.actions.attachments import open_attachment
from webmail.actions.mailings import MailingFields, StepFields
from webmail.actions.verify import verify
from webmail.config import Config
from webmail.domain.webhooks import EVENTS
from webmail.errors import NotFound
from webmail.store import audit
from webmail.store.accounts import find_account
from webmail.store.api_contacts import find_contact
from webmail.store.conversations import list_page
from webmail.store.models import Attachment, Message, User
from webmail.store.session import reading, transaction
from webmail.store.suppressions import suppressed_among

pytestmark = pytest.mark.integration

PERSON = "qvxzkjwperson"
"""Of letters that no other word begins with: an index keeps only what a word does not share with the one before."""
EMAIL = f"{PERSON}@candidates.example"
FILE = "cXZ4emtqd3BlcnNvbiB3YXMgaGVyZQ=="
PLACES = {"messages", "conversations", "submissions", "contacts", "mailing_recipients", "suppressions"}
_MIXED = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n'
_WITH_FILE = (
    "--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n"
    '--b\r\nContent-Type: application/pdf; name="cv.pdf"\r\nContent-Disposition: attachment; filename="cv.pdf"\r\n'
    f"Content-Transfer-Encoding: base64\r\n\r\n{FILE}\r\n--b--"
)


def be_everywhere(desk: Desk) -> None:
    """Have the person stand in as many places as the product has."""
    tenant_id = desk.user.tenant_id
    webhooks.add_endpoint(tenant_id, url="https://127.0.0.1:1/hook", events=list(EVENTS))
    told = {"name": PERSON, "addresses": [EMAIL], "fields": {"city": PERSON}}
    api_contacts.upsert(tenant_id, PERSON, told)
    desk.receive(1, sender=EMAIL, subject=f"From {PERSON}", body=f"{PERSON} " * 300)
    desk.receive(2, sender=EMAIL, body=_WITH_FILE, extra=_MIXED)
    desk.receive(3, subject="forwarded", body=f"Look at what {EMAIL} writes")
    with reading() as s:
        [attachment] = s.query(Attachment).all()
        first = s.query(Message).order_by(Message.id).first()
    assert first is not None
    open_attachment(desk.user, attachment.uuid)
    desk.send(desk.write(to=EMAIL, subject=f"For {PERSON}"))
    drafts.open_draft(desk.user, mode="reply", message_uuid=first.uuid)
    desk.write(to=EMAIL, subject=f"A draft for {PERSON}")
    mailing = mailings.create_mailing(desk.user, account_uuid=desk.account_uuid)
    fields = MailingFields("Jobs", desk.account_uuid, {}, "UTC", False, 0, 1440, [0], True, [StepFields("Hi", "Hi", 0)])
    mailings.save_mailing(desk.user, mailing, fields, revision=0)
    with reading() as s:
        uuid = find_contact(s, tenant_id, PERSON).uuid
    mailings.add_contacts(desk.user, mailing, contact_uuids=[uuid])
    with transaction() as s:
        suppressions.suppress(s, tenant_id, EMAIL, reason="bounced", detail=f"550 no {PERSON}")
        audit.add_entry(s, tenant_id, desk.user.user_id, "suppression_added", email=EMAIL)
    webhooks.recover_lost()
    desk.run_jobs()


def test_nothing_of_an_erased_contact_is_left_and_nothing_comes_back(desk: Desk, database: Config) -> None:
    be_everywhere(desk)
    desk.receive(9, sender="ben@elsewhere.example", subject="Somebody else", body="Nothing to do with it")
    assert {
        "messages",
        "conversations",
        "submissions",
        "contacts",
        "mailing_recipients",
        "suppressions",
    } <= tables_with(PERSON)
    assert files_with(PERSON, database.data / "cache")

    erased = api_privacy.erase_contact(desk.user.tenant_id, PERSON)

    assert erased.messages >= 4 and erased.recipients == 1
    assert tables_with(PERSON) == tables_with(PERSON[1:]) == set()
    assert files_with(PERSON, database.data) == []
    desk.sync()
    for _ in verify(str(desk.account_uuid), fixes=True):
        pass
    desk.run_jobs()
    assert tables_with(PERSON) == set()
    with reading() as s:
        assert [row.subject for row in list_page(s, desk.user, "all").rows] == ["Somebody else"]
        assert suppressed_among(s, desk.user.tenant_id, [EMAIL]) == {EMAIL}
    assert len(desk.dovecot.messages(desk.mailbox, "INBOX")) == 4
    with pytest.raises(NotFound):
        api_privacy.erase_contact(desk.user.tenant_id, PERSON)


def test_a_contact_who_writes_again_is_a_stranger(desk: Desk) -> None:
    be_everywhere(desk)
    api_privacy.erase_contact(desk.user.tenant_id, PERSON)

    desk.receive(20, sender="new@elsewhere.example", subject="Again", references=["1@mails.example"])

    with reading() as s:
        rows = list_page(s, desk.user, "all").rows
    assert [(row.subject, row.message_count) for row in rows] == [("Again", 1)]


def test_a_contact_is_exported_whole(desk: Desk) -> None:
    be_everywhere(desk)
    desk.receive(9, sender="ben@elsewhere.example", subject="Somebody else", body="Nothing to do with it")

    export = json.loads("".join(api_privacy.export_contact(desk.user.tenant_id, PERSON)))

    assert export["contact"]["fields"] == {"city": PERSON} and export["mailings"][0]["mailing"] == "Jobs"
    assert export["suppressions"][0]["reason"] == "bounced"
    subjects = {each["subject"] for each in export["messages"]}
    assert {f"From {PERSON}", f"For {PERSON}", "forwarded"} <= subjects and "Somebody else" not in subjects
    assert [each["filename"] for message in export["messages"] for each in message["attachments"]] == ["cv.pdf"]


def test_nothing_of_an_erased_user_is_left_and_a_launch_makes_a_new_one(
    desk: Desk, database: Config, make_user: Callable[..., Any]
) -> None:
    with transaction() as s:
        row = s.get(User, desk.user.user_id)
        assert row is not None
        row.external_id, row.name = f"id-{PERSON}", f"Rita {PERSON}"
    be_everywhere(desk)
    export = json.loads("".join(api_privacy.export_user(desk.user.tenant_id, f"id-{PERSON}")))
    assert export["user"]["name"] == f"Rita {PERSON}" and len(export["messages"]) >= 4 and "secret" not in str(export)
    with reading() as s:
        account = find_account(s, desk.account_id)
        assert account is not None

    assert api_privacy.erase_user(desk.user.tenant_id, f"id-{PERSON}") is False
    with pytest.raises(NotFound):
        api_privacy.erase_user(desk.user.tenant_id, f"id-{PERSON}")
    desk.run_jobs()
    api_privacy.recover_lost()

    assert tables_with(account.email) == set() and files_with(PERSON, database.data / "cache") == []
    assert tables_with(PERSON) <= {"contacts", "contact_addresses", "suppressions", "audit_entries"}
    with reading() as s:
        assert s.get(User, desk.user.user_id) is None
    assert api_users.upsert(desk.user.tenant_id, f"id-{PERSON}", name="Rita", email=None) is True
