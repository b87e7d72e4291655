"""The ledger's entries in plain words: what was done, why, and how it stands."""

from __future__ import annotations

from webmail.store.ledger import LedgerEntry
from webmail.store.models import Change

_FLAGS = {
    "\\Seen": ("Marked as read", "Marked as unread"),
    "\\Flagged": ("Starred", "Star taken off"),
    "\\Answered": ("Marked as answered", "Answered mark taken off"),
}
_REASONS = {
    "read_marks": "By the read-mark rule of this mailbox",
    "put_back": "You had the read marks put back",
    "sent_copy": "You sent a mail, and no copy of it was there",
    "draft": "A draft that you write here, in its newest state",
    "answered": "You replied",
    "undo": "You took a change back",
}
_STATES = {
    "pending": "Waiting to be told to the server",
    "carrying": "Being told to the server",
    "done": "",
    "cancelled": "Taken back before the server was told",
    "undone": "Taken back",
}


def what_was_done(entry: LedgerEntry) -> str:
    """Say what was done: "Marked as read", "Moved from INBOX to Archive"."""
    change = entry.change
    if change.kind == "flag":
        return _flags_done(change) + (f" in {entry.folder}" if entry.folder else "")
    if change.kind == "move":
        target = entry.target or str(change.payload.get("role", "")).title() or "another folder"
        return f"Moved from {entry.folder} to {target}" if entry.folder else f"Moved to {target}"
    if change.kind == "append":
        return f"Filed a copy in {entry.folder}" if entry.folder else "Filed a copy"
    return f"Deleted from {entry.folder}" if entry.folder else "Deleted"


def _flags_done(change: Change) -> str:
    words = [_FLAGS[flag][0] for flag in change.payload.get("add", []) if flag in _FLAGS]
    words += [_FLAGS[flag][1] for flag in change.payload.get("remove", []) if flag in _FLAGS]
    sentence = ", ".join(words) or "Marks changed"
    return sentence[0] + sentence[1:].lower()


def why_it_was_done(change: Change) -> str:
    """Say why it was done, as a sentence without its stop."""
    if change.reason != "user":
        return _REASONS.get(change.reason, "")
    if change.kind == "move":
        return {"archive": "You archived", "trash": "You deleted"}.get(change.payload.get("role", ""), "You moved")
    seen = {"add": "You read it", "remove": "You marked it unread"}
    return next(
        (words for name, words in seen.items() if "\\Seen" in change.payload.get(name, [])), "You did this here"
    )


def how_it_stands(change: Change) -> str:
    """Say how it stands; "" when it is simply done."""
    if change.state == "failed":
        return f"Not done: {change.error or 'the server refused it'}"
    return _STATES.get(change.state, "")
