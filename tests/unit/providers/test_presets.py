"""The table of providers, and what it tells of an address."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webmail.providers import presets
from webmail.providers.network import MAIL_PORTS
from webmail.providers.presets import DemoServers, Preset

TEXT = files("webmail.providers").joinpath("providers.csv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(TEXT.splitlines()))
FIELDS = {
    "user_name", "imap_host", "imap_port", "smtp_host", "smtp_port", "imap_folder", "outbox_folder", "ssl_enabled",
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_demo() -> Iterator[None]:
    presets.configure(demo=None)
    yield
    presets.configure(demo=None)


def known(preset_id: str) -> Preset:
    found = presets.preset(preset_id)
    assert found is not None
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["id"]))
def test_every_row_is_sound(row: dict[str, str]) -> None:
    preset = known(row["id"])

    for host, port, security in (
        (preset.imap_host, preset.imap_port, preset.imap_security),
        (preset.smtp_host, preset.smtp_port, preset.smtp_security),
    ):
        assert security in ("tls", "starttls", "plain", "")
        assert (port is None) == (security == "")
        assert port is None or port in MAIL_PORTS
        assert host == host.strip().lower()
        assert not host or port is not None
    assert preset.auth in ("password", "app_password", "oauth_only", "")
    assert preset.username_form in ("full_email", "local_part", "")
    assert preset.auth != "oauth_only" or preset.oauth_provider in ("google", "microsoft")
    assert not preset.help_url or preset.help_url.startswith(("https://", "http://"))
    assert preset.daily_send_limit == row["daily_send_limit"]
    for domain in preset.domains:
        assert presets.preset_for_email(f"ines@{domain}") == preset


def test_ids_names_and_domains_are_unique() -> None:
    table = presets.all_presets()
    domains = [domain for preset in table for domain in preset.domains]

    assert len(table) == len(ROWS)
    assert len({preset.id for preset in table}) == len(table)
    assert len({preset.name for preset in table}) == len(table)
    assert len(set(domains)) == len(domains)


def test_gmail_is_named_as_the_product_names_it_and_only_once() -> None:
    names = [preset.name for preset in presets.all_presets()]

    assert names.count("Gmail smtp") == 1
    assert "Gmail" not in names
    assert presets.filled(known("gmail"), "ines@gmail.com") == {
        "user_name": "",
        "imap_host": "imap.gmail.com",
        "imap_port": 993,
        "smtp_host": "smtp.gmail.com",
        "smtp_port": 465,
        "imap_folder": "INBOX",
        "outbox_folder": "[Gmail]/Sent Mail",
        "ssl_enabled": True,
    }


def test_each_side_keeps_its_own_security() -> None:
    assert (known("icloud").imap_security, known("icloud").smtp_security) == ("tls", "starttls")
    # TLS on a port where one would look for STARTTLS: only the preset knows.
    assert (known("spectrum_charter").smtp_port, known("spectrum_charter").smtp_security) == (587, "tls")


@pytest.mark.parametrize("preset_id", ["icloud", "kakao"])
def test_the_user_name_is_preset_where_it_is_the_local_part(preset_id: str) -> None:
    assert presets.filled(known(preset_id), " ines.moreau@icloud.com ")["user_name"] == "ines.moreau"
    assert presets.filled(known(preset_id), "ines")["user_name"] == ""


@pytest.mark.parametrize(
    ("email", "host"),
    [
        ("ines@moreau.example", "mail.moreau.example"),
        ("ines@Moreau.Example", "mail.moreau.example"),
        ("ines@bücher.example", "mail.bücher.example"),
        ("ines@moreau", ""),
        ("ines@", ""),
        ("ines", ""),
        ("ines@a b.example", ""),
        ("ines@moreau.example/x?", ""),
    ],
)
def test_a_host_takes_the_domain_of_the_address_once_it_is_whole(email: str, host: str) -> None:
    filled = presets.filled(known("bluehost"), email)

    assert (filled["imap_host"], filled["smtp_host"]) == (host, host)


def test_ssl_is_off_only_where_every_side_is_plain() -> None:
    assert presets.filled(known("nifty"), "")["ssl_enabled"] is False
    assert presets.filled(known("tuta"), "")["ssl_enabled"] is True
    on = [preset.id for preset in presets.all_presets() if presets.filled(preset, "a@b.example")["ssl_enabled"]]
    assert len(on) == len(ROWS) - 1


@pytest.mark.parametrize(
    ("email", "preset_id"),
    [
        ("ines@GMAIL.com", "gmail"),
        (" ines@googlemail.com ", "gmail"),
        ("ines@gmail.com.", "gmail"),
        ("ines@ｇｍａｉｌ．ｃｏｍ", "gmail"),
        ("ines@x@yahoo.co.jp", "yahoo_jp"),
        ("ines@outlook.com", "outlook_com"),
    ],
)
def test_a_domain_is_known_however_it_is_written(email: str, preset_id: str) -> None:
    found = presets.preset_for_email(email)

    assert found is not None
    assert found.id == preset_id


@pytest.mark.parametrize(
    "email", ["", "@", "gmail.com", "ines@", "ines@gmail", "ines@.gmail.com", "ines@gmail..com", "ines@mail.gmail.com",
              "ines@bücher.example", "ines@" + "a" * 5000, "ines@\x00", "ines@\ud800.com", "ines@gmail.com\x00"],
)  # fmt: skip
def test_an_address_that_tells_of_no_provider(email: str) -> None:
    assert presets.preset_for_email(email) is None


@given(st.text(max_size=400))
def test_no_text_is_too_odd_to_be_looked_up(text: str) -> None:
    for email in (text, f"ines@{text}", f"{text}@gmail.com"):
        found = presets.preset_for_email(email)
        assert found is None or found in presets.all_presets()


@given(st.sampled_from([row["id"] for row in ROWS]), st.text(max_size=400))
def test_no_text_is_too_odd_to_be_filled_in(preset_id: str, email: str) -> None:
    filled = presets.filled(known(preset_id), email)

    assert filled.keys() == FIELDS
    assert not any(mark in str(filled[name]) for name in ("imap_host", "smtp_host") for mark in "{}\r\n ")


def test_the_demo_is_there_only_when_it_is_configured() -> None:
    assert presets.preset("demo") is None
    assert presets.preset_for_email("recruiter@demo.example") is None

    presets.configure(demo=DemoServers("127.0.0.1", 8143, 8025))

    first = presets.all_presets()[0]
    assert (first.id, first.name) == ("demo", "Demo mailbox")
    assert (first.imap_security, first.smtp_security) == ("plain", "plain")
    assert presets.preset("demo") == presets.preset_for_email("Recruiter@DEMO.example") == first
    filled = presets.filled(first, "recruiter@demo.example")
    assert (filled["imap_host"], filled["imap_port"], filled["smtp_port"]) == ("127.0.0.1", 8143, 8025)
    assert filled["ssl_enabled"] is False
    assert filled["outbox_folder"] == "Sent"
