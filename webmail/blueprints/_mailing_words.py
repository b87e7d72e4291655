"""What mailings and their recipients are called on pages."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from webmail.blueprints._numbers import number
from webmail.blueprints._times import clock_time
from webmail.blueprints._told import told
from webmail.domain.merge import write_field
from webmail.store.models import Mailing, MailingRecipient

STATES = {
    "draft": _("Draft"),
    "sending": _("Sending"),
    "paused": _("Paused"),
    "done": _("Done"),
    "cancelled": _("Cancelled"),
}
_DOTS = {"sending": "syncing", "paused": "reconnect_needed", "done": "connected"}

LEFT_OUT = {
    "invalid": _("Not an address that mail can go to"),
    "suppressed": _("Does not want mail from you, or mail to them bounced"),
    "missing_value": _("A value for the text is missing"),
    "by_hand": _("Left out by you"),
}

FILTERS = (
    ("", _("All")),
    ("ready", _("Ready")),
    ("sent", _("Sent")),
    ("queued", _("Waiting")),
    ("replied", _("Replied")),
    ("bounced", _("Bounced")),
    ("unsubscribed", _("Unsubscribed")),
    ("auto_replied", _("Out of office")),
    ("complained", _("Complained")),
    ("failed", _("Failed")),
    ("unsure", _("Unsure")),
    ("cancelled", _("Cancelled")),
    ("left_out", _("Left out")),
)
"""What the recipients of a mailing can be narrowed down to, in this order."""

DAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))


def mailing_title(mailing: Mailing) -> str:
    """Give the name of a mailing; a new one has none."""
    return mailing.name or gettext("Untitled mailing")


def mailing_state(mailing: Mailing) -> str:
    """Say in one word how a mailing stands."""
    return str(STATES.get(mailing.state, mailing.state))


def mailing_dot(mailing: Mailing) -> str:
    """Give the class of the dot before it."""
    return _DOTS.get(mailing.state, "none")


def left_out_words(reason: str) -> str:
    """Say why somebody is left out."""
    return str(LEFT_OUT.get(reason) or gettext("Left out"))


def left_out_reason(recipient: MailingRecipient) -> str:
    """Say why a recipient is left out; of a line that could not be read, which one and what stands there."""
    if recipient.problem and recipient.line:
        return line_words(recipient.line, recipient.problem)
    return left_out_words(recipient.left_out_because)


def recipient_state(recipient: MailingRecipient) -> tuple[str, str, datetime | None]:
    """Say what became of a recipient, with the dot and the time: what came back goes before what was sent."""
    came_back: tuple[tuple[Any, str, datetime | None], ...] = (
        (_("Complained"), "error", recipient.complained_at),
        (_("Unsubscribed"), "error", recipient.unsubscribed_at),
        (_("Replied"), "connected", recipient.replied_at),
        (_("Bounced"), "error", recipient.bounced_at),
        (_("Out of office"), "reconnect_needed", recipient.auto_replied_at),
    )
    for words, dot, moment in came_back:
        if moment is not None:
            return str(words), dot, moment
    words, dot = {
        "ready": (_("Ready"), "none"),
        "left_out": (_("Left out"), "none"),
        "queued": (_("Waiting"), "none"),
        "sent": (_("Sent"), "syncing-still"),
        "failed": (_("Failed"), "error"),
        "unsure": (_("Unsure"), "reconnect_needed"),
        "cancelled": (_("Cancelled"), "none"),
    }.get(recipient.state, (recipient.state, "none"))
    return str(words), dot, recipient.sent_at if recipient.state == "sent" else None


def missing_words(names: list[str]) -> str:
    """Name the merge fields that lack a value: "contact.first_name and job.place"."""
    if len(names) < 2:
        return "".join(names)
    return str(gettext("%(names)s and %(last)s", names=", ".join(names[:-1]), last=names[-1]))


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


def counted(count: int, noun: str) -> str:
    """Write a number with its noun: "1 recipient", "1,200 recipients"."""
    written = number(count)
    words = {
        "recipient": lambda: ngettext("%(count)s recipient", "%(count)s recipients", count, count=written),
        "mail": lambda: ngettext("%(count)s mail", "%(count)s mails", count, count=written),
        "day": lambda: ngettext("%(count)s day", "%(count)s days", count, count=written),
    }
    return str(words[noun]())


def line_words(line: int, problem: str) -> str:
    """Say what is wrong with a line of a list."""
    return str(gettext("Line %(line)s: %(problem)s", line=line, problem=told(problem)))


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
