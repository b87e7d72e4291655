"""Putting conversations off: the times that are offered, as a menu and as a page of its own, and the putting off."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import snoozes
from webmail.blueprints._composer import OfferedTime, offered
from webmail.blueprints._htmx import page_or_partial, toast_or_redirect
from webmail.blueprints._mail import read_place
from webmail.blueprints._sending import read_time
from webmail.blueprints._session import current_scope
from webmail.blueprints._times import browser_zone, short_day, zone_name
from webmail.blueprints.selection import conversations, selected_uuids
from webmail.domain.schedule import choices, later_today, wall_of
from webmail.errors import InputRefused
from webmail.store.conversations import find_conversation
from webmail.store.models import utc_now
from webmail.store.session import reading

blueprint = Blueprint("snoozes", __name__)


@blueprint.get("/conversations/<uuid:conversation_uuid>/snooze")
def choose(conversation_uuid: UUID) -> Response:
    """Give the times that a conversation can be put off to."""
    with reading() as s:
        find_conversation(s, current_scope(), conversation_uuid)
    args = read_place(request.args).args
    action = url_for(".snooze", conversation_uuid=conversation_uuid, **args)
    return _choices(action, url_for("conversations.show", conversation_uuid=conversation_uuid, **args))


@blueprint.post("/conversations/<uuid:conversation_uuid>/snooze")
def snooze(conversation_uuid: UUID) -> BaseResponse:
    until, args = _read_until(), read_place(request.args).args
    snoozes.snooze(current_scope(), conversation_uuid, until)
    undo_url = url_for(".wake", conversation_uuid=conversation_uuid, **args)
    words = gettext("Put off until %(time)s.", time=short_day(until))
    return toast_or_redirect(words, url_for("inbox.show", **args), undo_url)


@blueprint.post("/conversations/<uuid:conversation_uuid>/snooze/undo")
def wake(conversation_uuid: UUID) -> BaseResponse:
    """Have a conversation back at once: the *Undo* of a toast, and what stands beside one that is put off."""
    snoozes.wake(current_scope(), conversation_uuid)
    return toast_or_redirect("Back in the inbox.", url_for("inbox.show", **read_place(request.args).args))


@blueprint.post("/conversations/selected/times")
def choose_selected() -> Response:
    """Give the times that the selected conversations can be put off to; it changes nothing."""
    args = read_place(request.args).args
    return _choices(url_for(".snooze_selected", **args), url_for("inbox.show", **args), selected_uuids())


@blueprint.post("/conversations/selected/snooze")
def snooze_selected() -> BaseResponse:
    until, args = _read_until(), read_place(request.args).args
    put_off = snoozes.snooze_selected(current_scope(), selected_uuids(), until)
    words = gettext(
        "Put off %(conversations)s until %(time)s.", conversations=conversations(put_off.count), time=short_day(until)
    )
    undo_url = url_for(".undo", at=put_off.at.isoformat(), **args)
    return toast_or_redirect(words, url_for("inbox.show", **args), undo_url)


@blueprint.post("/conversations/snoozes/undo")
def undo() -> BaseResponse:
    """Have back what was put off in one go."""
    try:
        at = datetime.fromisoformat(request.args.get("at", ""))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InputRefused("", "There is nothing to undo.")
    snoozes.undo(current_scope(), at)
    return toast_or_redirect("Back in the inbox.", url_for("inbox.show", **read_place(request.args).args))


def _read_until() -> datetime:
    until = request.form.get("until", "")
    # A date that stands in its field is meant only where its own button was pressed.
    return read_time(request.form.get("until_chosen", "") if until == "chosen" else until)


def _choices(action: str, back: str, selected: list[UUID] | None = None) -> Response:
    now, zone = utc_now(), browser_zone()
    today, days = later_today(now, zone), choices(now, zone)
    times: list[OfferedTime] = offered([today, *days] if today else days, zone)
    return page_or_partial(
        "snoozes/choose.html",
        "snoozes/_times.html",
        times=times,
        own=days[0].wall,
        soonest=wall_of(now.astimezone(zone)),
        zone=zone_name(),
        action=action,
        back=back,
        selected=selected,
    )
