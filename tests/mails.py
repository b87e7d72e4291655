"""Mails as bytes, for tests that need some."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

BASE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def build_mail(
    number: int | str = 1,
    *,
    subject: str | None = None,
    message_id: str | None = "",
    answers: str = "",
    references: Iterable[str] = (),
    sender: str = "Cora Candidate <cora@candidates.example>",
    recipient: str = "recruiter@test.example",
    date: datetime | None = None,
    body: str = "Hello, thank you for your message.",
    extra: str = "",
) -> bytes:
    """Build a mail of plain text.

    Args:
        number: makes subject, Message-ID and date differ.
        message_id: without brackets; "" for `<number>@mails.example`, None for a mail without one.
        answers: the Message-ID that it answers.
        extra: further header lines, each ending in CRLF.
    """
    minutes = number if isinstance(number, int) else 0
    lines = [
        f"From: {sender}",
        f"To: {recipient}",
        f"Subject: {subject if subject is not None else f'Mail {number}'}",
        f"Date: {format_datetime(date or BASE + timedelta(minutes=minutes))}",
    ]
    if message_id is not None:
        lines.append(f"Message-ID: <{message_id or f'{number}@mails.example'}>")
    if answers:
        lines.append(f"In-Reply-To: <{answers}>")
    if references:
        lines.append("References: " + " ".join(f"<{each}>" for each in references))
    return ("\r\n".join(lines) + "\r\n" + extra + "\r\n" + body + "\r\n").encode()


def build_mailbox(count: int, *, size_bytes: int = 1500) -> list[bytes]:
    """Build many mails, oldest first: conversations of four, bodies of about `size_bytes`, one of ten in HTML."""
    mails = []
    text = "We have read your documents and would like to talk to you next week.\r\n"
    for number in range(count):
        first = number - number % 4
        is_html = number % 10 == 0
        body = text * (size_bytes // len(text))
        mails.append(
            build_mail(
                number,
                subject=("Re: " if number % 4 else "") + f"Position {first}",
                answers=f"{number - 1}@mails.example" if number % 4 else "",
                references=[f"{each}@mails.example" for each in range(first, number)],
                sender=f"Candidate {first} <c{first}@candidates.example>",
                date=BASE - timedelta(minutes=5 * (count - number)),
                body=f"<html><body><p>{body}</p></body></html>" if is_html else body,
                extra=f"MIME-Version: 1.0\r\nContent-Type: text/{'html' if is_html else 'plain'}; charset=utf-8\r\n",
            )
        )
    return mails
