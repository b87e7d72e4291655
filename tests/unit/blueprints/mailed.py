"""What the tests of mailings' pages begin with: a mailing, and its form as a browser without scripts sends it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import html5lib
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.unit.blueprints.conftest import PARTIAL, CheckedClient
from webmail.actions import mailings
from webmail.domain.tables import RecipientRow
from webmail.store import mailings as store
from webmail.store.models import Mailing, MailingRecipient
from webmail.store.scope import Scope
from webmail.store.session import reading

TEXT = '<div>Dear {{ contact.first_name | "colleague" }}, we look for {{ job.title }}.</div>'


def written_mailing(
    scope: Scope,
    *,
    emails: tuple[str, ...] = ("ana@people.example",),
    html: str = TEXT,
    steps: int = 1,
    account_uuid: UUID | None = None,
) -> UUID:
    """Make a mailing that could be started; gives its uuid."""
    uuid = mailings.create_mailing(scope, account_uuid=account_uuid)
    fields = mailings.MailingFields(
        name="Nurses in Lyon",
        account_uuid=None,
        job={"title": "nurses"},
        time_zone="Europe/Paris",
        uses_recipients_zone=False,
        window_from=0,
        window_until=1440,
        weekdays=list(range(7)),
        has_unsubscribe=True,
        steps=[mailings.StepFields("A role for you" if at == 0 else "", html, 3 * min(at, 1)) for at in range(steps)],
    )
    mailings.save_mailing(scope, uuid, fields, revision=0)
    rows = [RecipientRow(each, fields={"first_name": each.split("@")[0].title()}) for each in emails]
    mailings.add_recipients(scope, uuid, rows)
    return uuid


def load(scope: Scope, uuid: UUID) -> Mailing:
    """Read a mailing as it is stored now."""
    with reading() as s:
        return store.load_mailing(s, scope, uuid)


def recipients(scope: Scope, uuid: UUID) -> dict[str, MailingRecipient]:
    """Read a mailing's recipients, by address."""
    with reading() as s:
        mailing = store.load_mailing(s, scope, uuid)
        return {each.email: each for each in store.list_recipients(s, mailing.id)}


def form_of(html: str) -> MultiDict[str, str]:
    """Give what a browser without JavaScript would send of a draft's form: every field, buttons aside."""
    root = html5lib.parse(html, namespaceHTMLElements=False)
    form = next(each for each in root.iter("form") if each.get("id") == "mailing-form")
    sent: MultiDict[str, str] = MultiDict()
    for each in form.iter():
        if each.tag not in ("input", "textarea", "select"):
            continue
        name, kind = each.get("name"), each.get("type")
        if not name or kind == "file" or (kind == "checkbox" and each.get("checked") is None):
            continue
        if each.tag == "textarea":
            sent.add(name, (each.text or "").removeprefix("\n"))
        elif each.tag == "select":
            options = list(each.iter("option"))
            chosen = [option for option in options if option.get("selected") is not None] or options[:1]
            sent.add(name, chosen[0].get("value", "") if chosen else "")
        else:
            sent.add(name, each.get("value", ""))
    sent.poplist("csrf_token")
    return sent


def send_form(
    client: CheckedClient, path: str, fields: MultiDict[str, Any], *, htmx: bool = False, **more: Any
) -> TestResponse:
    """Send a form whose fields may repeat; `more` are those of the button that was pressed."""
    data = MultiDict([*fields.items(multi=True), *more.items(), ("csrf_token", client.token)])
    return client.post(path, data=data, headers=PARTIAL if htmx else {})
