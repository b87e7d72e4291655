"""Hand queued mails to the server, and know what became of each, also after a crash.

1. A mail is sent by whoever holds its claim; each commit checks it (`actions._claims`).
2. No transaction is open while the server is being waited for.
3. `data_started_at` is committed right before DATA. Without it nothing has left, and trying again is safe. With it,
   only the Sent folder or the user can tell; nothing is sent again by itself.
4. All is found in the rows again: `recover_lost()` asks for what no job stands for.
"""

from __future__ import annotations

import random
from datetime import timedelta
from functools import partial

import structlog

from webmail import queue
from webmail.actions._claims import Claim, held_claim
from webmail.actions._handing_over import BLOCKED, hand_over, is_blocked
from webmail.actions.drafts import can_write_from
from webmail.actions.filing import record_filed, search_copy
from webmail.actions.sent import publish_submission, record_sent, wake, wake_filing
from webmail.errors import LeaseLost, NeedsSignIn, OutcomeUnknown, ProviderError, Refused, Retryable
from webmail.providers.base import SendResult
from webmail.store import submissions as store
from webmail.store.accounts import mark_failure, update_account
from webmail.store.models import Submission, utc_now
from webmail.store.session import Session, after_commit, reading, transaction
from webmail.store.webhook_payloads import record_refused

log = structlog.get_logger(__name__)

_WAITS_S = (10, 30, 60, 120, 300, 600, 900, 1800)
"""Waits after each try that failed for a passing reason; after these, once an hour."""
_MAX_ATTEMPTS = 31
"""By then a day has gone by."""
_LOST_AFTER = timedelta(seconds=15)
"""A mail due for so long has lost its job even if the queue still lists it."""
_UNKNOWN = "Nobody can tell whether this mail was sent: the connection was lost while it was being handed over."


def send_submission(submission_id: int) -> None:
    """Send a queued mail, as a job; or find out about one whose sender is gone."""
    now = utc_now()
    with transaction() as s:
        token = store.claim_for_sending(s, submission_id, now)
        is_lost = token is None
        if token is None:
            token = store.claim_lost(s, submission_id, now)
        submission = store.find_submission(s, submission_id) if token is not None else None
        mime = store.load_mime(s, submission_id) if submission is not None else None
        if submission is not None:
            publish_submission(s, submission)
    if submission is None or token is None:
        log.info("submission_not_due", submission=submission_id)
        return
    with held_claim(submission_id, token) as claim:
        try:
            if is_lost:
                _take_over(claim, submission)
            else:
                _send(claim, submission, mime or b"")
        except LeaseLost:
            log.warning("claim_lost", submission=submission_id)


def _send(claim: Claim, submission: Submission, mime: bytes) -> None:
    account = submission.account
    if account is None or not can_write_from(account):
        _settle(claim, "failed", "The mailbox was disconnected before this mail went out.")
        return
    if account.status == "reconnect_needed" or account.sends_by == "blocked":
        _wait_for_sign_in(claim, account.status_sentence or BLOCKED)
        return
    try:
        result = hand_over(account, submission, mime, partial(_note_data, claim))
    except NeedsSignIn as error:
        _ask_for_sign_in(claim, account.id, error)
    except OutcomeUnknown as error:
        log.warning("outcome_unknown", submission=submission.id, detail=error.detail[:300])
        _settle_unknown(claim, submission, error.server_answer)
    except Retryable as error:
        _put_off(claim, error)
    except Refused as error:
        if is_blocked(account, error):
            _block(claim, account.id, error)
            return
        refused = getattr(error, "refused", {})
        _settle(claim, "failed", f"{error.user_message} {error.next_step}".strip(), error.server_answer, refused)
    else:
        _finish(claim, result)


def _note_data(claim: Claim) -> None:
    with claim.transaction() as s:
        _load(s, claim).data_started_at = utc_now()


def _load(s: Session, claim: Claim) -> Submission:
    submission = store.find_submission(s, claim.submission_id)
    if submission is None:
        raise LeaseLost
    return submission


def _finish(claim: Claim, result: SendResult) -> None:
    """Record a mail that the server took. Who was deferred by name (4xx) gets it in a later try, the others do not."""
    deferred = [address for address, words in result.refused.items() if words.startswith("4")]
    with claim.transaction() as s:
        submission = _load(s, claim)
        record_refused(s, submission, {each: words for each, words in result.refused.items() if each not in deferred})
        submission.refusals = submission.refusals | result.refused
        submission.server_answer = result.server_answer
        submission.sent_at = submission.sent_at or utc_now()
        if deferred and submission.attempts < _MAX_ATTEMPTS:
            submission.envelope_to = deferred
            _queue_again(s, submission, "Some recipients could not be reached yet.", None)
        else:
            record_sent(s, submission)
    log.info("sent", submission=claim.submission_id, refused=len(result.refused), deferred=len(deferred))


def _put_off(claim: Claim, error: Retryable) -> None:
    log.info("sending_put_off", submission=claim.submission_id, cause=error.cause, detail=error.detail[:300])
    with claim.transaction() as s:
        submission = _load(s, claim)
        submission.server_answer = error.server_answer
        if submission.attempts < _MAX_ATTEMPTS:
            _queue_again(s, submission, error.user_message, error.retry_after_s)
            return
    _settle(claim, "failed", f"{error.user_message} It was tried for a day.", error.server_answer)


def _queue_again(s: Session, submission: Submission, sentence: str, retry_after_s: float | None) -> None:
    wait = _WAITS_S[submission.attempts - 1] if submission.attempts <= len(_WAITS_S) else 3600
    wait_s = max(wait * (0.75 + 0.5 * random.random()), retry_after_s or 0)
    submission.state, submission.held_reason = "queued", "retry"
    submission.not_before = utc_now() + timedelta(seconds=wait_s)
    submission.error_sentence = sentence[:500]
    submission.claimed_until, submission.data_started_at = None, None
    publish_submission(s, submission)


def _ask_for_sign_in(claim: Claim, account_id: int, error: NeedsSignIn) -> None:
    """Keep the mail until the account has been connected again, and say so with the account."""
    log.warning("sign_in_refused", submission=claim.submission_id, cause=error.cause)
    with claim.transaction() as s:
        account = _load(s, claim).account
        if account is not None and account.status in ("connected", "error"):
            mark_failure(
                s,
                account_id,
                status="reconnect_needed",
                sentence=error.user_message,
                next_step=error.next_step,
                detail=error.server_answer,
                retry_at=None,
                cause=error.cause,
            )
            after_commit(s, partial(queue.publish, account.user_id, "account-changed", uuid=str(account.uuid)))
    _wait_for_sign_in(claim, error.user_message)


def _block(claim: Claim, account_id: int, error: Refused) -> None:
    """Keep the mail until the user has allowed another way out, and say so with the account."""
    log.warning("sending_blocked", submission=claim.submission_id, cause=error.cause, detail=error.detail[:300])
    with claim.transaction() as s:
        account = _load(s, claim).account
        update_account(s, account_id, sends_by="blocked")
        if account is not None:
            after_commit(s, partial(queue.publish, account.user_id, "account-changed", uuid=str(account.uuid)))
    _wait_for_sign_in(claim, BLOCKED)


def _wait_for_sign_in(claim: Claim, sentence: str) -> None:
    with claim.transaction() as s:
        submission = _load(s, claim)
        submission.state, submission.held_reason = "queued", "reconnect"
        submission.error_sentence = sentence[:500]
        submission.attempts -= 1
        submission.claimed_until, submission.data_started_at = None, None
        publish_submission(s, submission)


def _settle(claim: Claim, state: str, sentence: str, answer: str = "", refused: dict[str, str] | None = None) -> None:
    """Give a mail that did not leave its final state; one that reached others before is sent, with its refusals."""
    with claim.transaction() as s:
        submission = _load(s, claim)
        submission.refusals = submission.refusals | (refused or {})
        submission.server_answer = answer or submission.server_answer
        if state == "failed" and answer:
            record_refused(s, submission, refused or dict.fromkeys(submission.envelope_to, answer))
        if state == "failed" and submission.sent_at is not None:
            record_sent(s, submission)
            return
        submission.state, submission.held_reason, submission.error_sentence = state, "", sentence[:500]
        submission.claimed_until = None
        submission.updated_at = utc_now()
        if state == "failed":
            submission.data_started_at = None
        publish_submission(s, submission)


def _settle_unknown(claim: Claim, submission: Submission, answer: str = "") -> None:
    """Look into the Sent folder, where a server that files by itself puts what it took; else nobody knows."""
    try:
        copies = search_copy(submission)
    except ProviderError as error:
        log.info("search_failed", submission=submission.id, cause=error.cause)
        copies = []
    if not copies:
        _settle(claim, "unsure", _UNKNOWN, answer)
        return
    with claim.transaction() as s:
        current = _load(s, claim)
        record_sent(s, current, filing="found")
        record_filed(s, current, copies, "found")


def _take_over(claim: Claim, submission: Submission) -> None:
    """Go on with a mail whose sender ended on the way."""
    log.warning("sender_lost", submission=submission.id, had_begun=submission.data_started_at is not None)
    if submission.data_started_at is not None:
        _settle_unknown(claim, submission)
        return
    with claim.transaction() as s:
        current = _load(s, claim)
        if current.attempts < _MAX_ATTEMPTS:
            _queue_again(s, current, "", None)
            # The first crashes are most likely restarts of ours: no reason to let the mail wait.
            current.held_reason = "" if current.attempts <= 2 else "retry"
            if current.attempts <= 2:
                current.not_before = utc_now()
                after_commit(s, partial(wake, current))
            return
    _settle(claim, "failed", "This mail could not be sent. Try again, or edit it.")


def recover_lost() -> None:
    """Ask for what no job stands for, and tidy up: called once a second, it costs a few small queries."""
    now = utc_now()
    with reading() as s:
        due, lost, filings = store.submissions_due(s, now), store.lost(s, now), store.filings_due(s, now)
        proven, untouched = store.proven_ids(s), store.untouched_ids(s, now)
    for submission in due:
        is_overdue = submission.not_before is not None and now - submission.not_before > _LOST_AFTER
        if not wake(submission) and is_overdue:
            with transaction() as s:
                store.start_generation(s, submission.id, submission.claim_token)
    for submission in lost:
        wake(submission)
    for submission in filings:
        wake_filing(submission)
    if proven or untouched:
        with transaction() as s:
            for submission_id in untouched:
                store.delete_draft(s, submission_id, untouched_only=True)
            for submission_id in proven:
                _record_proven(s, submission_id)


def _record_proven(s: Session, submission_id: int) -> None:
    if store.change_state(s, submission_id, ("unsure",), "sent"):
        submission = store.find_submission(s, submission_id)
        assert submission is not None
        record_sent(s, submission, filing="found")
