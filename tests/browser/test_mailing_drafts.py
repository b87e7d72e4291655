"""A mailing being written in Chromium: it saves itself, and what is inserted stands where the cursor was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.site import Site
from tests.unit.blueprints.conftest import load_user
from tests.unit.blueprints.mailed import load, recipients, written_mailing
from tests.unit.blueprints.written import add_account
from webmail.store.models import MailTemplate
from webmail.store.scope import Scope
from webmail.store.session import transaction

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, site: Site, user: Scope) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    page = context.new_page()
    sign_in(page, load_user(user).email)
    yield page
    context.close()


def test_what_is_inserted_stands_at_the_cursor_and_two_tabs_notice_each_other(page: Page, user: Scope) -> None:
    add_account(user, signature="<p>Rita, <b>Acme</b></p>")
    with transaction() as s:
        s.add(MailTemplate(tenant_id=user.tenant_id, user_id=user.user_id, name="Short", html="<p>Hello again</p>"))
    uuid = written_mailing(user, html="<div>First</div><div>Last</div>", steps=2)
    address = f"/mailings/{uuid}"
    page.goto(address)
    other = page.context.new_page()
    other.goto(address)

    # Into the second text, which has a cursor and a toolbar of its own.
    follow_up = page.locator("#step-1")
    page.frame_locator("iframe[title='Follow-up 1']").get_by_text("First").click()
    page.keyboard.press("End")
    page.keyboard.type(" of {{ job.title }} ")
    follow_up.get_by_text("Merge field", exact=True).click()
    follow_up.get_by_role("button", name=re.compile("contact.first_name")).click()
    page.keyboard.press("Enter")
    follow_up.get_by_role("button", name="Insert signature").click()
    expect(page.frame_locator("iframe[title='Follow-up 1']").get_by_text("Rita, Acme")).to_be_visible()
    expect(page.locator("#preview").get_by_text("1 of 1")).to_be_visible()
    page.locator("#preview").get_by_role("link", name="Follow-up 1").click()
    expect(page.locator("#preview").get_by_text("inserted into the text by hand")).to_be_visible()

    first, second = load(user, uuid).steps
    shown = unescape(re.sub(r"<[^>]+>", "", second.html)).replace("\u00a0", " ")
    assert first.html == "<div>First</div><div>Last</div>"
    assert 'First of {{ job.title }} {{ contact.first_name | "there" }}' in shown
    assert shown.index("Rita, Acme") < shown.index("Last")

    other.get_by_label("Name", exact=True).fill("From the other tab")
    expect(other.get_by_text("Changed in another tab")).to_be_visible()
    other.get_by_role("button", name="Keep mine").click()
    expect(other.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    expect(other.get_by_text("Changed in another tab")).to_have_count(0)
    assert load(user, uuid).name == "From the other tab"

    page.reload()
    page.locator("#step-0").get_by_label("Template").select_option("Short")
    page.locator("#step-0").get_by_role("button", name="Use").click()
    expect(page.frame_locator("iframe[title='Text']").get_by_text("Hello again")).to_be_visible()
    page.locator("#step-0").get_by_role("button", name="Undo").click()
    expect(page.frame_locator("iframe[title='Text']").get_by_text("Last")).to_be_visible()

    # A change to the recipients waits for what was typed, and neither gets lost.
    page.get_by_label("Subject").fill("Typed a moment ago")
    page.get_by_text("Paste addresses").click()
    page.get_by_label("Addresses, with or without names").fill("bo@people.example")
    page.locator("#from-paste").get_by_role("button", name="Add").click()
    expect(page.get_by_text("1 recipient added.")).to_be_visible()
    expect(page.get_by_label("Addresses, with or without names")).to_have_value("")
    page.get_by_role("button", name="Leave out ana@people.example").click()
    expect(page.get_by_text("Left out by you")).to_be_visible()
    assert load(user, uuid).steps[0].subject == "Typed a moment ago"
    assert {email: row.state for email, row in recipients(user, uuid).items()} == {
        "ana@people.example": "left_out",
        "bo@people.example": "ready",
    }

    # Nor what is typed on the way out.
    page.get_by_label("Name", exact=True).fill("Typed on the way out")
    page.reload()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Typed on the way out")
