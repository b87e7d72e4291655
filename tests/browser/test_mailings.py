"""A mailing from a list with defects to what came back, over a server with every bad habit.

What the page counts is what the server's side saw: each recipient at most once, and nobody who does not want it.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from tests.servers.app import RunningApp
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.smtp import SmtpServer
from webmail.actions.suppressions import suppress
from webmail.store.models import Account, Submission, User
from webmail.store.session import transaction

pytestmark = pytest.mark.browser

FAST = {"minute": 100_000, "hour": 1_000_000, "day": 1_000_000}
HEAD = "Vorname;E-Mail;Ort"
SUPPRESSED = [f"s{number}@people.example" for number in range(5)]
REFUSED = ["p010@people.example", "p050@people.example", "p090@people.example"]
STUMBLES = {
    "p020@people.example": ("rcpt", "450 4.2.1 Greylisted, try again later"),
    "p021@people.example": ("rcpt", ""),
    "p040@people.example": ("data", "421 4.7.0 Try again later, closing connection"),
    "p041@people.example": ("data", ""),
    "p061@people.example": ("body", ""),
    "p080@people.example": ("answer", ""),
}
UNSURE = ["p061@people.example", "p080@people.example"]
"""Cut between DATA and its answer: of these the first was not taken, and nobody here can know that."""
UNREADABLE = 4
"""Lines without an address: kept beside the recipients, and written to by nobody."""
REPLYING = [f"p{number:03}@people.example" for number in (1, 2, 3, 100, 101)]
BOUNCING = [f"p{number:03}@people.example" for number in (130, 131, 132)]

BOUNCE = """\
From: MAILER-DAEMON@people.example
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce-{email}>
Date: {date}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

The mail could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; people.example

Final-Recipient: rfc822; {email}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such user here
--b
Content-Type: text/rfc822-headers

From: {to}
To: {email}
Message-ID: {message_id}
--b--
"""


def now_as_header() -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())


@dataclass
class People:
    """The 200 lines of a list: who is to get the mail, and why the others are not."""

    lines: list[str] = field(default_factory=list)
    good: list[str] = field(default_factory=list)

    @property
    def csv(self) -> bytes:
        return "\r\n".join([HEAD, *self.lines]).encode("cp1252")


def write_list() -> People:
    """Write 200 lines, with duplicates, addresses that are none, opted-out people, ragged lines and gaps."""
    people = People()
    for number in range(174):
        email = f"p{number:03}@people.example"
        people.lines.append(f"{'Zoë' if number % 2 else 'Jürgen'};{email};Köln")
        people.good.append(email)
    people.lines += [f"Jürgen;P{number:03}@People.example;Köln" for number in range(6)]
    people.lines += ["Ana;not-an-address;Köln", "Ana;a@;Köln", "Ana;@b.example;Köln", "Ana;;Köln"]
    people.lines += [f"Zoë;{email};Köln" for email in SUPPRESSED]
    people.lines += [f"Zoë;long{number}@people.example;Köln;too;many" for number in range(2)]
    people.good += [f"long{number}@people.example" for number in range(2)]
    people.lines += [f"Zoë;short{number}@people.example" for number in range(3)]
    people.lines += [f"Zoë;gap{number}@people.example;" for number in range(6)]
    assert len(people.lines) == 200
    return people


class Desk:
    """The recruiter's mailbox and its account, as the test reaches behind the page."""

    def __init__(self, app: RunningApp, mailbox: Mailbox, dovecot: Dovecot, smtp: SmtpServer) -> None:
        self.mailbox, self.dovecot, self.smtp = mailbox, dovecot, smtp
        app.enter()
        with transaction() as s:
            account = s.scalars(
                select(Account).where(Account.email == mailbox.email).order_by(Account.id.desc())
            ).first()
            assert account is not None
            account.mass_limits = FAST
            self.account_id, tenant_id = account.id, s.get_one(User, account.user_id).tenant_id
            for email in SUPPRESSED:
                suppress(s, tenant_id, email, reason="unsubscribed")

    def let_waits_end(self) -> None:
        """Let be over whatever the server has asked to wait for."""
        with transaction() as s:
            s.execute(update(Account).where(Account.id == self.account_id).values(mass_until=None, mass_next_at=None))
            waiting = update(Submission).where(Submission.account_id == self.account_id, Submission.state == "queued")
            s.execute(waiting.values(not_before=None))

    @property
    def received(self) -> dict[str, EmailMessage]:
        """What the server has taken, by recipient; each stands there once, alone."""
        mails = self.smtp.received
        assert all(len(mail.recipients) == 1 for mail in mails)
        times = Counter(mail.recipients[0] for mail in mails)
        assert set(times.values()) <= {1}, times.most_common(3)
        return {mail.recipients[0]: message_from_bytes(mail.mime, policy=policy.default) for mail in mails}

    def answer(self, email: str) -> None:
        """Let a recipient reply."""
        asked = self.received[email]
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"], mail["To"], mail["Subject"] = email, self.mailbox.email, f"Re: {asked['Subject']}"
        mail["In-Reply-To"] = mail["References"] = asked["Message-ID"]
        mail["Message-ID"], mail["Date"] = f"<reply-{email}>", now_as_header()
        mail.set_content("Yes, let us talk.")
        self.dovecot.deliver(self.mailbox.email, mail.as_bytes(), sender=email)

    def bounce(self, email: str) -> None:
        """Let the mail to a recipient come back as undeliverable (RFC 3464)."""
        report = BOUNCE.format(
            to=self.mailbox.email, email=email, date=now_as_header(), message_id=self.received[email]["Message-ID"]
        )
        self.dovecot.deliver(self.mailbox.email, report.replace("\n", "\r\n").encode(), sender="")


@pytest.fixture
def desk(app: RunningApp, connected: Mailbox, dovecot: Dovecot, smtp_server: SmtpServer) -> Iterator[Desk]:
    yield Desk(app, connected, dovecot, smtp_server)
    app.leave()


def wait_until(is_so: Callable[[], bool], meanwhile: Callable[[], Any], *, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        meanwhile()
        time.sleep(0.5)


def count_on(page: Page, words: str) -> int:
    """Give what the page counts under a name of its filter, 0 where it does not name it."""
    text = page.get_by_role("group", name="Show").inner_text()
    found = re.search(rf"\b{words} ([\d,]+)", text)
    return int(found[1].replace(",", "")) if found else 0


def write_mailing(page: Page, people: People) -> None:
    """Write a mailing to a list, by mouse and keys."""
    page.goto("/mailings")
    page.get_by_role("button", name="New mailing").click()
    page.get_by_label("Name", exact=True).fill("Nurses in Köln")
    page.get_by_label("Subject").fill("A role in {{ contact.ort }}")
    text = page.frame_locator("iframe[title='Text']").locator("#editor")
    text.click()
    page.keyboard.type("Dear ")
    page.get_by_text("Merge field", exact=True).click()
    page.get_by_role("button", name=re.compile("contact.first_name")).click()
    page.keyboard.type(", would you like to work in {{ contact.ort }}?")
    page.get_by_text("From a file").click()
    page.get_by_label("A table saved as CSV").set_input_files(
        {"name": "people.csv", "mimeType": "text/csv", "buffer": people.csv}
    )
    page.get_by_role("button", name="Go on to its columns").click()
    expect(page.get_by_label(re.compile("E-Mail"))).to_have_value("email")
    page.get_by_role("button", name="Add these recipients").click()


@pytest.mark.timeout(300)
def test_a_mailing_to_a_list_with_defects_over_a_troubled_server(page: Page, desk: Desk) -> None:
    people = write_list()
    desk.smtp.habits.refusals = dict.fromkeys(REFUSED, "550 5.1.1 No such user")
    desk.smtp.habits.stumbles = dict(STUMBLES)

    write_mailing(page, people)
    expect(page.get_by_text("185 recipients added.")).to_be_visible()
    expect(page.get_by_text("6 were there already.")).to_be_visible()
    expect(page.get_by_text("5 get no mailings and are left out.")).to_be_visible()
    expect(page.get_by_text("9 recipients without a value that the text names")).to_be_visible()
    preview = page.locator("#preview")
    expect(preview.get_by_text("A role in Köln")).to_be_visible()
    expect(preview.get_by_text("No signature: a mailing gets one only where you insert it")).to_be_visible()
    expect(
        page.frame_locator("#preview iframe").get_by_text("Dear Jürgen, would you like to work in Köln?")
    ).to_be_visible()
    preview.get_by_role("link", name="Next").click()
    expect(page.frame_locator("#preview iframe").get_by_text("Dear Zoë, would you")).to_be_visible()
    page.get_by_role("button", name="Start").click()

    expect(page.get_by_role("heading", name="Nurses in Köln")).to_be_visible()
    mailed = set(people.good) - {*REFUSED, UNSURE[0]}
    wait_until(lambda: count_on(page, "Waiting") == 0 and len(desk.received) == len(mailed), desk.let_waits_end)
    assert set(desk.received) == mailed
    assert desk.smtp.habits.stumbles == {}
    assert {str(mail["Subject"]) for mail in desk.received.values()} == {"A role in Köln"}
    wait_until(lambda: count_on(page, "Sent") == len(mailed) - len(UNSURE[1:]), desk.let_waits_end)
    assert count_on(page, "Unsure") == len(UNSURE)
    assert count_on(page, "Failed") == len(REFUSED)
    assert count_on(page, "Left out") == len(SUPPRESSED) + 9 + UNREADABLE

    for email in REPLYING:
        desk.answer(email)
    for email in BOUNCING:
        desk.bounce(email)
    wait_until(lambda: (count_on(page, "Replied"), count_on(page, "Bounced")) == (5, 3), lambda: None)
    unsure = page.get_by_role("link", name=re.compile("^Unsure"))
    unsure.click()
    expect(unsure).to_have_attribute("aria-current", "page")
    page.get_by_role("listitem").filter(has_text=UNSURE[1]).get_by_role("button", name="It was sent").click()
    wait_until(lambda: count_on(page, "Sent") == len(mailed) - 1, lambda: None)
    page.get_by_role("link", name=re.compile("^Replied")).click()
    page.get_by_role("link", name=re.compile("p001@people.example|Jürgen|Zoë")).first.click()
    expect(page.get_by_text("Yes, let us talk.").first).to_be_visible()
    assert set(desk.received) == mailed
