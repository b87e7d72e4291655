"""What comes back on mails of ours, found among new mail as it is stored: bounces, automatic answers, answers.

A message that is new here is looked at once, in the transaction that stores it, so that a crash repeats the look and
counts nothing twice. What was there before the account was connected cannot be about a mail of ours: a first import
costs one comparison a message.

Anybody can write a mail that looks like a bounce. It is believed where it names a mail of ours by its Message-ID, which
nobody can guess, and a recipient of that very mail. One that brings no Message-ID at all is believed only of a server
that has to do with it (the account's own, the recipient's), about an address that we wrote to in the last days.

    bounce, delay   -> a report; bounces end follow-ups, and an address that is dead is suppressed
    complaint       -> a report; ends follow-ups, suppressed
    auto_reply      -> a report; follow-ups go on
    unsubscribe     -> a report; ends follow-ups, suppressed
    a person's mail -> an answer: ends follow-ups

Whatever names the Message-ID of a mailing's mail of which nobody could tell whether it left, says that it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from webmail import queue
from webmail.domain.addresses import domain_of, normalise_email
from webmail.domain.delivery_status import MOST_BYTES, Concerned
from webmail.domain.headers import split_fields
from webmail.domain.reports import REPORT_TYPES, MailPart, ReceivedMail, Report, needs_parts, recognise
from webmail.domain.structure import decode_transfer
from webmail.domain.unsubscribe import read_token
from webmail.providers.base import RemoteMessage
from webmail.store import link_keys
from webmail.store import reports as store
from webmail.store.messages import Arrival, TakenIn
from webmail.store.models import Account, MailingRecipient, MailReport, utc_now
from webmail.store.reports import Sent
from webmail.store.session import Session, after_commit, reading
from webmail.store.webhook_payloads import contact_ids_of
from webmail.store.webhooks import Fact, record
from webmail.sync.texts import storable

_BEFORE = timedelta(hours=1)
_LATEST_BOUNCE = timedelta(days=7)
"""Servers try for five days at most; a mail of a week ago is not what a bounce without a name is about."""
_MOST_ANSWER = 1000


@dataclass(frozen=True)
class Seen:
    """A new message that something may come of."""

    uid: int
    sender: str
    """Normalised."""
    at: datetime
    report: Report


def look_at(
    account: Account, messages: Sequence[RemoteMessage], arrivals: Sequence[Arrival], *, role: str
) -> list[Seen]:
    """Recognise what came in a folder since the account was connected; [] where nothing was ever sent."""
    if role in ("sent", "drafts"):
        return []
    since = account.created_at - _BEFORE
    pairs = [
        (message, arrival)
        for message, arrival in zip(messages, arrivals, strict=True)
        if message.internal_date >= since and not arrival.values["is_outgoing"]
    ]
    if not pairs:
        return []
    with reading() as s:
        if not store.has_sent(s, account.id):
            return []
    seen = []
    for message, arrival in pairs:
        report = recognise(_received(message, arrival))
        if report.kind or report.is_person:
            sender = normalise_email(arrival.values["from_email"])
            seen.append(Seen(message.uid, sender, arrival.values["sent_at"], report))
    return seen


def _received(message: RemoteMessage, arrival: Arrival) -> ReceivedMail:
    fields = split_fields(message.header)
    types = frozenset(part.media_type for part in message.parts)
    parts = [
        MailPart(part.media_type, decode_transfer(message.texts[part.section][:MOST_BYTES], part.encoding))
        for part in message.parts
        if part.media_type in REPORT_TYPES and message.texts is not None and part.section in message.texts
    ]
    return ReceivedMail(fields, arrival.visible, types, tuple(parts) if needs_parts(fields, types) else ())


@dataclass
class _Changes:
    """What the open pages are told once it is committed."""

    mailing_ids: set[int] = field(default_factory=set)
    submission_ids: set[int] = field(default_factory=set)


def take_in_returns(s: Session, account: Account, seen: Sequence[Seen], taken: TakenIn) -> None:
    """Tie what was seen to the mails of ours that it is about; what is not new here has been before."""
    new = set(taken.new_message_ids)
    fresh = [each for each in seen if taken.message_id_by_uid.get(each.uid) in new]
    if not fresh:
        return
    desk = _Desk(s, account, fresh)
    for each in fresh:
        desk.take(taken.message_id_by_uid[each.uid], each)
    changed = desk.changed
    mailings = store.mailing_uuids(s, changed.mailing_ids)
    conversations = store.conversation_uuids(s, changed.submission_ids)

    def tell() -> None:
        for uuid in mailings:
            queue.publish(account.user_id, "mailing-changed", uuid=str(uuid))
        for uuid in conversations:
            queue.publish(account.user_id, "conversation-changed", uuid=str(uuid))

    after_commit(s, tell)


class _Desk:
    """Takes in what came back, message by message, with what they may be about at hand."""

    def __init__(self, s: Session, account: Account, seen: Sequence[Seen]) -> None:
        self._s, self._account = s, account
        self._by_id = store.sent_by_id(s, account.id, {name for each in seen for name in each.report.original_ids})
        self._by_sender = store.recipients_among(s, account, {each.sender for each in seen if each.sender})
        self.changed = _Changes()

    def take(self, message_id: int, seen: Seen) -> None:
        kind, sent = seen.report.kind, self._sent(seen)
        if sent is not None:
            # Whoever names its Message-ID has had it.
            store.prove_sent(self._s, sent, kind)
        if kind in ("bounce", "delay", "complaint"):
            done = self._undelivered(message_id, seen)
        elif kind == "unsubscribe":
            done = self._unsubscribe(message_id, seen)
        elif kind:
            self._automatic(message_id, seen)
            done = True
        else:
            done = False
        if done:
            store.set_automatic(self._s, message_id, kind)
        elif seen.report.is_person:
            self._answered(seen)

    def _sent(self, seen: Seen) -> Sent | None:
        return next((self._by_id[name] for name in seen.report.original_ids if name in self._by_id), None)

    def _undelivered(self, message_id: int, seen: Seen) -> bool:
        found = self._concerned(seen)
        for sent, each in found:
            self._note(message_id, seen, sent.submission_id, sent.recipient_id, each)
            recipient = self._recipient(sent)
            if seen.report.kind != "delay":
                self._end(seen, sent, recipient, each)
        return bool(found)

    def _concerned(self, seen: Seen) -> list[tuple[Sent, Concerned]]:
        """Find which mail of ours, to whom of its recipients, a report is about; [] where it is not believed."""
        sent, report = self._sent(seen), seen.report
        if sent is not None:
            named = [(sent, each) for each in report.concerned if each.email in sent.envelope]
            if not report.concerned and len(sent.envelope) == 1:
                named = [(sent, Concerned(next(iter(sent.envelope))))]
            return list({each.email: (sent, each) for sent, each in named}.values())
        if report.original_ids or report.kind == "complaint":
            return []
        since = seen.at - _LATEST_BOUNCE
        found = []
        for each in report.concerned:
            if self._may_tell(seen.sender, each.email):
                last = store.last_sent_to(self._s, self._account.id, each.email, since)
                if last is not None:
                    found.append((last, each))
        return found

    def _may_tell(self, sender: str, email: str) -> bool:
        """Whether a server has to do with a mail of ours to an address: it is the account's own, or the recipient's."""
        domain = domain_of(sender)
        hosts = (self._account.smtp_host, self._account.imap_host)
        related = {domain_of(email), domain_of(self._account.email), *(host.partition(".")[2] for host in hosts)}
        return any(_is_within(domain, each) or _is_within(each, domain) for each in related)

    def _end(self, seen: Seen, sent: Sent, recipient: MailingRecipient | None, each: Concerned) -> None:
        is_bounce = seen.report.kind == "bounce"
        if recipient is not None:
            name = "bounced_at" if is_bounce else "complained_at"
            setattr(recipient, name, getattr(recipient, name) or seen.at)
            recipient.answer = storable(each.words)[:_MOST_ANSWER] or recipient.answer
            recipient.next_step_at = None
        if is_bounce and not each.is_permanent:
            return
        self._suppress(each.email, "bounced" if is_bounce else "complained", each.words, sent.mailing_id)

    def _unsubscribe(self, message_id: int, seen: Seen) -> bool:
        recipient = self._who_unsubscribes(seen)
        if recipient is None:
            return self._unsubscribe_sender(message_id, seen)
        submission = self._sent(seen)
        submission_id = submission.submission_id if submission is not None else None
        self._note(message_id, seen, submission_id, recipient.id, Concerned(recipient.email))
        recipient.unsubscribed_at = recipient.unsubscribed_at or seen.at
        self._suppress(recipient.email, "unsubscribed", "By a mail to the sender.", recipient.mailing_id)
        self._s.flush()
        store.drop_follow_ups(self._s, self._account.tenant_id, recipient.email)
        return True

    def _unsubscribe_sender(self, message_id: int, seen: Seen) -> bool:
        """Take a token at its word whose mailing has been deleted since: it was ours, and somebody has had enough."""
        uuid = read_token(link_keys.unsubscribe_key(), seen.report.token)
        if uuid is None or not seen.sender or store.find_addressee(self._s, uuid) is not None:
            return False
        self._note(message_id, seen, None, None, Concerned(seen.sender))
        self._suppress(seen.sender, "unsubscribed", "By a mail to the sender.", None)
        return True

    def _who_unsubscribes(self, seen: Seen) -> MailingRecipient | None:
        report = seen.report
        if report.token:
            uuid = read_token(link_keys.unsubscribe_key(), report.token)
            found = store.find_addressee(self._s, uuid) if uuid else None
            is_ours = found is not None and found.recipient.tenant_id == self._account.tenant_id
            return found.recipient if found is not None and is_ours else None
        sent = self._sent(seen)
        if sent is not None and not report.is_person and not {each.email for each in report.concerned} <= sent.envelope:
            return None
        return self._recipient(sent) or (self._by_sender.get(seen.sender) if report.is_person else None)

    def _automatic(self, message_id: int, seen: Seen) -> None:
        sent = self._sent(seen)
        recipient = self._recipient(sent) or (self._by_sender.get(seen.sender) if sent is None else None)
        if sent is None and recipient is None:
            return
        if recipient is not None:
            recipient.auto_replied_at = recipient.auto_replied_at or seen.at
        about = Concerned(recipient.email if recipient is not None else seen.sender)
        submission_id = sent.submission_id if sent is not None else None
        self._note(message_id, seen, submission_id, recipient.id if recipient is not None else None, about)

    def _answered(self, seen: Seen) -> None:
        sent = self._sent(seen)
        recipient = self._recipient(sent) or (self._by_sender.get(seen.sender) if sent is None else None)
        if recipient is not None:
            recipient.replied_at = recipient.replied_at or seen.at
            recipient.next_step_at = None
            self.changed.mailing_ids.add(recipient.mailing_id)

    def _recipient(self, sent: Sent | None) -> MailingRecipient | None:
        if sent is None or sent.recipient_id is None:
            return None
        return store.load_recipient(self._s, sent.recipient_id)

    def _suppress(self, email: str, reason: str, detail: str, mailing_id: int | None) -> None:
        store.suppress_once(
            self._s, self._account.tenant_id, email, reason=reason, detail=storable(detail), mailing_id=mailing_id
        )

    def _note(
        self, message_id: int, seen: Seen, submission_id: int | None, recipient_id: int | None, each: Concerned
    ) -> None:
        self._s.add(
            MailReport(
                tenant_id=self._account.tenant_id,
                user_id=self._account.user_id,
                message_id=message_id,
                submission_id=submission_id,
                recipient_id=recipient_id,
                kind=seen.report.kind,
                email=each.email[:320],
                is_permanent=each.is_permanent,
                status=each.status[:12],
                words=storable(each.words),
                reported_at=min(seen.at, utc_now()),
            )
        )
        if seen.report.kind == "bounce" and each.is_permanent and self._account.is_backfilled:
            self._tell_of(submission_id, each)
        recipient = store.load_recipient(self._s, recipient_id) if recipient_id is not None else None
        if recipient is not None:
            self.changed.mailing_ids.add(recipient.mailing_id)
        elif submission_id is not None:
            self.changed.submission_ids.add(submission_id)

    def _tell_of(self, submission_id: int | None, each: Concerned) -> None:
        """Have the tenant's server hear of a bounce; what a first import finds is no news."""
        account = self._account
        told = {"cause": each.status, "contacts": contact_ids_of(self._s, account.tenant_id, {each.email})}
        fact = Fact(account.user_id, account.uuid, submission_id=submission_id, details=told)
        record(self._s, account.tenant_id, "message.bounced", [fact])


def _is_within(domain: str, other: str) -> bool:
    # One label is nobody's alone: `example`, `com`.
    return bool(other) and "." in other and (domain == other or domain.endswith(f".{other}"))
