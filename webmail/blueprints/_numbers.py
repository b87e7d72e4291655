"""Numbers and sizes for the eye, as the page's language writes them: template filters."""

from __future__ import annotations

from babel.numbers import format_decimal
from flask_babel import gettext

from webmail.blueprints._languages import page_language


def number(value: int) -> str:
    """Write a whole number: "12,345", in German "12.345"."""
    language = page_language()
    return f"{value:,}" if language == "en" else str(format_decimal(value, locale=language))


def file_size(size_bytes: int) -> str:
    """Write a size as people do: "640 bytes", "12 KB", "3.4 MB"."""
    if size_bytes < 1000:
        return str(gettext("%(count)s bytes", count=size_bytes))
    if size_bytes < 999_500:
        return f"{round(size_bytes / 1000)} KB"
    language, megabytes = page_language(), size_bytes / 1_000_000
    return f"{megabytes:.1f} MB" if language == "en" else f"{format_decimal(megabytes, '0.0', locale=language)} MB"
