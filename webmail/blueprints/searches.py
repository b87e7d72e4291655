"""Saved searches: the page on which one is saved, renamed and deleted. They are opened from the rail."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import saved_searches
from webmail.blueprints._session import current_scope
from webmail.errors import InputRefused
from webmail.store.saved_searches import list_saved
from webmail.store.session import reading

blueprint = Blueprint("searches", __name__)


@blueprint.get("/searches")
def show_list() -> Response:
    """Show the saved searches; with `q`, that search can be saved, too."""
    return _page(request.args.get("q", "").strip())


@blueprint.post("/searches")
def save() -> BaseResponse:
    """Save a search and go back to it."""
    name, query = request.form.get("name", ""), request.form.get("query", "").strip()
    try:
        saved_searches.save_search(current_scope(), name, query)
    except InputRefused as refusal:
        return _page(query, name, refusal)
    flash("Saved. It is in the menu from now on.")
    return redirect(url_for("inbox.show", q=query), 303)


@blueprint.post("/searches/<uuid:search_uuid>")
def rename(search_uuid: UUID) -> BaseResponse:
    saved_searches.rename_search(current_scope(), search_uuid, request.form.get("name", ""))
    flash("Saved.")
    return redirect(url_for(".show_list"), 303)


@blueprint.post("/searches/<uuid:search_uuid>/delete")
def delete(search_uuid: UUID) -> BaseResponse:
    name = saved_searches.delete_search(current_scope(), search_uuid)
    flash(f"The search “{name}” is no longer kept.")
    return redirect(url_for(".show_list"), 303)


def _page(query: str, name: str = "", refusal: InputRefused | None = None) -> Response:
    with reading() as s:
        saved = list_saved(s, current_scope())
    problem = refusal.user_message if refusal else ""
    page = render_template("searches/list.html", searches=saved, query=query, name_typed=name, problem=problem)
    return make_response(page, 422 if refusal else 200)
