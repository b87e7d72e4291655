"""Chromium against the whole product, run as real processes, with Dovecot and SMTP on the other side."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.browser.site import Site
from tests.servers.app import RunningApp
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.smtp import SmtpServer
from webmail.config import Config

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def app(certificates: Path) -> Iterator[RunningApp]:
    """The product, started by `webmail run`; it ends with the test process."""
    running = RunningApp(certificates / "ca.pem")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """One for all browsers of a test process: two cannot run in one thread."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield launched
    launched.close()


@pytest.fixture
def new_page(browser: Browser, app: RunningApp) -> Iterator[Callable[..., Page]]:
    """Open a page in a browser of its own: `new_page(width=420, javascript=False, dark=True)`."""
    contexts = []

    def make(*, width: int = 1280, height: int = 900, javascript: bool = True, dark: bool = False) -> Page:
        context = browser.new_context(
            base_url=app.url,
            viewport={"width": width, "height": height},
            java_script_enabled=javascript,
            color_scheme="dark" if dark else "light",
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def site(database: Config) -> Iterator[Site]:
    """The web pages alone, on the database of the test."""
    site = Site(database)
    yield site
    site.stop()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture
def recruiter(app: RunningApp) -> str:
    """A fresh user; gives the address to sign in with (`PASSWORD`)."""
    email = f"rita-{uuid4().hex[:8]}@ats.example"
    subprocess.run(
        [str(app.command), "user", "add", "--tenant", "acme", "--email", email, "--name", "Rita Recruiter"],
        env=app.environment,
        input=f"{PASSWORD}\n{PASSWORD}\n",
        text=True,
        check=True,
        capture_output=True,
    )
    return email


def sign_in(page: Page, email: str) -> None:
    """Sign in as a person does."""
    page.goto("/login")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/inbox*")


def fill_other_email(page: Page, mailbox: Mailbox, smtp: SmtpServer) -> None:
    """Fill in the Other Email form by its labels, for a mailbox of the test servers."""
    page.get_by_label("Email", exact=True).fill(mailbox.email)
    page.get_by_label("Email Password").fill(mailbox.password)
    for label, value in (
        ("IMAP Host", mailbox.host),
        ("IMAP Port", str(mailbox.tls_port)),
        ("SMTP Host", "localhost"),
        ("SMTP Port", str(smtp.port)),
        ("IMAP Folder", "INBOX"),
        ("OutBox Folder", "Sent"),
    ):
        page.get_by_label(label).fill(value)


def connect(page: Page, mailbox: Mailbox, smtp: SmtpServer) -> None:
    """Connect a mailbox on the Connect tab and wait until its card says Disconnect."""
    page.goto("/profileSettings?tab=connect")
    page.get_by_role("button", name="Connect Other Email").click()
    fill_other_email(page, mailbox, smtp)
    page.locator("#account-form").get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("button", name="Disconnect Other Email").wait_for()


@pytest.fixture
def connected(page: Page, recruiter: str, dovecot: Dovecot, smtp_server: SmtpServer) -> Mailbox:
    """A signed-in recruiter on `page` with a connected, still empty mailbox; gives the mailbox."""
    mailbox = dovecot.account()
    sign_in(page, recruiter)
    connect(page, mailbox, smtp_server)
    return mailbox
