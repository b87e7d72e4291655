"""What is noted of a sender."""

from __future__ import annotations

import pytest

from webmail.domain.heads import notes_on_sender


@pytest.mark.parametrize(
    ("name", "email", "reply_to", "note"),
    [
        ("Cora", "cora@acme.example", [], ""),
        ("Cora", "cora@acme.example", [["", "jobs@mail.acme.example"]], ""),
        ("Cora", "cora@acme.example", [["", "cora@evil.test"]], "Replies go elsewhere: to cora@evil.test."),
        ("boss@acme.example", "x@evil.test", [], "The name says boss@acme.example, but the mail is from x@evil.test."),
        ("cora@acme.example", "Cora@acme.example", [], ""),
        ("Cora", "cora@\u0430cme.com", [], "The address is written in letters that look like acme.com."),
        ("", "", [["", "cora@evil.test"]], ""),
    ],
)
def test_what_is_odd_about_a_sender_is_noted(name: str, email: str, reply_to: list[list[str]], note: str) -> None:
    assert notes_on_sender(name, email, reply_to) == [note] * bool(note)


def test_a_first_mail_is_noted_last() -> None:
    notes = notes_on_sender("", "x@a.example", [["", "y@b.test"]], is_first=True)

    assert notes == ["Replies go elsewhere: to y@b.test.", "This is the first mail from this address."]
