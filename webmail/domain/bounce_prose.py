"""Bounces that are written for people alone: qmail's, Exim's, old Exchange's, and whoever else's.

Here nothing is certain. A sender that is a mail server, words of failure, and an address are all needed; what is found
counts only where a mail of ours went to that address (`webmail.sync.reports`).
"""

from __future__ import annotations

import re

from webmail.domain.addresses import normalise_email
from webmail.domain.delivery_status import MOST_RECIPIENTS, Concerned, is_dead_address, status_in
from webmail.domain.report_words import BOUNCE_PHRASES, BOUNCE_SUBJECTS, DELAY_PHRASES, MAILER_LOCALS, plain_words

_MOST_TEXT = 64 * 1024
_MOST_WORDS = 500
_ADDRESS = re.compile(r"(?<![\w.+@-])[\w.+=&'/-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_RETURNED = re.compile(
    r"^(?:[-=_*]{2,}[^\n]{0,80}\b(?:copy|original|returned|message follows|message header|unsent|kopie|ursprünglich|"
    r"nachricht folgt|message d'origine|kopia)\b[^\n]{0,80}|(?:Return-Path|Received|Message-ID|Reporting-MTA|"
    r"Original message headers|Headers of the original message)\s*:[^\n]*|"
    r">{1,3} ?(?:From|Received|Message-ID):[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_CODED = re.compile(r"(?:(?<![\d.:])[45]\d\d(?=[ \-#(:;]))|(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\d)")
_ID = re.compile(
    r"^[ \t>]{0,9}(?:X-Original-)?Message-ID\s{0,9}:\s{0,9}<([^<>\s]{1,996})>", re.IGNORECASE | re.MULTILINE
)


def read_prose(subject: str, text: str, failed: list[str], own: set[str]) -> tuple[str, list[Concerned]]:
    """Read what a mail server wrote to a person.

    Args:
        subject: of the report.
        text: what a reader sees of it.
        failed: addresses that its header names as failed (`X-Failed-Recipients`).
        own: addresses, normalised, that are not meant: whom it comes from and whom it goes to.

    Returns:
        `bounce` or `delay`, and whom it is about; "" where it is neither.
    """
    said = _before_the_copy(text[:_MOST_TEXT])
    words, title = plain_words(said), plain_words(subject)
    is_delay = bool(DELAY_PHRASES.search(title) or DELAY_PHRASES.search(words))
    if not (is_delay or failed or BOUNCE_SUBJECTS.search(title) or BOUNCE_PHRASES.search(words)):
        return "", []
    paragraphs = [each for each in re.split(r"\n[ \t]*\n", said) if each.strip()]
    emails = [normalise_email(each) for each in failed] or _addresses(said, own)
    if not is_delay or failed:
        is_delay = is_delay and not _says_for_good(words)
    concerned = [_concerned(email, paragraphs, is_delay=is_delay) for email in emails[:MOST_RECIPIENTS]]
    return ("delay" if is_delay else "bounce"), concerned


def _says_for_good(words: str) -> bool:
    return bool(re.search(r"permanent|returning message to sender|giv(?:en|ing) up|endgültig|définiti", words))


def ids_in_text(text: str) -> list[str]:
    """Give the Message-IDs that stand in a report as lines of a returned header."""
    return list(dict.fromkeys(_ID.findall(text[:_MOST_TEXT])))[:20]


def _before_the_copy(text: str) -> str:
    found = _RETURNED.search(text)
    # A report that begins with the copy has nothing else to say.
    return text[: found.start()] if found and found.start() > 40 else text


def _addresses(text: str, own: set[str]) -> list[str]:
    found = (normalise_email(each.strip("'.")) for each in _ADDRESS.findall(text))
    others = (each for each in dict.fromkeys(found) if each not in own)
    return [each for each in others if not MAILER_LOCALS.fullmatch(each.partition("@")[0])]


def _concerned(email: str, paragraphs: list[str], *, is_delay: bool) -> Concerned:
    words = _words_about(email, paragraphs)
    status = status_in(words)
    action = "delayed" if is_delay else "failed"
    return Concerned(email, not is_delay and is_dead_address(status, words), status, words, action)


def _words_about(email: str, paragraphs: list[str]) -> str:
    """Give what is said of an address: beside it, or in the next paragraphs; else the first words with a code."""
    for at, paragraph in enumerate(paragraphs):
        where = paragraph.casefold().find(email)
        if where < 0:
            continue
        rest = paragraph[where + len(email) :]
        for said in (rest, *paragraphs[at + 1 : at + 3], paragraph[:where]):
            if _CODED.search(said):
                return _tidy(said)
        if len(rest.strip(" \t\n<>:.()[]\"'")) > 8:
            return _tidy(rest)
    coded = next((each for each in paragraphs if _CODED.search(each)), "")
    return _tidy(coded or next(iter(paragraphs), ""))


def _tidy(words: str) -> str:
    found = _CODED.search(words)
    start = found.start() if found and found.start() > 200 else 0
    return " ".join(words[start:].split()).strip("<>:()[]\"' ")[:_MOST_WORDS]
