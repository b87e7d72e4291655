"""Writing a mailing: saving it as it is typed, its text, its follow-ups and its files.

Without JavaScript each button of the draft's form sends all of it along, so every view here stores what was typed
first; with JavaScript the page saves by itself, and asks for one thing at a time.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import mailings
from webmail.actions.signatures import filled
from webmail.blueprints._frame import attached_as, harmless_type, streamed
from webmail.blueprints._htmx import VARY, is_partial, page_or_partial
from webmail.blueprints._mailing_pages import load_head, load_page
from webmail.blueprints._session import current_scope
from webmail.blueprints._told import told
from webmail.blueprints.forms.mailing import MailingForm, StepForm, typed_form
from webmail.domain.compose import add_signature_html
from webmail.domain.html import clean_composed_html
from webmail.errors import InputRefused, NotFound
from webmail.store import mailings as store
from webmail.store.accounts import load_account
from webmail.store.mail_templates import load_template
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.users import load_user

blueprint = Blueprint("mailing_drafts", __name__)


@blueprint.post("/mailings/<uuid:mailing_uuid>")
def save(mailing_uuid: UUID) -> BaseResponse:
    scope, form = current_scope(), typed_form(request.form)
    try:
        _store(scope, mailing_uuid, form)
    except InputRefused as refusal:
        return refused(scope, mailing_uuid, form, refusal)
    if is_partial():
        return _partial("mailings/_state.html", scope, mailing_uuid, form)
    flash("Mailing saved.")
    return back(mailing_uuid)


@blueprint.post("/mailings/<uuid:mailing_uuid>/follow-ups")
def add_follow_up(mailing_uuid: UUID) -> BaseResponse:
    scope, form = current_scope(), typed_form(request.form)
    form.steps.append(StepForm(format="plain"))
    return _changed(scope, mailing_uuid, form, f"step-{len(form.steps) - 1}")


@blueprint.post("/mailings/<uuid:mailing_uuid>/follow-ups/remove")
def remove_follow_up(mailing_uuid: UUID) -> BaseResponse:
    """Take away the follow-up whose number the button carries; the first mail stays."""
    scope, form = current_scope(), typed_form(request.form)
    at = request.form.get("number", 0, int)
    if 0 < at < len(form.steps):
        del form.steps[at]
    return _changed(scope, mailing_uuid, form, "text")


@blueprint.post("/mailings/<uuid:mailing_uuid>/template")
def use_template(mailing_uuid: UUID) -> BaseResponse:
    """Put a template's text in place of that of the step whose number the button carries."""
    scope, form = current_scope(), typed_form(request.form)
    at = min(max(request.form.get("number", 0, int), 0), len(form.steps) - 1)
    chosen = request.form.get(f"use_template_{at}", type=UUID)
    if chosen is None:
        return refused(scope, mailing_uuid, form, InputRefused("steps", "Choose a template first."))
    with reading() as s:
        template = load_template(s, scope, chosen)
    subject = template.subject if at == 0 else ""
    return _changed(
        scope, mailing_uuid, form.with_text(at, template.html, subject=subject, template_uuid=chosen), f"step-{at}"
    )


@blueprint.post("/mailings/<uuid:mailing_uuid>/signature")
def insert_signature(mailing_uuid: UUID) -> BaseResponse:
    """Put the signature at the end of a step's text: what *Insert signature* does where no script knows the cursor."""
    scope, form = current_scope(), typed_form(request.form)
    at = min(max(request.form.get("number", 0, int), 0), len(form.steps) - 1)
    try:
        html = add_signature_html(form.steps[at].written(), _signature(scope, form.account_uuid))
    except InputRefused as refusal:
        return refused(scope, mailing_uuid, form, refusal)
    return _changed(scope, mailing_uuid, form.with_text(at, clean_composed_html(html)), f"step-{at}")


@blueprint.get("/mailings/<uuid:mailing_uuid>/signature")
def signature(mailing_uuid: UUID) -> BaseResponse:
    """Give the signature's HTML to the editor; 422 with a sentence when the account has none."""
    scope = current_scope()
    with reading() as s:
        store.load_mailing(s, scope, mailing_uuid)
    try:
        html, status = _signature(scope, request.args.get("account", type=UUID)), 200
    except InputRefused as refusal:
        html, status = told(refusal.user_message), 422
    response = make_response(html, status)
    response.mimetype = "text/plain"
    return response


@blueprint.get("/mailings/<uuid:mailing_uuid>/template")
def template(mailing_uuid: UUID) -> BaseResponse:
    """Give a template's subject and text to the editor, as JSON."""
    scope = current_scope()
    chosen = request.args.get("template", type=UUID)
    if chosen is None:
        raise NotFound("This template is not here any more.")
    with reading() as s:
        store.load_mailing(s, scope, mailing_uuid)
        found = load_template(s, scope, chosen)
    return make_response({"subject": found.subject, "html": clean_composed_html(found.html)})


@blueprint.post("/mailings/<uuid:mailing_uuid>/files")
def add_files(mailing_uuid: UUID) -> BaseResponse:
    """Attach what was chosen; a page without JavaScript sends the rest of the mailing along."""
    scope, form = current_scope(), typed_form(request.form)
    was_current = is_current(scope, mailing_uuid, form)
    try:
        if not is_partial():
            _store(scope, mailing_uuid, form)
        else:
            _take_files(scope, mailing_uuid)
    except InputRefused as refusal:
        return _files_refused(scope, mailing_uuid, form, refusal)
    return _files_answer(scope, mailing_uuid, form, was_current=was_current)


@blueprint.get("/mailings/<uuid:mailing_uuid>/files/<uuid:file_uuid>")
def download(mailing_uuid: UUID, file_uuid: UUID) -> BaseResponse:
    """Give a file back as it was attached."""
    with reading() as s:
        file = store.load_file(s, store.load_mailing(s, current_scope(), mailing_uuid).id, file_uuid)
    response = streamed(iter((file.content,)), harmless_type(file.media_type))
    response.content_length = file.size_bytes
    response.headers["Content-Disposition"] = attached_as(file.filename)
    return response


@blueprint.post("/mailings/<uuid:mailing_uuid>/files/<uuid:file_uuid>/remove")
def remove_file(mailing_uuid: UUID, file_uuid: UUID) -> BaseResponse:
    scope, form = current_scope(), typed_form(request.form)
    was_current = is_current(scope, mailing_uuid, form)
    try:
        if not is_partial():
            _store(scope, mailing_uuid, form)
        mailings.remove_file(scope, mailing_uuid, file_uuid)
    except InputRefused as refusal:
        return _files_refused(scope, mailing_uuid, form, refusal)
    return _files_answer(scope, mailing_uuid, form, was_current=was_current)


def store_typed(scope: Scope, uuid: UUID) -> None:
    """Store what a page without JavaScript sent along with a button that does something else.

    Raises:
        InputRefused: it cannot be stored; nothing else should be done.
    """
    if not is_partial() and "revision" in request.form:
        form = typed_form(request.form)
        mailings.save_mailing(scope, uuid, form.to_fields(), revision=form.revision)


def is_current(scope: Scope, uuid: UUID, form: MailingForm) -> bool:
    """Say whether the page knows the mailing as it is stored; whoever changes it then gives it the new revision."""
    with reading() as s:
        return store.load_mailing(s, scope, uuid).revision == form.revision


def refused(scope: Scope, uuid: UUID, form: MailingForm | None, refusal: InputRefused) -> Response:
    """Show what was typed again, with the problem at its field; the texts in their editors stay as they are.

    Args:
        form: None where nothing was typed, and what is stored is shown.
    """
    status = 409 if refusal.field == "revision" else 422
    page = load_page(scope, uuid, form=form)
    page.form.problems[refusal.field or "form"] = refusal.user_message
    return page_or_partial("mailings/edit.html", "mailings/_after_refusal.html", status, mailing_page=page)


def back(uuid: UUID, anchor: str = "") -> BaseResponse:
    """Lead to the mailing's page, at one of its parts."""
    response: BaseResponse = redirect(url_for("mailings.show", mailing_uuid=uuid, _anchor=anchor or None), 303)
    response.headers["Vary"] = VARY
    return response


def _store(scope: Scope, uuid: UUID, form: MailingForm) -> None:
    """Save what was typed, then attach what was chosen and not attached yet."""
    form.revision = mailings.save_mailing(scope, uuid, form.to_fields(), revision=form.revision)
    _take_files(scope, uuid)


def _take_files(scope: Scope, uuid: UUID) -> None:
    for chosen in request.files.getlist("files"):
        with chosen.stream:
            content = chosen.read()
        if chosen.filename:
            media_type = chosen.mimetype or "application/octet-stream"
            mailings.add_file(scope, uuid, filename=chosen.filename, media_type=media_type, content=content)


def _changed(scope: Scope, uuid: UUID, form: MailingForm, anchor: str) -> BaseResponse:
    """Store a form in which something was changed besides what was typed, and show it at that place."""
    try:
        _store(scope, uuid, form)
    except InputRefused as refusal:
        return refused(scope, uuid, form, refusal)
    return back(uuid, anchor)


def _signature(scope: Scope, account_uuid: UUID | None) -> str:
    if account_uuid is None:
        raise InputRefused("account", "Choose the mailbox that it goes out from first: each has its own signature.")
    with reading() as s:
        account, user = load_account(s, scope, account_uuid), load_user(s, scope)
    html = clean_composed_html(filled(account.signature, account, user))
    if not html.strip():
        raise InputRefused("account", f"{account.email} has no signature yet. Write one in your profile settings.")
    return html


def _files_answer(scope: Scope, uuid: UUID, form: MailingForm, *, was_current: bool) -> BaseResponse:
    """Show the files; a change to them raises the revision, unless somebody else's change is still to be noticed."""
    if not is_partial():
        return back(uuid, "files")
    response = _partial("mailings/_after_files.html", scope, uuid, None if was_current else form)
    response.headers["HX-Trigger"] = "mailing-saved"
    return response


def _files_refused(scope: Scope, uuid: UUID, form: MailingForm, refusal: InputRefused) -> BaseResponse:
    if is_partial() and refusal.field == "files":
        form.problems["files"] = refusal.user_message
        return _partial("mailings/_after_files.html", scope, uuid, form, status=422)
    return refused(scope, uuid, form, refusal)


def _partial(name: str, scope: Scope, uuid: UUID, form: MailingForm | None, status: int = 200) -> Response:
    response = make_response(render_template(name, mailing_page=load_head(scope, uuid, form)), status)
    response.headers["Vary"] = VARY
    return response
