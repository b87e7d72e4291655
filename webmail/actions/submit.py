"""Send a draft off, take it back, try it again, settle what nobody could know.

    draft --submit--> queued --claim--> sending --> sent
      ^                 |  ^               |----> failed   (refused for good, or given up after a day)
      |<-back_to_draft--+  +---Retryable---|
      |<-back_to_draft-- failed            +----> unsure   (the line broke after DATA) --settle_unsure--> sent | failed

Everything that may happen twice is decided by one UPDATE on the state: two presses of *Send* are one mail.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from webmail.actions._mailing_outcomes import settle_by_hand
from webmail.actions.drafts import check_account
from webmail.actions.filing import file_sent_copy
from webmail.actions.forwarding import fetch_missing
from webmail.actions.outbox import recover_lost, send_submission
from webmail.actions.outgoing import BuiltMail, build_outgoing, read_recipients, sender_of
from webmail.actions.sent import publish_submission, record_sent, remove_from_conversation, wake
from webmail.domain.mime import part_content
from webmail.errors import InputRefused
from webmail.store import cache
from webmail.store import submissions as store
from webmail.store.conversations import refresh_conversations
from webmail.store.messages import take_in
from webmail.store.models import Account, Submission, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, after_commit, reading, transaction
from webmail.store.users import load_user

__all__ = [
    "back_to_draft",
    "file_sent_copy",
    "recover_lost",
    "retry",
    "send_submission",
    "settle_unsure",
    "submit",
]


def submit(scope: Scope, uuid: UUID, *, hold_s: float = 0, at: datetime | None = None) -> None:
    """Send a draft off. From here on it shows in its conversation; a job hands it to the server.

    What is no draft any more is left alone: the second press of *Send* does nothing.

    Args:
        hold_s: seconds in which `back_to_draft()` can still take it back.
        at: when it is to go out, None for now; until then it can be taken back, too.

    Raises:
        NotFound: no such draft.
        InputRefused: fields `to`, `cc`, `bcc`, `account`, `files`; `revision` when it was saved elsewhere meanwhile.
            The draft stays as it is.
    """
    with reading() as s:
        draft = store.load_submission(s, scope, uuid)
        if draft.state != "draft":
            return
        check_account(draft.account)
        assert draft.account is not None
        read_recipients(draft)
        files = store.load_files(s, draft.id)
        source = store.find_message(s, draft.source_message_id)
        sender_name = load_user(s, scope).name
    fetch_missing(scope, files)
    now = utc_now()
    mail = build_outgoing(draft, draft.account, sender_name, source, files, at or now)
    with transaction() as s:
        if not store.queue_draft(s, draft):
            if store.load_submission(s, scope, uuid).state != "draft":
                return
            raise InputRefused("revision", "This draft was changed in another tab while it was being sent. Look again.")
        _queue(s, store.load_submission(s, scope, uuid), mail, now, hold_s, at)


def _queue(
    s: Session, submission: Submission, mail: BuiltMail, now: datetime, hold_s: float, at: datetime | None
) -> None:
    account = submission.account
    assert account is not None
    # It has its Date from when it goes out; until then it stands where it was written.
    mail.arrival.values["sent_at"] = min(now, mail.arrival.values["sent_at"])
    taken = take_in(s, account, None, [mail.arrival])
    refresh_conversations(s, account, taken.conversation_ids)
    submission.message_id = taken.new_message_ids[0]
    submission.message_id_header = mail.message_id
    submission.mime = mail.mime
    submission.envelope_from = sender_of(submission, account)
    submission.envelope_to = mail.recipients.envelope
    submission.refusals = {}
    submission.sent_at, submission.filing, submission.filing_attempts = None, "none", 0
    _make_due(s, submission, now, hold_s, at)
    attachments = [(each.uuid, each.section) for each in store.attachments_of(s, submission.message_id)]
    after_commit(s, partial(_keep_attachments, account, mail.mime, attachments))


def _make_due(s: Session, submission: Submission, now: datetime, hold_s: float = 0, at: datetime | None = None) -> None:
    submission.state = "queued"
    submission.not_before = at or now + timedelta(seconds=hold_s)
    submission.held_reason = "scheduled" if at else "undo" if hold_s else ""
    submission.attempts, submission.claimed_until, submission.data_started_at = 0, None, None
    submission.error_sentence, submission.server_answer = "", ""
    submission.claim_token += 1
    submission.updated_at = now
    account = submission.account
    is_held = account is not None and (account.status == "reconnect_needed" or account.sends_by == "blocked")
    if is_held and not at:
        submission.held_reason = "reconnect"
    elif not hold_s and not at:
        after_commit(s, partial(wake, submission))
    s.flush()
    publish_submission(s, submission)


def _keep_attachments(account: Account, mime: bytes, attachments: list[tuple[UUID, str]]) -> None:
    """Put the files where opened attachments lie, so that they can be looked at before the copy is filed."""
    for uuid, section in attachments:
        cache.write(account.uuid, uuid, part_content(mime, section))


def retry(scope: Scope, uuid: UUID) -> None:
    """Try a failed mail again: the same mail, under the same Message-ID.

    Raises:
        NotFound: no such mail.
        InputRefused: its mailbox is disconnected, or it belongs to a mailing.
    """
    with transaction() as s:
        submission = store.load_submission(s, scope, uuid)
        _require_individual(submission)
        check_account(submission.account)
        if store.change_state(s, submission.id, ("failed",), "queued"):
            _make_due(s, submission, utc_now())


def back_to_draft(scope: Scope, uuid: UUID) -> None:
    """Take a mail that has not left back into the drafts, and out of its conversation.

    Raises:
        NotFound: no such mail.
        InputRefused: it is being sent, has been sent, or may have been.
    """
    with transaction() as s:
        submission = store.load_submission(s, scope, uuid)
        if submission.state == "draft":
            return
        _require_individual(submission)
        if submission.sent_at is not None or not take_back(s, submission):
            raise InputRefused("", "This mail is on its way or has been sent, so it cannot be changed any more.")


def _require_individual(submission: Submission) -> None:
    if submission.mailing_id is not None:
        raise InputRefused("", "This mail belongs to a mailing, where each recipient is written to once.")


def take_back(s: Session, submission: Submission) -> bool:
    """Turn a mail that waits, or has failed, into a draft, within a transaction; False when it is neither by now.

    One that some of its recipients have got is no draft any more: it counts as sent, and the others as refused.
    """
    if submission.sent_at is not None:
        missed = dict.fromkeys(submission.envelope_to, "not reached before the mailbox was disconnected")
        if store.change_state(s, submission.id, ("queued",), "sent"):
            record_sent(s, submission, refusals=missed | submission.refusals)
        return False
    if not store.change_state(s, submission.id, ("queued", "failed"), "draft"):
        return False
    publish_submission(s, submission)
    message_id, submission.message_id = submission.message_id, None
    submission.message_id_header, submission.mime, submission.envelope_to = "", None, []
    submission.not_before, submission.held_reason, submission.attempts = None, "", 0
    submission.error_sentence, submission.server_answer, submission.refusals = "", "", {}
    submission.data_started_at = None
    submission.revision += 1
    s.flush()
    remove_from_conversation(s, submission.account, message_id)
    return True


def settle_unsure(scope: Scope, uuid: UUID, *, was_sent: bool) -> None:
    """Take the user's word for whether a mail has left; one that has not is failed, to be tried again or edited.

    Raises:
        NotFound: no such mail.
    """
    with transaction() as s:
        submission = store.load_submission(s, scope, uuid)
        if not store.change_state(s, submission.id, ("unsure",), "sent" if was_sent else "failed"):
            return
        if submission.mailing_id is not None:
            settle_by_hand(s, submission, was_sent=was_sent)
        elif was_sent:
            record_sent(s, submission)
        else:
            submission.data_started_at = None
            submission.error_sentence = "It was not sent. Try again, or edit it."
            s.flush()
            publish_submission(s, submission)
