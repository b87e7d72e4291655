"""What lies behind a message: details, source, file and paper. A mail of ours that is still here stands for all."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.mails import build_mail
from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from tests.unit.blueprints.test_messages import html_mail
from webmail.store.models import Account, Message, Submission
from webmail.store.scope import Scope
from webmail.store.session import transaction

ODD = (
    b"From: =?utf-8?q?Zo=C3=AB?= <zoe@candidates.example>\r\nTo: rita@acme.example\r\n"
    b"Date: Mon, 2 Nov 2026 09:00:00 +0000\r\nX-Odd: <script>alert(1)</script>\r\nX-Raw: caf\xe9\r\n"
    b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nMessage-ID: <odd@candidates.example>\r\n\r\n<script>x</script>\r\n"
)


@pytest.fixture
def account(user: Scope) -> Account:
    return add_mailbox(user)


def queued(account: Account, raw: bytes, subject: str = "") -> Message:
    """Receive a mail whose bytes are still kept here, as those of a mail that was sent are."""
    (message,) = receive(account, raw, role="sent", **({"subject": subject} if subject else {}))
    with transaction() as s:
        s.add(
            Submission(
                tenant_id=account.tenant_id, user_id=account.user_id, account_id=account.id, message_id=message.id,
                state="queued", mime=raw,
            )
        )  # fmt: skip
    return message


def test_details_show_every_field_decoded_and_as_it_came(client: CheckedClient, account: Account) -> None:
    page = client.get(f"/messages/{queued(account, ODD).uuid}/details").text

    assert '<dd dir="auto">Grüße</dd>' in page
    assert "=?utf-8?b?R3LDvMOfZQ==?=" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "X-Raw: caf\\xe9" in page
    assert "<script>alert" not in page


def test_the_source_is_plain_text_whatever_it_holds(client: CheckedClient, account: Account) -> None:
    answer = client.get(f"/messages/{queued(account, ODD).uuid}/source")

    assert answer.data == ODD
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("Offer", "filename=Offer.eml"),
        ('a/b\\c:"x"\r\nX: 1', 'filename="a b c x X 1.eml"'),
        ("Grüße", "filename*=UTF-8''Gr%C3%BC%C3%9Fe.eml"),
        ("../../étc/", 'filename="_tc .eml"; '),
    ],
)  # fmt: skip
def test_the_file_is_named_by_its_subject_and_by_nothing_dangerous(
    client: CheckedClient, account: Account, subject: str, name: str
) -> None:
    answer = client.get(f"/messages/{queued(account, ODD, subject).uuid}/download")

    assert answer.data == ODD
    assert answer.mimetype == "message/rfc822"
    assert name in answer.headers["Content-Disposition"]


def test_a_page_for_paper_runs_and_loads_nothing(client: CheckedClient, account: Account) -> None:
    mail = html_mail("<p>Hello</p><script>alert(1)</script><img src='https://t.example/x.png'>")
    (message,) = receive(account, mail)

    answers = [
        client.get(f"/messages/{message.uuid}/print"),
        client.get(f"/conversations/{conversation_of(message).uuid}/print"),
    ]

    for answer in answers:
        assert "<p>Hello</p>" in answer.text
        assert "<script" not in answer.text
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; img-src 'self' data:;" in policy
        assert "allow-scripts" not in policy


def test_a_message_can_be_answered_that_is_not_the_newest(client: CheckedClient, account: Account) -> None:
    first, last = receive(account, build_mail(1), build_mail(2, answers="1@mails.example"))

    page = client.get(f"/conversations/{conversation_of(last).uuid}").text

    menu = page.partition(f'id="message-{first.uuid}-menu"')[2].partition("</details>")[0]
    for mode in ("reply", "reply_all", "forward"):
        assert f'name="mode" value="{mode}"><input type="hidden" name="message" value="{first.uuid}">' in menu


def test_the_source_of_somebody_else_does_not_exist(client: CheckedClient, make_user) -> None:
    theirs = queued(add_mailbox(make_user()), ODD)

    for uuid in (theirs.uuid, uuid4()):
        for part in ("details", "source", "download", "print"):
            assert client.get(f"/messages/{uuid}/{part}").status_code == 404
    assert client.get(f"/conversations/{conversation_of(theirs).uuid}/print").status_code == 404
