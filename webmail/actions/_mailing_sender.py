"""Send one mail of a mailing, and draw the conclusions: for the mail, for the mailing, for the account's pace."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from functools import partial

import structlog

from webmail import queue
from webmail.actions._claims import Claim
from webmail.actions._handing_over import BLOCKED, Line, is_blocked
from webmail.actions._mailing_mail import (
    Author,
    FirstMail,
    build_for_recipient,
    merge_mail,
    values_for,
)
from webmail.actions._mailing_outcomes import hold_back, queue_again, settle_mail, show_mails
from webmail.actions._mailing_states import pause_because
from webmail.actions.filing import record_filed, search_copy
from webmail.actions.suppressions import suppress
from webmail.errors import InputRefused, LeaseLost, NeedsSignIn, OutcomeUnknown, ProviderError, Refused, Retryable
from webmail.providers.limits import Quota, quota_of
from webmail.store import mailings as mailing_store
from webmail.store import pacing
from webmail.store import submissions as store
from webmail.store.accounts import find_account, mark_failure, update_account
from webmail.store.mailing_steps import record_mail_sent
from webmail.store.models import Account, Mailing, MailingFile, Submission, User, utc_now
from webmail.store.pacing import DueMail, Standing
from webmail.store.session import Session, after_commit, reading

log = structlog.get_logger(__name__)

_IN_A_ROW = 3
"""After so many permanent refusals one after the other something is wrong with more than the addresses."""
_MAX_ATTEMPTS = 20
_WAITS_S = (60, 300, 900, 1800, 3600)
_TELL_EVERY_S = 0.5
_UNKNOWN = "Nobody can tell whether this mail was sent: the connection was lost while it was being handed over."
_ABOUT_THE_MAIL = frozenset({"recipient_refused", "message_refused", "too_large", "partly_sent"})
_DEFERRED = frozenset({"recipient_deferred", "message_deferred"})
# RFC 3463: what says that there is no such mailbox, rather than that it does not like this mail.
_NO_SUCH_MAILBOX = re.compile(
    r"\b5\.1\.(?:[1236]|10)\b|\b5\.2\.1\b|no such (?:user|mailbox|recipient|address)|(?:user|mailbox|recipient|address)"
    r"\b.{0,40}\b(?:unknown|not found|does(?: not|n't) exist|unavailable)|unknown (?:user|recipient|mailbox)",
    re.IGNORECASE,
)


class _HeldBack(Exception):  # no error: right before DATA it turned out that this mail must not go
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Sender:
    """Sends the mails of an account's mailings over one line.

    `has_stopped` says that nothing more is to be sent for now: the server has had enough, or the mailings are paused.
    """

    def __init__(self, account: Account, user: User) -> None:
        self._account, self._user = account, user
        self._line = Line(account)
        self._files: dict[int, list[MailingFile]] = {}
        self._told: dict[int, float] = {}
        self.has_stopped = False

    def close(self) -> None:
        """End the line."""
        self._line.close()

    def send(
        self,
        claim: Claim,
        due: DueMail,
        mailing: Mailing,
        earlier: list[tuple[str, str]],
    ) -> bool:
        """Send one mail that was claimed; says whether it has left, or may have.

        Args:
            earlier: Message-ID and subject of what the recipient got before, for a follow-up.

        Raises:
            LeaseLost: somebody else has taken the mail over.
        """
        submission, recipient = due.submission, due.recipient
        number = submission.step or 0
        if all(step.number != number for step in mailing.steps) or (number and not earlier):
            self._hold_back(claim, "")
            return False
        values = values_for(mailing, self._user, self._account, recipient, due.contact)
        merged = merge_mail(mailing, number, values, recipient.uuid, self._user.locale)
        if merged.missing:
            self._hold_back(claim, "missing_value")
            return False
        first = FirstMail(earlier[0][0], earlier[0][1], [each for each, _ in earlier[1:]]) if number else None
        author = Author(self._account, self._user)
        files = [] if number else self._files_of(mailing)
        message_id, now = submission.message_id_header, utc_now()
        try:
            mime = build_for_recipient(merged, mailing, author, recipient, files, first, message_id, now)
        except InputRefused as error:
            self._fail(claim, mailing, error.user_message, "")
            return False
        return self._hand_over(claim, submission, mailing, merged.subject, mime)

    def _files_of(self, mailing: Mailing) -> list[MailingFile]:
        if mailing.id not in self._files:
            with reading() as s:
                self._files[mailing.id] = mailing_store.load_files(s, mailing.id)
        return self._files[mailing.id]

    def _hand_over(self, claim: Claim, submission: Submission, mailing: Mailing, subject: str, mime: bytes) -> bool:
        try:
            result = self._line.send(submission, mime, partial(_begin, claim, submission, subject, mime))
        except _HeldBack as held:
            self._hold_back(claim, held.reason)
            return False
        except NeedsSignIn as error:
            self._ask_for_sign_in(claim, error)
            return False
        except OutcomeUnknown as error:
            log.warning("outcome_unknown", submission=submission.id, detail=error.detail[:300])
            settle_unknown(claim, error.server_answer)
            self._tell(mailing)
            return True
        except Retryable as error:
            self._put_off(claim, error)
            return False
        except Refused as error:
            self._judge_refusal(claim, mailing, error)
            return False
        with claim.transaction() as s:
            record_mail_sent(s, submission, server_answer=result.server_answer)
            if self._account.mass_answer:
                self._account.mass_answer = ""
                update_account(s, self._account.id, mass_answer="", mass_until=None)
        self._tell(mailing)
        return True

    def _tell(self, mailing: Mailing) -> None:
        """Tell open pages, but not more often than they can be read."""
        now = time.monotonic()
        if now - self._told.get(mailing.id, -_TELL_EVERY_S) >= _TELL_EVERY_S:
            self._told[mailing.id] = now
            queue.publish(mailing.user_id, "mailing-changed", uuid=str(mailing.uuid))

    def _hold_back(self, claim: Claim, reason: str) -> None:
        with claim.transaction() as s:
            submission = load_claimed(s, claim)
            if reason == "paused":
                submission.attempts -= 1
                queue_again(s, submission)
                self.has_stopped = True
            else:
                hold_back(s, submission, reason)
        log.info("mail_held_back", submission=claim.submission_id, reason=reason)

    def _put_off(self, claim: Claim, error: Retryable) -> None:
        """Slow down; what a server defers is one mail's affair where it is about the recipient or the mail."""
        log.info("mailing_put_off", submission=claim.submission_id, cause=error.cause, detail=error.detail[:300])
        quota = quota_of(error.server_answer)
        is_about_the_mail = quota is None and error.cause in _DEFERRED
        with claim.transaction() as s:
            current = load_claimed(s, claim)
            wait_s = float(_WAITS_S[min(current.attempts, len(_WAITS_S)) - 1])
            if is_about_the_mail and current.attempts >= _MAX_ATTEMPTS:
                settle_mail(s, current, "failed", error.user_message, error.server_answer)
                return
            current.server_answer = error.server_answer
            queue_again(s, current, wait_s=wait_s if is_about_the_mail else 0.0, sentence=error.user_message)
            if is_about_the_mail and error.cause == "recipient_deferred":
                return
            if error.cause == "message_deferred":
                wait_s = _WAITS_S[0]
            self._wait(s, quota, max(wait_s, error.retry_after_s or 0.0), error)

    def _wait(self, s: Session, quota: Quota | None, wait_s: float, error: ProviderError) -> None:
        """Send nothing more from this account for a while, and keep the reason for the page."""
        now, sentence = utc_now(), error.user_message
        until = now + timedelta(seconds=wait_s)
        if quota is not None:
            sentence, until = quota.sentence, now + timedelta(seconds=max(wait_s, quota.wait_s))
            if quota.until_day_ends:
                first_at = pacing.first_left_at(s, self._account.id, now - timedelta(days=1))
                until = max((first_at or now) + timedelta(days=1), now + timedelta(hours=1))
        answer = f"{sentence} It said: {error.server_answer}" if error.server_answer else sentence
        update_account(s, self._account.id, mass_until=until, mass_answer=answer[:1000])
        self.has_stopped = True

    def _judge_refusal(self, claim: Claim, mailing: Mailing, error: Refused) -> None:
        log.info("mailing_refused", submission=claim.submission_id, cause=error.cause, detail=error.detail[:300])
        quota = quota_of(error.server_answer)
        if quota is not None:
            with claim.transaction() as s:
                queue_again(s, load_claimed(s, claim), sentence=quota.sentence)
                self._wait(s, quota, 0.0, error)
        elif is_blocked(self._account, error):
            self._stop_all(claim, BLOCKED, sends_by="blocked")
        elif error.cause not in _ABOUT_THE_MAIL:
            self._stop_all(claim, f"{error.user_message} {error.next_step}".strip())
        else:
            self._fail(claim, mailing, error.user_message, error.server_answer)

    def _fail(self, claim: Claim, mailing: Mailing, sentence: str, answer: str) -> None:
        """Record a mail that was refused for good; the mailing is paused where that happens again and again."""
        with claim.transaction() as s:
            submission = load_claimed(s, claim)
            settle_mail(s, submission, "failed", sentence, answer)
            if _NO_SUCH_MAILBOX.search(answer):
                suppress(s, submission.tenant_id, submission.to, reason="bounced", detail=answer, mailing_id=mailing.id)
            outcomes = pacing.last_outcomes(s, mailing.id, mailing.updated_at, _IN_A_ROW)
            if outcomes == ["failed"] * _IN_A_ROW:
                words = f"{_IN_A_ROW} mails in a row were refused for good, so it was paused."
                pause_because(s, mailing, f"{words} The last answer: {answer or sentence}")
                self.has_stopped = True
        self._tell(mailing)

    def _ask_for_sign_in(self, claim: Claim, error: NeedsSignIn) -> None:
        self._stop_all(claim, f"{error.user_message} {error.next_step}".strip())
        with claim.transaction() as s:
            account = find_account(s, self._account.id)
            if account is not None and account.status in ("connected", "error"):
                mark_failure(
                    s,
                    account.id,
                    status="reconnect_needed",
                    sentence=error.user_message,
                    next_step=error.next_step,
                    detail=error.server_answer,
                    retry_at=None,
                    cause=error.cause,
                )
                after_commit(s, partial(queue.publish, account.user_id, "account-changed", uuid=str(account.uuid)))

    def _stop_all(self, claim: Claim, sentence: str, **columns: str) -> None:
        """Pause all mailings of the account: none of them can go on like this."""
        with claim.transaction() as s:
            submission = load_claimed(s, claim)
            submission.attempts -= 1
            queue_again(s, submission)
            if columns:
                update_account(s, self._account.id, **columns)
            for mailing in pacing.sending_mailings(s, self._account.id):
                pause_because(s, mailing, sentence)
        self.has_stopped = True


def load_claimed(s: Session, claim: Claim) -> Submission:
    """Give the mail that a claim is for.

    Raises:
        LeaseLost: it is gone.
    """
    submission = store.find_submission(s, claim.submission_id)
    if submission is None:
        raise LeaseLost
    return submission


def _begin(claim: Claim, submission: Submission, subject: str, mime: bytes) -> None:
    """Note that a mail is about to leave, in the transaction that looks whether it still may.

    Raises:
        _HeldBack: it may not.
    """
    with claim.transaction() as s:
        reason = _reason_against(pacing.standing_of(s, submission.id), submission.step or 0)
        if reason:
            raise _HeldBack("" if reason == "over" else reason)
        values = {"subject": subject, "mime": mime, "envelope_to": [submission.to]}
        pacing.change_mail(s, submission.id, data_started_at=utc_now(), **values)


def _reason_against(standing: Standing | None, step: int) -> str:
    if standing is None or standing.mailing_state not in ("sending", "paused"):
        return "over"
    if standing.mailing_state == "paused":
        return "paused"
    if step and standing.has_answered:
        return "over"
    return "suppressed" if standing.is_suppressed else ""


def settle_unknown(claim: Claim, answer: str = "") -> None:
    """Settle a mail whose sender has ended, or whose line has: before DATA it waits again; after it, the Sent folder of
    a server that files by itself is asked, and else nobody knows.

    Raises:
        LeaseLost: somebody else has taken it over.
    """
    with claim.transaction() as s:
        current = load_claimed(s, claim)
        if current.data_started_at is None:
            queue_again(s, current)
            return
    try:
        copies = search_copy(current)
    except ProviderError as error:
        log.info("search_failed", submission=claim.submission_id, cause=error.cause)
        copies = []
    with claim.transaction() as s:
        current = load_claimed(s, claim)
        if copies:
            record_mail_sent(s, current)
            show_mails(s, current.account, [current])
            s.refresh(current, ["message_id", "state", "sent_at"])
            record_filed(s, current, copies, "found")
        else:
            settle_mail(s, current, "unsure", _UNKNOWN, answer)
            show_mails(s, current.account, [current])
