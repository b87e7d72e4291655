"""The outbox: what is on its way, what went wrong with it, and what waits for its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import later
from webmail.blueprints._htmx import page_or_partial, partial_or_redirect
from webmail.blueprints._mail import load_rail
from webmail.blueprints._sending import read_time
from webmail.blueprints._session import current_scope
from webmail.blueprints._times import browser_zone, clock_time, zone_name
from webmail.blueprints._told import told
from webmail.domain.schedule import wall_of
from webmail.store import outbox as store
from webmail.store.models import Submission, utc_now
from webmail.store.outbox import MailingOnItsWay
from webmail.store.session import reading
from webmail.store.submissions import conversation_uuid_of

blueprint = Blueprint("outbox", __name__)


@dataclass(frozen=True)
class Item:
    """A mail in the outbox: what it waits for, as one of `KINDS`, and the conversation that shows it."""

    submission: Submission
    conversation_uuid: str

    @property
    def kind(self) -> str:
        submission = self.submission
        if submission.state != "queued":
            return submission.state
        account = submission.account
        needs_sign_in = account is not None and (account.status == "reconnect_needed" or account.sends_by == "blocked")
        is_due = submission.not_before is None or submission.not_before <= utc_now()
        if submission.held_reason == "reconnect" or (needs_sign_in and is_due):
            return "reconnect"
        return submission.held_reason if submission.held_reason in KINDS else "queued"

    @property
    def wall(self) -> str:
        """When it goes out, as the field for another time shows it."""
        at = self.submission.not_before
        return wall_of(at.astimezone(browser_zone())) if at else ""

    @property
    def sentence(self) -> str:
        """Say what it waits for."""
        submission = self.submission
        at = clock_time(submission.not_before) if submission.not_before else ""
        words = {
            "sending": "It is being handed to the mail server.",
            "undo": "It goes out in a few seconds.",
            "scheduled": gettext("It goes out %(time)s.", time=at),
            "retry": f"{told(submission.error_sentence)} {gettext('It is tried again at %(time)s.', time=at)}".strip(),
            "reconnect": submission.error_sentence or "It goes out once its mailbox is connected again.",
            "queued": "It goes out in a moment.",
            "failed": submission.error_sentence,
            "unsure": submission.error_sentence,
        }
        return str(words[self.kind])


KINDS = ("unsure", "failed", "reconnect", "sending", "retry", "undo", "queued", "scheduled")
"""In the order in which they are listed: first what needs somebody."""
_HEADS = {
    "unsure": _("Sent or not?"),
    "failed": _("Not sent"),
    "reconnect": _("Waits for you to connect its mailbox again"),
    "sending": _("Sending"),
    "retry": _("Waits to be tried again"),
    "undo": _("About to be sent"),
    "queued": _("About to be sent"),
    "scheduled": _("Scheduled"),
}


@dataclass(frozen=True)
class Outbox:
    """What is in the outbox: mails by what they wait for, and mailings."""

    groups: list[tuple[str, list[Item]]]
    mailings: list[MailingOnItsWay]


@blueprint.get("/outbox")
def show() -> BaseResponse:
    return page_or_partial("outbox/show.html", "outbox/_refreshed.html", **_context())


@blueprint.post("/submissions/<uuid:submission_uuid>/send-now")
def send_now(submission_uuid: UUID) -> BaseResponse:
    later.send_now(current_scope(), submission_uuid)
    return _after("Sending.")


@blueprint.post("/submissions/<uuid:submission_uuid>/schedule")
def schedule(submission_uuid: UUID) -> BaseResponse:
    """Choose another time for a mail that waits for its time."""
    later.reschedule(current_scope(), submission_uuid, read_time(request.form.get("at", "")))
    return _after("It goes out at the new time.")


@blueprint.post("/submissions/<uuid:submission_uuid>/discard")
def discard(submission_uuid: UUID) -> BaseResponse:
    later.throw_away(current_scope(), submission_uuid)
    return _after("Discarded.")


def _after(message: str) -> BaseResponse:
    return partial_or_redirect("outbox/_refreshed.html", url_for("outbox.show"), message, **_context())


def _context() -> dict[str, Any]:
    scope = current_scope()
    with reading() as s:
        waiting = store.list_outbox(s, scope)
        items = [Item(each, conversation_uuid_of(s, each.message_id)) for each in waiting]
        outbox = Outbox(_grouped(items), store.list_mailings_on_their_way(s, scope))
    return {"outbox": outbox, "rail": load_rail(scope), "here": "outbox", "zone": zone_name()}


def _grouped(items: Sequence[Item]) -> list[tuple[str, list[Item]]]:
    """Put what waits for the same thing under one head, in the order of `KINDS`."""
    groups: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda each: KINDS.index(each.kind)):
        groups.setdefault(_HEADS[item.kind], []).append(item)
    return list(groups.items())
