"""What the Connect form knows about providers.

Pages may not ask `providers` themselves (style guide, section 2): this is the door through which they do.
"""

from __future__ import annotations

from dataclasses import dataclass

from webmail.providers import presets
from webmail.providers.presets import Preset

FILLED_FIELDS = (
    "user_name",
    "imap_host",
    "imap_port",
    "smtp_host",
    "smtp_port",
    "imap_folder",
    "outbox_folder",
    "ssl_enabled",
)


@dataclass(frozen=True)
class DemoMailbox:
    """How one signs in to the demo's mailbox; no secret, since the page shows it."""

    email: str
    password: str


@dataclass(frozen=True)
class Choice:
    """A provider as the form offers it: its id and name, and why it cannot be used with a password, if so."""

    id: str
    name: str
    auth: str
    oauth_provider: str
    help_url: str


def list_choices() -> list[Choice]:
    """Give all providers in the order in which the form offers them."""
    return [_choice(preset) for preset in presets.all_presets()]


def find_choice(provider_id: str) -> Choice | None:
    """Give one provider, None for the user's own settings or an id that is not known."""
    preset = presets.preset(provider_id)
    return None if preset is None else _choice(preset)


def provider_for(email: str) -> str:
    """Give the id of the provider that an address tells of by its domain, "" when it tells of none."""
    preset = presets.preset_for_email(email)
    return "" if preset is None else preset.id


def fill(provider_id: str, email: str) -> dict[str, str]:
    """Give what a provider fills in, as the form writes it: every key of `FILLED_FIELDS`, "1" and "" for a flag."""
    preset = presets.preset(provider_id)
    if preset is None:
        return {"imap_folder": "INBOX", "ssl_enabled": "1"}
    filled = presets.filled(preset, email)
    return {name: _text(filled.get(name)) for name in FILLED_FIELDS}


def demo_mailbox() -> DemoMailbox:
    """Give what the form shows beside the demo's entry."""
    return DemoMailbox(presets.DEMO_EMAIL, presets.DEMO_PASSWORD)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return "" if value is None else str(value)


def _choice(preset: Preset) -> Choice:
    return Choice(preset.id, preset.name, preset.auth, preset.oauth_provider, preset.help_url)
