"""The words that this product puts into mails, in the language of who writes them; English for any other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from webmail.domain.addresses import Address, format_address

_WORDS = {
    "en": ("On {sent}, {sender} wrote:", "Forwarded message", "From", "Date", "Subject", "To", "Cc"),
    "de": ("Am {sent} schrieb {sender}:", "Weitergeleitete Nachricht", "Von", "Datum", "Betreff", "An", "Cc"),
}
_DAYS = {"de": ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")}
_MONTHS = {
    "de": tuple("Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()),
}
_UNSUBSCRIBE = {
    "en": ("Unsubscribe", " if you would like no more of these mails."),
    "de": ("Abmelden", ", wenn Sie keine dieser Mails mehr möchten."),
}


def attribution(sender: Address, sent: str, locale: str = "") -> str:
    """Give the line above a quote; `sent` is the time as the user reads it."""
    return _WORDS[_language(locale)][0].format(sent=sent, sender=sender.label)


def forward_head(
    sender: Address, sent: str, subject: str, to: Sequence[Address], cc: Sequence[Address], locale: str = ""
) -> list[str]:
    """Give the lines that stand above a forwarded mail."""
    _, forwarded, from_, date, about, to_, cc_ = _WORDS[_language(locale)]
    lines = [
        f"---------- {forwarded} ----------",
        f"{from_}: {format_address(sender)}",
        f"{date}: {sent}",
        f"{about}: {subject}",
        f"{to_}: {', '.join(format_address(each) for each in to)}",
    ]
    return [*lines, f"{cc_}: {', '.join(format_address(each) for each in cc)}"] if cc else lines


def sent_words(local: datetime, locale: str = "") -> str:
    """Write the time above a quote: "Mon 3 November 2026, 10:42"."""
    language = _language(locale)
    if language == "en":
        return f"{local:%a} {local.day} {local:%B} {local.year}, {local:%H:%M}"
    day, month = _DAYS[language][local.weekday()], _MONTHS[language][local.month - 1]
    return f"{day} {local.day}. {month} {local.year}, {local:%H:%M}"


def unsubscribe_words(locale: str = "") -> tuple[str, str]:
    """Give the words of the link under a mailing's mail, and those after it."""
    return _UNSUBSCRIBE[_language(locale)]


def _language(locale: str) -> str:
    first = locale.partition("-")[0]
    return first if first in _WORDS else "en"
