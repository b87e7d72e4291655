"""Invitations in their messages, and the mail that answers one."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest

from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of
from tests.unit.blueprints.test_previews import with_files
from tests.unit.domain.test_invitations import ics
from webmail.store.models import Account, Submission
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.submissions import load_mime

TIME = ("DTSTART:20261102T100000Z", "DTEND:20261102T110000Z")


@pytest.fixture
def account(user: Scope) -> Account:
    return add_mailbox(user)


def invited(account: Account, content: bytes) -> str:
    """Receive an invitation; gives the address of its card."""
    _, (file,) = with_files(account, ("invite.ics", "text/calendar", content))
    return f"/messages/attachments/{file.uuid}/invitation"


def test_an_invitation_shows_as_a_card(client: CheckedClient, account: Account) -> None:
    message, (file,) = with_files(account, ("invite.ics", "text/calendar", ics(*TIME, "LOCATION:<b>Room</b>")))
    path = f"/messages/attachments/{file.uuid}/invitation"

    page, card = client.get(f"/conversations/{conversation_of(message).uuid}").text, client.get_partial(path).text

    assert f'hx-get="{path}" hx-trigger="load"' in page
    assert "Interview, second round" in card
    assert "Mon 2 November 2026, 10:00 – 11:00 (UTC)" in card
    assert "&lt;b&gt;Room&lt;/b&gt;" in card
    assert "Cora, Candidate &lt;cora@candidates.example&gt;" in card
    assert "<h1>Invitation</h1>" in client.get(path).text


def test_an_answer_goes_out_as_a_calendar_for_calendars(client: CheckedClient, account: Account) -> None:
    path = invited(account, ics(*TIME))

    told = client.submit(f"{path}/answer", {"answer": "ACCEPTED"}, htmx=True)

    assert "Accepted. The organiser will be told." in told.text
    with reading() as s:
        submission = s.query(Submission).one()
        mail = message_from_bytes(load_mime(s, submission.id) or b"", policy=policy.default)
    assert submission.state == "queued"
    assert (mail["To"], mail["Subject"]) == ("cora@candidates.example", "Accepted: Interview, second round")
    assert mail["In-Reply-To"]
    assert mail.get_content_type() == "multipart/alternative"
    text, calendar = mail.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert (calendar.get_content_type(), calendar["Content-Type"].params["method"]) == ("text/calendar", "REPLY")
    assert "PARTSTAT=ACCEPTED" in calendar.get_content().replace("\r\n ", "")


def test_what_was_cancelled_says_so_and_takes_no_answer(client: CheckedClient, account: Account) -> None:
    path = invited(account, ics(*TIME, method="CANCEL"))

    assert "This event was cancelled" in client.get_partial(path).text
    assert client.submit(f"{path}/answer", {"answer": "ACCEPTED"}).status_code == 422


def test_an_answer_that_is_none_is_refused(client: CheckedClient, account: Account) -> None:
    assert client.submit(f"{invited(account, ics(*TIME))}/answer", {"answer": "x"}).status_code == 422
    assert "cannot be read here" in client.get_partial(invited(account, b"garbage")).text


def test_the_invitation_of_somebody_else_does_not_exist(client: CheckedClient, make_user) -> None:
    path = invited(add_mailbox(make_user()), ics(*TIME))

    assert client.get_partial(path).status_code == 404
    assert client.submit(f"{path}/answer", {"answer": "ACCEPTED"}).status_code == 404
