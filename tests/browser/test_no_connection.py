"""What the pages say, and put right, when what was pressed reaches no server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

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
