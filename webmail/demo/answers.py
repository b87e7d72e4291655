"""What the people of the demo answer when they are written to, and what the mail system says when it cannot deliver."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from webmail.demo.files import make_file
from webmail.demo.people import Correspondent, correspondents, load_data
from webmail.demo.times import meeting_times, spoken
from webmail.domain.addresses import Address, normalise_email
from webmail.domain.compose import OutgoingMail, build_mail, quote_text, reply_references, reply_subject
from webmail.domain.mail_words import attribution
from webmail.domain.mime import ParsedMessage, parse_message
from webmail.domain.quotes import split_quoted_text
from webmail.domain.text import html_to_text

_TOPICS = (
    (
        "no",
        r"unfortunately|sorry to (?:say|tell)|not be taking|decided for another|has been filled|cannot take it further",
    ),
    ("offer", r"\b(?:offer|contract|congratulations)\b"),
    ("salary", r"\b(?:salary|notice period|package|compensation|expectations?)\b"),
    ("documents", r"\b(?:your cv|r[ée]sum[ée]|portfolio|references|certificates?|send (?:me|us)|documents)\b"),
    ("time", r"\b(?:call|talk|meet|interview|slot|calendar|available|availability)\b|\b\d{1,2}[:.]\d{2}\b"),
)
_DAY = r"(?:today|tomorrow|(?:mon|tues|wednes|thurs|fri)day)"
_TIME = re.compile(rf"\b{_DAY}\b(?:,? \d{{1,2}}\.? [A-Z][a-z]+)?(?:,? (?:at )?\d{{1,2}}[:.]\d{{2}})?", re.IGNORECASE)
_QUESTION = re.compile(r"[^.?!\n]{8,140}\?")
_SCRIPTS = (
    ("japanese", r"[\u3040-\u30ff]"),
    ("arabic", r"[\u0600-\u06ff]"),
    ("hebrew", r"[\u0590-\u05ff]"),
    ("cyrillic", r"[\u0400-\u04ff]"),
    ("greek", r"[\u0370-\u03ff]"),
    ("chinese", r"[\u4e00-\u9fff]"),
)
_JAPANESE = ("佐藤",)
_SILENT = re.compile(r"(?:no-?reply|do-?not-?reply|mailer-daemon|postmaster|newsletter|notifications?)\b")
_AUTOMATIC = re.compile(
    rb"^(?:precedence:\s*(?:bulk|list|junk)|x-auto-response-suppress:)", re.IGNORECASE | re.MULTILINE
)
_MOST_ANSWERS = 5


@dataclass(frozen=True)
class _Words:
    """What a mail is about, as far as its reader can tell."""

    topic: str
    kind: str
    time: str
    question: str


def answers_to(raw: bytes, recipients: list[str], now: datetime) -> list[bytes]:
    """Write the answers to a mail: one from each person whom it was addressed to.

    Args:
        raw: the mail as it was handed over.
        recipients: whom it goes to; those who only get a copy do not answer.
        now: aware; the answers' own time.

    Returns:
        Whole mails; none to a mail that no person has written.
    """
    mail = parse_message(raw)
    if _is_automatic(raw, mail):
        return []
    wanted = {normalise_email(each) for each in recipients}
    addressed = [each for each in mail.headers.to if normalise_email(each.email) in wanted]
    return [_answer(mail, each, now) for each in addressed[:_MOST_ANSWERS] if not _SILENT.match(each.email.lower())]


def _is_automatic(raw: bytes, mail: ParsedMessage) -> bool:
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    is_declared = mail.headers.auto_submitted not in ("", "no") or bool(mail.headers.list_id)
    return is_declared or bool(_AUTOMATIC.search(head)) or not mail.headers.message_id or not mail.headers.from_.email


def _answer(mail: ParsedMessage, to: Address, now: datetime) -> bytes:
    sender = correspondent(to)
    headers = mail.headers
    token = hashlib.sha256(f"{headers.message_id}/{normalise_email(to.email)}".encode()).hexdigest()
    dice = Random(token)
    text = mail.text if mail.text.strip() else html_to_text(mail.html)
    words = _read(text, headers.subject, dice, now)
    body = _body(sender, words, headers.from_, dice)
    sent = f"{headers.date or now:%a, %d %b %Y at %H:%M}"
    in_reply_to, references = reply_references(headers.message_id, headers.in_reply_to, headers.references)
    files = []
    if words.kind == "documents":
        name = f"{sender.address.name}.pdf"
        files.append(make_file(name, sender.address.name, [f"# {words.topic}", sender.address.email], now))
    return build_mail(
        OutgoingMail(
            message_id=f"{token[:24]}@{to.email.rpartition('@')[2]}",
            date=now,
            from_=sender.address,
            to=headers.reply_to or [headers.from_],
            subject=reply_subject(headers.subject),
            text=f"{body}\n\n{quote_text(text, attribution(headers.from_, sent))}",
            in_reply_to=in_reply_to,
            references=references,
            attachments=files,
        )
    )


def correspondent(address: Address) -> Correspondent:
    """Find who it is; somebody unknown bears the name that the mail or the address gives them."""
    known = correspondents().get(normalise_email(address.email))
    if known is not None:
        return known
    local_part = address.email.rpartition("@")[0].partition("+")[0]
    name = address.name or " ".join(piece.capitalize() for piece in re.split(r"[._-]+", local_part) if piece)
    return Correspondent(Address(name, address.email), "other")


def _read(text: str, subject: str, dice: Random, now: datetime) -> _Words:
    new, _ = split_quoted_text(text)
    new = new.partition("\n-- \n")[0]
    lower = new.lower()
    questions = _QUESTION.findall(new)
    kind = next(
        (name for name, pattern in _TOPICS if re.search(pattern, lower)), "question" if questions else "general"
    )
    named = _TIME.search(new)
    topic = reply_subject(subject).removeprefix("Re: ").strip()
    return _Words(
        topic=topic or "your message",
        kind=kind,
        time=_capital(named[0]) if named else spoken(meeting_times(now, dice, 1)[0]),
        question=questions[-1].strip() if questions else "",
    )


def _body(sender: Correspondent, words: _Words, writer: Address, dice: Random) -> str:
    variants: dict[str, Any] = load_data("answers")
    name = sender.address.name
    slots = {
        "me": (writer.name or "there").split()[0],
        "topic": words.topic,
        "time": words.time,
        "question": words.question,
        "job": sender.job.title if sender.job else "the position",
        "company": sender.job.company if sender.job else "the company",
    }
    text = dice.choice(variants[sender.kind][words.kind]).format_map(slots)
    script = _script_of(name)
    if script:
        greeting = variants["greetings"][script].format_map(slots)
        text = f"{greeting}\n\n{text.partition(chr(10) * 2)[2]}"
    return f"{text}\n\n{name if script else name.split()[0] if name else ''}".rstrip()


def _script_of(name: str) -> str:
    if name.startswith(_JAPANESE):
        return "japanese"
    return next((script for script, pattern in _SCRIPTS if re.search(pattern, name)), "")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def bounce_of(raw: bytes, sender: str, recipient: str, now: datetime) -> bytes:
    """Write the notice that a mail could not be delivered (RFC 3464).

    Args:
        sender: whom the notice goes to.
        recipient: the address that took nothing.
    """
    headers = parse_message(raw).headers
    token = hashlib.sha256(f"{headers.message_id}/{recipient}".encode()).hexdigest()[:24]
    head, _, _ = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    text = f"""Message-ID: <{token}@demo.example>
Date: {now:%a, %d %b %Y %H:%M:%S %z}
From: Mail Delivery System <mailer-daemon@demo.example>
To: {sender}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
In-Reply-To: <{headers.message_id}>
References: <{headers.message_id}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{token}"

--{token}
Content-Type: text/plain; charset=us-ascii

Your message could not be delivered to one recipient.

<{recipient}>: the mailbox does not exist (550 5.1.1 User unknown)

--{token}
Content-Type: message/delivery-status

Reporting-MTA: dns; demo.example

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--{token}
Content-Type: text/rfc822-headers

"""
    whole = text.encode("ascii", "replace") + head + f"\n\n--{token}--\n".encode("ascii")
    return whole.replace(b"\n", b"\r\n")
