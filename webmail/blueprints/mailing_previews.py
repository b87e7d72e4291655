"""Looking at a mailing before it goes out: what prevents it, when it will be done, and each mail as it will be."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import mailings
from webmail.blueprints._framed import inner_ancestors
from webmail.blueprints._htmx import is_partial, page_or_partial, toast_or_redirect
from webmail.blueprints._mailing_pages import load_page
from webmail.blueprints._session import current_scope
from webmail.blueprints.forms.mailing import typed_form
from webmail.blueprints.mailing_drafts import refused, store_typed
from webmail.errors import InputRefused, NotFound
from webmail.store import mailing_views as views
from webmail.store import mailings as store
from webmail.store.models import Mailing, MailingRecipient
from webmail.store.scope import Scope
from webmail.store.session import reading

blueprint = Blueprint("mailing_previews", __name__)

MOST_MISSING = 50
"""How many recipients whose values are missing are named; the others are counted."""


@dataclass(frozen=True)
class Shown:
    """One mail of a mailing as somebody will get it; `preview` is None while nobody gets it."""

    mailing: Mailing
    step: int
    recipient: MailingRecipient | None = None
    beside: views.Neighbours | None = None
    preview: mailings.Preview | None = None


@blueprint.get("/mailings/<uuid:mailing_uuid>/check")
def check(mailing_uuid: UUID) -> BaseResponse:
    """Say what prevents the mailing, who is left out, and when it will be done."""
    scope = current_scope()
    page = load_page(scope, mailing_uuid)
    if page.mailing.state != "draft":
        return redirect(url_for("mailings.show", mailing_uuid=mailing_uuid), 303)
    checked = mailings.check(scope, mailing_uuid)
    with reading() as s:
        contacts = views.contacts_of(s, [each.uuid for each in checked.missing[:MOST_MISSING]])
    return page_or_partial(
        "mailings/check.html",
        "mailings/_check.html",
        mailing_page=page,
        check=checked,
        contacts=contacts,
        shown=None if is_partial() else _look(scope, mailing_uuid),
        most_missing=MOST_MISSING,
    )


@blueprint.post("/mailings/<uuid:mailing_uuid>/check")
def store_and_check(mailing_uuid: UUID) -> BaseResponse:
    """Store what was typed and go on to the check: what the button does where no script runs."""
    scope = current_scope()
    try:
        store_typed(scope, mailing_uuid)
    except InputRefused as refusal:
        return refused(scope, mailing_uuid, typed_form(request.form), refusal)
    return redirect(url_for(".check", mailing_uuid=mailing_uuid), 303)


@blueprint.get("/mailings/<uuid:mailing_uuid>/preview")
def preview(mailing_uuid: UUID) -> BaseResponse:
    """Show one mail as it will be; `recipient` and `step` say which."""
    scope = current_scope()
    shown = _look(scope, mailing_uuid)
    return page_or_partial("mailings/preview.html", "mailings/_preview.html", shown=shown)


@blueprint.get("/mailings/<uuid:mailing_uuid>/preview/body")
def body(mailing_uuid: UUID) -> Response:
    """Show the text of one mail, in a frame in which nothing can run."""
    shown = _look(current_scope(), mailing_uuid)
    if shown.preview is None:
        raise NotFound("Nobody gets this mail yet.")
    html = Markup(shown.preview.html)  # noqa: S704  # cleaned as it is sent, and shown where nothing can run
    response = make_response(render_template("mailings/body.html", html=html))
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: https:; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {inner_ancestors()}"
    )
    return response


@blueprint.post("/mailings/<uuid:mailing_uuid>/test")
def send_test(mailing_uuid: UUID) -> BaseResponse:
    """Send one mail to the user's own address, as the recipient who is shown would get it."""
    recipient, step = request.form.get("recipient", type=UUID), request.form.get("step", 0, int)
    mailings.send_test(current_scope(), mailing_uuid, recipient, step=step)
    return toast_or_redirect("A test is on its way to your own mailbox.", url_for(".check", mailing_uuid=mailing_uuid))


@blueprint.post("/mailings/<uuid:mailing_uuid>/start")
def start(mailing_uuid: UUID) -> BaseResponse:
    """Begin to send; what prevents it is said at its field."""
    scope = current_scope()
    try:
        mailings.start(scope, mailing_uuid)
    except InputRefused as refusal:
        return refused(scope, mailing_uuid, None, refusal)
    return redirect(url_for("mailings.show", mailing_uuid=mailing_uuid), 303)


def _look(scope: Scope, uuid: UUID) -> Shown:
    """Find the mail that the request asks for: of the first recipient where it names none.

    Raises:
        NotFound: there is no such mailing, recipient or step.
    """
    wanted, step = request.args.get("recipient", type=UUID), request.args.get("step", 0, int)
    with reading() as s:
        mailing = store.load_mailing(s, scope, uuid)
        if not 0 <= step < max(len(mailing.steps), 1):
            raise NotFound("This follow-up is not here any more.")
        found = store.find_recipient(s, mailing.id, wanted) if wanted else views.first_ready(s, mailing.id)
        beside = views.neighbours(s, found) if found is not None else None
    if found is None:
        return Shown(mailing, step)
    return Shown(mailing, step, found, beside, mailings.preview(scope, uuid, found.uuid, step=step))
