"""Lists of contacts out of files and from the clipboard, and a file of them.

Between reading a list and taking it in, its text lies in the page: nothing has to be kept for who never comes back.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import gettext

from webmail.actions import imports
from webmail.actions.exports import contact_lines
from webmail.blueprints._session import current_scope
from webmail.domain.columns import TARGETS, columns_chosen, field_name, guess_columns, read_people, sample_of
from webmail.domain.tables import Table, read_table, read_table_text, read_typed_table, text_of
from webmail.errors import InputRefused

blueprint = Blueprint("contact_lists", __name__)

MOST_PROBLEMS = 200


@blueprint.get("/contacts/import")
def new() -> Response:
    return _asked()


@blueprint.post("/contacts/import")
def read() -> Response:
    """Read a file, or what was pasted, and ask what its columns hold."""
    text, chosen = request.form.get("text", ""), request.files.get("file")
    try:
        if chosen is not None and chosen.filename:
            with chosen.stream:
                content = chosen.read()
            table = read_table(content)
            return _columns(table, text_of(content, table), guess_columns(table), is_file=True)
        if not text.strip():
            raise InputRefused("file", "Choose a file, or paste addresses below.")
        table = read_typed_table(text)
    except InputRefused as refusal:
        return _asked(text, refusal)
    return _columns(table, text, guess_columns(table))


@blueprint.post("/contacts/import/columns")
def take_in() -> Response:
    """Take in the people of a list whose columns are told apart."""
    text, tag = request.form.get("text", ""), request.form.get("tag", "")
    is_file = bool(request.form.get("is_file"))
    try:
        table = read_table_text(text) if is_file else read_typed_table(text)
    except InputRefused as refusal:
        return _asked(text, refusal)
    columns = list(columns_chosen(table, request.form.getlist("column")))
    try:
        told = imports.import_contacts(current_scope(), table, columns, tag=tag)
    except InputRefused as refusal:
        return _columns(table, text, columns, is_file=is_file, tag=tag, problem=refusal.user_message)
    return make_response(render_template("contacts/imported.html", told=told, tag=tag, most=MOST_PROBLEMS))


@blueprint.get("/contacts/export")
def export() -> Response:
    """Give the contacts that a search finds, or all, as CSV."""
    search, tag = request.args.get("q", "")[:200].strip(), request.args.get("tag", "")[:40]
    return csv_file(contact_lines(current_scope(), search=search, tag=tag), "contacts.csv")


def csv_file(text: str, name: str) -> Response:
    """Answer with a file to be saved."""
    response = Response(text.encode(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _asked(text: str = "", refusal: InputRefused | None = None) -> Response:
    field = "" if refusal is None else "text" if text.strip() and refusal.field != "file" else "file"
    problems = {field: refusal.user_message} if refusal else {}
    page = render_template("contacts/import.html", text=text, problems=problems)
    return make_response(page, 422 if refusal else 200)


def _columns(
    table: Table, text: str, columns: list[str], *, is_file: bool = False, tag: str = "", problem: str = ""
) -> Response:
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
        "contacts/columns.html",
        columns=shown,
        targets=TARGETS,
        people=len(people.rows),
        problems=people.problems,
        most=MOST_PROBLEMS,
        text=text,
        is_file=is_file,
        tag=tag,
        problem=problem,
    )
    return make_response(page, 422 if problem else 200)
