"""The main job from end to end: connect a mailbox, read, reply, and see mail arrive."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import connect, fill_other_email, sign_in
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.browser


def build_mail(to: str, *, subject: str, text: str, number: int = 0, answers: str = "") -> bytes:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = f"Mila Kern <mila.kern{number}@candidates.example>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    mail["Message-ID"] = f"<{number}-{time.time_ns()}@candidates.example>"
    if answers:
        mail["In-Reply-To"] = mail["References"] = answers
    mail.set_content(text)
    return mail.as_bytes()


def sent_mails(dovecot: Dovecot, mailbox: Mailbox) -> list[EmailMessage]:
    return [message_from_bytes(raw, policy=policy.default) for raw, _ in dovecot.messages(mailbox, "Sent")]


def wait_for(condition: Callable[[], bool], *, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.3)


def test_a_recruiter_connects_reads_and_replies(
    page: Page, recruiter: str, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    mailbox = dovecot.account()
    mails = [
        build_mail(mailbox.email, subject=f"Question {n}", text=f"Dear Rita, number {n}.", number=n) for n in range(5)
    ]
    original = build_mail(mailbox.email, subject="Backend engineer role", text="When can we talk?\n", number=99)
    dovecot.seed(mailbox, "INBOX", [*mails, original])

    sign_in(page, recruiter)
    connect(page, mailbox, smtp_server)
    save_signature(page, "Rita Recruiter, Acme Talent")
    page.goto("/inbox")
    page.get_by_role("link", name=re.compile("Backend engineer role")).click()
    expect(page.get_by_role("heading", name="Backend engineer role")).to_be_visible()
    page.get_by_role("button", name="Reply", exact=True).click()
    write_body(page, "Tomorrow at ten suits me well.")
    page.get_by_role("button", name="Send", exact=True).click()

    wait_for(lambda: len(sent_mails(dovecot, mailbox)) == 1)
    expect(page.get_by_text("Tomorrow at ten suits me well.").first).to_be_visible()
    time.sleep(2)
    (copy,) = sent_mails(dovecot, mailbox)
    source = message_from_bytes(original, policy=policy.default)
    assert copy["In-Reply-To"] == source["Message-ID"]
    assert source["Message-ID"] in copy["References"]
    assert copy["Subject"] == "Re: Backend engineer role"
    body = copy.get_body(("plain",)).get_content()
    assert body.count("Rita Recruiter, Acme Talent") == 1
    assert body.index("Rita Recruiter, Acme Talent") < body.index("When can we talk?")
    assert len(smtp_server.received) == 1
    wait_for(lambda: all("\\Seen" in flags for _, flags in dovecot.messages(mailbox)))


def test_an_answer_appears_in_the_open_conversation_and_list(page: Page, connected: Mailbox, dovecot: Dovecot) -> None:
    first = build_mail(connected.email, subject="Salary", text="What do you pay?", number=1)
    dovecot.deliver(connected.email, first)
    page.goto("/inbox")
    page.get_by_role("link", name=re.compile("Salary")).click()
    expect(page.get_by_role("heading", name="Salary")).to_be_visible()
    answers = message_from_bytes(first)["Message-ID"]

    dovecot.deliver(
        connected.email,
        build_mail(connected.email, subject="Re: Salary", text="One more thing.", number=1, answers=answers),
    )
    dovecot.deliver(connected.email, build_mail(connected.email, subject="A new voice", text="Hello.", number=2))

    expect(page.get_by_role("link", name=re.compile("A new voice"))).to_be_visible()
    expect(page.locator("#messages > .message")).to_have_count(2)
    newest = page.locator("#messages > .message").last.frame_locator("iframe")
    expect(newest.get_by_text("One more thing.")).to_be_visible()


def test_read_marks_can_be_put_back(page: Page, connected: Mailbox, dovecot: Dovecot) -> None:
    dovecot.deliver(connected.email, build_mail(connected.email, subject="Marked", text="x", number=3))
    wait_for(lambda: [flags for _, flags in dovecot.messages(connected) if "\\Seen" in flags] != [])

    page.goto("/profileSettings?tab=connect")
    page.get_by_role("button", name="Put marks back").click()

    wait_for(lambda: all("\\Seen" not in flags for _, flags in dovecot.messages(connected)))


def test_the_main_job_works_without_javascript(
    new_page: Callable[..., Page], recruiter: str, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    page = new_page(javascript=False)
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [build_mail(mailbox.email, subject="Plain and simple", text="Any news?", number=7)])

    sign_in(page, recruiter)
    page.goto("/profileSettings?tab=connect")
    page.get_by_role("button", name="Connect Other Email").click()
    fill_other_email(page, mailbox, smtp_server)
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("button", name="Disconnect Other Email").wait_for()
    wait_for(lambda: page.goto("/inbox") is not None and page.get_by_text("Plain and simple").count() > 0)
    page.get_by_role("link", name=re.compile("Plain and simple")).click()
    page.get_by_role("button", name="Reply", exact=True).click()
    body = page.get_by_label("Message")
    body.fill("Yes: you are invited.\n\n" + body.input_value())
    page.get_by_role("button", name="Send", exact=True).click()

    wait_for(lambda: len(sent_mails(dovecot, mailbox)) == 1)
    assert "you are invited" in sent_mails(dovecot, mailbox)[0].get_body(("plain",)).get_content()
    assert "Any news?" in sent_mails(dovecot, mailbox)[0].get_body(("plain",)).get_content()


def write_body(page: Page, text: str) -> None:
    """Type into the editor, whose frame has the focus by then."""
    editor = page.frame_locator("iframe[title='Message']").get_by_role("textbox")
    editor.click()
    page.keyboard.press("Control+Home")
    page.keyboard.type(text)


def save_signature(page: Page, text: str) -> None:
    page.goto("/profileSettings?tab=connect")
    editor = page.frame_locator("iframe[title='Signature']").get_by_role("textbox")
    editor.click()
    page.keyboard.type(text)
    page.get_by_role("button", name="Save signature").click()
    expect(page.get_by_text("Saved").first).to_be_visible()
