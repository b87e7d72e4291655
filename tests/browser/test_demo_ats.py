"""The demo's ATS as `make run` offers it: two sites on this machine over plain HTTP, and the product within."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.servers.app import RunningApp

pytestmark = [pytest.mark.browser, pytest.mark.integration]


@pytest.fixture(scope="module")
def demo(certificates: Path) -> Iterator[RunningApp]:
    running = RunningApp(certificates / "ca.pem", WEBMAIL_DEMO="1")
    deadline = time.monotonic() + 60
    with socket.socket() as probe:  # the demo's mailboxes are written first
        while probe.connect_ex(("127.0.0.1", running.config.demo_ats_port)) and time.monotonic() < deadline:
            time.sleep(0.2)
    yield running
    running.stop()


@pytest.fixture
def ats(demo: RunningApp, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        base_url=f"http://localhost:{demo.config.demo_ats_port}", viewport={"width": 1300, "height": 900}
    )
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def test_a_candidates_page_holds_the_conversations_with_them(ats: Page, tmp_path: Path) -> None:
    ats.goto("/settings")
    frame = ats.frame_locator("webmail-frame iframe")
    frame.get_by_role("button", name="Connect Other Email").click()
    frame.get_by_role("combobox", name="Provider name").fill("Demo")
    frame.get_by_role("option", name="Demo mailbox").click()
    frame.get_by_role("button", name="Fill in for me").click()
    frame.locator("#account-form").get_by_role("button", name="Connect", exact=True).click()
    ats.locator("#events", has_text="connected").wait_for()

    ats.goto("/")
    ats.locator("td a").first.click()
    frame.get_by_role("heading", name="Conversations", exact=True).wait_for()
    frame.locator(".conversation-row").first.click(timeout=60_000)
    frame.get_by_role("button", name="Reply", exact=True).wait_for()
    ats.screenshot(path=tmp_path / "candidate.png")
    ats.get_by_role("combobox").select_option("dark")
    frame.locator("html[data-theme=dark]").wait_for()

    ats.get_by_role("button", name="Write to").click()
    frame.get_by_label("To", exact=True).wait_for()
    assert "@" in frame.get_by_label("To", exact=True).input_value()
