"""Send mailings, mail after mail, at the pace that the account's provider allows; one job for each account.

1. Each mail is claimed as any other is (`webmail.actions._claims`), and `data_started_at` is committed right before
   DATA. What a process leaves behind that ends on the way is settled as `webmail.actions.outbox` does it: before DATA
   it waits for its turn again, after DATA nobody knows, and it is not sent again by itself.
2. Right before DATA, in the transaction that says so, it is asked once more whether this mail may still go: the mailing
   goes on, nobody has opted out, no answer has come in.
3. A turn lasts two seconds. Individual mail goes first: it ends the turn. Between turns nothing is held; when the next
   one is due stands with the account (`mass_next_at`), and the sweep asks for it.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import structlog

from webmail.actions._claims import held_claim
from webmail.actions._mailing_checks import window_of
from webmail.actions._mailing_filing import file_copies
from webmail.actions._mailing_outcomes import show_mails, show_sent
from webmail.actions._mailing_sender import Sender, settle_unknown
from webmail.actions._mailing_states import pause_because, publish_mailing, wake_pacing
from webmail.actions._pace import Pace, pace_of
from webmail.domain.addresses import domain_of
from webmail.domain.compose import new_message_id
from webmail.domain.windows import is_open, next_open
from webmail.errors import LeaseLost
from webmail.store import mailing_steps, pacing
from webmail.store import mailings as mailing_store
from webmail.store import submissions as store
from webmail.store.accounts import find_account
from webmail.store.models import Account, Mailing, utc_now
from webmail.store.pacing import DueMail
from webmail.store.session import Session, after_commit, reading, transaction
from webmail.store.suppressions import suppressed_among
from webmail.store.users import find_user, load_tenant_of

log = structlog.get_logger(__name__)

TURN_S = 2.0
LEASE_S = 6.0
"""A turn that has not been renewed for so long belongs to a process that is gone; each mail renews it."""
_AT_ONCE = 100
_FOLLOW_UPS_AT_ONCE = 500
_LONGEST_WAIT = timedelta(hours=1)
_SOON = timedelta(seconds=1)


def pace_account(account_id: int) -> None:
    """Do what is to be done for an account's mailings now, as a job."""
    _recover(account_id)
    show_sent(account_id)
    turn = _take_turn(account_id)
    if turn is not None:
        try:
            next_at = turn.run()
        finally:
            turn.sender.close()
            show_sent(account_id)
        _end_turn(turn, next_at)
    file_copies(account_id, within_s=TURN_S)


class _Turn:
    """One account's turn: what may go in it, and who sends it."""

    def __init__(self, account: Account, generation: int, mailings: list[Mailing], pace: Pace, sender: Sender) -> None:
        self.account, self.generation = account, generation
        self.mailings, self.pace, self.sender = mailings, pace, sender
        self._ahead: list[DueMail] = []
        self._gives_way = False

    def run(self) -> datetime:
        """Send until the turn is over, and say when the next one is due."""
        deadline = time.monotonic() + TURN_S
        room, sent = self.pace.room, 0
        while sent < room and time.monotonic() < deadline:
            due = self._next_due()
            if due is None:
                return self._when_more_is_due() if not sent else utc_now() + timedelta(seconds=self.pace.pause_s(sent))
            sent += self._send(due)
            if self.sender.has_stopped or self._gives_way:
                return utc_now() + _SOON
        wait_s = self.pace.pause_s(sent) if sent else self.pace.wait_s(utc_now())
        return utc_now() + timedelta(seconds=wait_s)

    def _next_due(self) -> DueMail | None:
        """Give the next mail whose window is open; those of others wait until theirs opens."""
        now = utc_now()
        open_ids = [each.id for each in self.mailings if each.uses_recipients_zone or is_open(window_of(each), now)]
        while not self._ahead and open_ids:
            with reading() as s:
                found = pacing.due_mails(s, open_ids, now, _AT_ONCE)
            if not found:
                return None
            self._ahead = self._put_off_closed(found, now)
        return self._ahead.pop(0) if self._ahead else None

    def _put_off_closed(self, found: list[DueMail], now: datetime) -> list[DueMail]:
        windows = {each.id: each for each in self.mailings}
        closed: dict[datetime, list[int]] = {}
        kept = []
        for due in found:
            opens_at = next_open(window_of(windows[due.submission.mailing_id or 0], due.recipient.time_zone), now)
            if opens_at is not None and opens_at <= now:
                kept.append(due)
            else:
                closed.setdefault(opens_at or now + _LONGEST_WAIT, []).append(due.submission.id)
        if closed:
            with transaction() as s:
                for until, ids in closed.items():
                    pacing.put_off(s, ids, until)
        return kept

    def _when_more_is_due(self) -> datetime:
        now = utc_now()
        with reading() as s:
            due_at = pacing.next_due_at(s, [each.id for each in self.mailings])
        openings = [next_open(window_of(each), now) for each in self.mailings if not each.uses_recipients_zone]
        moments = [each for each in [due_at, *openings] if each is not None and each > now]
        return max(min([*moments, now + _LONGEST_WAIT]), now + _SOON)

    def _send(self, due: DueMail) -> bool:
        """Send one mail, if it is still to be had; says whether it has left, or may have."""
        now, submission = utc_now(), due.submission
        with transaction() as s:
            if pacing.has_individual_mail_due(s, self.account.id, now):
                self._gives_way = True
                return False
            token = store.claim_for_sending(s, submission.id, now)
            earlier = pacing.earlier_mails(s, due.recipient.id, submission.step) if submission.step else []
            pacing.set_turn(s, self.account.id, self.generation, now + timedelta(seconds=LEASE_S))
        if token is None:
            return False
        mailing = next(each for each in self.mailings if each.id == submission.mailing_id)
        with held_claim(submission.id, token) as claim:
            try:
                has_left = self.sender.send(claim, due, mailing, earlier)
            except LeaseLost:
                log.warning("claim_lost", submission=submission.id)
                return True
        if has_left:
            self.pace.usage.add()
        return has_left


def _take_turn(account_id: int) -> _Turn | None:
    now = utc_now()
    with transaction() as s:
        generation = pacing.take_turn(s, account_id, now, now + timedelta(seconds=LEASE_S))
        account = find_account(s, account_id) if generation is not None else None
        if account is None or generation is None:
            return None
        mailings = pacing.sending_mailings(s, account_id)
        cap = load_tenant_of(s, account.tenant_id).mass_mail_cap
        if cap == 0:
            for mailing in mailings:
                pause_because(s, mailing, "Mass mail was switched off for your organisation by its operator.")
            return None
        for mailing in mailings:
            _queue_follow_ups(s, mailing, account, now)
        user = find_user(s, account.user_id)
        pace = pace_of(s, account, cap, now)
    return _Turn(account, generation, mailings, pace, Sender(account, user))


def _queue_follow_ups(s: Session, mailing: Mailing, account: Account, now: datetime) -> None:
    """Queue the follow-ups that are due, for those from whom nothing has come back."""
    mailing_steps.end_answered(s, mailing.id)
    due = pacing.following(s, mailing.id, now, _FOLLOW_UPS_AT_ONCE)
    suppressed = suppressed_among(s, mailing.tenant_id, [each.email for each in due])
    numbers = {each.number for each in mailing.steps}
    for recipient in due:
        step = recipient.step + 1
        if recipient.email in suppressed or step not in numbers or recipient.state != "sent":
            recipient.next_step_at = None
        else:
            pacing.queue_follow_up(s, mailing, account, recipient, step, new_message_id(domain_of(account.email)))
    s.flush()


def _end_turn(turn: _Turn, next_at: datetime) -> None:
    with transaction() as s:
        for mailing in turn.mailings:
            if not mailing_store.is_wanted(s, mailing.id):
                mailing_store.change_mailing(s, mailing.id, ("sending",), "done", finished_at=utc_now())
            publish_mailing(s, mailing)
        pacing.set_turn(s, turn.account.id, turn.generation, next_at)
        account = find_account(s, turn.account.id)
        if account is not None and next_at <= utc_now() + timedelta(seconds=0.2) and not turn.sender.has_stopped:
            after_commit(s, lambda: wake_pacing(account))


def _recover(account_id: int) -> None:
    """Settle what processes were sending that have ended."""
    now = utc_now()
    with reading() as s:
        lost = pacing.lost_mails(s, account_id, now)
    for submission_id in lost:
        with transaction() as s:
            token = store.claim_lost(s, submission_id, now)
            submission = store.find_submission(s, submission_id) if token is not None else None
        if token is None or submission is None:
            continue
        log.warning("sender_lost", submission=submission_id, had_begun=submission.data_started_at is not None)
        with held_claim(submission_id, token) as claim:
            try:
                settle_unknown(claim)
            except LeaseLost:
                log.warning("claim_lost", submission=submission_id)


def recover_lost() -> None:
    """Hold the mailings whose account cannot send, and believe the Sent folder; called once a second by the sweep."""
    with reading() as s:
        stranded, proven = pacing.stranded_mailings(s), pacing.proven_mails(s)
    for mailing in stranded:
        with transaction() as s:
            pause_because(s, mailing, _why_stranded(mailing.account))
    for submission_id in proven:
        with transaction() as s:
            if store.change_state(s, submission_id, ("unsure",), "sent"):
                submission = store.find_submission(s, submission_id)
                assert submission is not None
                mailing_steps.record_mail_sent(s, submission)
                show_mails(s, submission.account, [submission])
                pacing.change_mail(s, submission_id, filing="found", mime=None)


def _why_stranded(account: Account | None) -> str:
    if account is None or account.secret is None:
        return "The mailbox that it goes out from was disconnected."
    sentence = account.status_sentence or "The mailbox that it goes out from cannot send just now."
    return f"{sentence} {account.status_next_step}".strip()
