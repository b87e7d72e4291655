"""A world to write in: accounts, a message that was received, and what a composer's form sends."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import html5lib

from webmail.actions.outgoing import arrival_of_mime
from webmail.store import submissions
from webmail.store.conversations import refresh_conversations
from webmail.store.messages import take_in
from webmail.store.models import Account, Message, Signature, Submission
from webmail.store.scope import Scope
from webmail.store.secrets import seal
from webmail.store.session import reading, transaction


def add_account(scope: Scope, email: str = "rita@acme.example", signature: str = "", **columns: Any) -> Account:
    """Add a connected account whose servers nobody asks."""
    values = {"secret": seal({"password": "x"}), "smtp_host": "localhost", "smtp_port": 1, "imap_host": "localhost"}
    with transaction() as s:
        account = Account(
            tenant_id=scope.tenant_id, user_id=scope.user_id, email=email, user_name=email, **(values | columns)
        )
        s.add(account)
        s.flush()
        if signature:
            s.add(Signature(tenant_id=scope.tenant_id, user_id=scope.user_id, account_id=account.id, html=signature))
    return account


def add_message(account: Account, mime: bytes) -> Message:
    """Store a mail as a sync would."""
    with transaction() as s:
        taken = take_in(s, account, None, [arrival_of_mime(mime, ())])
        refresh_conversations(s, account, taken.conversation_ids)
    with reading() as s:
        message = s.get(Message, taken.new_message_ids[0])
    assert message is not None
    return message


def draft_uuid_in(location: str) -> UUID:
    """Give the draft that a redirect leads to."""
    return UUID(location.rpartition("/")[2])


def load(scope: Scope, uuid: UUID) -> Submission:
    """Read a submission as it is stored now."""
    with reading() as s:
        return submissions.load_submission(s, scope, uuid)


def fields_of(html: str) -> dict[str, str]:
    """Give what a browser without JavaScript would send of the composer on a page."""
    root = html5lib.parse(html, namespaceHTMLElements=False)
    form = next(each for each in root.iter("form") if "/compose/" in (each.get("action") or ""))
    fields = {}
    for each in [*form.iter("input"), *form.iter("textarea")]:
        if each.get("name") and each.get("type") != "file":
            fields[each.get("name")] = each.text or "" if each.tag == "textarea" else each.get("value", "")
    for each in form.iter("select"):
        chosen = [option for option in each if option.get("selected") is not None]
        fields[each.get("name")] = chosen[0].get("value", "") if chosen else ""
    fields.pop("csrf_token")
    return fields


def revision_in(html: str) -> str:
    """Give the revision that a part of a page holds."""
    found = re.search(r'name="revision" value="(-?\d+)"', html)
    assert found, html
    return found[1]
