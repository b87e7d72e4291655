"""A mail that came back says so where it is read: to whom it did not get, in the server's words."""

from __future__ import annotations

from typing import Any

from tests.mails import build_mail
from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.store.models import MailReport, Message, Submission
from webmail.store.scope import Scope
from webmail.store.session import transaction


def sent_with_reports(user: Scope, *reports: dict[str, Any]) -> Message:
    """Give a mail of ours on which these reports came back."""
    account = add_mailbox(user)
    [message] = receive(account, build_mail(1), role="sent")
    told = receive(account, *(build_mail(f"told-{at}") for at in range(len(reports))))
    with transaction() as s:
        own = {"tenant_id": user.tenant_id, "user_id": user.user_id}
        submission = Submission(**own, account_id=account.id, state="sent", message_id=message.id)
        s.add(submission)
        s.flush()
        for each, values in zip(told, reports, strict=True):
            s.add(MailReport(**own, message_id=each.id, submission_id=submission.id, **values))
    return message


def test_a_bounce_stands_with_the_mail_that_bounced(client: CheckedClient, user: Scope) -> None:
    message = sent_with_reports(
        user,
        {"kind": "delay", "email": "cora@x.example", "words": "connection timed out"},
        {"kind": "bounce", "email": "cora@x.example", "words": "550 5.1.1 <b>unknown</b>", "is_permanent": True},
        {"kind": "delay", "email": "carl@x.example", "words": "452 later"},
        {"kind": "auto_reply", "email": "dora@x.example", "words": ""},
    )

    page = client.get(f"/conversations/{conversation_of(message).uuid}").text

    assert "Could not be delivered to" in page
    assert "550 5.1.1 &lt;b&gt;unknown&lt;/b&gt;" in page
    assert "connection timed out" not in page, "the last word counts"
    assert page.count("Not delivered yet to") == 1
    assert "452 later" in page
    assert "dora@x.example" not in page
