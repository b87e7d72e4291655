"""Mails as the world writes them."""

from __future__ import annotations

import pytest

from tests.integration.sync.conftest import sync
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot

pytestmark = pytest.mark.integration

ODD = {
    "no header at all": b"\r\njust text\r\n",
    "nothing at all": b"\r\n",
    "a broken date": build_mail("date", extra="").replace(b"Date: ", b"Date: yesterday "),
    "a year that no calendar has": build_mail("year").replace(b"2026", b"99999"),
    "an unknown charset": build_mail("charset", extra="Content-Type: text/plain; charset=x-nonsense\r\n"),
    "raw bytes in the subject": build_mail("raw").replace(b"Mail raw", b"Gr\xfc\xdfe \xff\xfe"),
    "NUL": build_mail("nul").replace(b"Hello", b"He\x00llo"),
    "a boundary that never comes": build_mail(
        "boundary", extra='MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"\r\n'
    ),
    "broken base64": build_mail("base64", extra="Content-Transfer-Encoding: base64\r\n", body="====%%%"),
    "an endless subject": build_mail("long", subject="x" * 9000),
    "an endless Message-ID": build_mail("endless", message_id="ü" * 900 + "@x"),
    "a thousand references": build_mail("many", references=[f"{n}@r" for n in range(1000)]),
    "deep parts": build_mail(
        "deep",
        extra="MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b0\r\n",
        body="".join(f"--b{n}\r\nContent-Type: multipart/mixed; boundary=b{n + 1}\r\n\r\n" for n in range(80)),
    ),
    "headers without a body": build_mail("bare").partition(b"\r\n\r\n")[0] + b"\r\n",
}


def test_every_odd_mail_is_stored_and_none_holds_up_the_others(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [*ODD.values(), build_mail("good")])
    account = make_account(mailbox)

    sync(account)
    run_jobs()

    stored = rows(account)
    assert len(stored.placements()) == len(ODD) + 1
    assert stored.account.status == "connected"
    assert stored.account.is_backfilled is True
    assert all(message.body_state in ("stored", "broken") for message in stored.messages)
    assert "good@mails.example" in stored.message_ids()


def test_mails_without_message_id_are_told_apart(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    mailbox = dovecot.account()
    nameless = [build_mail(number, message_id=None, subject="Scan") for number in range(3)]
    dateless = [raw.replace(b"Date: ", b"X-Date: ") for raw in nameless]
    dovecot.seed(mailbox, "INBOX", [*nameless, *dateless])
    account = make_account(mailbox)

    sync(account)
    run_jobs()

    assert len(rows(account).messages) == 6


def test_a_message_id_used_again_is_another_message(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    mailbox = dovecot.account()
    dovecot.seed(
        mailbox,
        "INBOX",
        [build_mail(1, message_id="same@x", subject="One"), build_mail(2, message_id="same@x", subject="Two")],
    )
    account = make_account(mailbox)

    sync(account)
    run_jobs()

    assert sorted(message.subject for message in rows(account).messages) == ["One", "Two"]


def test_a_clock_that_is_years_behind_does_not_hide_news(dovecot: Dovecot, make_account, rows) -> None:
    mailbox = dovecot.account()
    dovecot.deliver(mailbox.email, build_mail("first"))
    account = make_account(mailbox)
    sync(account)
    dovecot.deliver(mailbox.email, build_mail("behind").replace(b"2026", b"2004"))

    sync(account)

    newest = max(rows(account).messages, key=lambda each: each.sent_at)
    assert newest.message_id_header == "behind@mails.example"


def test_a_big_mail_gives_its_text_and_keeps_its_attachment_for_later(
    dovecot: Dovecot, make_account, rows, run_jobs
) -> None:
    mailbox = dovecot.account()
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--b\r\nContent-Type: application/pdf; name=big.pdf\r\n"
    )
    body += "Content-Transfer-Encoding: base64\r\n\r\n" + "QUJD\r\n" * 60_000 + "--b--"
    extra = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n'
    dovecot.deliver(mailbox.email, build_mail("big", extra=extra, body=body))
    account = make_account(mailbox)

    sync(account)

    message = rows(account).messages[0]
    assert (message.snippet, message.body_state, message.has_attachments) == ("See the file.", "stored", True)
    assert [each.filename for each in rows(account).attachments] == ["big.pdf"]
