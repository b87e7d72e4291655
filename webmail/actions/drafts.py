"""Drafts: opened, written, given files, thrown away. What somebody has typed is never lost.

A draft is a Submission in state `draft`. Opening the same answer twice shows the same draft. Each save carries the
revision that its page knows, so that two tabs notice each other instead of overwriting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any
from uuid import UUID

from webmail import queue
from webmail.actions import quoting
from webmail.actions._draft_copy import copy_later, forget_copy
from webmail.actions.quoting import DraftContent
from webmail.actions.signatures import signature_for, signatures_of
from webmail.actions.sizes import MOST_FILES_BYTES, files_limit, megabytes
from webmail.domain.addresses import normalise_email
from webmail.domain.html import clean_composed_html
from webmail.domain.plain import text_to_written, written_to_text
from webmail.domain.signatures import has_signature, swap_signature
from webmail.domain.structure import safe_filename
from webmail.errors import InputRefused, NotFound
from webmail.store import submissions as store
from webmail.store.accounts import list_accounts, load_account, own_addresses
from webmail.store.messages import load_message
from webmail.store.models import Account, Attachment, Message, Submission, SubmissionAttachment, User, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, after_commit, reading, transaction
from webmail.store.users import load_user

MODES = ("new", "reply", "reply_all", "forward")
MAX_FILES = 50
_MAX_BODY = 4_000_000
_MAX_RECIPIENT_TEXT = 40_000
_MAX_SUBJECT = 900


@dataclass(frozen=True)
class DraftFields:
    """What the composer sends; `account_uuid` None leaves the account as it is.

    Of the two bodies the one that `is_plain` names counts. Where the form was changed and that one is empty, it is
    converted from the other.
    """

    account_uuid: UUID | None
    to: str
    cc: str
    bcc: str
    subject: str
    is_plain: bool
    body_html: str
    body_text: str
    from_email: str | None = None
    """One of the account's other addresses to send from, "" for its own; None leaves it as it is."""


def open_draft(
    scope: Scope,
    *,
    mode: str,
    message_uuid: UUID | None = None,
    account_uuid: UUID | None = None,
    to: str = "",
    subject: str = "",
    zone: tzinfo = UTC,
) -> UUID:
    """Open a draft: the one that is there for the same message and mode, else a fresh one, filled in.

    An answer goes out from the account of the message that it answers. Files that are forwarded are listed at once and
    fetched in the background.

    Args:
        mode: one of `MODES`; all but `new` need a message.
        account_uuid, to, subject: for a new mail.
        zone: the user's, for the time above the quote.

    Raises:
        NotFound: no such message, account or mode.
        InputRefused: no mailbox is connected to write from.
    """
    if mode not in MODES or (mode != "new" and message_uuid is None):
        raise NotFound
    with reading() as s:
        source = load_message(s, scope, message_uuid) if message_uuid is not None and mode != "new" else None
        source_id = source.id if source else None
        present = store.draft_for(s, scope, mode, source_id)
        if present is not None and store.is_touched(present):
            return present.uuid
        account = _account_to_write_from(s, scope, source, account_uuid)
        own = own_addresses(s, scope)
        user = load_user(s, scope)
        signature = signature_for(account, user, mode)
    content = _begin(mode, source, signature, own, zone, to, subject, user.locale)
    with transaction() as s:
        draft = store.draft_for(s, scope, mode, source_id)
        if draft is None or not store.is_touched(draft):
            draft = _fill(s, scope, draft, mode, source_id, account, content)
            draft.from_email = _address_written_to(source, account)
    return draft.uuid


def _account_to_write_from(s: Session, scope: Scope, source: Message | None, account_uuid: UUID | None) -> Account:
    accounts = list_accounts(s, scope)
    if source is not None:
        account = next(each for each in accounts if each.id == source.account_id)
    elif account_uuid is not None:
        account = load_account(s, scope, account_uuid)
    else:
        usable = [each for each in accounts if can_write_from(each)]
        if not usable:
            raise InputRefused("account", "Connect a mailbox first, then you can write from it.")
        account = usable[0]
    check_account(account)
    return account


def can_write_from(account: Account) -> bool:
    """Say whether mail can be sent from an account; one that needs a new sign-in can, later."""
    return account.secret is not None and account.status in ("connected", "error", "reconnect_needed")


def check_account(account: Account | None) -> None:
    """Refuse an account that cannot be written from.

    Raises:
        InputRefused: field `account`.
    """
    if account is None:
        raise InputRefused("account", "This mailbox is not here any more. Choose another one.")
    if not can_write_from(account):
        raise InputRefused(
            "account", f"{account.email} is disconnected. Connect it again, or choose another mailbox to write from."
        )


def _address_written_to(source: Message | None, account: Account) -> str:
    """Give the account's other address that a message was sent to, or from; "" where that is its own, or none."""
    if source is None or normalise_email(source.from_email) in account.aliases:
        return normalise_email(source.from_email) if source is not None else ""
    got = {normalise_email(email) for _, email in [*source.to, *source.cc, *source.bcc]}
    if normalise_email(account.email) in got:
        return ""
    return next((each for each in account.aliases if each in got), "")


def _begin(
    mode: str, source: Message | None, signature: str, own: set[str], zone: tzinfo, to: str, subject: str, locale: str
) -> DraftContent:
    if source is None:
        return quoting.new_content(signature, to=to[:_MAX_RECIPIENT_TEXT], subject=subject[:_MAX_SUBJECT])
    if mode == "forward":
        return quoting.forward_content(source, signature, zone, locale)
    return quoting.reply_content(source, signature, own, zone, to_all=mode == "reply_all", locale=locale)


def _fill(
    s: Session,
    scope: Scope,
    draft: Submission | None,
    mode: str,
    source_id: int | None,
    account: Account,
    content: DraftContent,
) -> Submission:
    if draft is None:
        now = utc_now()
        draft = Submission(
            tenant_id=scope.tenant_id,
            user_id=scope.user_id,
            mode=mode,
            source_message_id=source_id,
            created_at=now,
            updated_at=now,
        )
        s.add(draft)
    draft.account_id = account.id
    draft.to, draft.cc, draft.subject = content.to, content.cc, content.subject
    draft.body_html = content.body_html
    s.flush()
    store.drop_files(s, draft.id)
    s.add_all(_waiting_file(draft.id, file, content.body_html) for file in content.files[:MAX_FILES])
    if content.files:
        submission_id, job_id = draft.id, f"forwarded-{draft.uuid}"
        after_commit(s, lambda: queue.enqueue("fetch_forwarded", submission_id, job_id=job_id))
    return draft


def _waiting_file(submission_id: int, file: Attachment, body: str) -> SubmissionAttachment:
    return SubmissionAttachment(
        submission_id=submission_id,
        filename=file.filename,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        content_id=file.content_id if quoting.is_picture_in(body, file) else "",
        source_attachment_id=file.id,
    )


def save_draft(scope: Scope, uuid: UUID, fields: DraftFields, *, revision: int) -> int:
    """Store what was written.

    Changing the account swaps the signature in the body.

    Args:
        revision: the one that the page knows.

    Returns:
        The revision that it has now; the same one where nothing was changed.

    Raises:
        NotFound: no such draft.
        InputRefused: field `revision` when it was changed elsewhere meanwhile; `account`, `subject`, `body`, `to`,
            `cc`, `bcc` for what cannot be stored; "" when it is no draft any more.
    """
    _check_lengths(fields)
    html, text = clean_composed_html(fields.body_html), "\n".join(fields.body_text.splitlines())
    with transaction() as s:
        draft = store.load_submission(s, scope, uuid)
        if draft.state != "draft":
            raise InputRefused("", "This mail has been sent off already, so it cannot be changed.")
        account = draft.account
        if fields.account_uuid is not None and (account is None or account.uuid != fields.account_uuid):
            account = load_account(s, scope, fields.account_uuid)
            check_account(account)
        values = _head(draft, fields, account)
        values |= _body(draft, account, load_user(s, scope), html, text, is_plain=fields.is_plain)
        if all(getattr(draft, name) == value for name, value in values.items()):
            return draft.revision
        if draft.revision != revision:
            raise InputRefused(
                "revision", "This draft was changed in another tab or window. Copy what you need, then open it again."
            )
        _apply(draft, values)
        return draft.revision


def _head(draft: Submission, fields: DraftFields, account: Account | None) -> dict[str, Any]:
    """Give everything but the body, as columns."""
    from_email = draft.from_email if fields.from_email is None else normalise_email(fields.from_email)
    return {
        "from_email": from_email if account is not None and from_email in account.aliases else "",
        "account_id": account.id if account else None,
        "to": _lined(fields.to),
        "cc": _lined(fields.cc),
        "bcc": _lined(fields.bcc),
        "subject": " ".join(fields.subject.split()),
        "is_plain": fields.is_plain,
    }


def _apply(draft: Submission, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(draft, name, value)
    draft.revision += 1
    draft.updated_at = utc_now()
    copy_later(draft, draft.updated_at)


def _check_lengths(fields: DraftFields) -> None:
    for name, text in (("to", fields.to), ("cc", fields.cc), ("bcc", fields.bcc)):
        if len(text) > _MAX_RECIPIENT_TEXT:
            raise InputRefused(name, "These are more recipients than one mail takes. Send several mails.")
    if len(fields.subject) > _MAX_SUBJECT:
        raise InputRefused("subject", f"The subject has more than {_MAX_SUBJECT} characters. Shorten it.")
    if max(len(fields.body_html), len(fields.body_text)) > _MAX_BODY:
        raise InputRefused("body", "Text and pictures are more than 4 MB together. Attach large pictures as files.")


def _lined(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines()).strip()


def _body(
    draft: Submission, account: Account | None, user: User, html: str, text: str, *, is_plain: bool
) -> dict[str, str]:
    """Give the body that counts, as a column; with another account's signature where the account changes."""
    if is_plain and not draft.is_plain and not text.strip():
        text = written_to_text(html or draft.body_html)
    elif not is_plain and draft.is_plain and not html.strip():
        html = clean_composed_html(text_to_written(text or draft.body_text))
    if account is not None and account.id != draft.account_id:
        known, new = signatures_of(draft.account, user), signature_for(account, user, draft.mode)
        # A signature that was taken out of this mail by hand stays out.
        if not known or has_signature(html, text, known):
            html, text = swap_signature(html, text, new, known)
    return {"body_text": text} if is_plain else {"body_html": html}


def add_file(scope: Scope, uuid: UUID, *, filename: str, media_type: str, content: bytes, content_id: str = "") -> UUID:
    """Attach a file to a draft; gives the file's id.

    Args:
        content_id: of a picture that stands in the text; as soon as it stands there no more, it stays behind.

    Raises:
        NotFound: no such draft.
        InputRefused: field `files` when it is too large; "" when it is no draft any more.
    """
    name = safe_filename(filename)[:255] or "attachment"
    with transaction() as s:
        draft = open_to_change(s, scope, uuid)
        _check_room(draft, name, len(content))
        file = SubmissionAttachment(
            submission_id=draft.id,
            filename=name,
            media_type=media_type[:127] or "application/octet-stream",
            size_bytes=len(content),
            content_id=content_id,
            content=content,
        )
        s.add(file)
        draft.updated_at = utc_now()
        s.flush()
        return file.uuid


def _check_room(draft: Submission, name: str, size_bytes: int) -> None:
    most = files_limit(draft.account)
    taker = "a mail takes" if most == MOST_FILES_BYTES else "the mailbox’s server takes"
    total = sum(file.size_bytes for file in draft.attachments) + size_bytes
    if size_bytes > most:
        sentence = f"{name} is {megabytes(size_bytes)} and {taker} up to {megabytes(most)}. Send a link to it instead."
        raise InputRefused("files", sentence)
    if total > most:
        raise InputRefused(
            "files",
            f"With {name} the files are {megabytes(total)} together and {taker} up to {megabytes(most)}. "
            "Remove a file, or send a link to it instead.",
        )
    if len(draft.attachments) >= MAX_FILES:
        raise InputRefused("files", f"A mail takes up to {MAX_FILES} files. Put several into one archive.")


def remove_file(scope: Scope, uuid: UUID, file_uuid: UUID) -> None:
    """Take a file off a draft; one that is gone already is fine.

    Raises:
        NotFound: no such draft.
        InputRefused: it is no draft any more.
    """
    with transaction() as s:
        draft = open_to_change(s, scope, uuid)
        for file in draft.attachments:
            if file.uuid == file_uuid:
                s.delete(file)
                draft.updated_at = utc_now()


def discard(scope: Scope, uuid: UUID) -> None:
    """Throw a draft away.

    Raises:
        NotFound: no such draft.
        InputRefused: it is no draft any more.
    """
    with transaction() as s:
        draft = open_to_change(s, scope, uuid)
        forget_copy(s, draft)
        s.flush()
        store.delete_draft(s, draft.id)


def open_to_change(s: Session, scope: Scope, uuid: UUID) -> Submission:
    """Give a draft to be changed, within a transaction.

    Raises:
        NotFound: no such draft.
        InputRefused: it is no draft any more.
    """
    draft = store.load_submission(s, scope, uuid)
    if draft.state != "draft":
        raise InputRefused("", "This mail has been sent off already, so it cannot be changed.")
    return draft


def listed_files(files: Sequence[SubmissionAttachment]) -> list[SubmissionAttachment]:
    """Give those files that a composer lists: all but the pictures inside the text."""
    return [file for file in files if not file.content_id]
