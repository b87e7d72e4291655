"""*Only mail with contacts*: which messages may leave the mailbox, by a few header fields of each.

A message is kept when a contact wrote or got it, when it answers something that is kept, or when it is here already
(a mail that was sent from here, a message that has been moved). A delivery report is kept when it is about a contact,
and so is what a mail server writes in words alone.
All others stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from webmail.domain.headers import parse_headers
from webmail.domain.privacy import Parties, parties_of
from webmail.domain.report_words import MAILER_LOCALS

FIELDS = (
    "MESSAGE-ID FROM TO CC BCC IN-REPLY-TO REFERENCES CONTENT-TYPE X-FAILED-RECIPIENTS X-MICROSOFT-ORIGINAL-MESSAGE-ID"
)
"""What is asked of a message in order to decide, and held in memory for no longer than that."""
_REPORT = re.compile(rb"^content-type:\s*multipart/report\b", re.IGNORECASE | re.MULTILINE)
_FAILED = re.compile(rb"^x-failed-recipients:((?:.|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
_RECIPIENT = re.compile(
    rb"^(?:(?:final|original)-recipient:\s*[^;\r\n]{1,40};|original-rcpt-to:)\s*([^\s]{3,320})",
    re.IGNORECASE | re.MULTILINE,
)
_ADDRESS = re.compile(rb"[^\s,;<>]{1,64}@[^\s,;<>]{1,255}")


@dataclass(frozen=True)
class Addressing:
    """Whom a message concerns, and what it answers."""

    parties: Parties
    ids: frozenset[str] = frozenset()
    """Its own Message-ID, and the one that its server has replaced."""
    answers: frozenset[str] = frozenset()
    is_report: bool = False
    is_prose: bool = False
    """Of a mail server that may report in words alone, such as qmail's."""


def read_addressing(header: bytes) -> Addressing:
    """Read the fields that `FIELDS` names; never raises."""
    headers = parse_headers(header)
    recipients = ([each.pair for each in group] for group in (headers.to, headers.cc, headers.bcc))
    failed = _FAILED.search(header)
    about = _addresses_in(failed[1]) if failed else frozenset()
    is_report = bool(_REPORT.search(header))
    return Addressing(
        parties=parties_of(headers.from_.email, *recipients) | about,
        ids=frozenset(filter(None, (headers.message_id, headers.original_id))),
        answers=frozenset(filter(None, (headers.in_reply_to, *headers.references))),
        is_report=is_report,
        is_prose=not is_report and bool(MAILER_LOCALS.fullmatch(headers.from_.email.partition("@")[0].lower())),
    )


def recipients_of_report(part: bytes) -> Parties:
    """Give whom a report is about, from its second part: a delivery report (RFC 3464), or a complaint (RFC 5965)."""
    return frozenset(address for found in _RECIPIENT.findall(part) for address in _addresses_in(found))


def named_in_prose(text: bytes) -> Parties:
    """Give all addresses that a mail server's words name."""
    return _addresses_in(text)


def _addresses_in(text: bytes) -> Parties:
    return parties_of("", [["", found.decode("utf-8", "replace")] for found in _ADDRESS.findall(text)])


def choose(
    heads: Mapping[int, Addressing], *, contacts: Collection[str], stored: Collection[str], own: Collection[str] = ()
) -> set[int]:
    """Say which of these messages may leave the mailbox.

    Args:
        contacts: those addresses among their parties that are a contact's, normalised.
        stored: those of their ids, and of the ids that they answer, that are here.
        own: the mailbox's own addresses, which make nobody a contact.
    """
    known = frozenset(contacts) - frozenset(own)
    kept = {uid for uid, each in heads.items() if each.parties & known or each.ids & frozenset(stored)}
    ids = {*stored, *(name for uid in kept for name in heads[uid].ids)}
    while answers := {uid for uid, each in heads.items() if uid not in kept and each.answers & ids}:
        kept |= answers
        ids |= {name for uid in answers for name in heads[uid].ids}
    return kept
