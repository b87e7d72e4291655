"""The test servers do what the tests rely on."""

from __future__ import annotations

import smtplib
import ssl
from pathlib import Path

import pytest

from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.integration


def send(server: SmtpServer, certificates: Path, sender: Mailbox, recipient: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", server.port, local_hostname="localhost") as smtp:
        smtp._host = "localhost"  # the name that the certificate carries
        smtp.starttls(context=ssl.create_default_context(cafile=str(certificates / "ca.pem")))
        smtp.login(sender.email, sender.password)
        smtp.sendmail(sender.email, [recipient.email], b"Subject: hello\r\n\r\nhello\r\n")


def test_smtp_delivers_and_files_a_copy_on_request(
    smtp_server: SmtpServer, dovecot: Dovecot, certificates: Path
) -> None:
    sender, recipient = dovecot.account("sender"), dovecot.account("recipient")
    smtp_server.habits.files_sent = True

    send(smtp_server, certificates, sender, recipient)

    assert len(dovecot.messages(recipient)) == 1
    assert len(dovecot.messages(sender, "Sent")) == 1
    assert [(mail.user, mail.recipients) for mail in smtp_server.received] == [(sender.email, [recipient.email])]


@pytest.mark.parametrize(("cuts", "delivered"), [("before_data", 0), ("after_data", 1)])
def test_smtp_cuts_the_line_on_request(
    smtp_server: SmtpServer, dovecot: Dovecot, certificates: Path, cuts: str, delivered: int
) -> None:
    sender, recipient = dovecot.account("sender"), dovecot.account("recipient")
    smtp_server.habits.cuts = cuts

    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(smtp_server, certificates, sender, recipient)

    assert len(dovecot.messages(recipient)) == delivered


def test_smtp_refuses_on_request(smtp_server: SmtpServer, dovecot: Dovecot, certificates: Path) -> None:
    sender, recipient = dovecot.account("sender"), dovecot.account("recipient")
    smtp_server.habits.refusals[recipient.email] = "550 5.1.1 No such user"

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(smtp_server, certificates, sender, recipient)

    assert smtp_server.received == []
