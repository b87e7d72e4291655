"""File the copy of a sent mail in the account's own folder for sent mail: there exactly once, whoever puts it there.

The folder is searched first, each time; what is absent is appended, after the append has been written down as a Change.
A crash between the server's answer and our commit leaves that Change open: the next try searches, finds the copy, and
only closes it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta

import structlog

from webmail.actions._claims import Claim, held_claim
from webmail.actions.sent import can_file, publish_submission
from webmail.domain.threading import thread_keys
from webmail.errors import LeaseLost, ProviderError, Refused
from webmail.providers.imap import ImapSession
from webmail.providers.presets import filled, preset
from webmail.store import changes as ledger
from webmail.store import submissions as store
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import folders_of
from webmail.store.messages import conversation_ids_of
from webmail.store.models import Account, Change, Folder, Submission, utc_now
from webmail.store.placements import add_placement
from webmail.store.session import Session, reading, transaction
from webmail.store.threads import Threadable, assign_conversations
from webmail.sync.connections import open_imap_for
from webmail.sync.decide import retry_delay_s
from webmail.sync.requests import request_sync
from webmail.sync.sent_copy import AT_ONCE, PATIENT, FoundCopy, append_copy, find_copy

log = structlog.get_logger(__name__)

_TIMEOUT_S = 20
_MAX_ATTEMPTS = 100
"""With waits of up to a quarter of an hour: about a day."""
_TRUSTED_LOOKS = 3
"""A server known to file by itself is given so many rounds before the copy is appended after all."""


def file_sent_copy(submission_id: int) -> None:
    """File the copy of a sent mail, as a job; what cannot be done now is tried again later."""
    with transaction() as s:
        token = store.claim_for_filing(s, submission_id, utc_now())
        submission = store.find_submission(s, submission_id) if token is not None else None
        mime = store.load_mime(s, submission_id) if submission is not None else None
    if submission is None or token is None:
        log.info("filing_not_due", submission=submission_id)
        return
    file_claimed(submission, token, mime)


def file_claimed(submission: Submission, token: int, mime: bytes | None, imap: ImapSession | None = None) -> bool:
    """File the copy of a mail that was claimed for it; says whether the server could be asked.

    Args:
        imap: a line to the mailbox that is open already; without it one is opened.
    """
    with held_claim(submission.id, token) as claim:
        try:
            _file(claim, submission, mime, imap)
        except LeaseLost:
            log.warning("claim_lost", submission=submission.id)
        except ProviderError as error:
            log.warning("filing_failed", submission=submission.id, cause=error.cause, detail=error.detail[:300])
            is_final = isinstance(error, Refused) or submission.filing_attempts >= _MAX_ATTEMPTS
            _give_up(claim, error) if is_final else _put_off(
                claim, retry_delay_s(submission.filing_attempts, _spread())
            )
            return False
    return True


def _spread() -> float:
    return random.random()


def search_copy(submission: Submission) -> list[FoundCopy]:
    """Look for a mail that may have been sent in the folder where a server that files by itself would put it.

    Raises:
        ProviderError: the server could not be asked.
    """
    account = submission.account
    if account is None or not can_file(account) or files_itself(account) is False:
        return []
    with open_imap_for(account, timeout_s=_TIMEOUT_S) as imap:
        return find_copy(imap, account.outbox_folder, submission.message_id_header, PATIENT)


def files_itself(account: Account) -> bool | None:
    """Say whether the account's server files sent mail by itself: as it was learnt, else as the preset knows it."""
    if account.sends_by == "graph":
        return True
    if account.files_sent_itself is not None:
        return account.files_sent_itself
    known = preset(account.provider)
    is_its_own = known is not None and filled(known, account.email)["smtp_host"] == account.smtp_host
    return known.server_saves_sent if known is not None and is_its_own else None


def _file(claim: Claim, submission: Submission, mime: bytes | None, line: ImapSession | None) -> None:
    account = submission.account
    if account is None or not can_file(account) or mime is None:
        _close(claim, "impossible", "")
        return
    with reading() as s:
        is_begun = store.open_append(s, account.id, submission.id) is not None
    knows = files_itself(account)
    message_id, folder = submission.message_id_header, account.outbox_folder
    with nullcontext(line) if line is not None else open_imap_for(account, timeout_s=_TIMEOUT_S) as imap:
        copies = find_copy(imap, folder, message_id, AT_ONCE if is_begun or knows is False else PATIENT)
        filing = "appended" if is_begun else "found"
        if not copies:
            if knows and submission.filing_attempts < _TRUSTED_LOOKS:
                _put_off(claim, 30.0 * submission.filing_attempts)
                return
            if account.sends_by == "graph":
                # Exchange files what it sends and may give it a Message-ID of its own: one of ours would be a second.
                _close(claim, "impossible", "")
                return
            _note_append(claim, account)
            copies = append_copy(imap, folder, mime, submission.sent_at or utc_now(), message_id)
            filing = "appended"
    with claim.transaction() as s:
        current = store.find_submission(s, submission.id)
        if current is not None:
            record_filed(s, current, copies, filing, is_learning=not is_begun)
    log.info("filed", submission=submission.id, filing=filing, copies=len(copies))


def _note_append(claim: Claim, account: Account) -> None:
    """Write the append down before it is done; one that a crash left behind is this one."""
    with claim.transaction() as s:
        change = store.open_append(s, account.id, claim.submission_id)
        submission = store.find_submission(s, claim.submission_id)
        if change is None and submission is not None:
            change = ledger.record_change(
                s,
                account,
                kind="append",
                reason="sent_copy",
                folder=_folder(s, account),
                message_ids=[submission.message_id] if submission.message_id else [],
                payload={"submission": submission.id, "message_id": submission.message_id_header},
            )
        if change is not None:
            ledger.claim(s, change.id)


def _folder(s: Session, account: Account) -> Folder | None:
    """Give the folder for sent mail as the sync knows it; None while it does not, or for an account that only sends."""
    return next((each for each in folders_of(s, account.id) if each.name == account.outbox_folder), None)


def record_filed(
    s: Session, submission: Submission, copies: Sequence[FoundCopy], filing: str, *, is_learning: bool = True
) -> None:
    """Record where the copy lies, so that the next sync finds it known; close the append; learn what the server does.

    Args:
        copies: as `find_copy()` or `append_copy()` gives them; ours is the last.
        filing: `found` or `appended`.
    """
    account = submission.account
    submission.filing, submission.claimed_until, submission.error_sentence = filing, None, ""
    if account is None:
        return
    folder = _folder(s, account)
    change = store.open_append(s, account.id, submission.id)
    if change is not None:
        change.uids = [copy.uid for copy in copies[-1:]]
        change.uidvalidity = copies[-1].uidvalidity if copies else None
        ledger.finish_change(change, "done")
    if is_learning and account.files_sent_itself is None and copies:
        account.files_sent_itself = filing == "found" or len(copies) > 1
    if folder is not None and copies and submission.message_id and folder.uidvalidity == copies[-1].uidvalidity:
        for copy in copies:
            add_placement(s, folder, submission.message_id, copy.uid, frozenset({"\\Seen"}))
        if filing == "appended" and len(copies) > 1:
            _remove_ours(s, account, submission, folder, copies[-1])
        for copy in copies:
            _know_by_both_ids(s, account, submission, copy)
        # From here on the server has it.
        submission.mime = None
        store.drop_files(s, submission.id)
        s.flush()
        refresh_conversations(s, account, conversation_ids_of(s, [submission.message_id]))
    s.flush()
    publish_submission(s, submission)


def _know_by_both_ids(s: Session, account: Account, submission: Submission, copy: FoundCopy) -> None:
    """Where the server has given a mail another Message-ID, answers will name that one: it leads here too."""
    message = store.find_message(s, submission.message_id)
    if copy.headers is None or message is None:
        return
    message.message_id_header = copy.headers.message_id
    s.flush()
    keys = thread_keys(copy.headers)
    [conversation_id] = assign_conversations(s, account, [Threadable(keys, message.subject, message.sent_at)])
    refresh_conversations(s, account, [conversation_id])


def _remove_ours(s: Session, account: Account, submission: Submission, folder: Folder, ours: FoundCopy) -> None:
    """The server filed its own copy while we did: ours goes."""
    ledger.record_change(
        s,
        account,
        kind="delete",
        reason="sent_copy",
        folder=folder,
        uids=[ours.uid],
        message_ids=[submission.message_id or 0],
    )
    request_sync(s, account)


def _put_off(claim: Claim, wait_s: float) -> None:
    with claim.transaction() as s:
        submission = store.find_submission(s, claim.submission_id)
        if submission is not None:
            submission.filing_at = utc_now() + timedelta(seconds=wait_s)
            submission.claimed_until = None


def _give_up(claim: Claim, error: ProviderError) -> None:
    _close(claim, "impossible", f"It was sent, but no copy could be filed. {error.user_message}", error.server_answer)


def _close(claim: Claim, filing: str, sentence: str, answer: str = "") -> None:
    with claim.transaction() as s:
        submission = store.find_submission(s, claim.submission_id)
        if submission is None:
            return
        submission.filing, submission.claimed_until = filing, None
        submission.error_sentence = sentence[:500]
        change = _open_change(s, submission)
        if change is not None:
            ledger.finish_change(change, "failed", answer or sentence)
        publish_submission(s, submission)


def _open_change(s: Session, submission: Submission) -> Change | None:
    return store.open_append(s, submission.account_id, submission.id) if submission.account_id else None
