"""The mail of the mailboxes behind the stand-ins for Google and Microsoft: a few stories each, told anew to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from webmail.demo.people import RECRUITER
from webmail.demo.seed import SeedMail

_MOST = 40
_PART = 3


def newcomer_mails(
    email: str, number: int, tell: Callable[[datetime], Sequence[SeedMail]], now: datetime
) -> list[SeedMail]:
    """Give a mailbox's mail, oldest first.

    Args:
        email: whose mailbox it is; the demo's own recruiter stands in all mails, and makes room.
        number: which part of the stories it gets.
        tell: gives all of the demo's own mail.
    """
    own, theirs = RECRUITER.email.encode(), email.encode()
    told = [mail for mail in tell(now) if mail.folder in ("INBOX", "Sent")]
    part = told[number % _PART :: _PART][-_MOST:]
    return [replace(mail, content=mail.content.replace(own, theirs)) for mail in part]
