"""Build what one recipient of a mailing gets: the merged text, its files, its header fields.

The same function makes the preview, the test mail and the mail that goes out, so that they cannot differ. No signature
is added here: what the text holds is what goes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from uuid import UUID

from webmail.actions.outgoing import check_size
from webmail.actions.unsubscribe import headers_for, unsubscribe_url
from webmail.domain.addresses import Address, clean_name, domain_of
from webmail.domain.compose import OutgoingFile, OutgoingMail, build_mail, new_message_id, reply_subject
from webmail.domain.html import clean_composed_html
from webmail.domain.mail_words import unsubscribe_words
from webmail.domain.merge import render_html, render_text
from webmail.domain.pictures import take_out_pictures
from webmail.domain.plain import written_to_text
from webmail.domain.tables import names_of
from webmail.errors import InputRefused
from webmail.store.models import Account, Contact, Mailing, MailingFile, MailingRecipient, User

Values = dict[str, dict[str, str]]


@dataclass(frozen=True)
class MergedMail:
    """A mail with its fields filled in; with anything in `missing` it is not fit to be sent."""

    subject: str
    html: str
    text: str
    missing: list[str]


@dataclass(frozen=True)
class Author:
    """Who a mailing comes from."""

    account: Account
    user: User

    @property
    def address(self) -> Address:
        return Address(clean_name(self.user.name), self.account.email)


@dataclass(frozen=True)
class FirstMail:
    """The mail that follow-ups belong to: its Message-ID, its subject, and what went after it."""

    message_id: str
    subject: str
    later_ids: Sequence[str] = ()


def contact_values(contact: Contact | None, name: str, email: str, fields: Mapping[str, object]) -> dict[str, str]:
    """Give a person's merge fields: those of the list that they came with go before the contact's own."""
    known: dict[str, str] = {}
    if contact is not None:
        known = {str(key): str(value) for key, value in contact.fields.items()}
        for column in ("first_name", "last_name", "name", "company"):
            known[column] = getattr(contact, column)
    given = {key: str(value) for key, value in fields.items() if value}
    return known | ({"name": name} if name else {}) | given | {"email": email}


def user_values(user: User, account: Account | None) -> dict[str, str]:
    """Give the merge fields of who sends it."""
    first = names_of(user.name)[0] or (user.name.split() or [""])[0]
    email = account.email if account is not None else ""
    return {"name": user.name, "first_name": first, "email": email, "title": user.title, "phone": user.phone}


def values_for(
    mailing: Mailing, user: User, account: Account | None, recipient: MailingRecipient, contact: Contact | None
) -> Values:
    """Give the values of all merge fields of one mail."""
    return {
        "contact": contact_values(contact, recipient.name, recipient.email, recipient.fields),
        "user": user_values(user, account),
        "job": {str(name): str(value) for name, value in mailing.job.items()},
    }


def merge_mail(mailing: Mailing, number: int, values: Values, recipient_uuid: UUID | None, locale: str) -> MergedMail:
    """Fill in one of a mailing's mails for somebody.

    Args:
        recipient_uuid: whose unsubscribe link it carries; None for a mail to oneself, which has none that works.
        locale: of who sends it, for the words of that link.
    """
    steps = {each.number: each for each in mailing.steps}
    subject = render_text(steps[0].subject, values)
    body = render_html(steps[number].html, values)
    html = clean_composed_html(body.text)
    if mailing.has_unsubscribe:
        html += _unsubscribe_line(recipient_uuid, values["user"]["email"], locale)
    shown = " ".join("".join(each if each.isprintable() else " " for each in subject.text).split())
    missing = list(dict.fromkeys([*subject.missing, *body.missing]))
    return MergedMail(reply_subject(shown) if number else shown, html, written_to_text(html), missing)


def _unsubscribe_line(recipient_uuid: UUID | None, email: str, locale: str) -> str:
    """Give the visible link: to the page, or where there is none to be reached, a mail that is understood here."""
    url = unsubscribe_url(recipient_uuid) if recipient_uuid is not None else ""
    if recipient_uuid is not None and not url:
        url = headers_for(recipient_uuid, email)["List-Unsubscribe"].strip("<>")
    words, rest = unsubscribe_words(locale)
    link = f'<a href="{escape(url)}">{words}</a>' if url else words
    return f'<p style="font-size:small">{link}{rest}</p>'


def build_for_recipient(
    merged: MergedMail,
    mailing: Mailing,
    author: Author,
    recipient: MailingRecipient,
    files: Sequence[MailingFile],
    first: FirstMail | None,
    message_id: str,
    now: datetime,
) -> bytes:
    """Build the mail that one recipient gets, alone in its To field.

    Args:
        first: for a follow-up, the mail that it goes into the conversation of.
        message_id: fixed since the mailing was started.

    Raises:
        InputRefused: the address cannot be written to, or the mail is larger than the account's server takes.
    """
    domain = domain_of(author.account.email)
    taken = take_out_pictures(merged.html, lambda: new_message_id(domain))
    attached = [OutgoingFile(each.filename, each.media_type, each.content) for each in files]
    to = Address(recipient.name, recipient.email)
    mail = OutgoingMail(
        message_id=message_id,
        date=now.replace(microsecond=0),
        from_=author.address,
        to=[to],
        subject=reply_subject(first.subject) if first else merged.subject,
        text=merged.text,
        html=taken.html,
        in_reply_to=first.message_id if first else "",
        references=[first.message_id, *first.later_ids] if first else [],
        attachments=[*taken.files, *attached],
        headers=headers_for(recipient.uuid, author.account.email) if mailing.has_unsubscribe else {},
    )
    try:
        mime = build_mail(mail)
    except ValueError as error:
        raise InputRefused("to", "This address cannot be written to by mail.") from error
    check_size(author.account, mime)
    return mime
