"""Build the mail that a draft has become: whom it goes to, what it looks like on the wire, how it shows here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webmail.actions.sizes import megabytes, server_limit
from webmail.domain.addresses import Address, clean_name, domain_of, normalise_email, parse_typed
from webmail.domain.compose import OutgoingFile, OutgoingMail, build_mail, new_message_id, reply_references
from webmail.domain.html import clean_composed_html
from webmail.domain.identity import message_identity
from webmail.domain.mime import parse_message
from webmail.domain.pictures import content_ids_in, rename_pictures, take_out_pictures
from webmail.domain.plain import written_to_text
from webmail.domain.text import make_snippet
from webmail.domain.threading import thread_keys
from webmail.errors import InputRefused
from webmail.store.messages import Arrival
from webmail.store.models import Account, Message, Submission, SubmissionAttachment
from webmail.sync.arrivals import attachment_of, header_values
from webmail.sync.texts import storable

MAX_RECIPIENTS = 100
_FIELDS = {"to": "To", "cc": "Cc", "bcc": "Bcc"}


@dataclass(frozen=True)
class Recipients:
    """Whom a mail goes to, each address once in each field."""

    to: list[Address]
    cc: list[Address]
    bcc: list[Address]

    @property
    def envelope(self) -> list[str]:
        """All addresses, each once."""
        emails = {normalise_email(each.email): each.email for each in [*self.to, *self.cc, *self.bcc]}
        return list(emails.values())


def read_recipients(draft: Submission) -> Recipients:
    """Read To, Cc and Bcc as they were typed.

    Raises:
        InputRefused: with the field and a sentence for each address in it that is none; nobody to send to; too many.
    """
    found: dict[str, list[Address]] = {}
    for name in _FIELDS:
        good, refused = parse_typed(getattr(draft, name))
        sentences = [f"“{piece[:80]}” is not a complete address." for piece in refused]
        sentences += [
            f"{each.email} has letters before the @ that mail servers do not take. Use another address of this person."
            for each in good
            if not each.email.rpartition("@")[0].isascii()
        ]
        if sentences:
            raise InputRefused(name, " ".join(sentences[:10]))
        found[name] = good
    recipients = Recipients(**found)
    count = len(recipients.envelope)
    if count == 0:
        raise InputRefused("to", "Add at least one recipient.")
    if count > MAX_RECIPIENTS:
        raise InputRefused(
            "to", f"This mail has {count} recipients, and one mail takes up to {MAX_RECIPIENTS}. Send several mails."
        )
    return recipients


@dataclass(frozen=True)
class BuiltMail:
    """A mail ready to go: its bytes without Bcc, and the row that shows it here."""

    message_id: str
    mime: bytes
    recipients: Recipients
    arrival: Arrival


def build_outgoing(
    draft: Submission,
    account: Account,
    sender_name: str,
    source: Message | None,
    files: Sequence[SubmissionAttachment],
    now: datetime,
) -> BuiltMail:
    """Build the mail of a draft, with a new Message-ID.

    Args:
        source: the message that it answers or forwards.
        files: the draft's files with their content; pictures without any are left out.

    Raises:
        InputRefused: an address cannot be used, or the mail is larger than the account's server takes.
    """
    recipients = read_recipients(draft)
    mail = _mail_of(draft, account, sender_name, source, files, now, recipients)
    try:
        mime = build_mail(mail)
    except ValueError as error:
        raise InputRefused("to", "One of the addresses cannot be written to by mail. Type it in again.") from error
    check_size(account, mime)
    return BuiltMail(mail.message_id, mime, recipients, arrival_of_mime(mime, recipients.bcc))


def build_draft_copy(
    draft: Submission,
    account: Account,
    sender_name: str,
    source: Message | None,
    files: Sequence[SubmissionAttachment],
    now: datetime,
) -> tuple[str, bytes]:
    """Build a draft as other mail programs can go on with it: its Message-ID and its bytes, without Bcc.

    What is not yet an address is left out; arguments as for `build_outgoing()`.
    """
    typed = {name: parse_typed(getattr(draft, name))[0] for name in _FIELDS}
    found = {name: [each for each in typed[name] if each.email.isascii()] for name in _FIELDS}
    mail = _mail_of(draft, account, sender_name, source, files, now, Recipients(**found))
    return mail.message_id, build_mail(mail)


def _mail_of(
    draft: Submission,
    account: Account,
    sender_name: str,
    source: Message | None,
    files: Sequence[SubmissionAttachment],
    now: datetime,
    recipients: Recipients,
) -> OutgoingMail:
    sender = sender_of(draft, account)
    domain = domain_of(sender)
    html, text, attachments = _body(draft, files, domain)
    in_reply_to, references = _references(draft, source)
    return OutgoingMail(
        message_id=new_message_id(domain),
        date=now.replace(microsecond=0),
        from_=Address(clean_name(sender_name), sender),
        to=recipients.to,
        cc=recipients.cc,
        subject=" ".join(_printable(draft.subject).split()),
        text=text,
        html=html,
        in_reply_to=in_reply_to,
        references=references,
        attachments=attachments,
    )


def sender_of(draft: Submission, account: Account) -> str:
    """Give the address that a draft is sent from: the one that was chosen, as long as it is the account's."""
    return draft.from_email if draft.from_email in account.aliases else account.email


def _references(draft: Submission, source: Message | None) -> tuple[str, list[str]]:
    if source is None or not source.message_id_header:
        return "", []
    in_reply_to, references = reply_references(source.message_id_header, source.in_reply_to, source.references)
    return ("" if draft.mode == "forward" else in_reply_to), references


def _body(
    draft: Submission, files: Sequence[SubmissionAttachment], domain: str
) -> tuple[str | None, str, list[OutgoingFile]]:
    """Give HTML (None for a plain mail), text, and all files; each picture in the HTML has a Content-ID of its own."""
    attached = [_file(file) for file in files if not file.content_id and file.content is not None]
    if draft.is_plain:
        return None, draft.body_text, attached
    body = clean_composed_html(draft.body_html)
    shown = content_ids_in(body)
    quoted = {
        file.content_id: _file(file, new_message_id(domain))
        for file in files
        if file.content_id in shown and file.content is not None
    }
    body = rename_pictures(body, {old: file.content_id for old, file in quoted.items()})
    taken = take_out_pictures(body, lambda: new_message_id(domain))
    return taken.html, written_to_text(taken.html), [*quoted.values(), *taken.files, *attached]


def _file(file: SubmissionAttachment, content_id: str = "") -> OutgoingFile:
    return OutgoingFile(file.filename, file.media_type, file.content or b"", content_id)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def check_size(account: Account, mime: bytes) -> None:
    """Refuse a mail that the account's server will not take.

    Raises:
        InputRefused: field `files`.
    """
    limit = server_limit(account)
    if 0 < limit < len(mime):
        raise InputRefused(
            "files",
            f"This mail is {megabytes(len(mime))} and the mailbox's server takes up to {megabytes(limit)}. "
            "Remove a file, or send a link to it.",
        )


def arrival_of_mime(mime: bytes, bcc: Iterable[Address]) -> Arrival:
    """Describe a mail that goes out as the row that shows it.

    Its identity and its thread keys are worked out from its bytes, just as the sync does it for the copy in the Sent
    folder: so the two meet.
    """
    parsed = parse_message(mime)
    values: dict[str, Any] = header_values(parsed.headers)
    values |= {
        "bcc": [each.pair for each in bcc],
        "sent_at": parsed.headers.date,
        "size_bytes": len(mime),
        "is_outgoing": True,
        "text": storable(parsed.text),
        "html": storable(parsed.html),
        "snippet": storable(make_snippet(parsed.text))[:250],
        "body_state": "stored",
    }
    return Arrival(
        identity=message_identity(parsed.headers),
        thread_keys=thread_keys(parsed.headers),
        values=values,
        attachments=[attachment_of(part) for part in parsed.attachments],
    )
