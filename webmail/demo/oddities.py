"""Mails that arrive in a poor state, as some do in every mailbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime

from webmail.demo.people import RECRUITER


def odd_mails(now: datetime) -> list[tuple[datetime, bytes]]:
    """Give the mails with the times at which they came."""
    made: list[tuple[float, Callable[[str], bytes]]] = [
        (16.2, _undeclared),
        (33.4, _unknown_charset),
        (54.1, _acceptance),
    ]
    return [
        (at, make(format_datetime(at)).replace(b"\n", b"\r\n"))
        for at, make in (((now - timedelta(days=days)).replace(microsecond=0), make) for days, make in made)
    ]


def _undeclared(date: str) -> bytes:
    """Latin-1 in header and body that calls itself ASCII, as a fax gateway in Chur has sent it for twenty years."""
    text = f"""Message-ID: <20261104.fax.0017@amtsstube.example>
Date: {date}
From: Zeugnisstelle Graubünden <zeugnisse@amtsstube.example>
To: {RECRUITER.email}
Subject: Bestätigung für Herrn Oberholzer, geprüft und für gut befunden
Content-Type: text/plain; charset=us-ascii

Guten Tag

Wir bestätigen, dass Herr Stefan Oberholzer die Prüfung für Führungskräfte
in Zürich abgelegt hat. Das Original folgt per Post.

Freundliche Grüsse
Zeugnisstelle
"""
    return text.encode("latin-1")


def _unknown_charset(date: str) -> bytes:
    """A charset that nobody knows, and a Subject that is cut off in the middle of an encoded word."""
    head = f"""Message-ID: <e77-1190@oldsys.example>
Date: {date}
From: "Personalverwaltung" <personal@oldsys.example>
To: {RECRUITER.email}
Subject: =?x-mac-winlatin?Q?R=FCckfrage_zu_Ihrer_Anfrage_vom_Dienstag?= =?utf-8?B?w7xi
MIME-Version: 1.0
Content-Type: text/plain; charset="x-mac-winlatin"
Content-Transfer-Encoding: quoted-printable

"""
    body = (
        "Guten Tag,=0A=0AHerr Vogt war bis M=E4rz bei uns besch=E4ftigt. Ein Zeugnis wird gew=FCnscht?=0A=0AGr=FC=DFe\n"
    )
    return (head + body).encode("ascii")


def _acceptance(date: str) -> bytes:
    """A calendar's answer, which has no text but the calendar's own."""
    return f"""Message-ID: <cal-20f1@tidewater.example>
Date: {date}
From: Marta Olsson <marta.olsson@tidewater.example>
To: Robin Hale <{RECRUITER.email}>
Subject: Accepted: Quarterly review, Northlight and Tidewater
MIME-Version: 1.0
Auto-Submitted: auto-replied
Content-Type: text/calendar; charset="utf-8"; method=REPLY

BEGIN:VCALENDAR
VERSION:2.0
METHOD:REPLY
BEGIN:VEVENT
UID:quarterly-review@northlight.example
SUMMARY:Quarterly review, Northlight and Tidewater
ATTENDEE;PARTSTAT=ACCEPTED:mailto:marta.olsson@tidewater.example
END:VEVENT
END:VCALENDAR
""".encode()
