"""Thousands of mails as we send them: no rule of the RFCs is broken, and another parser reads what was written."""

from __future__ import annotations

from email import policy
from email.headerregistry import AddressHeader, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.parser import BytesParser
from typing import cast

import pytest

from tests.generated_mails import generated_mail
from tests.mail_linter import problems_in
from tests.mails import build_mail as received_mail
from webmail.domain.compose import OutgoingMail, build_mail

PARTS, EACH = 4, 600


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def _check(mail: OutgoingMail, raw: bytes) -> None:
    read = cast("EmailMessage", BytesParser(policy=policy.default).parsebytes(raw))
    assert not [part.defects for part in read.walk() if part.defects]
    assert str(read["Message-ID"]) == f"<{mail.message_id}>"
    assert " ".join(cast("UniqueUnstructuredHeader", read["Subject"]).split()) == mail.subject
    assert read["Date"].datetime == mail.date
    assert len(cast("AddressHeader", read["To"]).addresses) == len(mail.to)
    plain = read.get_body(("plain",))
    assert plain is not None
    assert _lines(plain.get_content()) == _lines(mail.text)
    rich = read.get_body(("html",))
    assert (rich is not None) is (mail.html is not None)
    if rich is not None and mail.html is not None:
        assert "\n".join(_lines(mail.html)) in "\n".join(_lines(rich.get_content()))
    wanted = sorted(file.content for file in mail.attachments)
    got = sorted(part.get_payload(decode=True) for part in read.walk() if part.get_content_disposition())
    assert got == wanted


@pytest.mark.parametrize("part", range(PARTS))
def test_thousands_of_mails_break_no_rule_and_are_read_by_another_parser(part: int) -> None:
    for number in range(part * EACH, (part + 1) * EACH):
        mail = generated_mail(number)
        raw = build_mail(mail)

        assert problems_in(raw) == [], number
        _check(mail, raw)


@pytest.mark.parametrize(
    ("hurt", "problem"),
    [
        (lambda raw: raw.replace(b"\r\n", b"\n", 1), "a line ends in CR or LF alone"),
        (lambda raw: raw.replace(b"Hello", "Héllo".encode()), "there are bare 8-bit bytes"),
        (lambda raw: raw.replace(b"Hello", b"x" * 999), "a line has"),
        (lambda raw: b"Subject: again\r\n" + raw, "subject stands there 2 times"),
        (lambda raw: raw.replace(b"Message-ID", b"X-Id"), "message-id is missing"),
        (lambda raw: raw.replace(b"Mail 1", b"=?utf-8?q?" + b"x" * 80 + b"?="), "has an encoded word of"),
        (lambda raw: raw.replace(b"Mail 1", b"a=?utf-8?q?x?="), "an encoded word that touches others"),
        (lambda raw: raw.replace(b"Mail 1", b"=?utf-8?b?w6?="), "an encoded word that cuts a character"),
        (lambda raw: raw.replace(b"Mon, 02", b"02"), "no date"),
        (
            lambda raw: raw.replace(b"To: recruiter@test.example", b"To: recruiter at test"),
            "to is no list of addresses",
        ),
        (lambda raw: raw.replace(b"<1@mails.example>", b"1@mails.example"), "message-id is no id"),
    ],
)
def test_the_linter_sees_what_is_wrong(hurt: object, problem: str) -> None:
    raw = received_mail(1, extra="MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n")
    assert problems_in(raw) == []

    assert any(problem in each for each in problems_in(hurt(raw)))  # type: ignore[operator]
