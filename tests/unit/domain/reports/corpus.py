"""The corpus of mails that machines write, and of those that only look so; read from the text files beside this.

An entry begins with `==== name`, then a line of what it is: `= kind | address permanent|temporary status, … | marks`.
The marks are `id` (it names our mail), `person` or `machine` (who wrote it), `token` (it holds the link's), `forged`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from webmail.domain.headers import split_fields
from webmail.domain.mime import parse_message
from webmail.domain.reports import REPORT_TYPES, MailPart, ReceivedMail, needs_parts
from webmail.domain.text import html_to_text
from webmail.domain.unsubscribe import derive_key, make_token

ME = "recruiter@acme.example"
ORIGINAL_ID = "4f0c9d@acme.example"
TOKEN = make_token(derive_key("a secret"), UUID(int=7))
_RETURNED = f"""Message-ID: <{ORIGINAL_ID}>
Date: Mon, 2 Nov 2026 09:00:00 +0000
From: Rita <{ME}>
To: Cora Candidate <cora@candidates.example>
Subject: A position for you
MIME-Version: 1.0"""


@dataclass(frozen=True)
class Entry:
    """A mail of the corpus and what it is; `concerned` as "address permanent|temporary status" or the address alone."""

    name: str
    raw: bytes
    kind: str
    concerned: list[str]
    marks: frozenset[str]


@lru_cache
def entries() -> list[Entry]:
    """Give all mails of the corpus."""
    return [entry for path in sorted(Path(__file__).parent.glob("*.txt")) for entry in _entries_of(path)]


def _entries_of(path: Path) -> Iterator[Entry]:
    for block in path.read_text("utf-8").split("==== ")[1:]:
        name, expected, mail = block.split("\n", 2)
        kind, concerned, marks = (each.strip() for each in expected.removeprefix("= ").split("|"))
        for macro, value in (("@RETURNED", _RETURNED), ("@ME", ME), ("@ID", ORIGINAL_ID), ("@TOKEN", TOKEN)):
            mail = mail.replace(macro, value)
        yield Entry(
            f"{path.stem}: {name}",
            mail.replace("\n", "\r\n").encode(),
            "" if kind == "none" else kind,
            [each.strip() for each in concerned.split(",") if each.strip()],
            frozenset(marks.split()),
        )


def received(raw: bytes) -> ReceivedMail:
    """Take a mail apart as the sync has it: header, what a reader sees, and the parts that it asks for."""
    parsed = parse_message(raw)
    fields = split_fields(raw)
    leaves = list(_leaves(message_from_bytes(raw)))
    types = frozenset(each.get_content_type() for each in leaves)
    wanted = [each for each in leaves if each.get_content_type() in REPORT_TYPES] if needs_parts(fields, types) else []
    return ReceivedMail(
        fields=fields,
        text=parsed.text or html_to_text(parsed.html),
        media_types=types,
        parts=tuple(MailPart(each.get_content_type(), _content(each)) for each in wanted),
    )


def _leaves(node: Message) -> Iterator[Message]:
    if node.get_content_maintype() == "multipart" and isinstance(node.get_payload(), list):
        for child in node.get_payload():
            yield from _leaves(child)  # type: ignore[arg-type]  # a multipart's payload is messages
    else:
        yield node


def _content(node: Message) -> bytes:
    payload = node.get_payload()
    if isinstance(payload, list):
        return b"\n".join(each.as_bytes() for each in payload)
    content = node.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
