"""Suggestions for a recipient that is being typed."""

from __future__ import annotations

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from webmail.blueprints._session import current_scope
from webmail.domain.addresses import Address, format_address
from webmail.domain.suggestions import likely
from webmail.store.accounts import own_addresses
from webmail.store.correspondents import find_known
from webmail.store.models import utc_now
from webmail.store.session import reading

blueprint = Blueprint("people", __name__)

_MOST_TYPED = 100


@blueprint.get("/compose/people")
def suggest() -> BaseResponse:
    """Give the options for what is typed in `q`: nothing for nothing."""
    scope, typed = current_scope(), request.args.get("q", "")[:_MOST_TYPED]
    with reading() as s:
        people = find_known(s, scope, typed)
        own = own_addresses(s, scope) if people else set()
    found = likely((each for each in people if each.email not in own), typed, utc_now())
    options = [(each, format_address(Address(each.name, each.email))) for each in found]
    return make_response(render_template("compose/_people.html", options=options))
