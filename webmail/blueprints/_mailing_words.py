"""What mailings and their recipients are called on pages."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import available_timezones

from webmail.blueprints._times import clock_time
from webmail.domain.merge import write_field
from webmail.store.models import Mailing, MailingRecipient

STATES = {
    "draft": "Draft",
    "sending": "Sending",
    "paused": "Paused",
    "done": "Done",
    "cancelled": "Cancelled",
}
_DOTS = {"sending": "syncing", "paused": "reconnect_needed", "done": "connected"}

LEFT_OUT = {
    "invalid": "Not an address that mail can go to",
    "suppressed": "Does not want mail from you, or mail to them bounced",
    "missing_value": "A value for the text is missing",
    "by_hand": "Left out by you",
}

FILTERS = (
    ("", "All"),
    ("ready", "Ready"),
    ("sent", "Sent"),
    ("queued", "Waiting"),
    ("replied", "Replied"),
    ("bounced", "Bounced"),
    ("unsubscribed", "Unsubscribed"),
    ("auto_replied", "Out of office"),
    ("complained", "Complained"),
    ("failed", "Failed"),
    ("unsure", "Unsure"),
    ("cancelled", "Cancelled"),
    ("left_out", "Left out"),
)
"""What the recipients of a mailing can be narrowed down to, in this order."""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def mailing_title(mailing: Mailing) -> str:
    """Give the name of a mailing; a new one has none."""
    return mailing.name or "Untitled mailing"


def mailing_state(mailing: Mailing) -> str:
    """Say in one word how a mailing stands."""
    return STATES.get(mailing.state, mailing.state)


def mailing_dot(mailing: Mailing) -> str:
    """Give the class of the dot before it."""
    return _DOTS.get(mailing.state, "none")


def left_out_words(reason: str) -> str:
    """Say why somebody is left out."""
    return LEFT_OUT.get(reason, "Left out")


def recipient_state(recipient: MailingRecipient) -> tuple[str, str, datetime | None]:
    """Say what became of a recipient, with the dot and the time: what came back goes before what was sent."""
    came_back: tuple[tuple[str, str, datetime | None], ...] = (
        ("Complained", "error", recipient.complained_at),
        ("Unsubscribed", "error", recipient.unsubscribed_at),
        ("Replied", "connected", recipient.replied_at),
        ("Bounced", "error", recipient.bounced_at),
        ("Out of office", "reconnect_needed", recipient.auto_replied_at),
    )
    for words, dot, moment in came_back:
        if moment is not None:
            return words, dot, moment
    words, dot = {
        "ready": ("Ready", "none"),
        "left_out": ("Left out", "none"),
        "queued": ("Waiting", "none"),
        "sent": ("Sent", "syncing-still"),
        "failed": ("Failed", "error"),
        "unsure": ("Unsure", "reconnect_needed"),
        "cancelled": ("Cancelled", "none"),
    }.get(recipient.state, (recipient.state, "none"))
    return words, dot, recipient.sent_at if recipient.state == "sent" else None


def missing_words(names: list[str]) -> str:
    """Name the merge fields that lack a value: "contact.first_name and job.place"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


_ANCHORS = {
    "name": "mailing-name",
    "account": "mailing-account",
    "job": "text",
    "time_zone": "mailing-time-zone",
    "window": "when",
    "window_from": "when",
    "window_until": "when",
    "weekdays": "mailing-weekdays",
    "subject": "mailing-subject",
    "body": "text",
    "steps": "text",
    "files": "files",
    "recipients": "recipients",
    "pasted": "pasted",
    "table": "table",
}


def field_anchor(field: str) -> str:
    """Give the part of the page that a problem's field stands in; "" for none.

    A field within one of the mails is named as `steps-1-html`.
    """
    if field in _ANCHORS:
        return _ANCHORS[field]
    part, _, rest = field.partition("-")
    number, _, what = rest.partition("-")
    if part != "steps" or not number.isdigit():
        return ""
    return "mailing-subject" if what == "subject" else f"step-{number}"


def fallback_field(label: str) -> str:
    """Write a merge field with a fallback, as an example."""
    group, _, name = label.partition(".")
    return write_field(group, name, "there")


def merge_field(group: str, name: str) -> str:
    """Write a merge field as people type it; a first name is never sure to be known."""
    return write_field(group, name, "there" if (group, name) == ("contact", "first_name") else "")


def counted(count: int, one: str, several: str = "") -> str:
    """Write a number with its noun: "1 recipient", "1,200 recipients"."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def day_time(moment: datetime) -> str:
    """Write when something will be done: "today at 14:05", "Mon 9:00", "3 Nov, 9:00"."""
    return clock_time(moment)


def clock(minutes: int) -> str:
    """Write minutes after midnight as a time of day."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


@lru_cache
def zone_names() -> list[str]:
    """Give the names of the time zones that people live in, for the list that the field offers."""
    regions = (
        "Africa/",
        "America/",
        "Antarctica/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    )
    return ["UTC", *sorted(name for name in available_timezones() if name.startswith(regions))]
