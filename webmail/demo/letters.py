"""Write one mail as its sender's mail program would: signature, quotes and HTML in that program's manner."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape

from webmail.demo.people import RECRUITER
from webmail.domain.addresses import Address, domain_of
from webmail.domain.compose import OutgoingFile, OutgoingMail, build_mail, quote_text, reply_references, reply_subject
from webmail.domain.text import html_to_text

_IMAGE_MARK = "[[image]]"
_IMAGE_ID = "image001@northlight.example"
_QUOTE_DEPTH = 2
_SIGNATURE_TEXT = "-- \nRobin Hale\nSenior Recruiter, Northlight Recruiting\n+44 20 7946 0182"
_SIGNATURE_HTML = (
    '<table cellpadding="0" cellspacing="0" style="margin-top:14px"><tr>'
    '<td style="border-left:3px solid #2f6b4f;padding:2px 0 2px 10px;font-size:13px;color:#444444">'
    "<b>Robin Hale</b><br>Senior Recruiter, Northlight Recruiting<br>+44 20 7946 0182</td></tr></table>"
)
_OUTLOOK_HEAD = (
    "<style>p.MsoNormal{margin:0 0 8pt 0;font-size:11pt;font-family:Calibri,sans-serif}</style>"
    '<div class="WordSection1">'
)


@dataclass(frozen=True)
class Letter:
    """One mail before it is written out.

    `client` is `gmail`, `outlook`, `apple` or `plain`; `previous` is the mail that it answers; `image` stands in the
    HTML where the text says `[[image]]`; `page` is HTML of its own, instead of what `text` gives; `fields` are further
    header lines, in ASCII.
    """

    key: str
    sender: Address
    to: tuple[Address, ...]
    date: datetime
    subject: str
    text: str
    client: str = "gmail"
    previous: Letter | None = None
    files: tuple[OutgoingFile, ...] = ()
    image: OutgoingFile | None = None
    is_rtl: bool = False
    page: str | None = None
    fields: tuple[str, ...] = ()

    @property
    def is_own(self) -> bool:
        return self.sender == RECRUITER

    @property
    def message_id(self) -> str:
        """The Message-ID, the same each time: it comes from the key."""
        return f"{hashlib.sha256(self.key.encode()).hexdigest()[:24]}@{domain_of(self.sender.email)}"

    @property
    def whole_text(self) -> str:
        return f"{self.text}\n\n{_SIGNATURE_TEXT}" if self.is_own else self.text


def answer_to(letter: Letter, key: str, sender: Address, date: datetime, text: str, client: str) -> Letter:
    """Begin an answer to a letter; it goes to whoever wrote that."""
    return Letter(key, sender, (letter.sender,), date, reply_subject(letter.subject), text, client, letter)


def write_letter(letter: Letter) -> bytes:
    """Write the mail out, with CRLF line ends."""
    in_reply_to, references = _references(letter)
    image = [replace(letter.image, content_id=_IMAGE_ID)] if letter.image else []
    html = letter.page if letter.page is not None else _html(letter) if _has_html(letter) else None
    mail = OutgoingMail(
        message_id=letter.message_id,
        date=letter.date,
        from_=letter.sender,
        to=letter.to,
        subject=letter.subject,
        text=_text(letter, _QUOTE_DEPTH).replace(_IMAGE_MARK, "[image]"),
        html=html,
        in_reply_to=in_reply_to,
        references=references,
        attachments=[*image, *letter.files],
    )
    head = "".join(f"{line}\r\n" for line in letter.fields)
    return head.encode("ascii") + build_mail(mail)


def _references(letter: Letter) -> tuple[str, Sequence[str]]:
    if letter.previous is None:
        return "", ()
    _, before = _references(letter.previous)
    return reply_references(letter.previous.message_id, "", before)


def _has_html(letter: Letter) -> bool:
    return letter.client in ("gmail", "outlook") or letter.image is not None or letter.is_rtl


def _attribution(letter: Letter, client: str) -> str:
    date = letter.date
    if client == "apple":
        return f"On {date.day} {date:%b %Y}, at {date:%H:%M}, {letter.sender.name} <{letter.sender.email}> wrote:"
    return f"On {date:%a}, {date.day} {date:%b %Y} at {date:%H:%M}, {letter.sender.name} <{letter.sender.email}> wrote:"


def _text(letter: Letter, depth: int) -> str:
    if letter.page is not None:
        return html_to_text(letter.page)
    if letter.previous is None or not depth or letter.client == "plain":
        return letter.whole_text
    before = letter.previous
    if letter.client == "outlook":
        head = [
            f"From: {before.sender.name} <{before.sender.email}>",
            f"Sent: {_long_date(before.date)}",
            f"To: {', '.join(each.name for each in before.to)}",
            f"Subject: {before.subject}",
        ]
        return "\n".join([letter.whole_text, "", "-----Original Message-----", *head, "", _text(before, depth - 1)])
    quote = quote_text(_text(before, depth - 1), _attribution(before, letter.client))
    return f"{letter.whole_text}\n\n{quote}"


def _long_date(date: datetime) -> str:
    return f"{date:%A}, {date.day} {date:%B %Y} {date:%H:%M}"


def _html(letter: Letter, depth: int = _QUOTE_DEPTH) -> str:
    if letter.page is not None:
        return letter.page
    direction = ' dir="rtl"' if letter.is_rtl else ""
    new = _paragraphs(letter.text, "outlook" if letter.client == "outlook" else "gmail")
    image = f'<img src="cid:{_IMAGE_ID}" width="560" height="300" alt="">'
    new = new.replace(_IMAGE_MARK, image) + (_SIGNATURE_HTML if letter.is_own else "")
    quote = _quote(letter.previous, letter.client, depth - 1) if letter.previous and depth else ""
    if letter.client == "outlook":
        return f"{_OUTLOOK_HEAD}{new}{quote}</div>"
    return f"<div{direction}>{new}</div>{quote}"


def _quote(before: Letter, client: str, depth: int) -> str:
    if client == "outlook":
        return (
            '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0 0 0"><p class="MsoNormal">'
            f"<b>From:</b> {escape(before.sender.name)} &lt;{before.sender.email}&gt;<br>\n"
            f"<b>Sent:</b> {_long_date(before.date)}<br>\n"
            f"<b>To:</b> {escape(', '.join(each.name for each in before.to))}<br>\n"
            f"<b>Subject:</b> {escape(before.subject)}</p></div>{_html(before, depth)}"
        )
    return (
        f'<br><div class="gmail_quote"><div class="gmail_attr">{escape(_attribution(before, client))}<br></div>'
        '<blockquote class="gmail_quote" style="margin:0 0 0 0.8ex;border-left:1px solid #cccccc;padding-left:1ex">'
        f"{_html(before, depth)}</blockquote></div>"
    )


def _paragraphs(text: str, client: str) -> str:
    pieces = []
    for paragraph in re.split(r"\n{2,}", text.strip()):
        lines = [escape(line, quote=False) for line in paragraph.split("\n")]
        if all(line.startswith("- ") for line in lines):
            pieces.append("<ul>" + "".join(f"<li>{line[2:]}</li>" for line in lines) + "</ul>")
        elif client == "outlook":
            pieces.append(f'<p class="MsoNormal">{"<br>".join(lines)}</p>')
        else:
            pieces.append(f"<p>{'<br>'.join(lines)}</p>")
    return "".join(pieces)
