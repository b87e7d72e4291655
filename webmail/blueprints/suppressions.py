"""The *Do not mail* list: addresses that no mailing of the tenant writes to."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask_babel import lazy_gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import suppressions
from webmail.actions.exports import suppression_lines
from webmail.blueprints._htmx import is_partial, leave_for, page_or_partial
from webmail.blueprints._numbers import number
from webmail.blueprints._session import current_scope
from webmail.blueprints._told import told
from webmail.blueprints.contact_lists import MOST_PROBLEMS, csv_file
from webmail.domain.tables import Problem, read_table
from webmail.errors import InputRefused
from webmail.store.models import Suppression
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.suppressions import load_suppression, suppression_page

blueprint = Blueprint("suppressions", __name__)

_REASONS = {
    "unsubscribed": _("Unsubscribed"),
    "bounced": _("Mail came back"),
    "complained": _("Reported as spam"),
    "imported": _("From a list"),
    "by_hand": _("By hand"),
}
_CONSEQUENCES = {
    "unsubscribed": "They asked for no more mailings. Writing to them again may be against the law where they live.",
    "bounced": "Mail to this address came back. If it is still dead, mailings harm the standing of your mailbox.",
    "complained": "They reported a mailing as spam. Another one would harm the standing of your mailbox.",
    "imported": "It came with a list of addresses that are not to be mailed.",
    "by_hand": "A colleague of yours, or you, put it here.",
}


@blueprint.app_template_filter("suppression_reason")
def reason_words(suppression: Suppression) -> str:
    """Say in a few words why an address is on the list."""
    return str(_REASONS.get(suppression.reason, suppression.reason))


@blueprint.app_template_filter("suppression_consequence")
def consequence_words(suppression: Suppression) -> str:
    """Say what it may mean to write to an address again."""
    return str(told(_CONSEQUENCES.get(suppression.reason, "")))


@blueprint.get("/contacts/suppressions")
def show_list() -> Response:
    """Show the list, or what is searched for; with `after`, a later page of it."""
    return _listed(current_scope())


@blueprint.post("/contacts/suppressions")
def add() -> BaseResponse:
    """Put addresses on the list by hand."""
    scope, typed, note = current_scope(), request.form.get("emails", ""), request.form.get("note", "")
    try:
        listed = suppressions.suppress_typed(scope, typed, note=note)
    except InputRefused as refusal:
        return _listed(scope, typed=typed, note=note, problems={refusal.field: refusal.user_message})
    return leave_for(url_for(".show_list"), _added(listed.added, listed.known))


@blueprint.post("/contacts/suppressions/import")
def import_list() -> BaseResponse:
    """Put all addresses of a file on the list."""
    scope, chosen = current_scope(), request.files.get("file")
    try:
        if chosen is None or not chosen.filename:
            raise InputRefused("file", "Choose a file first.")
        with chosen.stream:
            table = read_table(chosen.read())
    except InputRefused as refusal:
        return _listed(scope, problems={"file": refusal.user_message})
    listed = suppressions.import_suppressions(scope, table, name=chosen.filename)
    if listed.problems:
        return _listed(scope, told=_added(listed.added, listed.known), lines=listed.problems)
    return leave_for(url_for(".show_list"), _added(listed.added, listed.known))


@blueprint.get("/contacts/suppressions/export")
def export() -> Response:
    return csv_file(suppression_lines(current_scope()), "do-not-mail.csv")


@blueprint.get("/contacts/suppressions/<uuid:suppression_uuid>/remove")
def ask_to_remove(suppression_uuid: UUID) -> Response:
    """Name what taking an address off the list means, before it is done."""
    with reading() as s:
        suppression = load_suppression(s, current_scope().tenant_id, suppression_uuid)
    page = "suppressions/_remove_dialog.html" if is_partial() else "suppressions/remove.html"
    return make_response(render_template(page, suppression=suppression))


@blueprint.post("/contacts/suppressions/<uuid:suppression_uuid>/remove")
def remove(suppression_uuid: UUID) -> BaseResponse:
    email = suppressions.lift(current_scope(), suppression_uuid)
    return leave_for(url_for(".show_list"), f"Mailings may write to {email} again.")


def _added(added: int, known: int) -> str:
    words = ngettext("%(count)s address added.", "%(count)s addresses added.", added, count=number(added))
    before = ngettext("%(count)s was here already.", "%(count)s were here already.", known, count=number(known))
    return f"{words} {before}" if known else str(words)


def _listed(
    scope: Scope,
    *,
    typed: str = "",
    note: str = "",
    problems: dict[str, str] | None = None,
    told: str = "",
    lines: list[Problem] | None = None,
) -> Response:
    search, after = request.args.get("q", "")[:200].strip(), request.args.get("after", type=UUID)
    with reading() as s:
        page = suppression_page(s, scope, search=search, after=after)
    return page_or_partial(
        "suppressions/list.html",
        "suppressions/_more.html" if after else "suppressions/_found.html",
        422 if problems else 200,
        found=page,
        search=search,
        after=after,
        typed=typed,
        note_typed=note,
        problems=problems or {},
        told=told,
        lines=lines or [],
        most=MOST_PROBLEMS,
    )
