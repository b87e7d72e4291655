"""Searching as a person does: a key, some letters, and what was found."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox

pytestmark = pytest.mark.browser


def test_letters_after_a_slash_find_mail_and_escape_gives_the_inbox_back(
    page: Page, connected: Mailbox, dovecot: Dovecot
) -> None:
    dovecot.deliver(
        connected.email, build_mail(1, subject="Your application", body="We can talk on Tuesday. Résumé enclosed.")
    )
    dovecot.deliver(connected.email, build_mail(2, subject="Other news"))
    page.goto("/inbox")
    rows = page.locator("#rows .conversation-row")
    expect(rows).to_have_count(2, timeout=20_000)

    page.keyboard.press("/")
    page.keyboard.type("tuesday resu", delay=30)

    expect(rows).to_have_count(1, timeout=20_000)
    expect(page.locator("#rows mark")).to_have_text(["Tuesday", "Résumé"])
    expect(page).to_have_url(re.compile(r"/inbox\?q=tuesday\+resu$"))
    rows.first.click()
    expect(page.get_by_role("heading", name="Your application").first).to_be_visible()
    page.reload()
    expect(rows).to_have_count(1, timeout=20_000)
    page.get_by_role("link", name="Clear").click()
    expect(rows).to_have_count(2, timeout=20_000)


def test_a_search_works_without_javascript(
    new_page, recruiter: str, page: Page, connected: Mailbox, dovecot: Dovecot
) -> None:
    dovecot.deliver(connected.email, build_mail(1, subject="Your application"))
    page.goto("/inbox")
    expect(page.locator("#rows .conversation-row")).to_have_count(1, timeout=20_000)
    plain = new_page(javascript=False, width=420)
    sign_in(plain, recruiter)

    plain.get_by_label("Search mail").fill("application before:soon")
    plain.get_by_label("Search mail").press("Enter")

    expect(plain.get_by_text("takes a day, written as before:2026-11-30")).to_be_visible()
    expect(plain.locator("#rows .conversation-row")).to_have_count(1, timeout=20_000)
