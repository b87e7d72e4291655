"""Take pictures of every page, at three widths, light and dark, into docs/screenshots.

Runs the whole product with its demo mailbox in a folder of its own, and does in Chromium what a newcomer does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from tests.browser.conftest import CHROMIUM, FLAGS  # noqa: E402
from tests.servers.app import RunningApp  # noqa: E402
from tests.servers.certificates import TestAuthority  # noqa: E402

WIDTHS = (420, 900, 1440)
OUT = ROOT / "docs" / "screenshots"


def main() -> None:
    """Start the product, connect the demo mailbox, and take all pictures."""
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    OUT.mkdir(parents=True, exist_ok=True)
    ca_file = OUT.parent / ".ca.pem"
    ca_file.write_bytes(TestAuthority().certificate_pem)
    app = RunningApp(ca_file, WEBMAIL_DEMO="1")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            state = prepare(browser, app.url)
            for scheme in ("light", "dark"):
                for width in WIDTHS:
                    shoot_all(browser, app.url, state, scheme, width, only)
            browser.close()
    finally:
        app.stop()
        ca_file.unlink()


def prepare(browser: Browser, url: str) -> dict[str, str]:
    """Sign in, connect the demo mailbox, write a signature; gives the places to be shot."""
    page = browser.new_page(base_url=url, viewport={"width": 1440, "height": 900})
    sign_in(page)
    page.goto("/profileSettings?tab=connect")
    page.get_by_role("button", name="Connect Other Email").click()
    page.get_by_label("Email", exact=True).fill("recruiter@demo.example")
    page.get_by_label("Email Password").fill("demo-mailbox")
    page.locator("#account-form").get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("button", name="Disconnect Other Email").wait_for()
    page.wait_for_function("!document.querySelector('#card-other progress')", timeout=60_000)
    page.locator("summary", has_text="matched at").wait_for(timeout=60_000)
    page.goto("/inbox")
    row = page.locator("a[href^='/conversations/']").first
    row.wait_for()
    places = {"conversation": row.get_attribute("href") or ""}
    letter = page.locator("a[href^='/conversations/']", has_text=re.compile("Dispatch|Weekly|Letter|Ledger|News"))
    if letter.count():
        places["newsletter"] = letter.first.get_attribute("href") or ""
    places["mailing-draft"] = write_mailing(page, "Nurses in Lyon")
    places["mailing"] = write_mailing(page, "Engineers in Berlin")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("link", name=re.compile(r"^All \d")).wait_for()
    page.context.storage_state(path=str(OUT.parent / ".state.json"))
    page.close()
    return places


def write_mailing(page: Page, name: str) -> str:
    """Write a mailing to a few people; gives its place."""
    page.goto("/mailings")
    page.get_by_role("button", name="New mailing").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Subject").fill("A role that may suit you")
    page.frame_locator("iframe[title='Text']").locator("#editor").click()
    page.keyboard.type('Dear {{ contact.first_name | "colleague" }}, would you like to hear more?')
    page.get_by_text("Paste addresses").click()
    people = ", ".join(
        f"{each} Berg <{each.lower()}@candidates.example>" for each in ("Ana", "Bo", "Cleo", "Dan", "Eva")
    )
    page.get_by_label("Addresses, with or without names").fill(people)
    page.locator("#from-paste").get_by_role("button", name="Add").click()
    page.get_by_text("recipients added.").wait_for()
    page.locator("#preview iframe").wait_for()
    return page.url.split("#")[0].removeprefix(page.url.split("/mailings")[0])


def open_details(page: Page) -> None:
    """Open what the accounts' rows keep folded."""
    for summary in page.locator(".account .details > summary").all():
        summary.click()


def sign_in(page: Page) -> None:
    """Sign in with what the demo offers."""
    page.goto("/login?fill=demo")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/inbox*")


def shoot_all(browser: Browser, url: str, places: dict[str, str], scheme: str, width: int, only: str) -> None:
    """Take every page at one width and in one scheme."""
    signed_out = browser.new_page(base_url=url, viewport={"width": width, "height": 900}, color_scheme=scheme)
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        storage_state=str(OUT.parent / ".state.json"),
    )
    page = context.new_page()

    def shoot(name: str, path: str, act: Callable[[Page], None] | None = None, on: Page = page) -> None:
        if only and only not in name:
            return
        on.goto(path)
        on.wait_for_timeout(500)
        if act is not None:
            act(on)
            on.wait_for_timeout(700)
        picture = OUT / f"{name}-{width}-{scheme}.png"
        on.screenshot(path=str(picture))
        with Image.open(picture) as taken:
            taken.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)

    shoot("sign-in", "/login", on=signed_out)
    shoot("inbox", "/inbox")
    shoot("inbox-unread", "/inbox?unread=1")
    shoot("search", "/inbox?q=interview")
    shoot("drafts", "/inbox?view=drafts")
    shoot("conversation", places["conversation"])
    if places.get("newsletter"):
        shoot("newsletter", places["newsletter"])
    shoot("reply", places["conversation"], lambda p: p.get_by_role("button", name="Reply", exact=True).first.click())
    shoot("new-mail", "/compose")
    shoot("connect", "/profileSettings?tab=connect")
    shoot("proof", "/profileSettings?tab=connect", open_details)
    shoot("ledger", "/ledger")
    shoot("other-email", "/accounts/new")
    shoot(
        "signature",
        "/profileSettings?tab=connect",
        lambda p: p.locator("#signature-title").scroll_into_view_if_needed(),
    )
    shoot("profile", "/profileSettings")
    shoot("mailings", "/mailings")
    shoot("mailing-draft", places["mailing-draft"])
    shoot("mailing-check", places["mailing-draft"], lambda p: p.locator("#check").scroll_into_view_if_needed())
    shoot("mailing", places["mailing"])
    shoot("contacts", "/contacts")
    shoot("contact-import", "/contacts/import")
    shoot("do-not-mail", "/contacts/suppressions")
    shoot("templates", "/mail-templates")
    shoot("template", "/mail-templates/new")
    shoot("outbox", "/outbox")
    shoot("not-found", "/conversations/00000000-0000-0000-0000-000000000000")
    context.close()
    signed_out.close()


if __name__ == "__main__":
    main()
