"""What the pages say, and put right, when what was pressed reaches no server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.test_composer import account, conversation_path, message, open_page, served  # noqa: F401  # fixtures
from webmail.store.models import Message

pytestmark = pytest.mark.browser


def test_a_press_without_a_connection_says_so_and_its_row_comes_back(
    open_page: Callable[..., Page],  # noqa: F811  # a fixture
    message: Message,  # noqa: F811  # a fixture
) -> None:
    page = open_page(conversation_path(message) + "?view=all")
    row = page.locator(".conversation-row")
    expect(row).to_have_count(1)

    page.context.set_offline(True)
    page.get_by_role("button", name="Delete").click()

    expect(page.locator(".toast")).to_have_text("No connection. Nothing was changed: try again in a moment.")
    expect(row).to_have_count(0)
    page.context.set_offline(False)
    expect(row).to_have_count(1)


def test_a_page_whose_stream_comes_late_hears_of_events_all_the_same(
    open_page: Callable[..., Page],  # noqa: F811  # a fixture
    message: Message,  # noqa: F811  # a fixture
) -> None:
    page = open_page(conversation_path(message))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def come_late(route: Route) -> None:
        # Not wait_for_function(): it evaluates a string, which the page's policy forbids.
        while not page.evaluate("Boolean(window.htmx && document.querySelector('#stream'))"):
            page.wait_for_timeout(50)
        page.wait_for_timeout(200)  # htmx has looked the page over by then
        route.continue_()

    page.route("**/hx-sse*", come_late)
    with page.expect_request("**/events*"):
        page.reload(wait_until="commit")
    page.wait_for_timeout(300)

    assert sum("/events" in url for url in asked) == 1
