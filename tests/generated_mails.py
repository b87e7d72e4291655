"""Mails as people may write them, made by numbers: the same number, the same mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from random import Random

from webmail.domain.addresses import Address
from webmail.domain.compose import OutgoingFile, OutgoingMail, new_message_id

_LETTERS = (
    "abcdefghijklmnopqrstuvwxyz ABCXYZ 0123456789",
    "äöüßéèçñøåæœ ÄÖÜ İıŁłŽž",
    "абвгдежз АБВ ψωλ ΑΩ",
    "日本語の件名 漢字 한국어 메일",
    "שלום עולם مرحبا بكم",
    "😀👍🏽🇫🇷 👨‍👩‍👧 e\u0301 \u200d\u00ad",
    '=?utf-8?q?x?= "quoted" <a@b> (comment) a,b;c:d\\e @ [x]',
    ".,-_/'!?&%$#*+~^{}|`",
)
_ODD_LINES = ["From the start", ".", "..", "-- ", "> quoted", "x" * 1200, " ", "\ttab", "=20=3D", "--==x=="]
_DOMAINS = ("acme.example", "bücher.example", "a-b.candidates.example", f"{'x' * 60}.{'y' * 60}.example")
_FIELD = {"List-Unsubscribe": f"<https://acme.example/u/{'x' * 120}>, <mailto:u@acme.example>"}
_TYPES = ("application/pdf", "image/png", "text/plain", "message/rfc822", "text/html; charset=x", "", "multipart/mixed")


def _text(random: Random, longest: int) -> str:
    letters = "".join(random.sample(_LETTERS, random.randint(1, 3)))
    text = "".join(random.choice(letters) for _ in range(random.randint(0, longest)))
    return " ".join(text.split())


def _body(random: Random) -> str:
    lines = [_text(random, random.choice((0, 10, 70, 300))) for _ in range(random.randint(0, 12))]
    lines += random.choice(([], _ODD_LINES))
    return random.choice(("\n", "\n", "\r\n")).join(lines) + random.choice(("", "\n", "\n\n"))


def _address(random: Random) -> Address:
    letters = "".join(random.choice("abcxyz09.+-_'!#") for _ in range(random.randint(1, 30)))
    local = ".".join(each for each in letters.split(".") if each) or "a"
    return Address(_text(random, random.choice((0, 8, 20, 120))), f"{local}@{random.choice(_DOMAINS)}")


def _file(random: Random, content_id: str = "") -> OutgoingFile:
    name = random.choice((_text(random, 60), f"{_text(random, 12)}.pdf", "../../etc/passwd", "a\nb.txt", "x" * 300))
    size = random.choice((0, 1, 56, 57, 58, 5000))
    return OutgoingFile(name, random.choice(_TYPES), random.randbytes(size), content_id)


def _long_ids(random: Random) -> list[str]:
    ids = [new_message_id("acme.example") for _ in range(random.randint(0, 40))]
    return [*ids, *random.choice(([], ["no id at all", "x" * 600 + "@y", "umläut@x", "two words@x"]))]


def generated_mail(number: int) -> OutgoingMail:
    """Give the mail of that number: any subject, names, texts and files that its fields take."""
    random = Random(number)
    zone = random.choice((UTC, timezone(timedelta(hours=-9, minutes=-30)), timezone(timedelta(hours=14))))
    is_rich = random.random() < 0.7
    picture = new_message_id("acme.example")
    body = _body(random)
    files = [_file(random) for _ in range(random.choice((0, 0, 1, 3)))]
    if is_rich and random.random() < 0.4:
        files.append(_file(random, picture))
    return OutgoingMail(
        message_id=new_message_id("acme.example"),
        date=datetime(2026, random.randint(1, 12), random.randint(1, 28), 9, 5, random.randint(0, 59), tzinfo=zone),
        from_=_address(random),
        to=[_address(random) for _ in range(random.choice((1, 1, 2, 30)))],
        cc=[_address(random) for _ in range(random.choice((0, 0, 3)))],
        reply_to=[_address(random)] if random.random() < 0.1 else (),
        subject=_text(random, random.choice((0, 20, 70, 300))),
        text=body,
        html=f"<div>{body}</div><img src='cid:{picture}'>" if is_rich else None,
        in_reply_to=random.choice(("", new_message_id("acme.example"), "no id")),
        references=_long_ids(random) if random.random() < 0.5 else (),
        attachments=files,
        headers=random.choice(({}, _FIELD)),
    )
