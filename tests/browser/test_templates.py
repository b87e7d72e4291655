"""Contacts and mail templates in Chromium: what only a browser can show."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD
from tests.browser.site import Site
from webmail.actions.imports import import_contacts
from webmail.domain.columns import guess_columns
from webmail.domain.tables import read_table
from webmail.store import users
from webmail.store.mail_templates import list_templates
from webmail.store.scope import Scope
from webmail.store.session import reading


def open_page(browser: Browser, site: Site, scope: Scope, path: str, *, javascript: bool = True) -> Page:
    with reading() as s:
        email = users.load_user(s, scope).email
    page = browser.new_context(base_url=site.url, java_script_enabled=javascript).new_page()
    page.set_default_timeout(15_000)
    page.goto(f"/login?next={path}")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}")
    return page


def test_fields_go_where_the_cursor_is_and_a_template_is_saved_in_place(
    browser: Browser, site: Site, user: Scope
) -> None:
    page = open_page(browser, site, user, "/mail-templates/new")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(dialog.message) or dialog.dismiss())
    text = page.frame_locator("iframe[title=Text]").locator("#editor")
    text.wait_for()

    def insert(label: str) -> None:
        page.get_by_text("Merge field", exact=True).click()
        page.locator(f"[data-insert*='{label}']").click()

    page.get_by_label("Name").fill("First contact")
    page.get_by_label("Subject").fill("Hello ")
    insert("contact.name")
    text.click()
    page.keyboard.type("Dear ")
    insert("contact.first_name")
    page.keyboard.type(", good day")
    page.get_by_role("button", name="Show preview").click()
    shown = page.frame_locator("iframe[name=template-preview]").locator("main")
    expect(shown).to_contain_text("Hello Ana Silva")
    expect(shown).to_contain_text("Dear Ana, good day")

    page.get_by_role("button", name="Save template").click()
    page.wait_for_url(re.compile(r"/mail-templates/[0-9a-f-]{36}$"))
    text.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" to you")
    expect(page.locator("[data-state]")).to_have_text("Not saved yet")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-state]")).to_have_text("Saved")
    expect(page.get_by_text("1 earlier version")).to_be_visible()
    expect(shown).to_contain_text("good day to you")

    page.goto("/mail-templates")
    with reading() as s:
        stored = list_templates(s, user)[0]
    assert stored.subject == "Hello {{ contact.name }}"
    assert 'Dear {{ contact.first_name | "there" }}, good day to you' in re.sub("&nbsp;|\u00a0", " ", stored.html)
    assert errors == []
    page.context.close()


def test_contacts_are_found_while_one_types_and_by_plain_forms(browser: Browser, site: Site, user: Scope) -> None:
    rows = "".join(f"Person {number:03};p{number}@x.example\n" for number in range(60))
    table = read_table(f"Name;Email\n{rows}Zoë Ångström;zoe@y.example\n".encode())
    import_contacts(user, table, guess_columns(table))

    live = open_page(browser, site, user, "/contacts")
    live.get_by_role("link", name="More contacts").click()
    expect(live.get_by_role("link", name="Zoë Ångström")).to_be_visible()
    live.get_by_placeholder("Name, company or address").press_sequentially("ångs")
    expect(live.get_by_text("1 contact", exact=True)).to_be_visible()
    expect(live).to_have_url(re.compile(r"q=%C3%A5ngs"))
    expect(live.get_by_placeholder("Name, company or address")).to_be_focused()
    live.context.close()

    plain = open_page(browser, site, user, "/contacts", javascript=False)
    plain.get_by_placeholder("Name, company or address").fill("y.example")
    plain.get_by_role("button", name="Search", exact=True).click()
    plain.get_by_role("link", name="Zoë Ångström").click()
    plain.get_by_label("Company").fill("Northwind")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_text("Contact saved.")).to_be_visible()
    expect(plain.get_by_label("Company")).to_have_value("Northwind")
    plain.context.close()
