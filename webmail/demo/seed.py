"""Fill the demo's mailbox: all the mail of the last months, written as Maildir files in one go.

Through IMAP each mail would cost tens of milliseconds. The lists of UIDs are written along with the files, oldest mail
first: pymap would number them in the order of the directory. The same `now` gives the same mail, byte for byte.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from pymap.backend.maildir.uidlist import Record, UidList
from pymap.mailbox import MailboxSnapshot
from pymap.parsing.specials import ObjectId

from webmail.demo.letters import Letter, write_letter
from webmail.demo.oddities import odd_mails
from webmail.demo.people import RECRUITER, all_candidates
from webmail.demo.scripts import tell_bulk, tell_junk, tell_threads
from webmail.demo.story import tell_stories
from webmail.domain.addresses import Address

FOLDERS = ("INBOX", "Sent", "Drafts", "Trash", "Archive", "Junk")

_ARCHIVED_AFTER = timedelta(days=60)
_THROWN_AWAY_AFTER = timedelta(days=40)
_NEWEST = 30
# Counted from the top: which of the newest mails that wait for an answer nobody has opened yet, and which of the others
# bear a flag.
_FLAGGED = frozenset({1, 6, 11})
_UNREAD = frozenset({0, 1, 2, 4, 6, 7, 9, 10, 13, 16})
_COLON = ":"


@dataclass(frozen=True)
class SeedMail:
    """A mail in its folder; `flags` are Maildir's letters, in their order."""

    folder: str
    date: datetime
    content: bytes
    flags: str


def seed_mailbox(folder: Path, now: datetime, make: Callable[[datetime], Sequence[SeedMail]] | None = None) -> bool:
    """Make the mailbox, unless it is there.

    Args:
        folder: the Maildir to be made; it appears whole or not at all.
        now: aware UTC; the newest mail is some minutes older.
        make: gives the mail, oldest first; the demo's own when None.

    Returns:
        Whether it was made.
    """
    if folder.exists():
        return False
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    mails = (make or seed_mails)(now)
    for name in FOLDERS:
        _write_folder(
            unfinished if name == "INBOX" else unfinished / f".{name}", [m for m in mails if m.folder == name]
        )
    unfinished.rename(folder)
    return True


def seed_mails(now: datetime) -> list[SeedMail]:
    """Give all mails, oldest first."""
    now = now.replace(microsecond=0)
    letters = [*tell_stories(all_candidates(), now), *tell_threads(now)]
    answered = {letter.previous.message_id for letter in letters if letter.previous and letter.is_own}
    bulk, junk = tell_bulk(now), tell_junk(now)
    state = random.getstate()
    random.seed("boundaries")  # the stdlib draws the boundaries of multiparts from it
    try:
        mails = [
            *(SeedMail(_folder(each, now), each.date, write_letter(each), _flags(each, answered)) for each in letters),
            *(SeedMail(_folder(each, now, is_bulk=True), each.date, write_letter(each), "S") for each in bulk),
            *(SeedMail("Junk", each.date, write_letter(each), "") for each in junk),
            *(SeedMail("INBOX", at, content, "S") for at, content in odd_mails(now)),
            SeedMail("Drafts", now - timedelta(hours=22), write_letter(_draft(now)), "DS"),
        ]
    finally:
        random.setstate(state)
    return _with_news(sorted(mails, key=lambda mail: (mail.date, mail.content)))


def _folder(letter: Letter, now: datetime, *, is_bulk: bool = False) -> str:
    age = now - letter.date
    if letter.is_own:
        return "Sent"
    if is_bulk and age > _THROWN_AWAY_AFTER:
        return "Trash"
    return "Archive" if not is_bulk and age > _ARCHIVED_AFTER else "INBOX"


def _flags(letter: Letter, answered: set[str]) -> str:
    return "RS" if letter.message_id in answered else "S"


def _with_news(mails: list[SeedMail]) -> list[SeedMail]:
    """Leave some of the newest that nobody has answered unread, and mark a few with a flag."""
    newest = [mail for mail in reversed(mails) if mail.folder == "INBOX"][:_NEWEST]
    waiting = [mail for mail in newest if "R" not in mail.flags]
    unread = {id(mail) for number, mail in enumerate(waiting) if number in _UNREAD}
    read = [mail for mail in newest if id(mail) not in unread]
    flagged = {id(mail) for number, mail in enumerate(read) if number in _FLAGGED}
    return [
        replace(mail, flags="" if id(mail) in unread else f"F{mail.flags}" if id(mail) in flagged else mail.flags)
        for mail in mails
    ]


def _draft(now: datetime) -> Letter:
    text = "Hi Marta,\n\nas promised, my short list for spring:\n\n- Aisha Siddiqui, once she has met you\n- "
    return Letter(
        key="draft/short-list",
        sender=RECRUITER,
        to=(Address("Marta Olsson", "marta.olsson@tidewater.example"),),
        date=now - timedelta(hours=22),
        subject="Short list for spring",
        text=text,
    )


def _write_folder(path: Path, mails: Sequence[SeedMail]) -> None:
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True)
    if path.name.startswith("."):
        (path / "maildirfolder").touch()
    uids = UidList(str(path), MailboxSnapshot.new_uid_validity(), len(mails) + 1)
    for uid, mail in enumerate(mails, 1):
        key = f"{int(mail.date.timestamp())}.M{uid:06d}.demo"
        name = f"{key}{_COLON}2,{mail.flags}"
        (path / "cur" / name).write_bytes(mail.content)
        # pymap takes a file's time for the time of arrival.
        os.utime(path / "cur" / name, (mail.date.timestamp(), mail.date.timestamp()))
        fields = {"E": str(ObjectId.random_email_id()), "T": str(ObjectId.random_thread_id())}
        uids.set(Record(uid, fields, name))
    with (path / UidList.FILE_NAME).open("w", encoding="ascii", newline="") as out:
        uids.write(out)
