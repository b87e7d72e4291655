"""Signatures: what they say of the user, and how one takes another's place in a mail that is being written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from webmail.domain.compose import add_signature_html, add_signature_text
from webmail.domain.html import clean_composed_html
from webmail.domain.merge import render_html, unknown_in
from webmail.domain.text import html_to_text

FIELDS = ("name", "first_name", "title", "phone", "email")
"""What a signature may say of the user: `{{ user.title }}`."""
_LABELS = frozenset(f"user.{name}" for name in FIELDS)
_CLASS = "webmail-signature"


def user_values(*, name: str, title: str, phone: str, email: str) -> dict[str, str]:
    """Give what signatures say of a user who writes from this address."""
    first_name = name.split(maxsplit=1)[0] if name.split() else ""
    return {"name": name, "first_name": first_name, "title": title, "phone": phone, "email": email}


def fill_signature(html: str, values: Mapping[str, str]) -> str:
    """Fill in what a signature says of the user; what the user has not given is left out.

    Args:
        html: cleaned.
        values: as of `user_values()`.
    """
    return render_html(html, {"user": values}).text if "{{" in html else html


def unknown_fields(html: str) -> list[str]:
    """Give what a signature cannot say, each once, as it is written."""
    return unknown_in(html, _LABELS)


def swap_signature(html: str, text: str, new: str, known: Iterable[str]) -> tuple[str, str]:
    """Put a signature into both bodies of a mail, in the place of the one that is there.

    Args:
        html, text: the mail as it was written here; one of the two may be empty.
        new: the signature, filled in; "" takes the present one out.
        known: all that may be there by now, filled in.
    """
    old_text = next((each for each in map(html_to_text, known) if each and each in text), "")
    swapped = clean_composed_html(add_signature_html(html, new)) if html else html
    return swapped, add_signature_text(f"{text}\n" if text else text, html_to_text(new), old_text) if text else text


def has_signature(html: str, text: str, known: Iterable[str]) -> bool:
    """Say whether one of these signatures, or what stands in a signature's place, is in a mail."""
    return _CLASS in html or any(each and each in text for each in map(html_to_text, known))
