"""Signing in from inside a frame of another origin: by a popup, in a Chromium that blocks third-party cookies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Page, Playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.test_main_job import build_mail, sent_mails, wait_for
from tests.browser.test_oauth import CARDS, Providers
from tests.servers.app import RunningApp
from tests.servers.certificates import TestAuthority
from tests.servers.dovecot import Dovecot
from tests.servers.host_page import HostPage
from tests.servers.launches import Ats
from tests.servers.ports import free_port
from tests.servers.tls import TlsFront, server_context
from tests.servers.tokens import TokenHub

pytestmark = pytest.mark.browser


class World:
    """A host's page, the product within it, and both providers: four sites."""

    def __init__(self, authority: TestAuthority, folder: Path, providers: Providers) -> None:
        self.providers = providers
        mail_port, ats_port = free_port(), free_port()
        self.url = f"https://mail.localhost:{mail_port}"
        self.app = RunningApp(folder / "ca.pem", WEBMAIL_BASE_URL=self.url, **providers.environment)
        self.front = TlsFront(server_context(authority, "mail.localhost", folder), mail_port, self.app.port)
        self.app.enter()
        self.ats = Ats("acme", f"https://ats.localhost:{ats_port}", self.url)
        self.app.leave()
        self.host = HostPage(server_context(authority, "ats.localhost", folder), ats_port, self.ats, self.url)

    def stop(self) -> None:
        self.host.stop()
        self.front.stop()
        self.app.stop()


@pytest.fixture(scope="module")
def world(authority: TestAuthority, certificates: Path, dovecot: Dovecot, token_hub: TokenHub) -> Iterator[World]:
    providers = Providers(certificates, dovecot, token_hub)
    running = World(authority, certificates, providers)
    yield running
    running.stop()
    for server in providers.servers.values():
        token_hub.servers.remove(server)
    providers.stop()


@pytest.fixture(scope="module")
def open_context(playwright: Playwright) -> Iterator[Callable[[], BrowserContext]]:
    flags = [*FLAGS, "--test-third-party-cookie-phaseout", "--ignore-certificate-errors"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)

    def make() -> BrowserContext:
        context = browser.new_context(viewport={"width": 1200, "height": 800}, ignore_https_errors=True)
        context.set_default_timeout(20_000)
        return context

    yield make
    browser.close()


@pytest.fixture(params=["cookie", "token"])
def way(request: pytest.FixtureRequest, world: World) -> Iterator[str]:
    """A browser that partitions cookies, and one that does not know how and so refuses them."""
    world.front.leaves_out = b"; Partitioned" if request.param == "token" else None
    yield request.param
    world.front.leaves_out = None


def open_host(world: World, context: BrowserContext, user: str) -> tuple[Page, FrameLocator]:
    page = context.new_page()
    page.goto(f"{world.host.url}/?sub={user}&page=connect")
    frame = page.frame_locator("#mail iframe")
    frame.get_by_role("heading", name="Email Connect").wait_for()
    # A press before the scripts have come is answered by a page with a link, not by a popup.
    page.frames[1].wait_for_load_state()
    return page, frame


@pytest.mark.parametrize("style", ["google", "microsoft"])
def test_a_frame_connects_by_a_popup_reads_answers_and_parts(
    world: World, open_context: Callable[[], BrowserContext], dovecot: Dovecot, way: str, style: str
) -> None:
    mailbox = world.providers.newcomer(style)
    dovecot.seed(mailbox, "INBOX", [build_mail(mailbox.email, subject="Framed role", text="When?\n", number=11)])
    context = open_context()
    page, frame = open_host(world, context, f"rita-{way}-{style}")

    with page.expect_popup() as opened:
        frame.get_by_role("button", name=f"Connect {CARDS[style]}").click()
    popup = opened.value
    expect(popup.get_by_role("heading", name="Choose an account")).to_be_visible()
    popup.get_by_role("button", name="Allow").click()

    frame.get_by_role("button", name=f"Disconnect {CARDS[style]}").wait_for()
    wait_for(lambda: popup.is_closed() or popup.get_by_text("You can close this window").count() == 1)
    frame.get_by_role("link", name="Open inbox").click()
    frame.get_by_role("link", name=re.compile("Framed role")).click()
    frame.get_by_role("button", name="Reply", exact=True).click()
    editor = frame.frame_locator("iframe[title='Message']").get_by_role("textbox")
    editor.click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("From a frame.")
    frame.get_by_role("button", name="Send", exact=True).click()
    wait_for(lambda: len(sent_mails(dovecot, mailbox)) == 1)

    page.goto(f"{world.host.url}/?sub=rita-{way}-{style}&page=connect")
    frame.get_by_role("button", name=f"Disconnect {CARDS[style]}").click()
    frame.get_by_role("dialog").get_by_role("button", name="Disconnect", exact=True).click()
    frame.get_by_role("button", name=f"Connect {CARDS[style]}").wait_for()
    context.close()


def test_a_popup_that_is_denied_says_so_and_the_frame_stays_as_it_was(
    world: World, open_context: Callable[[], BrowserContext]
) -> None:
    world.providers.newcomer("google")
    context = open_context()
    page, frame = open_host(world, context, "rita-denied")
    page.frames[1].evaluate("window.open = () => null")  # as a browser that blocks popups does

    frame.get_by_role("button", name="Connect Gmail").click()
    with context.expect_page() as opened:
        frame.get_by_role("button", name="Open the sign-in").click()
    popup = opened.value
    popup.get_by_role("button", name="Deny").click()

    expect(popup.get_by_role("alert")).to_contain_text("You did not allow access")
    expect(frame.get_by_role("button", name="Connect Gmail")).to_be_enabled()
    context.close()
