"""Mailings before they are started: made, written, given files, copied, thrown away.

Only a draft changes. Of a mailing that is paused the follow-ups that nobody has got yet may be written anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from webmail.actions.drafts import MAX_FILES, can_write_from, check_account
from webmail.actions.sizes import MOST_FILES_BYTES, megabytes
from webmail.domain.html import clean_composed_html
from webmail.domain.structure import safe_filename
from webmail.domain.windows import DAY_MINUTES, is_zone
from webmail.errors import InputRefused
from webmail.store import audit
from webmail.store import mailings as store
from webmail.store.accounts import list_accounts, load_account
from webmail.store.models import Account, Mailing, MailingFile, MailingStep, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, transaction

MAX_STEPS = 6
_MAX_HTML = 1_000_000
_MAX_SUBJECT = 900
_MAX_WAIT_DAYS = 90
_MAX_FIELDS = 50
_COPIED = (
    "tenant_id user_id account_id job time_zone uses_recipients_zone window_from window_until weekdays has_unsubscribe"
).split()


@dataclass(frozen=True)
class StepFields:
    """One of a mailing's mails as the form sends it; a follow-up has no subject of its own."""

    subject: str
    html: str
    wait_days: int
    template_uuid: UUID | None = None


@dataclass(frozen=True)
class MailingFields:
    """A mailing as the form sends it; `account_uuid` None leaves the account as it is."""

    name: str
    account_uuid: UUID | None
    job: dict[str, str]
    time_zone: str
    uses_recipients_zone: bool
    window_from: int
    window_until: int
    weekdays: list[int]
    has_unsubscribe: bool
    steps: list[StepFields]


def create_mailing(scope: Scope, *, account_uuid: UUID | None = None) -> UUID:
    """Make an empty mailing; without a word it goes out from the first mailbox that can send.

    Raises:
        NotFound: no such account.
        InputRefused: field `account` when it cannot be written from; none at all is left to the check.
    """
    with transaction() as s:
        account: Account | None
        if account_uuid is not None:
            account = load_account(s, scope, account_uuid)
            check_account(account)
        else:
            account = next((each for each in list_accounts(s, scope) if can_write_from(each)), None)
        mailing = Mailing(
            tenant_id=scope.tenant_id, user_id=scope.user_id, account_id=account.id if account is not None else None
        )
        s.add(mailing)
        s.flush()
        s.add(MailingStep(mailing_id=mailing.id, number=0))
        return mailing.uuid


def save_mailing(scope: Scope, uuid: UUID, fields: MailingFields, *, revision: int) -> int:
    """Store what was written; gives the revision that it has now.

    Args:
        revision: the one that the page knows.

    Raises:
        NotFound: no such mailing or account.
        InputRefused: field `revision` when it was changed elsewhere meanwhile; otherwise the field that cannot be
            stored; "" when it has been started, or is over.
    """
    _check(fields)
    with transaction() as s:
        mailing = store.load_mailing(s, scope, uuid)
        require_revision(mailing, revision)
        _require_draft(mailing)
        _save_head(s, scope, mailing, fields)
        _save_steps(s, scope, mailing, fields.steps)
        touch(mailing)
        return mailing.revision


def require_revision(mailing: Mailing, revision: int) -> None:
    """Hold a page to what it knows.

    Raises:
        InputRefused: field `revision`: the mailing was changed elsewhere meanwhile.
    """
    if mailing.revision != revision:
        raise InputRefused(
            "revision", "This mailing was changed in another tab or window. Copy what you need, then open it again."
        )


def _check(fields: MailingFields) -> None:
    if len(fields.name) > 120:
        raise InputRefused("name", "A mailing's name has up to 120 characters. Shorten it.")
    if not is_zone(fields.time_zone):
        raise InputRefused("time_zone", "This time zone is not known. Choose one from the list.")
    if not 0 <= fields.window_from < fields.window_until <= DAY_MINUTES:
        raise InputRefused("window", "The time until which it is sent has to be after the time from which it is.")
    if not fields.weekdays or not set(fields.weekdays) <= set(range(7)):
        raise InputRefused("weekdays", "Choose at least one day on which it may go out.")
    if len(fields.job) > _MAX_FIELDS or any(len(name) + len(value) > 2000 for name, value in fields.job.items()):
        raise InputRefused("job", f"A job has up to {_MAX_FIELDS} fields of up to 2,000 characters.")
    if not 1 <= len(fields.steps) <= MAX_STEPS:
        raise InputRefused("steps", f"A mailing has a first mail and up to {MAX_STEPS - 1} follow-ups.")
    for number, step in enumerate(fields.steps):
        _check_step(number, step)


def _check_step(number: int, step: StepFields) -> None:
    if len(step.subject) > _MAX_SUBJECT:
        raise InputRefused("subject", f"A subject has up to {_MAX_SUBJECT} characters. Shorten it.")
    require_size("steps", step.html)
    if number and not 1 <= step.wait_days <= _MAX_WAIT_DAYS:
        raise InputRefused("steps", f"A follow-up waits for 1 to {_MAX_WAIT_DAYS} days.")


def require_size(field: str, html: str) -> None:
    """Hold the text of a mail to what goes out.

    Raises:
        InputRefused: with the field: it is too large.
    """
    if len(html) > _MAX_HTML:
        raise InputRefused(field, "Text and pictures are more than 1 MB together. Attach files instead.")


def _save_head(s: Session, scope: Scope, mailing: Mailing, fields: MailingFields) -> None:
    if fields.account_uuid is not None:
        account = load_account(s, scope, fields.account_uuid)
        check_account(account)
        mailing.account_id = account.id
    mailing.name = " ".join(fields.name.split())
    mailing.job = {name.strip(): value.strip() for name, value in fields.job.items() if name.strip()}
    for name in ("time_zone", "uses_recipients_zone", "window_from", "window_until", "has_unsubscribe"):
        setattr(mailing, name, getattr(fields, name))
    mailing.weekdays = sorted(set(fields.weekdays))


def _save_steps(s: Session, scope: Scope, mailing: Mailing, steps: Sequence[StepFields]) -> None:
    present = {each.number: each for each in mailing.steps}
    for number, fields in enumerate(steps):
        step = present.pop(number, None)
        if step is None:
            step = MailingStep(mailing_id=mailing.id, number=number)
            s.add(step)
        step.subject = "" if number else " ".join(fields.subject.split())
        step.html = clean_composed_html(fields.html)
        step.wait_days = fields.wait_days if number else 0
        if fields.template_uuid is not None:
            step.template_id = store.template_id_of(s, scope, fields.template_uuid)
    for step in present.values():
        s.delete(step)
    s.flush()


def open_mailing(s: Session, scope: Scope, uuid: UUID) -> Mailing:
    """Give a mailing that may be changed, for a transaction that does so.

    Raises:
        NotFound: no such mailing.
        InputRefused: it has been started.
    """
    mailing = store.load_mailing(s, scope, uuid)
    _require_draft(mailing)
    return mailing


def _require_draft(mailing: Mailing) -> None:
    if mailing.state != "draft":
        raise InputRefused("", "This mailing has been started, so it cannot be changed. Copy it to write another one.")


def touch(mailing: Mailing) -> None:
    """Note that a mailing was changed."""
    mailing.revision += 1
    mailing.updated_at = utc_now()


def add_file(scope: Scope, uuid: UUID, *, filename: str, media_type: str, content: bytes) -> UUID:
    """Attach a file, the same for all who get the first mail; gives its id.

    Raises:
        NotFound: no such mailing.
        InputRefused: field `files` when it is too large, or there are too many; "" when it has been started.
    """
    name = safe_filename(filename)[:255] or "attachment"
    with transaction() as s:
        mailing = open_mailing(s, scope, uuid)
        total = sum(file.size_bytes for file in mailing.files) + len(content)
        if total > MOST_FILES_BYTES:
            raise InputRefused(
                "files",
                f"With {name} the files are {megabytes(total)} together and a mail takes up to 25 MB. "
                "Send a link to it instead.",
            )
        if len(mailing.files) >= MAX_FILES:
            raise InputRefused("files", f"A mail takes up to {MAX_FILES} files. Put several into one archive.")
        values: dict[str, Any] = {"media_type": media_type[:127] or "application/octet-stream", "content": content}
        file = MailingFile(mailing_id=mailing.id, filename=name, size_bytes=len(content), **values)
        s.add(file)
        touch(mailing)
        s.flush()
        return file.uuid


def remove_file(scope: Scope, uuid: UUID, file_uuid: UUID) -> None:
    """Take a file off a mailing; one that is gone already is fine.

    Raises:
        NotFound: no such mailing.
        InputRefused: it has been started.
    """
    with transaction() as s:
        mailing = open_mailing(s, scope, uuid)
        for file in mailing.files:
            if file.uuid == file_uuid:
                s.delete(file)
                touch(mailing)


def copy(scope: Scope, uuid: UUID) -> UUID:
    """Make a new mailing of the same texts, files and times, without recipients; gives its id.

    Raises:
        NotFound: no such mailing.
    """
    with transaction() as s:
        old = store.load_mailing(s, scope, uuid)
        new = Mailing(
            **{name: getattr(old, name) for name in _COPIED}, name=f"{old.name} (copy)"[:120] if old.name else ""
        )
        s.add(new)
        s.flush()
        for step in old.steps:
            texts = {name: getattr(step, name) for name in ("number", "wait_days", "template_id", "subject", "html")}
            s.add(MailingStep(mailing_id=new.id, **texts))
        for file in store.load_files(s, old.id):
            values = {name: getattr(file, name) for name in ("filename", "media_type", "size_bytes", "content")}
            s.add(MailingFile(mailing_id=new.id, **values))
        return new.uuid


def delete(scope: Scope, uuid: UUID) -> None:
    """Throw a draft away, or a mailing that is over. Mails that have left stay in their mailboxes.

    Of a mailing that was sent to anybody the rows stay, and no page shows them: the links to unsubscribe in those mails
    go on working, and what comes back on them is still known for what it is.

    Raises:
        NotFound: no such mailing.
        InputRefused: it is under way.
    """
    with transaction() as s:
        mailing = store.load_mailing(s, scope, uuid)
        if mailing.state in ("sending", "paused"):
            raise InputRefused("", "This mailing is under way. Cancel it first.")
        if mailing.state != "draft":
            counts = store.counts(s, mailing.id)
            audit.add_entry(
                s,
                mailing.tenant_id,
                scope.user_id,
                "mailing_deleted",
                subject=mailing.uuid,
                name=mailing.name,
                sent=counts.sent,
            )
        (store.hide_mailing if store.has_left(s, mailing.id) else store.delete_mailing)(s, mailing.id)
