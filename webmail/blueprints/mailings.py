"""Mailings: their list, one of them from draft to done, and what can be done with it as a whole."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import mailings
from webmail.blueprints import _mailing_words
from webmail.blueprints._htmx import leave_for, page_or_partial, partial_or_redirect
from webmail.blueprints._mailing_pages import load_page
from webmail.blueprints._session import current_scope
from webmail.blueprints._times import browser_zone
from webmail.blueprints.forms.mailing import form_of_mailing
from webmail.store import mailings as store
from webmail.store.mailing_views import is_switched_off
from webmail.store.session import reading

blueprint = Blueprint("mailings", __name__)

for _words in (
    _mailing_words.mailing_title,
    _mailing_words.mailing_state,
    _mailing_words.mailing_dot,
    _mailing_words.left_out_words,
    _mailing_words.left_out_reason,
    _mailing_words.recipient_state,
    _mailing_words.missing_words,
    _mailing_words.counted,
    _mailing_words.clock,
    _mailing_words.day_time,
    _mailing_words.field_anchor,
    _mailing_words.fallback_field,
    _mailing_words.merge_field,
):
    blueprint.add_app_template_filter(_words)


@blueprint.app_context_processor
def _names() -> dict[str, Any]:
    return {"day_names": _mailing_words.DAYS, "zone_names": _mailing_words.zone_names}


@blueprint.get("/mailings")
def show_list() -> BaseResponse:
    scope = current_scope()
    with reading() as s:
        rows, is_off = store.list_mailings(s, scope), is_switched_off(s, scope.tenant_id)
    return page_or_partial("mailings/list.html", "mailings/_list.html", rows=rows, is_off=is_off)


@blueprint.post("/mailings")
def create() -> BaseResponse:
    """Begin a mailing in the time zone of the browser, and lead to it."""
    scope = current_scope()
    uuid = mailings.create_mailing(scope)
    with reading() as s:
        mailing = store.load_mailing(s, scope, uuid)
    form = form_of_mailing(mailing)
    form.time_zone = str(browser_zone())
    mailings.save_mailing(scope, uuid, form.to_fields(), revision=form.revision)
    return redirect(url_for(".show", mailing_uuid=uuid), 303)


@blueprint.get("/mailings/<uuid:mailing_uuid>")
def show(mailing_uuid: UUID) -> BaseResponse:
    """Show a mailing: a draft in its steps, any other with its progress; `show` and `after` say which recipients."""
    page = load_page(current_scope(), mailing_uuid)
    if page.mailing.state == "draft":
        return page_or_partial("mailings/edit.html", "mailings/_draft.html", mailing_page=page)
    return page_or_partial("mailings/show.html", "mailings/_mailing.html", mailing_page=page)


@blueprint.post("/mailings/<uuid:mailing_uuid>/pause")
def pause(mailing_uuid: UUID) -> BaseResponse:
    mailings.pause(current_scope(), mailing_uuid)
    return _after(mailing_uuid, "Paused. Nothing more goes out until you resume it.")


@blueprint.post("/mailings/<uuid:mailing_uuid>/resume")
def resume(mailing_uuid: UUID) -> BaseResponse:
    mailings.resume(current_scope(), mailing_uuid)
    return _after(mailing_uuid, "Sending again.")


@blueprint.post("/mailings/<uuid:mailing_uuid>/cancel")
def cancel(mailing_uuid: UUID) -> BaseResponse:
    mailings.cancel(current_scope(), mailing_uuid)
    return _after(mailing_uuid, "Cancelled. What had not gone will not go.")


@blueprint.post("/mailings/<uuid:mailing_uuid>/copy")
def copy(mailing_uuid: UUID) -> BaseResponse:
    copied = mailings.copy(current_scope(), mailing_uuid)
    return leave_for(url_for(".show", mailing_uuid=copied), "This is the copy. Its recipients are yet to be chosen.")


@blueprint.post("/mailings/<uuid:mailing_uuid>/delete")
def delete(mailing_uuid: UUID) -> BaseResponse:
    mailings.delete(current_scope(), mailing_uuid)
    return leave_for(url_for(".show_list"), "Mailing deleted.")


@blueprint.post("/mailings/<uuid:mailing_uuid>/recipients/<uuid:recipient_uuid>/settle")
def settle(mailing_uuid: UUID, recipient_uuid: UUID) -> BaseResponse:
    """Take the user's word for what became of a mail that may or may not have left."""
    was_sent = request.form.get("was_sent") == "1"
    mailings.settle_unsure(current_scope(), mailing_uuid, recipient_uuid, was_sent=was_sent)
    return _after(mailing_uuid, "Marked as sent." if was_sent else "Marked as not sent.")


def _after(uuid: UUID, message: str) -> BaseResponse:
    """Answer a change to a mailing under way: with its page as it is now."""
    page = load_page(current_scope(), uuid)
    location = url_for(".show", mailing_uuid=uuid, **page.recipients.args)
    return partial_or_redirect("mailings/_mailing.html", location, message, mailing_page=page)
