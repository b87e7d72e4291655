"""Whom a draft goes to: people taken in from contacts, from what was pasted and from files, and left out again.

All of it happens within the draft's own form. Each change raises the mailing's revision, so the page is given the new
one along with the list, unless somebody else changed the mailing meanwhile: then its next save is to notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import mailings
from webmail.blueprints._htmx import VARY, is_partial
from webmail.blueprints._mailing_pages import Correction, load_page, shown_state
from webmail.blueprints._mailing_words import counted, line_words
from webmail.blueprints._numbers import number
from webmail.blueprints._session import current_scope
from webmail.blueprints.forms.mailing import typed_form
from webmail.blueprints.mailing_drafts import is_current, refused, store_typed
from webmail.domain.tables import read_pasted
from webmail.errors import InputRefused
from webmail.store.contacts import contact_page
from webmail.store.models import Contact
from webmail.store.scope import Scope
from webmail.store.session import reading

blueprint = Blueprint("mailing_recipients", __name__)

Told = list[tuple[str, list[str]]]
_MOST_NAMED = 100
_MOST_FOUND = 50


@blueprint.post("/mailings/<uuid:mailing_uuid>/recipients")
def look(mailing_uuid: UUID) -> BaseResponse:
    """Show other recipients: of one state, or the next page."""
    return _done(mailing_uuid)


@blueprint.post("/mailings/<uuid:mailing_uuid>/recipients/find")
def find(mailing_uuid: UUID) -> BaseResponse:
    """List the contacts that match, to be ticked."""
    scope, query = current_scope(), request.form.get("query", "").strip()[:200]
    with reading() as s:
        found = contact_page(s, scope.tenant_id, search=query, limit=_MOST_FOUND).rows if query else []
    return _done(mailing_uuid, query=query, found=found)


@blueprint.post("/mailings/<uuid:mailing_uuid>/recipients/contacts")
def add_contacts(mailing_uuid: UUID) -> BaseResponse:
    """Take in the contacts that are ticked."""
    chosen = request.form.getlist("contact", type=UUID)
    return _done(mailing_uuid, lambda scope: told(mailings.add_contacts(scope, mailing_uuid, contact_uuids=chosen)))


@blueprint.post("/mailings/<uuid:mailing_uuid>/recipients/tag")
def add_tag(mailing_uuid: UUID) -> BaseResponse:
    """Take in all contacts with a tag."""
    tag = request.form.get("tag", "").strip()
    return _done(mailing_uuid, lambda scope: told(mailings.add_contacts(scope, mailing_uuid, tag=tag)) if tag else [])


@blueprint.post("/mailings/<uuid:mailing_uuid>/recipients/pasted")
def paste(mailing_uuid: UUID) -> BaseResponse:
    """Take in the addresses that were pasted."""

    def add(scope: Scope) -> Told:
        pasted = read_pasted(request.form.get("pasted", ""))
        if not pasted.rows and not pasted.problems:
            raise InputRefused("pasted", "Paste at least one address.")
        unread = [line_words(each.line, each.sentence) for each in pasted.problems]
        return told(mailings.add_recipients(scope, mailing_uuid, [*pasted.rows, *pasted.unreadable]), unread)

    return _done(mailing_uuid, add)


@blueprint.post("/mailings/<uuid:mailing_uuid>/recipients/<uuid:recipient_uuid>/leave-out")
def leave_out(mailing_uuid: UUID, recipient_uuid: UUID) -> BaseResponse:
    return _done(mailing_uuid, lambda scope: mailings.leave_out(scope, mailing_uuid, recipient_uuid))


@blueprint.post("/mailings/<uuid:mailing_uuid>/recipients/<uuid:recipient_uuid>/take-in")
def take_in(mailing_uuid: UUID, recipient_uuid: UUID) -> BaseResponse:
    return _done(mailing_uuid, lambda scope: mailings.take_in_again(scope, mailing_uuid, recipient_uuid))


@blueprint.post("/mailings/<uuid:mailing_uuid>/recipients/<uuid:recipient_uuid>/edit")
def edit(mailing_uuid: UUID, recipient_uuid: UUID) -> BaseResponse:
    """Open somebody's address, name and merge fields for editing, in their row."""
    filled = mailings.values_of(current_scope(), mailing_uuid, recipient_uuid)
    return _done(mailing_uuid, correction=Correction(recipient_uuid, filled.email, filled.name, filled.values))


@blueprint.post("/mailings/<uuid:mailing_uuid>/recipients/<uuid:recipient_uuid>/values")
def correct(mailing_uuid: UUID, recipient_uuid: UUID) -> BaseResponse:
    """Store what was typed there."""
    form = request.form
    values = list(zip(form.getlist("value_name"), form.getlist("value"), strict=False))
    email, name = form.get("recipient_email", ""), form.get("recipient_name", "")

    def store(scope: Scope) -> None:
        mailings.correct_recipient(scope, mailing_uuid, recipient_uuid, email=email, name=name, values=values)

    return _done(mailing_uuid, store, typed=Correction(recipient_uuid, email, name, values))


@blueprint.post("/mailings/<uuid:mailing_uuid>/recipients/clear")
def clear(mailing_uuid: UUID) -> BaseResponse:
    return _done(mailing_uuid, lambda scope: mailings.clear_recipients(scope, mailing_uuid))


def told(added: mailings.Added, unread: list[str] | None = None) -> Told:
    """Say what became of those who were to be added: [(sentence, names)], the good news first.

    Args:
        unread: a sentence for each line of a list that could not be taken.
    """
    others = (
        (unread or [], _unread),
        (added.duplicates, _known),
        (added.invalid, _invalid),
        (added.suppressed, _suppressed),
    )
    sentences: Told = [(gettext("%(recipients)s added.", recipients=counted(added.added, "recipient")), [])]
    for names, words in others:
        if names:
            sentences.append((words(len(names)), names[:_MOST_NAMED]))
    return sentences


def _unread(n: int) -> str:
    words = ngettext(
        "%(count)s line could not be read. What has no address is under Left out, to be put right.",
        "%(count)s lines could not be read. What has no address is under Left out, to be put right.",
        n,
        count=number(n),
    )
    return str(words)


def _known(n: int) -> str:
    return str(ngettext("%(count)s was there already.", "%(count)s were there already.", n, count=number(n)))


def _invalid(n: int) -> str:
    words = ngettext(
        "%(count)s is no address that mail can go to.",
        "%(count)s are no addresses that mail can go to.",
        n,
        count=number(n),
    )
    return str(words)


def _suppressed(n: int) -> str:
    words = ngettext(
        "%(count)s gets no mailings and is left out.",
        "%(count)s get no mailings and are left out.",
        n,
        count=number(n),
    )
    return str(words)


def _done(
    uuid: UUID,
    act: Callable[[Scope], Told | None] | None = None,
    *,
    query: str = "",
    found: list[Contact] | None = None,
    correction: Correction | None = None,
    typed: Correction | None = None,
) -> BaseResponse:
    """Store what a page without JavaScript sent along, change the recipients, and show them.

    Args:
        act: makes the change, if any; gives what to say about it.
        correction: opens a recipient's row for editing.
        typed: what was typed there, to be shown again where it is refused.
    """
    scope, form = current_scope(), typed_form(request.form)
    was_current = is_current(scope, uuid, form)
    try:
        store_typed(scope, uuid)
        sentences = act(scope) if act is not None else None
    except InputRefused as refusal:
        return _refused(scope, uuid, refusal, typed)
    if not is_partial() and found is None and correction is None and not sentences:
        shown: dict[str, Any] = {
            "mailing_uuid": uuid,
            "show": shown_state() or None,
            "after": request.form.get("after") or None,
        }
        return redirect(url_for("mailings.show", _anchor="recipients", **shown), 303)
    page = load_page(scope, uuid, told=sentences or [], query=query, found=found, correction=correction)
    if not is_partial():
        return make_response(render_template("mailings/edit.html", mailing_page=page))
    if not was_current:
        page.form.revision = form.revision
    response = make_response(render_template("mailings/_after_recipients.html", mailing_page=page))
    response.headers["HX-Trigger"] = "mailing-saved"
    response.headers["Vary"] = VARY
    return response


def _refused(scope: Scope, uuid: UUID, refusal: InputRefused, typed: Correction | None) -> BaseResponse:
    form = typed_form(request.form)
    if typed is not None and refusal.field == "recipient":
        page = load_page(scope, uuid, correction=replace(typed, problem=refusal.user_message))
        name = "mailings/_after_recipients.html" if is_partial() else "mailings/edit.html"
        response = make_response(render_template(name, mailing_page=page), 422)
        response.headers["Vary"] = VARY
        return response
    if not is_partial() or refusal.field == "revision":
        return refused(scope, uuid, form, refusal)
    page = load_page(scope, uuid)
    page.form.revision = form.revision
    page.form.problems[refusal.field or "recipients"] = refusal.user_message
    response = make_response(render_template("mailings/_after_recipients.html", mailing_page=page), 422)
    response.headers["Vary"] = VARY
    return response
