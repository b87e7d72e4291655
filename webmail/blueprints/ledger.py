"""What this did in your mailbox: every mark, move and copy made there, with its reason and a way back."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import ledger
from webmail.actions.verify import mended_lines
from webmail.blueprints import _ledger_words
from webmail.blueprints._htmx import page_or_partial, partial_or_redirect
from webmail.blueprints._session import current_scope
from webmail.store.accounts import list_accounts, load_account
from webmail.store.ledger import ledger_page, load_entry
from webmail.store.session import reading

blueprint = Blueprint("ledger", __name__)

for _words in (_ledger_words.what_was_done, _ledger_words.why_it_was_done, _ledger_words.how_it_stands):
    blueprint.add_app_template_filter(_words)
blueprint.add_app_template_filter(mended_lines, "mended_words")
blueprint.add_app_template_test(ledger.can_undo, "undoable")


@blueprint.get("/ledger")
def show() -> Response:
    """Show what was done in one mailbox, or in all of the user's; with `after`, a later page of it."""
    scope = current_scope()
    wanted, after = request.args.get("account", type=UUID), request.args.get("after", type=UUID)
    with reading() as s:
        account = load_account(s, scope, wanted) if wanted else None
        accounts = list_accounts(s, scope)
        found = ledger_page(s, scope, wanted, after=after)
    partial = "ledger/_more.html" if after else "ledger/_ledger.html"
    return page_or_partial("ledger/show.html", partial, ledger=found, account=account, accounts=accounts, after=after)


@blueprint.post("/ledger/<uuid:change_uuid>/undo")
def undo(change_uuid: UUID) -> BaseResponse:
    """Take one entry back."""
    scope = current_scope()
    ledger.undo(scope, change_uuid)
    with reading() as s:
        entry = load_entry(s, scope, change_uuid)
    account = request.form.get("account", type=UUID)
    return partial_or_redirect(
        "ledger/_entry.html",
        url_for("ledger.show", account=account),
        "Taken back.",
        entry=entry,
        names_account=not account,
    )
