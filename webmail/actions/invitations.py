"""Read the invitation in a message, and answer it: the answer is a mail like any other, through the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from webmail.actions.attachments import open_attachment_file
from webmail.actions.drafts import check_account
from webmail.actions.submit import submit
from webmail.domain.addresses import Address, normalise_email
from webmail.domain.compose import CALENDAR_ANSWER
from webmail.domain.invitations import ANSWERS, MAX_BYTES, Invitation, build_answer, read_invitation
from webmail.errors import InputRefused, NotFound
from webmail.store import submissions as store
from webmail.store.accounts import find_account
from webmail.store.messages import load_attachment
from webmail.store.models import Account, Attachment, Submission, SubmissionAttachment, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.store.users import load_user


@dataclass(frozen=True)
class OpenedInvitation:
    """An invitation, and the address that is invited: the account's own where none of its addresses is named."""

    attachment: Attachment
    invitation: Invitation
    email: str
    answer: str
    """What the file says that the user has answered so far; "" for nothing."""


def open_invitation(scope: Scope, attachment_uuid: UUID) -> OpenedInvitation | None:
    """Read the invitation in an attachment; None where there is none in it.

    Raises:
        NotFound, ProviderError: as `open_attachment()` does.
    """
    return _open(scope, attachment_uuid)[0]


def _open(scope: Scope, attachment_uuid: UUID) -> tuple[OpenedInvitation | None, bytes, Account]:
    with reading() as s:
        attachment = load_attachment(s, scope, attachment_uuid)
        account = find_account(s, attachment.message.account_id)
    if account is None:
        raise NotFound
    with open_attachment_file(scope, attachment_uuid).file as file:
        content = file.read(MAX_BYTES + 1)
    invitation = read_invitation(content)
    if invitation is None:
        return None, content, account
    own = {normalise_email(each) for each in [account.email, *account.aliases]}
    invited = invitation.attendee(own)
    email, answer = (invited.email, invited.answer) if invited else (account.email, "")
    return OpenedInvitation(attachment, invitation, email, answer), content, account


def answer_invitation(scope: Scope, attachment_uuid: UUID, answer: str, *, hold_s: float = 0) -> UUID:
    """Tell the organiser whether the user comes; gives the submission, which can be taken back for `hold_s` seconds.

    Args:
        answer: `ACCEPTED`, `DECLINED` or `TENTATIVE`.

    Raises:
        NotFound, ProviderError: as `open_invitation()` does.
        InputRefused: it cannot be answered, or the mailbox cannot send.
    """
    opened, content, account = _open(scope, attachment_uuid)
    if opened is None or not opened.invitation.can_be_answered or answer not in ANSWERS:
        raise InputRefused("", "This invitation cannot be answered: it does not ask for it, or it was cancelled.")
    check_account(account)
    assert opened.invitation.organizer is not None
    uuid = uuid4()
    with transaction() as s:
        name = load_user(s, scope).name
        reply = build_answer(content, Address(name, opened.email), answer, utc_now())
        mail = _mail(scope, uuid, account, opened, answer, name)
        s.add(mail)
        s.flush()
        s.add(
            SubmissionAttachment(
                submission_id=mail.id,
                filename="reply.ics",
                media_type=CALENDAR_ANSWER,
                size_bytes=len(reply),
                content=reply,
            )
        )
    try:
        submit(scope, uuid, hold_s=hold_s)
    except InputRefused:
        with transaction() as s:
            store.delete_draft(s, store.load_submission(s, scope, uuid).id)
        raise
    return uuid


def _mail(scope: Scope, uuid: UUID, account: Account, opened: OpenedInvitation, answer: str, name: str) -> Submission:
    invitation, now = opened.invitation, utc_now()
    assert invitation.organizer is not None
    done = {"ACCEPTED": "has accepted", "DECLINED": "has declined", "TENTATIVE": "may come to"}[answer]
    is_alias = normalise_email(opened.email) in account.aliases
    return Submission(
        uuid=uuid,
        tenant_id=scope.tenant_id,
        user_id=scope.user_id,
        account_id=account.id,
        mode="reply",
        source_message_id=opened.attachment.message_id,
        to=invitation.organizer.email,
        from_email=normalise_email(opened.email) if is_alias else "",
        subject=f"{ANSWERS[answer]}: {invitation.summary or 'invitation'}"[:900],
        is_plain=True,
        body_text=f"{name or opened.email} {done} this invitation: {invitation.summary}\n",
        revision=1,
        created_at=now,
        updated_at=now,
    )
