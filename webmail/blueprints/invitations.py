"""Invitations in mail: a card that says what, when and where, and Accept, Decline and Maybe."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions.invitations import OpenedInvitation, answer_invitation, open_invitation
from webmail.blueprints._htmx import page_or_partial, toast_or_redirect
from webmail.blueprints._recurrence_words import recurrence_words
from webmail.blueprints._session import current_scope, signed_in
from webmail.blueprints._times import browser_zone, clock_time, full_day, full_time, zone_name
from webmail.domain.invitations import Invitation
from webmail.errors import NotFound, ProviderError
from webmail.store.messages import load_attachment
from webmail.store.session import reading
from webmail.store.submissions import conversation_uuid_of

blueprint = Blueprint("invitations", __name__)

_SAID = {
    "ACCEPTED": _("%(name)s has accepted"),
    "DECLINED": _("%(name)s has declined"),
    "TENTATIVE": _("%(name)s may come"),
}
_ANSWERED = {"ACCEPTED": _("Accepted"), "DECLINED": _("Declined"), "TENTATIVE": _("Maybe")}
_CHOICES = {"ACCEPTED": _("Accept"), "DECLINED": _("Decline"), "TENTATIVE": _("Maybe")}


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
        "often": recurrence_words(invitation.recurrence) if invitation.recurrence else "",
        "choices": _CHOICES,
        "answers": _ANSWERED,
        "replies": [
            _SAID[each.answer] % {"name": each.name or each.email} for each in invitation.attendees if each.answer
        ],
    }


@blueprint.post("/messages/attachments/<uuid:attachment_uuid>/invitation/answer")
def answer(attachment_uuid: UUID) -> BaseResponse:
    """Answer an invitation; the answer waits as long as other mail does, and can be taken back."""
    chosen, hold_s = request.form.get("answer", ""), signed_in().undo_s
    uuid = answer_invitation(current_scope(), attachment_uuid, chosen, hold_s=hold_s)
    undo_url = url_for("compose.edit", submission_uuid=uuid) if hold_s else ""
    return toast_or_redirect(
        gettext("%(answer)s. The organiser will be told.", answer=_ANSWERED[chosen]), url_for("outbox.show"), undo_url
    )


def _heading(invitation: Invitation) -> str:
    if invitation.is_cancelled:
        return str(gettext("This event was cancelled"))
    if invitation.method == "REPLY":
        return str(gettext("An answer to an invitation"))
    if invitation.method == "COUNTER":
        return str(gettext("Another time is proposed"))
    if invitation.method == "REQUEST":
        return str(gettext("The invitation was changed") if invitation.sequence else gettext("Invitation"))
    return str(gettext("Event"))


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
    first = full_day(starts)
    return f"{first} – {full_day(last)}" if last > starts else gettext("%(day)s, all day", day=first)
