"""axe-core finds nothing on any page: light and dark, wide and narrow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import sign_in
from tests.browser.site import Site
from tests.mails import build_mail
from tests.unit.blueprints.conftest import load_user
from tests.unit.blueprints.mailed import written_mailing
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions import mailings
from webmail.actions.contacts import ContactFields, add_contact
from webmail.assets import FOLDER, TEST_ASSETS
from webmail.store.models import Account, Submission
from webmail.store.scope import Scope
from webmail.store.session import transaction

pytestmark = pytest.mark.browser

HEADERS = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
BODY = """--b\r
Content-Type: text/html\r
\r
<h1>Offer</h1><p>See <a href="https://ok.example/">it</a>.</p><img src="https://tracker.example/p.gif">\r
--b\r
Content-Type: application/pdf\r
Content-Disposition: attachment; filename=cv.pdf\r
\r
x\r
--b--\r
"""
RUN = "async () => (await axe.run({iframes: false, resultTypes: ['violations']})).violations"
VIEWS = ("snoozed", "starred", "sent", "all", "drafts", "trash")


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, fetched from npm when it is not here yet."""
    path = FOLDER / TEST_ASSETS["axe"].filename
    if not path.exists():
        tool = Path(__file__).parents[2] / "tools" / "fetch_assets.py"
        subprocess.run([sys.executable, str(tool), "--tests"], check=True, capture_output=True)
    return path.read_text("utf-8")


@pytest.fixture
def account(user: Scope) -> Account:
    """A mailbox with all that pages show: unread, starred, HTML with a file, a failed mail, a draft, what is wrong."""
    add_mailbox(
        user,
        "second@acme.example",
        status="reconnect_needed",
        status_sentence="The mail server did not accept the password.",
        status_next_step="Sign in again.",
    )
    account = add_mailbox(user)
    receive(account, *[build_mail(number, subject=f"Role {number}") for number in range(3)], unread=True)
    receive(account, build_mail("star", subject="Starred one"), is_flagged=True)
    receive(account, build_mail("bin", subject="Thrown away"), role="trash")
    (failed,) = receive(account, build_mail("failed", subject="Not sent"), role="sent")
    owner = {"tenant_id": user.tenant_id, "user_id": user.user_id, "account_id": account.id}
    with transaction() as s:
        s.add(Submission(**owner, message_id=failed.id, state="failed", error_sentence="Nobody.", server_answer="550"))
        s.add(Submission(**owner, state="draft", to="cora@candidates.example", subject="Half", revision=2))
    return account


@pytest.fixture
def mailing_pages(account: Account, user: Scope) -> list[str]:
    """The addresses of mailings: a draft with a gap and somebody left out, and one under way."""
    draft = written_mailing(
        user, html="<div>Dear {{ contact.city }}</div>", emails=("ana@people.example", "x"), steps=2
    )
    people = ("ana@people.example", "bo@people.example")
    under_way = written_mailing(user, emails=people, account_uuid=account.uuid)
    mailings.start(user, under_way)
    return ["/mailings", *(f"/mailings/{draft}{path}" for path in ("", "/check", "/preview")), f"/mailings/{under_way}"]


@pytest.fixture
def pages(account: Account, mailing_pages: list[str]) -> list[str]:
    """The addresses of all pages."""
    contact = add_contact(Scope(account.tenant_id, account.user_id), ContactFields(addresses="cora@candidates.example"))
    (designed,) = receive(account, build_mail("html", subject="Offer", extra=HEADERS, body=BODY))
    (failed,) = receive(account, build_mail("other", subject="Re: Not sent", answers="failed@mails.example"))
    return [
        "/inbox",
        "/inbox?q=role",
        "/inbox?q=nothinglikeit",
        *(f"/inbox?view={view}" for view in VIEWS),
        f"/conversations/{conversation_of(designed).uuid}",
        f"/conversations/{conversation_of(failed).uuid}",
        f"/compose?mode=reply&message={designed.uuid}",
        "/compose",
        f"/conversations/{conversation_of(designed).uuid}/move",
        f"/conversations/{conversation_of(designed).uuid}/snooze",
        "/searches",
        "/api/v1/docs",
        "/outbox",
        "/profileSettings?tab=profile",
        "/profileSettings?tab=connect",
        "/accounts/new?card=other",
        f"/accounts/{account.uuid}/edit",
        f"/accounts/{account.uuid}/sharing",
        "/accounts/disconnect?card=other",
        "/signatures",
        f"/signatures/{account.uuid}/preview",
        "/ledger",
        "/contacts",
        f"/contacts/{contact}",
        "/contacts/suppressions",
        "/mail-templates/new",
        "/nowhere",
        "/login",
    ]


@pytest.fixture
def site_context(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[BrowserContext]:
    width, scheme = request.param
    context = browser.new_context(base_url=site.url, viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(30_000)
    yield context
    context.close()


def found(page: Page, axe: str, where: str) -> list[str]:
    """Let axe look at a page; gives a line for each thing it finds."""
    page.evaluate(axe)
    violations: list[dict[str, Any]] = page.evaluate(RUN)
    return [
        f"{where}: {each['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for each in violations
        for node in each["nodes"]
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "site_context", [(width, scheme) for width in (420, 1440) for scheme in ("light", "dark")], indirect=True
)
def test_axe_finds_nothing_on_any_page(site_context: BrowserContext, user: Scope, pages: list[str], axe: str) -> None:
    page = site_context.new_page()
    problems = []
    page.goto("/login")
    problems += found(page, axe, "/login, signed out")
    sign_in(page, load_user(user).email)
    for path in pages:
        page.goto(path)
        problems += found(page, axe, path)
    page.goto("/inbox")
    page.keyboard.press("?")
    problems += found(page, axe, "shortcuts")
    page.keyboard.press("Escape")
    page.locator("#rows input[type=checkbox]").first.check(force=True)
    problems += found(page, axe, "selection")

    print(f"axe looked at {len(pages) + 3} pages")
    assert problems == []
