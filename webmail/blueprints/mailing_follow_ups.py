"""The follow-ups of a paused mailing: those that nobody has got yet, to be written anew."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import mailings
from webmail.blueprints._session import current_scope
from webmail.blueprints.forms.mailing import StepForm
from webmail.domain.plain import written_to_text
from webmail.errors import InputRefused
from webmail.store import mailings as store
from webmail.store.session import reading

blueprint = Blueprint("mailing_follow_ups", __name__)


@blueprint.get("/mailings/<uuid:mailing_uuid>/follow-ups")
def edit(mailing_uuid: UUID) -> BaseResponse:
    return _page(mailing_uuid)


@blueprint.post("/mailings/<uuid:mailing_uuid>/follow-ups/save")
def save(mailing_uuid: UUID) -> BaseResponse:
    """Store the texts that were changed; the others keep their layout."""
    scope = current_scope()
    with reading() as s:
        stored = {step.number: step.html for step in store.load_mailing(s, scope, mailing_uuid).steps}
    typed = {
        number: StepForm(html=html, text=request.form[f"step-{number}"].replace("\r\n", "\n")).written()
        for number, html in stored.items()
        if f"step-{number}" in request.form
    }
    changed = {number: html for number, html in typed.items() if html != stored[number]}
    try:
        mailings.save_follow_ups(scope, mailing_uuid, changed, revision=request.form.get("revision", -1, int))
    except InputRefused as refusal:
        return _page(mailing_uuid, refusal)
    flash("Follow-ups saved.")
    return redirect(url_for("mailings.show", mailing_uuid=mailing_uuid), 303)


def _page(uuid: UUID, refusal: InputRefused | None = None) -> BaseResponse:
    scope = current_scope()
    with reading() as s:
        mailing = store.load_mailing(s, scope, uuid)
        steps = mailings.unsent_follow_ups(s, mailing)
    if not steps and refusal is None:
        return redirect(url_for("mailings.show", mailing_uuid=uuid), 303)
    page = render_template(
        "mailings/follow_ups.html",
        mailing=mailing,
        steps=steps,
        texts={each.number: request.form.get(f"step-{each.number}", written_to_text(each.html)) for each in steps},
        revision=request.form.get("revision", mailing.revision),
        field=refusal.field if refusal else None,
        problem=refusal.user_message if refusal else "",
    )
    return make_response(page, 422 if refusal else 200)
