"""What the Connect form fills in, and what it leaves alone."""

from __future__ import annotations

from webmail.blueprints.forms.account import AccountForm, new_form, typed_form


def typed(**fields: str) -> AccountForm:
    form = typed_form({"ssl_enabled": "1", "reads_mail": "1", **fields})
    form.fill_in(picks_provider=True)
    return form


def test_address_picks_its_provider_and_fills_everything_in() -> None:
    form = typed(email="ines@gmail.com")

    assert form.texts["provider"] == "gmail"
    assert (form.texts["imap_host"], form.texts["imap_port"]) == ("imap.gmail.com", "993")
    assert form.texts["outbox_folder"] == "[Gmail]/Sent Mail"


def test_what_was_typed_by_hand_stays() -> None:
    form = typed(email="ines@gmail.com", imap_host="imap.own.example", smtp_port="2525")

    assert form.texts["imap_host"] == "imap.own.example"
    assert form.texts["smtp_port"] == "2525"


def test_what_was_emptied_by_hand_stays_empty() -> None:
    form = new_form("gmail", "ines@gmail.com")
    sent = {name: text for name, text in form.texts.items()}

    again = typed(**sent | {"imap_host": "", "filled_provider": "gmail", "filled_email": "ines@gmail.com"})

    assert again.texts["imap_host"] == ""


def test_another_provider_fills_even_what_was_emptied() -> None:
    form = typed_form(
        {
            "provider": "fastmail",
            "email": "ines@example.com",
            "imap_host": "",
            "smtp_host": "smtp.gmail.com",
            "filled_provider": "gmail",
            "filled_email": "ines@example.com",
        }
    )

    form.fill_in(picks_provider=False)

    assert form.texts["imap_host"] == "imap.fastmail.com"
    assert form.texts["smtp_host"] == "smtp.fastmail.com"


def test_provider_without_any_access_is_refused() -> None:
    form = typed(provider="tuta", email="ines@tuta.com", smtp_host="x.example", smtp_port="25")

    assert form.to_connect_form("secret") is None
    assert form.problems["provider"] == "This provider lets no other program read or send its mail."


def test_no_folder_to_read_means_the_inbox() -> None:
    form = typed(email="ines@example.com", imap_host="i.example", imap_port="993", smtp_host="s.example", smtp_port="1")
    form.texts["imap_folder"] = ""

    connect_form = form.to_connect_form("secret")

    assert form.problems == {}
    assert connect_form is not None
    assert connect_form.user_name == "ines@example.com"
