"""What comes back on a mailing: it settles what was unsure, outlives the mailing, and gets through every choice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests.integration.sending.mass_desk import MassDesk
from tests.mails import build_mail
from webmail.actions import mailings
from webmail.actions.unsubscribe import token_of, unsubscribe
from webmail.errors import NotFound
from webmail.store.models import MailingRecipient
from webmail.store.session import reading
from webmail.store.suppressions import suppressed_among

pytestmark = pytest.mark.integration

ANA, BEN, CEM = "ana@there.example", "ben@there.example", "cem@there.example"
REPORT = 'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n'


def bounce(about: str, named: str) -> bytes:
    """A delivery report (RFC 3464) about a mail of ours."""
    status = f"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; {about}\r\n"
    body = f"--b\r\n\r\nIt failed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n{status}"
    body += "Action: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
    body += f"Message-ID: <{named}>\r\nTo: {about}\r\n\r\n--b--"
    return build_mail(f"bounce-{about}", sender="MAILER-DAEMON@there.example", extra=REPORT, body=body)


def bounce_in_words(about: str, named: str = "") -> bytes:
    """A report as qmail writes it: words alone, with the mail itself below."""
    body = (
        "Hi. This is the qmail-send program at there.example.\r\nI'm afraid I wasn't able to deliver your message.\r\n"
    )
    body += f"This is a permanent error.\r\n\r\n<{about}>:\r\n550 5.1.1 Sorry, no mailbox here by that name.\r\n\r\n"
    body += f"--- Below this line is a copy of the message.\r\n\r\nMessage-ID: <{named}>\r\nTo: {about}\r\n\r\nHello"
    return build_mail(
        f"words-{about}",
        sender="MAILER-DAEMON@there.example",
        subject="failure notice",
        body=body,
        extra="Return-Path: <>\r\n",
    )


def name_of(mass: MassDesk, email: str) -> str:
    """Give the Message-ID of the mail that went to somebody."""
    return next(str(mail["Message-ID"]).strip("<>") for mail in mass.received if email in str(mail["To"]))


@pytest.mark.parametrize("comes_back", ["an answer", "a bounce", "an answer to another mail"])
def test_what_comes_back_settles_what_was_unsure(mass: MassDesk, comes_back: str) -> None:
    mass.desk.sync()
    mass.desk.smtp.habits.cuts = "after_data"
    mass.start(ANA, follow_ups=1)
    mass.run()
    mass.desk.smtp.habits.cuts = ""
    named = name_of(mass, ANA)

    answers = named if comes_back == "an answer" else ""
    raw = bounce(ANA, named) if comes_back == "a bounce" else build_mail("back", sender=ANA, answers=answers)
    mass.desk.receive(raw=raw)
    mass.let_waits_end()
    mass.run()

    is_proven, recipient = comes_back != "an answer to another mail", mass.recipients[ANA]
    assert (mass.counts.sent, mass.counts.unsure) == ((1, 0) if is_proven else (0, 1))
    assert recipient.next_step_at is None
    assert bool(recipient.replied_at) == (comes_back == "an answer")
    assert bool(recipient.bounced_at) == (comes_back == "a bounce")
    assert [each.details["email"] for each in mass.audit if each.action == "mailing_mail_proven"] == [ANA] * is_proven
    assert len(mass.received) == 1, "nobody is written to twice"


def test_a_deleted_mailing_that_was_sent_still_knows_its_people(mass: MassDesk) -> None:
    mass.start(ANA, BEN, follow_ups=1)
    mass.run()
    token = token_of(mass.recipients[ANA].uuid)
    mailings.cancel(mass.user, mass.uuid)
    mailings.delete(mass.user, mass.uuid)

    with pytest.raises(NotFound):
        _ = mass.mailing
    unsubscribe(token, detail="By the link.")
    mass.desk.receive(raw=build_mail("back", sender=BEN, answers=name_of(mass, BEN)))

    with reading() as s:
        kept = {each.email: each for each in s.scalars(select(MailingRecipient))}
        assert suppressed_among(s, mass.user.tenant_id, [ANA, BEN]) == {ANA}
    assert kept[ANA].unsubscribed_at is not None
    assert kept[BEN].replied_at is not None


def test_a_mailing_that_reached_nobody_is_really_deleted(mass: MassDesk) -> None:
    mass.start(ANA)
    mailings.cancel(mass.user, mass.uuid)
    mailings.delete(mass.user, mass.uuid)

    with reading() as s:
        assert s.scalars(select(MailingRecipient)).all() == []


def test_it_gets_through_where_only_mail_with_contacts_is_kept(make_mass: Callable[..., MassDesk]) -> None:
    mass = make_mass(only_contacts=True)
    mass.desk.sync()
    mass.start(ANA, BEN, CEM, follow_ups=1)
    mass.run()

    for raw in (
        bounce(ANA, name_of(mass, ANA)),
        bounce_in_words(BEN, name_of(mass, BEN)),
        build_mail("stop", sender=CEM, subject=f"unsubscribe {token_of(mass.recipients[CEM].uuid)}", body=""),
        bounce_in_words("mum@family.example"),
        build_mail("private", sender="mum@family.example"),
    ):
        mass.desk.receive(raw=raw)

    found = mass.recipients
    assert [bool(each.bounced_at) for each in (found[ANA], found[BEN], found[CEM])] == [True, True, False]
    assert found[CEM].unsubscribed_at is not None
    assert [each.next_step_at for each in found.values()] == [None] * 3
    with reading() as s:
        assert suppressed_among(s, mass.user.tenant_id, [ANA, BEN, CEM]) == {ANA, BEN, CEM}
    assert not any("family.example" in str(each.message_id_header) for each in mass.desk.messages)
    assert sorted(each.message_id_header for each in mass.desk.messages if not each.is_outgoing) == [
        f"bounce-{ANA}@mails.example",
        "stop@mails.example",
        f"words-{BEN}@mails.example",
    ]
