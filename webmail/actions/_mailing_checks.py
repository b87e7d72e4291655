"""Look at a mailing before it goes: what prevents it, who would get half a sentence, when it will be done.

`preview()` and `send_test()` show what `webmail.actions.pacing` sends, by the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from webmail.actions import submit
from webmail.actions._mailing_mail import (
    MergedMail,
    Values,
    contact_values,
    merge_mail,
    user_values,
    values_for,
)
from webmail.actions._pace import Plan, estimate, pace_of, plan_words
from webmail.actions.drafts import can_write_from, check_account
from webmail.domain.merge import CONTACT_FIELDS, MergeField, fields_in, render_text, unknown_in, write_field
from webmail.domain.text import html_to_text
from webmail.domain.windows import DAY_MINUTES, SendingWindow, zone_of
from webmail.errors import InputRefused, NotFound
from webmail.store import mailings as store
from webmail.store import pacing
from webmail.store.models import (
    Account,
    Mailing,
    MailingRecipient,
    Submission,
    SubmissionAttachment,
    User,
    utc_now,
)
from webmail.store.scope import Scope
from webmail.store.session import Session, reading, transaction
from webmail.store.users import load_tenant, load_user

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SWITCHED_OFF = "Mass mail is switched off for your organisation. Only its operator can switch it on."
_NO_SIGNATURE = "No signature: a mailing gets one only where you insert it into the text."
_SIGNATURE = "The signature is there because it was inserted into the text by hand."


@dataclass(frozen=True)
class MissingValue:
    """A recipient whose mail would have a gap, and the fields without a value."""

    uuid: UUID
    email: str
    fields: list[str]


@dataclass
class Check:
    """What stands between a mailing and its start.

    `ready` are those who will get it; who is in `missing` will be left out unless their values are given. `problems`
    are (field, sentence) pairs, and prevent it; `plan` is None where nothing can go.
    """

    ready: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    missing: list[MissingValue] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    plan: Plan | None = None


@dataclass(frozen=True)
class Preview:
    """One recipient's mail as it is sent; `signature_rule` says in a sentence why it has a signature or none."""

    to: str
    subject: str
    html: str
    text: str
    signature_rule: str
    missing: list[str]


def check(scope: Scope, uuid: UUID) -> Check:
    """Check a draft, or see how long one that is under way will take.

    Raises:
        NotFound: no such mailing.
    """
    with reading() as s:
        mailing, user = store.load_mailing(s, scope, uuid), load_user(s, scope)
        cap = load_tenant(s, scope).mass_mail_cap
        counts = store.counts(s, mailing.id)
        found = Check(left_out=store.left_out_reasons(s, mailing.id))
        if mailing.state == "draft":
            found.missing = list(missing_values(s, mailing, user))
            found.ready = counts.ready - len(found.missing)
            found.problems = list(_problems(mailing, user, cap, found))
        else:
            found.ready = counts.queued
        found.plan = _plan(s, mailing, cap, found.ready, utc_now())
    return found


def missing_values(s: Session, mailing: Mailing, user: User) -> Iterator[MissingValue]:
    """Give those recipients who are ready and lack a value that one of the texts needs."""
    needed = [each for each in fields_of(mailing) if each.fallback is None]
    fixed = {"user": user_values(user, mailing.account), "job": mailing.job}
    always = [each.label for each in needed if each.group != "contact" and not _value(each, fixed[each.group])]
    personal = [each for each in needed if each.group == "contact"]
    recipients = store.ready_recipients(s, mailing.id)
    contacts = store.contacts_by_id(s, mailing.tenant_id, {each.contact_id for each in recipients if each.contact_id})
    for each in recipients:
        contact = contacts.get(each.contact_id or 0)
        values = contact_values(contact, each.name, each.email, each.fields)
        missing = always + [wanted.label for wanted in personal if not _value(wanted, values)]
        if missing:
            yield MissingValue(each.uuid, each.email, list(dict.fromkeys(missing)))


def fields_of(mailing: Mailing) -> list[MergeField]:
    """Give the merge fields that a mailing's texts name, each once."""
    found = [each for step in mailing.steps for each in fields_in(step.html)]
    return list(dict.fromkeys([*fields_in(mailing.steps[0].subject, is_html=False), *found]))


def _value(wanted: MergeField, values: dict[str, str]) -> str:
    """Give a field's value just as it would be filled in."""
    return render_text(write_field(wanted.group, wanted.name), {wanted.group: values}).text.strip()


def _problems(mailing: Mailing, user: User, cap: int | None, found: Check) -> Iterator[tuple[str, str]]:
    if cap == 0:
        yield "", _SWITCHED_OFF
    if mailing.account is None or not can_write_from(mailing.account):
        yield "account", "Choose a connected mailbox that it goes out from."
    elif mailing.account.status == "reconnect_needed" or mailing.account.sends_by == "blocked":
        yield "account", f"{mailing.account.email} cannot send just now. Look at it on the Connect tab."
    if not mailing.steps[0].subject.strip():
        yield "subject", "Give the mail a subject."
    for step in mailing.steps:
        if not html_to_text(step.html).strip() and "<img" not in step.html:
            yield "steps", f"Follow-up {step.number} has no text." if step.number else "The mail has no text."
        yield from (("steps", each) for each in unknown_fields(mailing, user, step.number))
    if found.ready <= 0:
        yield "recipients", "Nobody would get this mail. Add recipients."


def unknown_fields(mailing: Mailing, user: User, number: int) -> Iterator[str]:
    """Say which merge fields can never be filled in: misspelt, or of a job that has no such value."""
    step = next(each for each in mailing.steps if each.number == number)
    known = {f"contact.{each.name}" for each in fields_of(mailing) if each.group == "contact"}
    known |= {f"contact.{name}" for name in CONTACT_FIELDS}
    known |= {f"user.{name}" for name in user_values(user, mailing.account)}
    known |= {f"job.{name}".casefold() for name in mailing.job}
    unknown = unknown_in(step.html, known)
    if number == 0:
        unknown = list(dict.fromkeys([*unknown_in(step.subject, known, is_html=False), *unknown]))
    for each in unknown:
        if number:
            yield f"Follow-up {number} names {each}, which is no merge field that can be filled in."
        else:
            yield f"The mail names {each}, which is no merge field that can be filled in."


def window_of(mailing: Mailing, zone_name: str = "") -> SendingWindow:
    """Give when a mailing may go out to somebody.

    Args:
        zone_name: the recipient's time zone, which counts where the mailing says so and it is known.
    """
    own = zone_of(mailing.time_zone)
    zone = zone_of(zone_name, own) if mailing.uses_recipients_zone else own
    return SendingWindow(zone, mailing.window_from, mailing.window_until, frozenset(mailing.weekdays))


def _plan(s: Session, mailing: Mailing, cap: int | None, count: int, now: datetime) -> Plan | None:
    account = mailing.account
    if account is None or cap == 0:
        return None
    pace, window = pace_of(s, account, cap, now), window_of(mailing)
    ahead = pacing.waiting_mails(s, account.id) - (count if mailing.state == "sending" else 0)
    start = max(now, account.mass_until or now)
    found = estimate(pace, window, start, count + max(0, ahead))
    if found is None:
        return None
    first_at, done_at = found
    words = plan_words(pace, _window_words(mailing, window), _waits(account, ahead, now))
    per_day = min(pace.per_full_day, pace.limits.per_minute * DAY_MINUTES)
    days = (done_at.astimezone(window.zone).date() - now.astimezone(window.zone).date()).days + 1
    return Plan(first_at, done_at, pace.limits.per_minute, per_day, days, words)


def _waits(account: Account, ahead: int, now: datetime) -> list[str]:
    words = []
    if ahead > 0:
        words.append(f"{ahead:,} {'mail' if ahead == 1 else 'mails'} of other mailings of this mailbox are before it.")
    if account.mass_until is not None and account.mass_until > now and account.mass_answer:
        words.append(account.mass_answer)
    return words


def _window_words(mailing: Mailing, window: SendingWindow) -> str:
    if window.is_always_open:
        return ""
    days = "" if len(mailing.weekdays) == 7 else ", ".join(_DAYS[each] for each in mailing.weekdays)  # a week
    begin, end = _clock(mailing.window_from), _clock(mailing.window_until)
    zone = mailing.time_zone.replace("_", " ")
    if mailing.uses_recipients_zone and days:
        return (
            f"It goes out from {begin} to {end} on {days} "
            f"(in each recipient's time zone, or {zone} where it is not known)."
        )
    if mailing.uses_recipients_zone:
        return f"It goes out from {begin} to {end} (in each recipient's time zone, or {zone} where it is not known)."
    if days:
        return f"It goes out from {begin} to {end} on {days} ({zone})."
    return f"It goes out from {begin} to {end} ({zone})."


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def preview(scope: Scope, uuid: UUID, recipient_uuid: UUID, *, step: int = 0) -> Preview:
    """Show one recipient's mail as it would go out now.

    Raises:
        NotFound: no such mailing, recipient or step.
    """
    with reading() as s:
        mailing = store.load_mailing(s, scope, uuid)
        recipient = store.find_recipient(s, mailing.id, recipient_uuid)
        merged = _merged(s, scope, mailing, recipient, step, recipient.uuid)
        text = _step_html(mailing, step)
    rule = _SIGNATURE if "webmail-signature" in text else _NO_SIGNATURE
    return Preview(recipient.email, merged.subject, merged.html, merged.text, rule, merged.missing)


def _step_html(mailing: Mailing, number: int) -> str:
    found = next((each.html for each in mailing.steps if each.number == number), None)
    if found is None:
        raise NotFound("This mailing has no such follow-up.")
    return found


def _merged(
    s: Session, scope: Scope, mailing: Mailing, recipient: MailingRecipient, step: int, link_of: UUID | None
) -> MergedMail:
    _step_html(mailing, step)
    contacts = store.contacts_by_id(s, scope.tenant_id, {recipient.contact_id} if recipient.contact_id else ())
    contact = contacts.get(recipient.contact_id or 0)
    user = load_user(s, scope)
    values = values_for(mailing, user, mailing.account, recipient, contact)
    return merge_mail(mailing, step, values, link_of, user.locale)


def send_test(scope: Scope, uuid: UUID, recipient_uuid: UUID | None, *, step: int = 0) -> UUID:
    """Send one of the mails to the mailbox that it goes out from, filled in as for somebody; gives the submission's id.

    Args:
        recipient_uuid: as for whom; None for the first one, or where there is none with the names of the fields.

    Raises:
        NotFound: no such mailing, recipient or step.
        InputRefused: field `account` when it cannot be written from; otherwise as `submit.submit()`.
    """
    with transaction() as s:
        mailing = store.load_mailing(s, scope, uuid)
        check_account(mailing.account)
        assert mailing.account is not None
        merged = _test_mail(s, scope, mailing, recipient_uuid, step)
        if not merged.subject:
            raise InputRefused("subject", "Give the mail a subject.")
        draft = Submission(
            tenant_id=scope.tenant_id,
            user_id=scope.user_id,
            account_id=mailing.account.id,
            to=mailing.account.email,
            subject=merged.subject,
            body_html=merged.html,
        )
        s.add(draft)
        s.flush()
        for file in store.load_files(s, mailing.id) if step == 0 else []:
            values = {name: getattr(file, name) for name in ("filename", "media_type", "size_bytes", "content")}
            s.add(SubmissionAttachment(submission_id=draft.id, **values))
    submit.submit(scope, draft.uuid)
    return draft.uuid


def _test_mail(s: Session, scope: Scope, mailing: Mailing, recipient_uuid: UUID | None, step: int) -> MergedMail:
    if recipient_uuid is not None:
        recipient = store.find_recipient(s, mailing.id, recipient_uuid)
        return _merged(s, scope, mailing, recipient, step, None)
    found = store.list_recipients(s, mailing.id, limit=1)
    if found:
        return _merged(s, scope, mailing, found[0], step, None)
    _step_html(mailing, step)
    user = load_user(s, scope)
    named = {each.name: f"[{each.label}]" for each in fields_of(mailing) if each.group == "contact"}
    values: Values = {
        "contact": named,
        "user": user_values(user, mailing.account),
        "job": {name: str(value) for name, value in mailing.job.items()},
    }
    return merge_mail(mailing, step, values, None, user.locale)
