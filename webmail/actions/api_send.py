"""Send an individual mail for a tenant's server, in a user's name and from the user's own mailbox."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

from webmail.actions import quoting
from webmail.actions.drafts import can_write_from, check_account
from webmail.actions.outgoing import read_recipients
from webmail.actions.signatures import signature_for
from webmail.actions.sizes import files_limit, megabytes
from webmail.actions.submit import submit
from webmail.domain.addresses import format_address, parse_typed
from webmail.domain.compose import add_signature_html, add_signature_text
from webmail.domain.filenames import distinct_filenames
from webmail.domain.html import clean_composed_html
from webmail.domain.text import html_to_text
from webmail.errors import InputRefused, NotFound
from webmail.store import submissions as store
from webmail.store.accounts import list_accounts, own_addresses
from webmail.store.messages import load_message
from webmail.store.models import Account, Message, Submission, SubmissionAttachment, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, reading, transaction
from webmail.store.users import load_user

MOST_FILES_BYTES = 15_000_000
"""Of all files of a mail; each request is held in memory as a whole."""
_ADDRESS_FIELDS = ("to", "cc", "bcc")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}")


def send(scope: Scope, uuid: UUID, fields: Mapping[str, Any]) -> None:
    """Send a mail off, once under each uuid; what a crash has left half done is finished by asking again.

    Args:
        uuid: what the submission is named.
        fields: as the shape `NewSubmission` has them.

    Raises:
        InputRefused: a field cannot be used, or there is no mailbox to send from. Nothing is left behind then.
    """
    with reading() as s:
        present = _find(s, scope, uuid)
        source = _source(s, scope, fields)
        accounts = list_accounts(s, scope)
        own = own_addresses(s, scope)
        user = load_user(s, scope)
    if present is None:
        account = _account(accounts, source, fields)
        is_signed = fields.get("signature", True)
        signature = signature_for(account, user, "reply" if source is not None else "new") if is_signed else ""
        mail = _mail(scope, uuid, account, source, own, fields, signature)
        mail.attachments = _files(account, fields.get("attachments", []))
        read_recipients(mail)
        with transaction() as s:
            s.add(mail)
    elif present.state != "draft":
        return
    try:
        submit(scope, uuid)
    except InputRefused as refusal:
        with transaction() as s:
            left = _find(s, scope, uuid)
            if left is not None:
                store.delete_draft(s, left.id)
        if refusal.field == "files":
            raise InputRefused("attachments", refusal.user_message) from refusal
        raise


def _find(s: Session, scope: Scope, uuid: UUID) -> Submission | None:
    try:
        return store.load_submission(s, scope, uuid)
    except NotFound:
        return None


def _source(s: Session, scope: Scope, fields: Mapping[str, Any]) -> Message | None:
    if "reply_to_message" not in fields:
        return None
    try:
        return load_message(s, scope, UUID(fields["reply_to_message"]))
    except NotFound:
        raise InputRefused("reply_to_message", "The user has no such message.") from None


def _account(accounts: list[Account], source: Message | None, fields: Mapping[str, Any]) -> Account:
    """Choose the mailbox: that of the message that is answered, the one that is named, or the first that can send."""
    named = UUID(fields["account"]) if "account" in fields else None
    if named is not None and all(each.uuid != named for each in accounts):
        raise InputRefused("account", "The user has no such account.")
    if source is not None:
        account = next(each for each in accounts if each.id == source.account_id)
        if named not in (None, account.uuid):
            raise InputRefused("account", "An answer goes out from the account of the message that it answers.")
    elif named is not None:
        account = next(each for each in accounts if each.uuid == named)
    else:
        usable = [each for each in accounts if can_write_from(each)]
        if not usable:
            raise InputRefused("account", "The user has connected no mailbox to send from.")
        account = usable[0]
    check_account(account)
    return account


def _mail(
    scope: Scope,
    uuid: UUID,
    account: Account,
    source: Message | None,
    own: set[str],
    fields: Mapping[str, Any],
    signature: str,
) -> Submission:
    typed = {name: _addresses(name, fields.get(name, [])) for name in _ADDRESS_FIELDS}
    subject = fields.get("subject", "").strip()
    if not all(each.isprintable() or each == "\t" for each in subject):
        raise InputRefused("subject", "A subject is one line.")
    if source is not None:
        begun = quoting.reply_content(source, "", own, UTC, to_all=False)
        typed["to"] = typed["to"] or begun.to
        subject = subject or begun.subject
    if ("html" in fields) == ("text" in fields):
        raise InputRefused("html", "A mail has either html or text.")
    is_plain = "text" in fields
    html = "" if is_plain else clean_composed_html(add_signature_html(clean_composed_html(fields["html"]), signature))
    now = utc_now()
    return Submission(
        uuid=uuid,
        tenant_id=scope.tenant_id,
        user_id=scope.user_id,
        account_id=account.id,
        mode="reply" if source is not None else "new",
        source_message_id=source.id if source is not None else None,
        **typed,
        subject=subject,
        is_plain=is_plain,
        body_html=html,
        body_text=_signed_text(fields["text"], signature) if is_plain else "",
        revision=1,
        created_at=now,
        updated_at=now,
    )


def _signed_text(text: str, signature: str) -> str:
    plain = html_to_text(signature) if signature else ""
    body = "\n".join(text.splitlines())
    return body if plain and f"-- \n{plain.strip()}" in body else add_signature_text(f"{body}\n", plain)


def _addresses(name: str, given: list[str]) -> str:
    found = []
    for each in given:
        good, refused = parse_typed(each) if each.isprintable() else ([], [each])
        if refused or len(good) != 1:
            raise InputRefused(name, f"{each[:80]!r} is no single mail address.")
        found.append(format_address(good[0]))
    return ", ".join(found)


def _files(account: Account, given: list[Mapping[str, str]]) -> list[SubmissionAttachment]:
    """Decode the files.

    Raises:
        InputRefused: one is no base64, its type is none, or they are too large.
    """
    most, total, files = min(MOST_FILES_BYTES, files_limit(account)), 0, []
    names = distinct_filenames(each["filename"] for each in given)
    for at, (name, each) in enumerate(zip(names, given, strict=True)):
        try:
            content = base64.b64decode("".join(each["content"].split()), validate=True)
        except (binascii.Error, ValueError):
            raise InputRefused(f"attachments[{at}].content", f"{name} is no base64.") from None
        media_type = each.get("media_type") or mimetypes.guess_type(name)[0] or "application/octet-stream"
        if not _MEDIA_TYPE.fullmatch(media_type):
            raise InputRefused(f"attachments[{at}].media_type", "A type is written as application/pdf is.")
        total += len(content)
        if total > most:
            raise InputRefused("attachments", f"The files of a mail may be {megabytes(most)} together.")
        file = SubmissionAttachment(filename=name, media_type=media_type, size_bytes=len(content), content=content)
        files.append(file)
    return files
