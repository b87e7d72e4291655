"""What is taken from a mail server's prose, and what is left alone."""

from __future__ import annotations

from webmail.domain.bounce_prose import ids_in_text, read_prose

TWO = """Could not be delivered:

<a@x.example>: 550 5.1.1 unknown user

<b@y.example>:
452 4.2.2 mailbox full

--- Below this line is a copy of the message.

Message-ID: <one@acme.example>
To: c@z.example
"""


def test_each_address_has_its_own_words_and_the_copy_below_says_nothing() -> None:
    kind, concerned = read_prose("failure notice", TWO, [], set())

    assert kind == "bounce"
    assert [(each.email, each.status, each.is_permanent) for each in concerned] == [
        ("a@x.example", "5.1.1", True),
        ("b@y.example", "4.2.2", False),
    ]
    assert ids_in_text(TWO) == ["one@acme.example"]


def test_what_the_header_names_goes_before_the_text_and_our_own_addresses_are_not_meant() -> None:
    _, named = read_prose("failure notice", TWO, ["B@y.example"], set())
    _, others = read_prose("failure notice", TWO, [], {"a@x.example"})

    assert [each.email for each in named] == ["b@y.example"]
    assert [each.email for each in others] == ["b@y.example"]


def test_a_warning_is_a_delay_and_small_talk_is_nothing() -> None:
    warning = "Your message to a@x.example has not yet been delivered. It will be retried."

    assert read_prose("Warning", warning, [], set())[0] == "delay"
    assert read_prose("Hello", "We serve a@x.example since 1999.", [], set()) == ("", [])
