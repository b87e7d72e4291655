"""Stars and several conversations at once in Chromium: by press, by keyboard, and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import connect, sign_in
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.browser

COUNT = 12


@pytest.fixture
def mailbox(recruiter: str, dovecot: Dovecot) -> Mailbox:
    mailbox = dovecot.account()
    mails = [build_mail(number, subject=f"Role {number}", recipient=mailbox.email) for number in range(COUNT)]
    dovecot.seed(mailbox, "INBOX", mails)
    return mailbox


@pytest.fixture
def inbox(page: Page, recruiter: str, mailbox: Mailbox, smtp_server: SmtpServer) -> Page:
    sign_in(page, recruiter)
    connect(page, mailbox, smtp_server)
    page.goto("/inbox")
    expect(page.locator("#rows > li")).to_have_count(COUNT, timeout=20_000)
    page.errors = errors = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: errors.append(str(error)))
    return page


def row(page: Page, number: int) -> Locator:
    return page.locator("#rows > li", has_text=re.compile(rf"Role {number}\b"))


def box(page: Page, number: int) -> Locator:
    return row(page, number).get_by_role("checkbox")


def flagged(dovecot: Dovecot, mailbox: Mailbox) -> int:
    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX", readonly=True)
        return len(client.search("FLAGGED"))


def test_a_star_in_the_row_and_in_the_head_is_one(inbox: Page, mailbox: Mailbox, dovecot: Dovecot) -> None:
    in_row = row(inbox, 11).get_by_role("button", name="Star")
    row(inbox, 11).hover()
    in_row.click()
    expect(in_row).to_have_attribute("aria-pressed", "true")
    for _ in range(100):
        if flagged(dovecot, mailbox):
            break
        inbox.wait_for_timeout(100)
    assert flagged(dovecot, mailbox) == 1

    row(inbox, 11).get_by_role("link").click()
    in_head = inbox.locator(".conversation-head").get_by_role("button", name="Star")
    expect(in_head).to_have_attribute("aria-pressed", "true")
    inbox.keyboard.press("s")
    expect(in_head).to_have_attribute("aria-pressed", "false")
    expect(in_row).to_have_attribute("aria-pressed", "false")
    inbox.keyboard.press("s")
    expect(in_head).to_have_attribute("aria-pressed", "true")
    inbox.get_by_role("link", name="Starred", exact=True).click()
    expect(inbox.locator("#rows > li")).to_have_count(1)
    assert inbox.errors == []  # type: ignore[attr-defined]


def test_a_range_is_selected_and_archived_and_put_back(inbox: Page) -> None:
    box(inbox, 11).check(force=True)
    expect(inbox.get_by_text("1 selected")).to_be_visible()
    box(inbox, 8).click(modifiers=["Shift"], force=True)
    expect(inbox.get_by_text("4 selected")).to_be_visible()
    expect(inbox.get_by_role("group", name="Filter")).to_be_hidden()

    inbox.get_by_role("group", name="Selected").get_by_role("button", name="Archive").click()

    expect(inbox.get_by_text("Archived 4 conversations.")).to_be_visible()
    expect(inbox.locator("#rows > li")).to_have_count(COUNT - 4)
    expect(inbox.get_by_role("group", name="Selected")).to_be_hidden()
    inbox.get_by_role("button", name="Undo").click()
    expect(inbox.locator("#rows > li")).to_have_count(COUNT)
    assert inbox.errors == []  # type: ignore[attr-defined]


def test_by_keyboard_rows_are_selected_kept_through_news_and_marked(
    inbox: Page, mailbox: Mailbox, dovecot: Dovecot
) -> None:
    for key in "jxjx":
        inbox.keyboard.press(key)
    expect(inbox.get_by_text("2 selected")).to_be_visible()

    dovecot.deliver(mailbox.email, build_mail("news", subject="News", recipient=mailbox.email))
    expect(inbox.get_by_role("link", name=re.compile("News"))).to_be_visible(timeout=20_000)
    assert [box(inbox, number).is_checked() for number in (11, 10, 9)] == [True, True, False]

    inbox.get_by_role("button", name="Mark read", exact=True).click()
    expect(inbox.get_by_text("Marked 2 conversations as read.")).to_be_visible()
    expect(row(inbox, 11).get_by_text("Unread")).to_have_count(0)
    inbox.keyboard.press("#")
    expect(inbox.get_by_text("Moved 2 conversations to the trash.")).to_be_visible()
    expect(row(inbox, 11)).to_have_count(0)
    inbox.keyboard.press("x")
    inbox.keyboard.press("Escape")
    expect(inbox.get_by_role("group", name="Selected")).to_be_hidden()
    assert inbox.errors == []  # type: ignore[attr-defined]


def test_enter_in_a_checkbox_does_nothing(inbox: Page) -> None:
    box(inbox, 11).check(force=True)
    box(inbox, 11).press("Enter")

    inbox.wait_for_timeout(500)
    expect(inbox.locator("#rows > li")).to_have_count(COUNT)


def test_without_javascript_rows_are_starred_selected_and_archived(new_page: Callable[..., Page], inbox: Page) -> None:
    page = new_page(javascript=False)
    page.context.add_cookies(inbox.context.cookies())
    page.goto("/inbox")
    box(page, 11).check(force=True)
    box(page, 10).check(force=True)

    page.get_by_role("group", name="Selected").get_by_role("button", name="Archive").click()
    expect(page.locator("#rows > li")).to_have_count(COUNT - 2)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#rows > li")).to_have_count(COUNT)
    row(page, 5).hover()
    row(page, 5).get_by_role("button", name="Star").click()
    expect(row(page, 5).get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
