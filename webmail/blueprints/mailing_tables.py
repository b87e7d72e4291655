"""Recipients out of a file: first it is read, then its columns are told apart, then its people are taken in.

Between the two the file's text lies in the page, so that nothing has to be kept for somebody who never comes back.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import imports, mailings
from webmail.blueprints._mailing_pages import load_page
from webmail.blueprints._mailing_words import line_words
from webmail.blueprints._session import current_scope
from webmail.blueprints.forms.mailing import typed_form
from webmail.blueprints.mailing_drafts import refused, store_typed
from webmail.blueprints.mailing_recipients import told
from webmail.domain.columns import TARGETS, columns_chosen, field_name, guess_columns, read_people, sample_of
from webmail.domain.tables import Table, read_table, read_table_text, text_of
from webmail.errors import InputRefused
from webmail.store import mailings as store
from webmail.store.scope import Scope
from webmail.store.session import reading

blueprint = Blueprint("mailing_tables", __name__)

_MOST_PROBLEMS = 100


@blueprint.post("/mailings/<uuid:mailing_uuid>/table")
def upload(mailing_uuid: UUID) -> BaseResponse:
    """Read a file and ask what its columns hold."""
    scope = current_scope()
    try:
        store_typed(scope, mailing_uuid)
        chosen = request.files.get("table")
        if chosen is None or not chosen.filename:
            raise InputRefused("table", "Choose a file first.")
        with chosen.stream:
            content = chosen.read()
        table = read_table(content)
    except InputRefused as refusal:
        field = "table" if refusal.field == "file" else refusal.field
        return refused(scope, mailing_uuid, typed_form(request.form), InputRefused(field, refusal.user_message))
    return _ask(scope, mailing_uuid, table, text_of(content, table), guess_columns(table))


@blueprint.post("/mailings/<uuid:mailing_uuid>/table/columns")
def take_in(mailing_uuid: UUID) -> BaseResponse:
    """Take in the people of a file whose columns are told apart."""
    scope, text = current_scope(), request.form.get("text", "")
    table = read_table_text(text)
    columns = list(columns_chosen(table, request.form.getlist("column")))
    try:
        rows, problems = imports.recipient_rows(table, columns)
        added = mailings.add_recipients(scope, mailing_uuid, rows)
    except InputRefused as refusal:
        return _ask(scope, mailing_uuid, table, text, columns, refusal.user_message)
    unread = [line_words(each.line, each.sentence) for each in problems]
    page = load_page(scope, mailing_uuid, told=told(added, unread))
    return make_response(render_template("mailings/edit.html", mailing_page=page))


def _ask(scope: Scope, uuid: UUID, table: Table, text: str, columns: list[str], problem: str = "") -> Response:
    """Show the columns with what each is taken for, and the lines that cannot be read like this."""
    with reading() as s:
        mailing = store.load_mailing(s, scope, uuid)
    people = read_people(table, columns)
    shown = [
        (
            label or gettext("Column %(number)s", number=at + 1),
            sample_of(table, at),
            columns[at],
            field_name(label) or f"column_{at + 1}",
        )
        for at, label in enumerate(table.header)
    ]
    page = render_template(
        "mailings/columns.html",
        mailing=mailing,
        columns=shown,
        targets=TARGETS,
        people=len(people.rows),
        problems=people.problems[:_MOST_PROBLEMS],
        problem_count=len(people.problems),
        text=text,
        problem=problem,
    )
    return make_response(page, 422 if problem else 200)
