"""What the Connect form is told about providers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from webmail.actions import presets
from webmail.providers import presets as providers
from webmail.providers.presets import DemoServers


@pytest.fixture(autouse=True)
def demo() -> Iterator[None]:
    providers.configure(demo=DemoServers("127.0.0.1", 8143, 8025))
    yield
    providers.configure(demo=None)


def test_the_demo_comes_first_and_is_told_by_its_address() -> None:
    mailbox = presets.demo_mailbox()

    assert presets.list_choices()[0].name == "Demo mailbox"
    assert presets.provider_for(mailbox.email) == "demo"
    assert presets.fill("demo", mailbox.email) == {
        "user_name": "",
        "imap_host": "127.0.0.1",
        "imap_port": "8143",
        "smtp_host": "127.0.0.1",
        "smtp_port": "8025",
        "imap_folder": "INBOX",
        "outbox_folder": "Sent",
        "ssl_enabled": "",
    }


def test_ports_that_are_not_known_are_filled_in_as_nothing() -> None:
    assert presets.fill("tuta", "ines@tuta.com")["imap_port"] == ""


def test_an_entry_that_takes_no_password_names_the_card_to_use() -> None:
    choices = {choice.id: choice for choice in presets.list_choices()}

    for provider_id, card in (
        ("google_workspace", "google"),
        ("outlook_com", "microsoft"),
        ("microsoft365", "microsoft"),
    ):
        assert choices[provider_id].auth == "oauth_only"
        assert choices[provider_id].oauth_provider == card


def test_ones_own_settings_start_with_the_inbox_and_ssl() -> None:
    assert presets.fill("", "ines@moreau.example") == {"imap_folder": "INBOX", "ssl_enabled": "1"}
    assert presets.provider_for("ines@moreau.example") == ""
    assert presets.find_choice("no-such-provider") is None
