"""Start a mailing, hold it, let it go on, end it; settle what nobody could know.

    draft --start--> sending <--resume/pause--> paused
                       |  \\--cancel--> cancelled <--cancel--/
                       +--> done (nothing is left, follow-ups included)

Starting queues one submission for each recipient; `webmail.actions.pacing` sends them. What is on its way when a
mailing is paused or cancelled either leaves and counts, or is held back right before DATA.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from webmail import queue
from webmail.actions._mailing_checks import check, missing_values
from webmail.actions._mailing_outcomes import settle_by_hand
from webmail.actions.drafts import check_account
from webmail.domain.addresses import domain_of
from webmail.domain.compose import new_message_id
from webmail.errors import InputRefused
from webmail.store import audit, pacing
from webmail.store import mailings as store
from webmail.store.models import Account, Mailing, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, after_commit, transaction
from webmail.store.submissions import change_state
from webmail.store.suppressions import suppressed_among
from webmail.store.users import load_user


def start(scope: Scope, uuid: UUID) -> None:
    """Start a mailing: from here on it goes out by itself. A second press does nothing.

    Left out are those on the list of the tenant's suppressions, and those for whom a value is missing.

    Raises:
        NotFound: no such mailing.
        InputRefused: with the field and the sentence of the first problem that `check()` finds.
    """
    found = check(scope, uuid)
    with transaction() as s:
        mailing = store.load_mailing(s, scope, uuid)
        if mailing.state != "draft":
            return
        for name, sentence in found.problems:
            raise InputRefused(name, sentence)
        account = mailing.account
        check_account(account)
        assert account is not None
        if not store.change_mailing(s, mailing.id, ("draft",), "sending", started_at=utc_now(), paused_because=""):
            return
        _leave_out(s, scope, mailing)
        domain, ready = domain_of(account.email), store.counts(s, mailing.id).ready
        count = pacing.queue_first_mails(s, mailing, account, [new_message_id(domain) for _ in range(ready)])
        if count == 0:
            raise InputRefused("recipients", "Nobody would get this mail. Add recipients.")
        _note(s, scope, mailing, "mailing_started", account=account.email, recipients=count)
        _wake(s, account)


def _leave_out(s: Session, scope: Scope, mailing: Mailing) -> None:
    ready = store.ready_recipients(s, mailing.id)
    suppressed = suppressed_among(s, mailing.tenant_id, [each.email for each in ready])
    store.leave_out_all(s, [each.id for each in ready if each.email in suppressed], "suppressed")
    by_uuid = {each.uuid: each.id for each in ready}
    missing = missing_values(s, mailing, load_user(s, scope))
    store.leave_out_all(s, [by_uuid[each.uuid] for each in missing], "missing_value")


def _note(s: Session, scope: Scope, mailing: Mailing, action: str, **details: object) -> None:
    audit.add_entry(s, mailing.tenant_id, scope.user_id, action, subject=mailing.uuid, name=mailing.name, **details)
    publish_mailing(s, mailing)


def publish_mailing(s: Session, mailing: Mailing) -> None:
    """Tell the user's pages, once this is committed, that a mailing changed."""
    after_commit(s, partial(queue.publish, mailing.user_id, "mailing-changed", uuid=str(mailing.uuid)))


def _wake(s: Session, account: Account) -> None:
    pacing.wake_account(s, account.id)
    after_commit(s, partial(wake_pacing, account))


def wake_pacing(account: Account) -> bool:
    """Put the pacing of an account's mailings on the queue, once in each generation."""
    return queue.enqueue("pace", account.id, job_id=f"pace-{account.uuid}-{account.mass_generation}")


def pause(scope: Scope, uuid: UUID) -> None:
    """Hold a mailing; what has not begun to leave waits.

    Raises:
        NotFound: no such mailing.
    """
    with transaction() as s:
        mailing = store.load_mailing(s, scope, uuid)
        if store.change_mailing(s, mailing.id, ("sending",), "paused", paused_because=""):
            counts = store.counts(s, mailing.id)
            _note(s, scope, mailing, "mailing_paused", sent=counts.sent, waiting=counts.queued)


def pause_because(s: Session, mailing: Mailing, sentence: str) -> None:
    """Hold a mailing for a reason that the user should know, within a transaction."""
    if store.change_mailing(s, mailing.id, ("sending",), "paused", paused_because=sentence[:500]):
        counts = store.counts(s, mailing.id)
        audit.add_entry(
            s,
            mailing.tenant_id,
            None,
            "mailing_paused",
            subject=mailing.uuid,
            name=mailing.name,
            sent=counts.sent,
            waiting=counts.queued,
            because=sentence[:500],
        )
        publish_mailing(s, mailing)


def resume(scope: Scope, uuid: UUID) -> None:
    """Let a mailing go on that was paused.

    Raises:
        NotFound: no such mailing.
        InputRefused: field `account` when its mailbox cannot send.
    """
    with transaction() as s:
        mailing = store.load_mailing(s, scope, uuid)
        if mailing.state != "paused":
            return
        account = mailing.account
        check_account(account)
        assert account is not None
        if account.status == "reconnect_needed" or account.sends_by == "blocked":
            raise InputRefused("account", f"{account.email} cannot send just now. Look at it on the Connect tab.")
        if store.change_mailing(s, mailing.id, ("paused",), "sending", paused_because=""):
            counts = store.counts(s, mailing.id)
            _note(s, scope, mailing, "mailing_resumed", sent=counts.sent, waiting=counts.queued)
            _wake(s, account)


def cancel(scope: Scope, uuid: UUID) -> None:
    """End a mailing: what has not left never will, follow-ups included.

    Raises:
        NotFound: no such mailing.
    """
    with transaction() as s:
        mailing = store.load_mailing(s, scope, uuid)
        if store.change_mailing(s, mailing.id, ("sending", "paused"), "cancelled", finished_at=utc_now()):
            cancelled = pacing.cancel_queued(s, mailing.id)
            counts = store.counts(s, mailing.id)
            _note(s, scope, mailing, "mailing_cancelled", sent=counts.sent, cancelled=cancelled)


def settle_unsure(scope: Scope, uuid: UUID, recipient_uuid: UUID, *, was_sent: bool) -> None:
    """Take the user's word for whether a mail of a mailing has left; one that has not is failed, and not tried again.

    Raises:
        NotFound: no such mailing or recipient.
    """
    with transaction() as s:
        mailing = store.load_mailing(s, scope, uuid)
        recipient = store.find_recipient(s, mailing.id, recipient_uuid)
        submission = store.unsure_submission(s, recipient.id)
        if submission is None or not change_state(s, submission.id, ("unsure",), "sent" if was_sent else "failed"):
            return
        settle_by_hand(s, submission, was_sent=was_sent)
        publish_mailing(s, mailing)
