"""The signature rule: individual mails have it once; a mailing and its follow-ups only where somebody has put it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.mails import build_mail
from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, receive
from tests.unit.blueprints.written import draft_uuid_in, fields_of
from webmail.actions import api_send, draft_changes, drafts, mail_templates, mailings, signatures, submit
from webmail.actions.drafts import DraftFields
from webmail.actions.mail_templates import TemplateFields
from webmail.actions.mailings import MailingFields, StepFields
from webmail.domain.mime import parse_message
from webmail.domain.tables import RecipientRow
from webmail.store import mailings as mailing_store
from webmail.store import submissions as store
from webmail.store.models import Account, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading

MARK = "Rita of Acme Staffing"
SIGNATURE = f"<div>{MARK}</div>"
INSERTED = f'<div class="webmail-signature">{SIGNATURE}</div>'
SAVED = DraftFields(None, "cora@candidates.example", "", "", "Interview", False, "", "")


class Desk:
    """A user whose mailbox has a signature."""

    def __init__(self, scope: Scope, client: CheckedClient) -> None:
        self.scope, self.client = scope, client
        self.account: Account = add_mailbox(scope)
        signatures.save_signature(scope, self.account.uuid, SIGNATURE)

    def open(self, mode: str) -> UUID:
        """Open a draft as the composer does, addressed to somebody."""
        message = None if mode == "new" else receive(self.account, build_mail(1))[0]
        uuid = drafts.open_draft(
            self.scope, mode=mode, message_uuid=message.uuid if message else None, account_uuid=self.account.uuid
        )
        with reading() as s:
            draft = store.load_submission(s, self.scope, uuid)
        typed = {"to": SAVED.to, "subject": SAVED.subject, "body_html": f"<div>Good day</div>{draft.body_html}"}
        drafts.save_draft(self.scope, uuid, DraftFields(**(vars(SAVED) | typed)), revision=draft.revision)
        return uuid

    def sent(self, uuid: UUID, **how: Any) -> str:
        """Send a draft off, and give the text that goes out."""
        submit.submit(self.scope, uuid, **how)
        return self.text_of(uuid)

    def text_of(self, uuid: UUID) -> str:
        with reading() as s:
            mime = store.load_mime(s, store.load_submission(s, self.scope, uuid).id)
        parsed = parse_message(mime or b"")
        assert not parsed.html or parsed.text.count(MARK) == parsed.html.count(MARK)
        return parsed.text

    def mailing(self, *texts: str) -> UUID:
        """Write a mailing to one person: its first mail, and follow-ups."""
        uuid = mailings.create_mailing(self.scope)
        steps = [StepFields("" if at else "A job", text, at and 3) for at, text in enumerate(texts)]
        fields = MailingFields("", None, {}, "UTC", False, 0, 1440, list(range(7)), True, steps)
        mailings.save_mailing(self.scope, uuid, fields, revision=0)
        mailings.add_recipients(self.scope, uuid, [RecipientRow("ana@there.example", "Ana")])
        return uuid

    def preview(self, uuid: UUID, step: int) -> mailings.Preview:
        with reading() as s:
            mailing = mailing_store.load_mailing(s, self.scope, uuid)
            [recipient] = mailing_store.list_recipients(s, mailing.id)
        return mailings.preview(self.scope, uuid, recipient.uuid, step=step)


def _from_template(desk: Desk) -> str:
    template = mail_templates.add_template(desk.scope, TemplateFields("Invite", "Invitation", "<div>Come!</div>", True))
    uuid = desk.open("new")
    draft_changes.use_template(desk.scope, uuid, template)
    return desk.sent(uuid)


def _moved_to_another_account(desk: Desk) -> str:
    other = add_mailbox(desk.scope, "second@acme.example")
    signatures.save_signature(desk.scope, other.uuid, SIGNATURE)
    uuid = desk.open("new")
    with reading() as s:
        draft = store.load_submission(s, desk.scope, uuid)
    typed = {"account_uuid": other.uuid, "body_html": draft.body_html}
    drafts.save_draft(desk.scope, uuid, DraftFields(**(vars(SAVED) | typed)), revision=draft.revision)
    return desk.sent(uuid)


def _by_compose(desk: Desk) -> str:
    """Go the way of an ATS's `compose()`: its frame opens this address, and the composer's form is sent."""
    opened = desk.client.get(f"/compose?to={SAVED.to}&subject={SAVED.subject}").location
    page = desk.client.get(opened).text
    assert desk.client.submit(f"{opened}/send", fields_of(page) | {"sure": "1"}).status_code == 303
    return desk.text_of(draft_uuid_in(opened))


def _by_api(desk: Desk, **fields: Any) -> str:
    uuid = uuid4()
    api_send.send(desk.scope, uuid, {"to": [SAVED.to], "subject": SAVED.subject} | fields)
    return desk.text_of(uuid)


def _by_api_as_a_reply(desk: Desk) -> str:
    message = receive(desk.account, build_mail(1))[0]
    return _by_api(desk, html="<div>Good day</div>", reply_to_message=str(message.uuid))


@pytest.fixture
def desk(user: Scope, client: CheckedClient) -> Desk:
    return Desk(user, client)


@pytest.mark.parametrize(
    "send",
    [
        pytest.param(lambda desk: desk.sent(desk.open("new")), id="single mail"),
        pytest.param(lambda desk: desk.sent(desk.open("reply")), id="reply"),
        pytest.param(lambda desk: desk.sent(desk.open("reply_all")), id="reply to all"),
        pytest.param(lambda desk: desk.sent(desk.open("forward")), id="forward"),
        pytest.param(lambda desk: desk.sent(desk.open("new"), at=utc_now() + timedelta(days=1)), id="scheduled mail"),
        pytest.param(_from_template, id="single mail from a template"),
        pytest.param(_moved_to_another_account, id="single mail from another mailbox than at first"),
        pytest.param(_by_compose, id="compose() of a frame"),
        pytest.param(lambda desk: _by_api(desk, html="<div>Good day</div>"), id="the API's send"),
        pytest.param(lambda desk: _by_api(desk, html=f"<div>Good day</div>{INSERTED}"), id="the API with it inside"),
        pytest.param(lambda desk: _by_api(desk, text="Good day"), id="the API's send of plain text"),
        pytest.param(_by_api_as_a_reply, id="the API's reply"),
    ],
)
def test_an_individual_mail_has_it_once(desk: Desk, send: Callable[[Desk], str]) -> None:
    assert send(desk).count(MARK) == 1


@pytest.mark.parametrize(
    ("texts", "counts"),
    [
        (["<div>Dear all</div>", "<div>Again</div>"], [0, 0]),
        ([f"<div>Dear all</div>{INSERTED}", "<div>Again</div>"], [1, 0]),
        (["<div>Dear all</div>", f"<div>Again</div>{INSERTED}"], [0, 1]),
        ([f"<div>Dear all</div>{INSERTED}<div>PS: call me</div>", f"<div>Again</div>{INSERTED}"], [1, 1]),
    ],
)
def test_a_mailing_and_its_follow_ups_have_it_where_it_was_inserted(
    desk: Desk, texts: list[str], counts: list[int]
) -> None:
    uuid = desk.mailing(*texts)

    for step, count in enumerate(counts):
        shown = desk.preview(uuid, step)
        test_mail = mailings.send_test(desk.scope, uuid, None, step=step)

        assert [shown.text.count(MARK), shown.html.count(MARK)] == [count, count]
        assert desk.text_of(test_mail).count(MARK) == count
        assert ("inserted into the text by hand" in shown.signature_rule) == bool(count)
