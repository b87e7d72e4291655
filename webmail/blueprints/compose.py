"""Writing mail: drafts, their files, sending them, and what can be done about mail that is on its way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from typing import TypeVar
from uuid import UUID, uuid4

from flask import (
    Blueprint,
    Response,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import draft_changes, drafts, later, mail, submit
from webmail.actions.reminders import questions_before
from webmail.blueprints._composer import LIVE, composer_context
from webmail.blueprints._frame import picture_type
from webmail.blueprints._htmx import (
    VARY,
    is_asked_on,
    is_partial,
    page_or_partial,
    partial_or_redirect,
    toast_or_redirect,
)
from webmail.blueprints._sending import Wish, read_wish
from webmail.blueprints._session import current_scope, signed_in
from webmail.blueprints._times import browser_zone, clock_time
from webmail.blueprints.forms.draft import DraftForm, typed_form
from webmail.errors import InputRefused, NotFound
from webmail.store.accounts import list_accounts
from webmail.store.models import Submission
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.submissions import conversation_uuid_of, load_files, load_submission

blueprint = Blueprint("compose", __name__)

Answer = TypeVar("Answer", bound=BaseResponse)


@blueprint.get("/compose")
def new() -> BaseResponse:
    """Open a draft, or the one that is open already, and show it."""
    scope = current_scope()
    with reading() as s:
        is_connected = any(account.status in LIVE for account in list_accounts(s, scope))
    if not is_connected:
        return page_or_partial("compose/unconnected.html", "compose/_unconnected.html")
    mode = request.args.get("mode", "new")
    draft_uuid = drafts.open_draft(
        scope,
        mode=mode,
        message_uuid=request.args.get("message", type=UUID),
        account_uuid=request.args.get("account", type=UUID),
        to=request.args.get("to", ""),
        subject=request.args.get("subject", ""),
        zone=browser_zone(),
    )
    if not is_partial():
        return redirect(url_for("compose.show", draft_uuid=draft_uuid), 303)
    return page_or_partial(
        "compose/show.html", "compose/_composer.html", **composer_context(scope, draft_uuid, focus=_focus(mode))
    )


@blueprint.get("/compose/<uuid:draft_uuid>")
def show(draft_uuid: UUID) -> BaseResponse:
    scope = current_scope()
    with reading() as s:
        draft = load_submission(s, scope, draft_uuid)
    if draft.state == "cancelled":
        raise NotFound("This draft is not here any more.")
    if draft.state != "draft":
        return _go(_conversation_path(draft))
    place = "slot" if request.args.get("place") == "slot" else "page"
    context = composer_context(scope, draft_uuid, place=place, focus=_focus(draft.mode))
    return page_or_partial("compose/show.html", "compose/_composer.html", **context)


@blueprint.post("/compose/<uuid:draft_uuid>")
def save(draft_uuid: UUID) -> BaseResponse:
    scope, form = current_scope(), typed_form(request.form)
    try:
        _store(scope, draft_uuid, form)
    except InputRefused as refusal:
        return _refused(scope, draft_uuid, form, refusal)
    if is_partial():
        return _partial("compose/_state.html", scope, draft_uuid, form)
    flash("Draft saved.")
    return redirect(url_for("compose.show", draft_uuid=draft_uuid), 303)


@blueprint.post("/compose/<uuid:draft_uuid>/send")
def send(draft_uuid: UUID) -> BaseResponse:
    """Send a draft off, at once or at the time in `at`, and archive with `then`; questions in `sure` are answered."""
    scope, form, wish = current_scope(), typed_form(request.form), read_wish()
    form.is_sending = True
    try:
        at = wish.moment()
        _store(scope, draft_uuid, form)
        form.questions = questions_before(scope, draft_uuid, sure_of=wish.sure_of)
        if form.questions:
            form.again = wish.again(form.questions)
            return _shown_again(scope, draft_uuid, form, 422)
        if at is None:
            submit.submit(scope, draft_uuid, hold_s=signed_in().undo_s)
        else:
            later.schedule(scope, draft_uuid, at)
    except InputRefused as refusal:
        return _refused(scope, draft_uuid, form, refusal)
    return _sent_off(scope, draft_uuid, form, wish, at)


def _sent_off(scope: Scope, draft_uuid: UUID, form: DraftForm, wish: Wish, at: datetime | None) -> BaseResponse:
    """Say that a mail is on its way, and lead to where one goes on."""
    message = gettext("Goes out %(time)s.", time=clock_time(at)) if at else gettext("Sending.")
    has_undo = at is not None or signed_in().undo_s > 0
    undo_url = url_for("compose.edit", submission_uuid=draft_uuid) if has_undo else ""
    with reading() as s:
        submission = load_submission(s, scope, draft_uuid)
        conversation_uuid = conversation_uuid_of(s, submission.message_id)
    if wish.archives and conversation_uuid:
        with suppress(InputRefused):  # it is out of the inbox already
            mail.archive(scope, UUID(conversation_uuid))
        flash(f"{message} {gettext('The conversation is archived.')}", undo_url or "message")
        return _go(url_for("inbox.show"))
    if is_partial() and form.place == "slot":
        return _close_composer(message, undo_url)
    flash(message, undo_url or "message")
    return _go(_conversation_path(submission))


@blueprint.post("/compose/<uuid:draft_uuid>/signature")
def use_signature(draft_uuid: UUID) -> BaseResponse:
    """Put another of the mailbox's signatures in, or none."""
    chosen = request.form.get("signature", None, UUID)
    return _put_in(draft_uuid, lambda scope: draft_changes.use_signature(scope, draft_uuid, chosen))


@blueprint.post("/compose/<uuid:draft_uuid>/template")
def use_template(draft_uuid: UUID) -> BaseResponse:
    """Put a mail template above what is written, filled in for the first recipient."""
    chosen = request.form.get("template", None, UUID)
    if chosen is None:
        raise NotFound
    return _put_in(draft_uuid, lambda scope: draft_changes.use_template(scope, draft_uuid, chosen))


def _put_in(draft_uuid: UUID, change: Callable[[Scope], list[str] | None]) -> BaseResponse:
    """Store what was typed, change the draft, and show it anew; `change` gives what could not be filled in."""
    scope, form = current_scope(), typed_form(request.form)
    try:
        _store(scope, draft_uuid, form)
        missing = change(scope)
    except InputRefused as refusal:
        return _refused(scope, draft_uuid, form, refusal)
    notice = f"Not filled in: {', '.join(missing)}. Look for the square brackets." if missing else ""
    location = url_for("compose.show", draft_uuid=draft_uuid)
    context = composer_context(scope, draft_uuid, place=form.place, focus="body")
    return partial_or_redirect("compose/_composer.html", location, notice, **context)


@blueprint.post("/compose/<uuid:draft_uuid>/files")
def add_files(draft_uuid: UUID) -> BaseResponse:
    """Attach what was chosen; a page without JavaScript sends the rest of the mail along."""
    scope, form = current_scope(), typed_form(request.form)
    try:
        if "revision" in request.form:
            _store(scope, draft_uuid, form)
        else:
            _take_files(scope, draft_uuid)
    except InputRefused as refusal:
        if is_partial():
            form.problems["files"] = refusal.user_message
            return _partial("compose/_files.html", scope, draft_uuid, form, status=422)
        return _refused(scope, draft_uuid, form, refusal)
    return _files_answer(scope, draft_uuid, form)


@blueprint.post("/compose/<uuid:draft_uuid>/pictures")
def add_picture(draft_uuid: UUID) -> BaseResponse:
    """Take a picture that goes into the text; tells its Content-ID, and where the editor has it from."""
    chosen = request.files.get("picture")
    content = chosen.read() if chosen is not None else b""
    media_type, content_id = picture_type(content), f"{uuid4().hex}@picture"
    if chosen is None or media_type is None:
        raise InputRefused("files", "This is no picture that mail programs show. Attach it as a file.")
    name = chosen.filename or "picture"
    file_uuid = drafts.add_file(
        current_scope(), draft_uuid, filename=name, media_type=media_type, content=content, content_id=content_id
    )
    return jsonify(cid=content_id, path=url_for("compose.file", draft_uuid=draft_uuid, file_uuid=file_uuid))


@blueprint.post("/compose/<uuid:draft_uuid>/files/<uuid:file_uuid>/remove")
def remove_file(draft_uuid: UUID, file_uuid: UUID) -> BaseResponse:
    scope, form = current_scope(), typed_form(request.form)
    try:
        if not is_partial():
            _store(scope, draft_uuid, form)
        drafts.remove_file(scope, draft_uuid, file_uuid)
    except InputRefused as refusal:
        return _refused(scope, draft_uuid, form, refusal)
    return _files_answer(scope, draft_uuid, form)


@blueprint.get("/compose/<uuid:draft_uuid>/files/<uuid:file_uuid>")
def file(draft_uuid: UUID, file_uuid: UUID) -> Response:
    """Give a file of a draft: to be saved, or a picture inside the mail to be shown in the editor."""
    with reading() as s:
        draft = load_submission(s, current_scope(), draft_uuid)
        found = next((each for each in load_files(s, draft.id) if each.uuid == file_uuid), None)
    if found is None or found.content is None:
        raise NotFound("This file is not here any more.")
    shown_as = picture_type(found.content) if found.content_id else None
    response = send_file(
        BytesIO(found.content),
        mimetype=shown_as or "application/octet-stream",
        as_attachment=shown_as is None,
        download_name=found.filename,
        etag=False,
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/compose/<uuid:draft_uuid>/discard")
def discard(draft_uuid: UUID) -> BaseResponse:
    scope = current_scope()
    with reading() as s:
        draft = load_submission(s, scope, draft_uuid)
        source_uuid = conversation_uuid_of(s, draft.source_message_id)
    drafts.discard(scope, draft_uuid)
    back_path = f"/conversations/{source_uuid}" if source_uuid else "/inbox"
    if is_partial() and request.form.get("place") == "slot":
        return _close_composer("Draft discarded.")
    flash("Draft discarded.")
    return _go(back_path)


@blueprint.post("/submissions/<uuid:submission_uuid>/retry")
def retry(submission_uuid: UUID) -> BaseResponse:
    submit.retry(current_scope(), submission_uuid)
    return _after_change(submission_uuid, "Trying again.")


@blueprint.post("/submissions/<uuid:submission_uuid>/settle")
def settle(submission_uuid: UUID) -> BaseResponse:
    """Take the user's word for what became of a mail that may or may not have left."""
    was_sent = request.form.get("was_sent") == "1"
    submit.settle_unsure(current_scope(), submission_uuid, was_sent=was_sent)
    return _after_change(submission_uuid, "Marked as sent." if was_sent else "Marked as not sent.")


@blueprint.post("/submissions/<uuid:submission_uuid>/edit")
def edit(submission_uuid: UUID) -> BaseResponse:
    """Take a mail back that has not left, and open it: in the conversation that is on screen, else on its own page."""
    scope = current_scope()
    submit.back_to_draft(scope, submission_uuid)
    context = composer_context(scope, submission_uuid, focus="body")
    if not is_partial() or not is_asked_on(context["composer"].back_path):
        return _go(url_for("compose.show", draft_uuid=submission_uuid))
    response = page_or_partial("compose/show.html", "compose/_composer.html", **context)
    response.headers["HX-Retarget"] = "#composer-slot"
    response.headers["HX-Reswap"] = "innerHTML"
    return response


def _store(scope: Scope, draft_uuid: UUID, form: DraftForm) -> None:
    """Save what was typed, then attach what was chosen and not attached yet."""
    form.revision = drafts.save_draft(scope, draft_uuid, form.to_fields(), revision=form.revision)
    _take_files(scope, draft_uuid)


def _take_files(scope: Scope, draft_uuid: UUID) -> None:
    for chosen in request.files.getlist("files"):
        with chosen.stream:
            content = chosen.read()
        if chosen.filename:
            media_type = chosen.mimetype or "application/octet-stream"
            drafts.add_file(scope, draft_uuid, filename=chosen.filename, media_type=media_type, content=content)


def _refused(scope: Scope, draft_uuid: UUID, form: DraftForm, refusal: InputRefused) -> BaseResponse:
    """Show what was typed again, with the problem at its field; the editor is left as it is."""
    form.problems[refusal.field or "form"] = refusal.user_message
    return _shown_again(scope, draft_uuid, form, 409 if refusal.field == "revision" else 422)


def _shown_again(scope: Scope, draft_uuid: UUID, form: DraftForm, status: int) -> BaseResponse:
    if not is_partial():
        form.place = "page"
    context = composer_context(scope, draft_uuid, place=form.place, form=form)
    if context["composer"].draft.state != "draft":
        return _go(_conversation_path(context["composer"].draft))
    response = page_or_partial("compose/show.html", "compose/_after_refusal.html", status, **context)
    response.headers["HX-Retarget"] = f"#submission-{draft_uuid}-head"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


def _files_answer(scope: Scope, draft_uuid: UUID, form: DraftForm) -> BaseResponse:
    if is_partial():
        return _partial("compose/_files.html", scope, draft_uuid, form)
    return redirect(url_for("compose.show", draft_uuid=draft_uuid), 303)


def _partial(name: str, scope: Scope, draft_uuid: UUID, form: DraftForm, status: int = 200) -> Response:
    context = composer_context(scope, draft_uuid, place=form.place, form=form)
    return _vary(make_response(render_template(name, **context), status))


def _after_change(submission_uuid: UUID, message: str) -> BaseResponse:
    """Answer what was done to a mail on its way: its message on the page follows by an event."""
    with reading() as s:
        path = _conversation_path(load_submission(s, current_scope(), submission_uuid))
    return toast_or_redirect(message, path)


def _close_composer(message: str, undo_url: str = "") -> BaseResponse:
    """Take the composer out of its slot, with a toast."""
    response = toast_or_redirect(message, "", undo_url)
    response.headers["HX-Reswap"] = "delete"
    return response


def _conversation_path(submission: Submission) -> str:
    with reading() as s:
        uuid = conversation_uuid_of(s, submission.message_id)
    return f"/conversations/{uuid}" if uuid else "/inbox?view=sent"


def _go(path: str) -> BaseResponse:
    """Lead to another page, whoever asked."""
    if not is_partial():
        return _vary(redirect(path, 303))
    response = make_response("")
    response.headers["HX-Redirect"] = path
    return _vary(response)


def _vary(response: Answer) -> Answer:
    response.headers["Vary"] = VARY
    return response


def _focus(mode: str) -> str:
    return "body" if mode in ("reply", "reply_all") else "to"
