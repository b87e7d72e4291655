"""What signatures say of the user, and how one takes another's place."""

from __future__ import annotations

import pytest

from webmail.domain.signatures import fill_signature, has_signature, swap_signature, unknown_fields, user_values

RITA = user_values(name="Rita <R>", title="Recruiter", phone="", email="rita@acme.example")


def test_the_profile_fills_in_and_what_it_lacks_is_left_out() -> None:
    html = "<p>{{ user.first_name }}, {{user.title}}</p><p>{{ user.phone }}</p><p>{{ user.phone | 'on request' }}</p>"

    assert fill_signature(html, RITA) == "<p>Rita, Recruiter</p><p></p><p>on request</p>"
    assert fill_signature("<p>{{ user.name }}</p>", RITA) == "<p>Rita &lt;R&gt;</p>"
    assert fill_signature("<p>plain</p>", RITA) == "<p>plain</p>"


def test_what_nobody_can_fill_in_is_told() -> None:
    assert unknown_fields("<p>{{ user.name }} {{ user.age }} {{ contact.name }}</p>") == ["user.age", "contact.name"]


@pytest.mark.parametrize("present", ["", '<div class="webmail-signature">Old</div>'])
def test_one_signature_takes_the_place_of_another_above_the_quote(present: str) -> None:
    quote = '<div class="webmail-quote"><blockquote><div class="webmail-signature">Theirs</div></blockquote></div>'

    html, text = swap_signature(f"<div>Hi</div>{present}{quote}", "", "<b>New</b>", ["Old"])

    assert html.startswith('<div>Hi</div><div class="webmail-signature"><b>New</b></div><div class="webmail-quote">')
    assert "Old" not in html
    assert "Theirs" in html
    assert text == ""


def test_in_a_plain_mail_the_known_one_is_found_by_its_words() -> None:
    text = "Hi\n\n-- \nOld one\n\nOn Monday, Ana wrote:\n> Hi\n"

    _, swapped = swap_signature("", text, "<p>New</p>", ["<p>Another</p>", "<p>Old one</p>"])

    assert swapped.count("-- \nNew") == 1
    assert "Old one" not in swapped
    assert swapped.index("New") < swapped.index("On Monday")


def test_a_signature_is_known_by_its_place_or_its_words() -> None:
    assert has_signature('<div class="webmail-signature">x</div>', "", [])
    assert has_signature("", "Hi\n-- \nRita\n", ["<p>Rita</p>"])
    assert not has_signature("<p>Hi</p>", "Hi", ["<p>Rita</p>", ""])
