"""How the mail pages name people and files: template filters, all of them pure."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from flask_babel import gettext, pgettext

from webmail.store.models import Message

_FILE_ICONS = (
    ("image/", "image"),
    ("application/pdf", "file-text"),
    ("text/", "file-text"),
    ("application/msword", "file-text"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml", "file-text"),
    ("application/vnd.oasis.opendocument.text", "file-text"),
    ("message/", "mailbox"),
)


def sender_names(names: Sequence[str]) -> str:
    """Name the people of a conversation in a row of the list: one in full, several by their first names."""
    known = [str(pgettext("the user, in a list", "me")) if name == "me" else name for name in names if name.strip()]
    if not known:
        return str(gettext("Unknown sender"))
    if len(known) == 1:
        return known[0]
    short = [_first_name(name) for name in known]
    if len(short) > 3:
        short = [short[0], "…", *short[-2:]]
    return ", ".join(short).replace(", …,", " …")


def _first_name(name: str) -> str:
    first = name.partition("@")[0] if "@" in name else name.partition(" ")[0].strip(",;\"'")
    return first or name


def recipient_names(message: Message) -> str:
    """Name those who got a message: a few, and how many more."""
    labels = [name or email for name, email in [*message.to, *message.cc]]
    if not labels:
        return str(gettext("undisclosed recipients"))
    more = len(labels) - 3
    shown = ", ".join(labels[:3])
    return str(gettext("%(names)s and %(count)s more", names=shown, count=more)) if more > 0 else shown


def initials(name: str) -> str:
    """Give one or two letters for a name."""
    words = [word for word in name.replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[1][0] if len(words) > 1 and "@" not in name else "")).upper()


def hue(email: str) -> int:
    """Give an address one of eight colours, always the same."""
    return crc32(email.casefold().encode()) % 8 + 1


def file_icon(media_type: str) -> str:
    """Give the icon for a kind of file."""
    return next((icon for prefix, icon in _FILE_ICONS if media_type.startswith(prefix)), "file")
