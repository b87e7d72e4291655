"""The ledger's entries in plain words: what was done, why, and how it stands."""

from __future__ import annotations

from flask_babel import gettext, pgettext
from flask_babel import lazy_gettext as _

from webmail.blueprints._told import told
from webmail.store.ledger import LedgerEntry
from webmail.store.models import Change

_FLAGS = {
    "\\Seen": (_("Marked as read"), _("Marked as unread")),
    "\\Flagged": (_("Starred"), _("Star taken off")),
    "\\Answered": (_("Marked as answered"), _("Answered mark taken off")),
}
_REASONS = {
    "read_marks": _("By the read-mark rule of this mailbox"),
    "put_back": _("You had the read marks put back"),
    "sent_copy": _("You sent a mail, and no copy of it was there"),
    "draft": _("A draft that you write here, in its newest state"),
    "answered": _("You replied"),
    "undo": _("You took a change back"),
}
_STATES = {
    "pending": _("Waiting to be told to the server"),
    "carrying": _("Being told to the server"),
    "done": "",
    "cancelled": _("Taken back before the server was told"),
    "undone": _("Taken back"),
}


def what_was_done(entry: LedgerEntry) -> str:
    """Say what was done: "Marked as read", "Moved from INBOX to Archive"."""
    change = entry.change
    if change.kind == "flag":
        done = _flags_done(change)
        return gettext("%(done)s in %(folder)s", done=done, folder=entry.folder) if entry.folder else done
    if change.kind == "move":
        target = entry.target or _role_name(change) or gettext("another folder")
        if entry.folder:
            return str(gettext("Moved from %(folder)s to %(target)s", folder=entry.folder, target=target))
        return str(gettext("Moved to %(target)s", target=target))
    if change.kind == "append":
        return str(
            gettext("Filed a copy in %(folder)s", folder=entry.folder) if entry.folder else gettext("Filed a copy")
        )
    return str(gettext("Deleted from %(folder)s", folder=entry.folder) if entry.folder else gettext("Deleted"))


def _role_name(change: Change) -> str:
    role = str(change.payload.get("role", ""))
    return str({"archive": pgettext("folder", "Archive"), "trash": gettext("Trash")}.get(role, role.title()))


def _flags_done(change: Change) -> str:
    words = [str(_FLAGS[flag][0]) for flag in change.payload.get("add", []) if flag in _FLAGS]
    words += [str(_FLAGS[flag][1]) for flag in change.payload.get("remove", []) if flag in _FLAGS]
    sentence = ", ".join(words) or gettext("Marks changed")
    return sentence[0] + sentence[1:].lower()


def why_it_was_done(change: Change) -> str:
    """Say why it was done, as a sentence without its stop."""
    if change.reason != "user":
        return str(_REASONS.get(change.reason, ""))
    if change.kind == "move":
        role = change.payload.get("role", "")
        return str(
            {"archive": gettext("You archived"), "trash": gettext("You deleted")}.get(role, gettext("You moved"))
        )
    seen = {"add": gettext("You read it"), "remove": gettext("You marked it unread")}
    found = (words for name, words in seen.items() if "\\Seen" in change.payload.get(name, []))
    return str(next(found, gettext("You did this here")))


def how_it_stands(change: Change) -> str:
    """Say how it stands; "" when it is simply done."""
    if change.state == "failed":
        return str(gettext("Not done: %(why)s", why=told(change.error) or gettext("the server refused it")))
    return str(_STATES.get(change.state, ""))
