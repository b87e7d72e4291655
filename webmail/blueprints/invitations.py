"""Invitations in mail: a card that says what, when and where, and Accept, Decline and Maybe."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions.invitations import OpenedInvitation, answer_invitation, open_invitation
from webmail.blueprints._htmx import page_or_partial, toast_or_redirect
from webmail.blueprints._session import current_scope, signed_in
from webmail.blueprints._times import browser_zone, clock_time, full_time, zone_name
from webmail.domain.invitations import ANSWERS, Invitation
from webmail.errors import NotFound, ProviderError
from webmail.store.messages import load_attachment
from webmail.store.session import reading
from webmail.store.submissions import conversation_uuid_of

blueprint = Blueprint("invitations", __name__)

_SAID = {"ACCEPTED": "has accepted", "DECLINED": "has declined", "TENTATIVE": "may come"}
_CHOICES = {"ACCEPTED": "Accept", "DECLINED": "Decline", "TENTATIVE": "Maybe"}


@blueprint.get("/messages/attachments/<uuid:attachment_uuid>/invitation")
def show(attachment_uuid: UUID) -> BaseResponse:
    """Show the invitation in an attachment, within its message or as a page."""
    scope, problem, opened = current_scope(), "", None
    with reading() as s:
        load_attachment(s, scope, attachment_uuid)
    try:
        opened = open_invitation(scope, attachment_uuid)
    except (NotFound, ProviderError) as error:
        problem = error.user_message
    if opened is None:
        sentence = problem or "The calendar file in this mail cannot be read here."
        return make_response(render_template("invitations/_unreadable.html", sentence=sentence, uuid=attachment_uuid))
    return page_or_partial("invitations/show.html", "invitations/_card.html", **_context(opened))


def _context(opened: OpenedInvitation) -> dict[str, Any]:
    invitation = opened.invitation
    with reading() as s:
        conversation_uuid = conversation_uuid_of(s, opened.attachment.message_id)
    return {
        "opened": opened,
        "invitation": invitation,
        "conversation_uuid": conversation_uuid,
        "heading": _heading(invitation),
        "when": time_in_words(invitation.starts, invitation.ends),
        "choices": _CHOICES,
        "answers": ANSWERS,
        "replies": [f"{each.name or each.email} {_SAID[each.answer]}" for each in invitation.attendees if each.answer],
    }


@blueprint.post("/messages/attachments/<uuid:attachment_uuid>/invitation/answer")
def answer(attachment_uuid: UUID) -> BaseResponse:
    """Answer an invitation; the answer waits as long as other mail does, and can be taken back."""
    chosen, hold_s = request.form.get("answer", ""), signed_in().undo_s
    uuid = answer_invitation(current_scope(), attachment_uuid, chosen, hold_s=hold_s)
    undo_url = url_for("compose.edit", submission_uuid=uuid) if hold_s else ""
    return toast_or_redirect(f"{ANSWERS[chosen]}. The organiser will be told.", url_for("outbox.show"), undo_url)


def _heading(invitation: Invitation) -> str:
    if invitation.is_cancelled:
        return "This event was cancelled"
    if invitation.method == "REPLY":
        return "An answer to an invitation"
    if invitation.method == "COUNTER":
        return "Another time is proposed"
    if invitation.method == "REQUEST":
        return "The invitation was changed" if invitation.sequence else "Invitation"
    return "Event"


def time_in_words(starts: datetime | date | None, ends: datetime | date | None) -> str:
    """Write when an event takes place, in the reader's zone; whole days have none."""
    if starts is None:
        return ""
    try:
        if not isinstance(starts, datetime):
            return _days(starts, ends)
        first = f"{full_time(starts)}"
        if not isinstance(ends, datetime) or ends <= starts:
            return f"{first} ({zone_name()})"
        zone = browser_zone()
        is_one_day = starts.astimezone(zone).date() == ends.astimezone(zone).date()
        last = full_time(ends).rpartition(", ")[2] if is_one_day else clock_time(ends)
        return f"{first} – {last} ({zone_name()})"
    except (OverflowError, ValueError):
        return ""


def _days(starts: date, ends: datetime | date | None) -> str:
    last = ends - timedelta(days=1) if isinstance(ends, date) and not isinstance(ends, datetime) else starts
    first = f"{starts:%a} {starts.day} {starts:%B %Y}"
    return f"{first} – {last:%a} {last.day} {last:%B %Y}" if last > starts else f"{first}, all day"
