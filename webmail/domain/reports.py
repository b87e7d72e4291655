"""Tell what a machine wrote from what a person wrote, and read from it what became of a mail of ours.

What is certain comes first: parts that machines write for machines. Then a mail server's prose, which needs several
signs at once. A subject alone decides nothing: people write about bounced mail, and begin with "Automatic reply?".

    token of ours      -> unsubscribe      (whoever sends it)
    feedback-report    -> complaint
    delivery-status    -> bounce, delay    (a multipart/report, or a mail server's)
    mail server, words -> bounce, delay
    automatic, words   -> challenge, auto_reply
    nothing but a word -> unsubscribe      (of a person)
    else               -> "", a person's or not

Nothing here believes a report: whether a mail of ours went to whom it names is the caller's to find out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from webmail.domain.addresses import parse_header
from webmail.domain.bounce_prose import ids_in_text, read_prose
from webmail.domain.delivery_status import (
    Concerned,
    address_in,
    ids_in,
    read_delivery_status,
    read_feedback,
    returned_ids,
    value_of,
)
from webmail.domain.headers import Fields, decode_value
from webmail.domain.quotes import split_quoted_text
from webmail.domain.report_words import (
    AUTO_PHRASES,
    AUTO_SUBJECTS,
    BOUNCE_SUBJECTS,
    CHALLENGE_PHRASES,
    MAILER_LOCALS,
    MAILER_NAMES,
    UNSUBSCRIBE_WORDS,
    plain_words,
)
from webmail.domain.unsubscribe import SUBJECT, TOKEN

STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
FEEDBACK_TYPE = "message/feedback-report"
RETURNED_TYPES = frozenset(
    {"message/rfc822", "message/global", "message/rfc822-headers", "text/rfc822-headers", "message/global-headers"}
)
REPORT_TYPES = STATUS_TYPES | RETURNED_TYPES | {FEEDBACK_TYPE}
"""The parts to be had for `recognise()`, where `needs_parts()` says so."""
_RECEIPTS = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_MOST_TEXT = 64 * 1024
_COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other", "miscategorized"})


@dataclass(frozen=True)
class MailPart:
    """A part that is no text to be read; `content` is decoded, and may be only its beginning."""

    media_type: str
    content: bytes


@dataclass(frozen=True)
class ReceivedMail:
    """A mail as far as it takes to recognise it.

    Args:
        fields: its header, as `split_fields()` gives it.
        text: what a reader sees.
        media_types: of all its parts.
        parts: those of `REPORT_TYPES`, where `needs_parts()` says so.
    """

    fields: Fields
    text: str = ""
    media_types: frozenset[str] = frozenset()
    parts: tuple[MailPart, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a mail is.

    Args:
        kind: as `Message.automatic`.
        concerned: whom it is about; [] where it does not say.
        original_ids: the Message-IDs of what may be the mail of ours, the likeliest first.
        token: of an unsubscribe link, as it came: its signature is still to be checked.
        is_person: somebody wrote it with their own hands.
    """

    kind: str = ""
    concerned: list[Concerned] = field(default_factory=list)
    original_ids: list[str] = field(default_factory=list)
    token: str = ""
    is_person: bool = False


class _Head:
    """What the header says of who wrote a mail."""

    def __init__(self, fields: Fields) -> None:
        self.subject = value_of(fields, "subject")
        self.content_type = value_of(fields, "content-type").casefold()
        self.auto_submitted = value_of(fields, "auto-submitted").casefold().split(";")[0].split("(")[0].strip()
        self.precedence = value_of(fields, "precedence").casefold()
        self.is_null_sender = value_of(fields, "return-path") in ("<>", "<MAILER-DAEMON>")
        senders = parse_header(decode_value("".join(fields.get("from", ())[:1])[:4000], is_structured=True))
        email = senders[0].email.casefold() if senders else address_in(value_of(fields, "from"))
        name = senders[0].name if senders else value_of(fields, "from")
        self.is_mailer = bool(
            MAILER_LOCALS.fullmatch(email.partition("@")[0]) or MAILER_NAMES.search(plain_words(name))
        ) or bool(fields.get("x-failed-recipients"))
        self.is_list = any(name in fields for name in ("list-id", "list-unsubscribe", "list-post"))
        self.is_bulk = self.is_list or self.precedence in ("bulk", "list", "junk")
        self.says_automatic = self.auto_submitted not in ("", "no")
        self.says_reply = (
            self.auto_submitted.startswith("auto-replied")
            or self.precedence in ("auto_reply", "auto-reply")
            or any(name in fields for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-mail-autoreply"))
        )
        self.answers = ids_in([*fields.get("in-reply-to", ()), *fields.get("references", ())[:1]])

    @property
    def is_machine(self) -> bool:
        """Whether anything says that no person has written it."""
        return self.says_automatic or self.says_reply or self.is_bulk or self.is_mailer or self.is_null_sender


def needs_parts(fields: Fields, media_types: Iterable[str]) -> bool:
    """Say whether the parts of `REPORT_TYPES` matter: most mail has none, and a person's attached mail says nothing."""
    if REPORT_TYPES.isdisjoint(media_types):
        return False
    head = _Head(fields)
    return "multipart/report" in head.content_type or head.is_mailer or head.is_null_sender


def recognise(mail: ReceivedMail) -> Report:
    """Say what a mail is; see above. Never raises, in time that is linear in its first 64 KB."""
    head = _Head(mail.fields)
    text = mail.text[:_MOST_TEXT]
    token = _token_in(head, mail.fields)
    if token:
        return Report("unsubscribe", token=token, original_ids=head.answers)
    is_report = "multipart/report" in head.content_type
    if is_report or head.is_mailer or head.is_null_sender:
        found = _by_parts(mail, head, text) or (
            None if is_report and _is_receipt(mail) else _by_prose(mail, head, text)
        )
        if found is not None:
            return found
    if _is_receipt(mail) or is_report:
        return Report()
    return _by_words(mail, head, text)


def _is_receipt(mail: ReceivedMail) -> bool:
    return not _RECEIPTS.isdisjoint(mail.media_types)


def _token_in(head: _Head, fields: Fields) -> str:
    """Find the token of a link where a mail program puts it: in the subject, or in the address that it writes to."""
    places = [head.subject] if SUBJECT in head.subject.casefold() else []
    places += [value for value in fields.get("to", ())[:5] if f"+{SUBJECT}" in value.casefold()]
    # A long subject is folded at a hyphen by nobody, but some clients put spaces around a colon.
    return next((found[0] for each in places if (found := TOKEN.search(each[:2000].replace(f"{SUBJECT}-", " ")))), "")


def _by_parts(mail: ReceivedMail, head: _Head, text: str) -> Report | None:
    """Read what machines write for machines; None where there is nothing of the kind."""
    ids = _original_ids(mail, head, text)
    for part in mail.parts:
        if part.media_type == FEEDBACK_TYPE:
            kind, emails = read_feedback(part.content)
            concerned = [Concerned(each, words=kind) for each in emails]
            if kind.startswith("opt-out"):
                return Report("unsubscribe", concerned, ids)
            return Report("complaint" if kind in _COMPLAINTS else "", concerned, ids)
    found = [
        each for part in mail.parts if part.media_type in STATUS_TYPES for each in read_delivery_status(part.content)
    ]
    if not found:
        return None
    failed = [each for each in found if each.action == "failed"]
    delayed = [each for each in found if each.action == "delayed"]
    if failed:
        return Report("bounce", failed, ids)
    return Report("delay" if delayed else "", delayed, ids)


def _original_ids(mail: ReceivedMail, head: _Head, text: str) -> list[str]:
    returned = [each for part in mail.parts if part.media_type in RETURNED_TYPES for each in returned_ids(part.content)]
    noted = [each for part in mail.parts if part.media_type in STATUS_TYPES for each in returned_ids(part.content)]
    return list(dict.fromkeys([*returned, *noted, *ids_in_text(text), *head.answers]))[:50]


def _by_prose(mail: ReceivedMail, head: _Head, text: str) -> Report | None:
    if head.says_reply or (not head.is_mailer and not BOUNCE_SUBJECTS.search(plain_words(head.subject))):
        return None
    failed = [
        email
        for value in mail.fields.get("x-failed-recipients", ())[:20]
        for piece in decode_value(value).split(",")[:100]
        if (email := address_in(piece))
    ]
    own = {address_in(value) for name in ("from", "to") for value in mail.fields.get(name, ())[:5]}
    kind, concerned = read_prose(head.subject, text, failed, own)
    ids = _original_ids(mail, head, text)
    return Report(kind, concerned, ids) if kind and (concerned or ids) else None


def _by_words(mail: ReceivedMail, head: _Head, text: str) -> Report:
    own = split_quoted_text(text)[0]
    words, title = plain_words(own), plain_words(head.subject)
    is_automatic = head.says_automatic or head.says_reply or head.is_null_sender
    if "text/calendar" not in mail.media_types:
        if (is_automatic or head.is_bulk or head.answers) and _is_challenge(head, words, title):
            return Report("challenge", original_ids=head.answers)
        if _is_auto_reply(head, words, title, is_automatic=is_automatic):
            return Report("auto_reply", original_ids=head.answers)
    if not head.is_machine and _asks_for_no_more(words, title):
        return Report("unsubscribe", original_ids=head.answers, is_person=True)
    return Report(original_ids=head.answers, is_person=not head.is_machine)


def _is_challenge(head: _Head, words: str, title: str) -> bool:
    is_marked = head.says_automatic or head.says_reply or head.is_null_sender or head.is_bulk
    # A person who asks to confirm an appointment sends no link for it and leaves no mark of a machine.
    if "moderator" in words or not (is_marked or re.search(r"https?://", words)):
        return False
    return bool(CHALLENGE_PHRASES.search(words) or CHALLENGE_PHRASES.search(title))


def _is_auto_reply(head: _Head, words: str, title: str, *, is_automatic: bool) -> bool:
    if head.says_reply:
        return True
    subject = AUTO_SUBJECTS.match(title)
    if is_automatic:
        return bool(subject) or bool(head.answers)
    if head.is_bulk:
        # A newsletter may be about holidays; it belongs to a list, or answers nothing.
        return not head.is_list and (bool(subject) or (bool(head.answers) and bool(AUTO_PHRASES.search(words))))
    # Nothing but words: as programs write them, before a colon or alone. People go on with the sentence.
    rest = re.sub(r"^\w{0,20}", "", title[subject.end() :]).lstrip() if subject else "?"
    is_written_so = not rest or rest.startswith((":", "-", "\u2013", "\uff1a"))
    return is_written_so and bool(AUTO_PHRASES.search(words))


def _asks_for_no_more(words: str, title: str) -> bool:
    said = words.strip(" .!:-")
    return said in UNSUBSCRIBE_WORDS or (title.strip(" .!:-") in ("unsubscribe", "abmelden") and len(said) < 80)
