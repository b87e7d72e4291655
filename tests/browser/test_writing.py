"""Writing with what helps: suggestions, questions, sending later, pictures in the text, another signature."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.site import Site
from tests.conftest import USER_PASSWORD
from tests.mails import build_mail
from tests.unit.blueprints.written import add_account, add_message
from webmail.config import Config
from webmail.store import users
from webmail.store.models import Account, Submission
from webmail.store.outbox import list_outbox
from webmail.store.scope import Scope
from webmail.store.session import reading

pytestmark = pytest.mark.browser

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PASTE = """(editor, bytes) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "chart.png", { type: "image/png" }));
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  editor.dispatchEvent(event);
}"""


@pytest.fixture
def account(user: Scope) -> Account:
    account = add_account(user, signature="<p>Rita Recruiter</p>", is_backfilled=True)
    for number in range(3):
        sent = build_mail(number, sender="Rita <rita@acme.example>", recipient="Ana Kovač <ana.kovac@client.example>")
        add_message(account, sent)
    return account


@pytest.fixture
def page(browser: Browser, database: Config, user: Scope, account: Account) -> Iterator[Page]:
    """A signed-in page in Paris; every script error fails the test."""
    site = Site(database)
    context = browser.new_context(
        base_url=site.url, timezone_id="Europe/Paris", viewport={"width": 1100, "height": 900}
    )
    opened = context.new_page()
    errors: list[Any] = []

    def note(error: object) -> None:
        errors.append(error)

    opened.on("pageerror", note)
    with reading() as s:
        email = users.load_user(s, user).email
    opened.goto("/login")
    opened.get_by_label("Email").fill(email)
    opened.get_by_label("Password").fill(USER_PASSWORD)
    opened.get_by_role("button", name="Sign in").click()
    opened.wait_for_url("**/inbox")
    yield opened
    context.close()
    site.stop()
    assert not errors


def waiting(user: Scope) -> list[Submission]:
    with reading() as s:
        return list_outbox(s, user)


def test_a_mail_is_written_by_keyboard_asked_about_and_sent_later(page: Page, user: Scope) -> None:
    page.goto("/compose")
    frame = page.frame_locator("iframe[title='Message']")
    to = page.get_by_label("To", exact=True)

    to.press_sequentially("kov")
    expect(page.get_by_role("option", name=re.compile("Ana Kovač"))).to_have_attribute("aria-selected", "true")
    expect(to).to_have_attribute("aria-activedescendant", "person-1")
    to.press("Enter")
    expect(to).to_have_value("Ana Kovač <ana.kovac@client.example>, ")
    expect(page.get_by_role("listbox")).to_have_count(0)
    to.press_sequentially("ana.kovac@cliemt.example")

    page.get_by_label("Subject").press("Enter")
    expect(frame.locator("#editor")).to_be_focused()
    page.keyboard.type("The contract is attached. ")
    frame.locator("#editor").evaluate(PASTE, list(PIXEL))
    expect(frame.locator("#editor img[alt=chart]")).to_have_js_property("naturalWidth", 1)
    page.keyboard.press("Control+Enter")

    questions = page.get_by_role("alert")
    expect(questions).to_contain_text("no file is attached")
    expect(questions).to_contain_text("no subject")
    expect(questions).to_contain_text("looks like ana.kovac@client.example")
    expect(page.get_by_role("button", name="Send anyway")).to_be_focused()
    expect(frame.locator("#editor")).to_contain_text("The contract is attached.")

    to.fill("ana.kovac@client.example")
    page.get_by_label("Subject").fill("Contract")
    page.get_by_label("Send later, or and archive").click()
    page.get_by_role("button", name=re.compile("Tomorrow morning")).click()
    expect(page.get_by_role("alert")).to_contain_text("no file is attached")
    expect(page.get_by_role("alert")).not_to_contain_text("subject")
    page.get_by_role("button", name="Send anyway").click()

    expect(page.locator(".toast")).to_contain_text("08:00")
    (mail,) = waiting(user)
    assert mail.held_reason == "scheduled"
    page.get_by_role("link", name=re.compile("Outbox")).click()
    expect(page.get_by_role("heading", name="Scheduled")).to_be_visible()
    page.get_by_text("Change time").click()
    page.get_by_label("Date and time").fill("2027-01-05T09:30")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator("#outbox")).to_contain_text("5 Jan")
    page.get_by_role("button", name=re.compile("^Edit")).click()
    page.wait_for_url("**/compose/**")
    expect(frame.locator("#editor img[alt=chart]")).to_have_js_property("naturalWidth", 1)
    expect(frame.locator("#editor .webmail-signature")).to_have_count(1)
    assert waiting(user) == []


def test_a_picture_is_put_into_a_signature(page: Page, account: Account) -> None:
    page.goto("/profileSettings?tab=connect")
    form = page.get_by_role("form", name=f"Signature of {account.email}")

    with page.expect_file_chooser() as chooser:
        form.get_by_role("button", name="Picture").click()
    files: Any = [{"name": "logo.png", "mimeType": "image/png", "buffer": PIXEL}]
    chooser.value.set_files(files)

    expect(form.frame_locator(".signature-preview iframe").locator("img[alt=logo]")).to_have_count(1)
    form.get_by_role("button", name="Save signature").click()
    expect(form.locator("[data-state]")).to_have_text("Saved")
