"""Mails as programs write them, labelled with the conversation that a person would put them in.

Each set is a list of (label, mail): the same label means the same conversation. Sources stand beside the sets.
"""

from __future__ import annotations

from tests.mails import build_mail

Labelled = list[tuple[str, bytes]]


def mail(
    name: str, subject: str, *, answers: str = "", references: str = "", sender: str = "c@candidates.example"
) -> bytes:
    """Build a mail; names stand for Message-IDs, `references` are several of them."""
    return build_mail(
        name,
        subject=subject,
        message_id=f"{name}@x.example",
        answers=f"{answers}@x.example" if answers else "",
        references=[f"{each}@x.example" for each in references.split()],
        sender=sender,
    )


SETS: dict[str, Labelled] = {
    # Gmail writes In-Reply-To and the whole chain of References, and keeps "Re:" single.
    "gmail answers": [
        ("a", mail("1", "Interview on Monday")),
        ("a", mail("2", "Re: Interview on Monday", answers="1", references="1")),
        ("a", mail("3", "Re: Interview on Monday", answers="2", references="1 2")),
    ],
    # Gmail itself begins a new thread when the subject is changed in an answer: In-Reply-To stays all the same. Here
    # In-Reply-To is trusted alone (field notes 6.10), so that a clarified subject stays with what it answers.
    "an answer under another subject": [
        ("a", mail("1", "Interview on Monday")),
        ("a", mail("2", "Interview on Tuesday (was: Monday)", answers="1", references="1")),
    ],
    # Outlook in German, Swedish, French …: its own prefixes, In-Reply-To and References as they should be.
    "outlook answers in many languages": [
        ("a", mail("1", "Your application")),
        ("a", mail("2", "AW: Your application", answers="1", references="1")),
        ("a", mail("3", "SV: AW: Your application", answers="2", references="1 2")),
        ("a", mail("4", "RE: SV: AW: Your application", references="1 2 3")),
        ("a", mail("5", "TR: Your application", references="1")),
    ],
    # Outlook for Windows leaves In-Reply-To out when it forwards; Exchange keeps References.
    "outlook forwards": [
        ("a", mail("1", "Contract")),
        ("a", mail("2", "FW: Contract", references="1")),
        ("a", mail("3", "WG: FW: Contract", references="1 2")),
    ],
    # pain 10, chatwoot#15869: somebody writes about something new by answering an old mail with some programs that keep
    # only References.
    "a new topic by way of an old mail": [
        ("a", mail("1", "Interview")),
        ("b", mail("2", "Salary", references="1")),
        ("b", mail("3", "Re: Salary", answers="2", references="1 2")),
    ],
    # The subject alone joins nobody: hundreds of candidates write "Application".
    "strangers with one subject": [
        ("a", mail("1", "Application")),
        ("b", mail("2", "Application", sender="d@candidates.example")),
        ("c", mail("3", "Re: Application", sender="e@candidates.example")),
    ],
    # Mails whose middle is missing here: the answered mail went to a colleague.
    "a missing link": [
        ("a", mail("1", "Offer")),
        ("a", mail("3", "Re: Offer", answers="2", references="1 2")),
        ("a", mail("4", "Re: Offer", answers="3", references="1 2 3")),
    ],
    # Mailing lists put their tag before the subject, or between the prefixes.
    "a list's tag": [
        ("a", mail("1", "[jobs] New opening")),
        ("a", mail("2", "Re: [jobs] New opening", references="1")),
        ("a", mail("3", "[jobs] Re: New opening", references="1 2")),
    ],
    # Old Outlook: "RE[2]:", "Re(3):", "Re^2:".
    "counted answers": [
        ("a", mail("1", "Start date")),
        ("a", mail("2", "RE[2]: Start date", references="1")),
        ("a", mail("3", "Re(3): Start date", references="1")),
        ("a", mail("4", "Re^2: Start date", references="1")),
    ],
    # Apple Mail on a telephone cuts long chains of References from the middle.
    "a shortened chain": [
        ("a", mail("1", "Documents")),
        ("a", mail("2", "Re: Documents", answers="1", references="1")),
        ("a", mail("3", "Re: Documents", answers="2", references="1 2")),
        ("a", mail("9", "Re: Documents", answers="3", references="1 3")),
    ],
    # No subject at all: the reference says that they are related, so an empty subject is one like another.
    "no subject": [
        ("a", mail("1", "")),
        ("a", mail("2", "Re:", references="1")),
        ("b", mail("3", "")),
    ],
    # An automatic answer names what it answers; so does a bounce.
    "automatic answers": [
        ("a", mail("1", "Interview")),
        ("a", mail("2", "Automatic reply: Interview", answers="1")),
        ("a", mail("3", "Undeliverable: Interview", answers="1")),
    ],
    # A new mail to an old acquaintance is a conversation of its own, whatever they wrote about before.
    "the same people again": [
        ("a", mail("1", "Lunch")),
        ("a", mail("2", "Re: Lunch", answers="1")),
        ("b", mail("3", "Lunch")),
        ("b", mail("4", "Re: Lunch", answers="3")),
    ],
}
