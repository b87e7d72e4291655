"""Mailboxes as recruiters have them, made from a seed: the same bytes each time.

Of 100 mails about 45 are short and plain, 20 are answers with the quoted text below, 23 are newsletters or notices in
HTML, 12 carry files (a CV, a picture in the text); one in six conversations is in another alphabet, and one mail in
fifty has a defect. 10,000 mails are about 350 MB, nearly all of it attachments. Times lie in the two years before a
fixed day.

Mails are written as Maildir files, as a delivery agent leaves them: LF, sizes in the name, INTERNALDATE in mtime.
"""

from __future__ import annotations

import base64
import os
import quopri
import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

NEWEST = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
OWNER = "Rita Recruiter <rita@agency.example>"
_TWO_YEARS_S = 2 * 365 * 86400
_REMEMBERED = 400
"""How many conversations are still being answered at any time."""

_WORDS = (
    "the position candidate interview thank you for your message we would like to invite next week salary notice "
    "period experience team project attached documents please let me know if that works best regards call tomorrow "
    "morning client feedback profile start date remote office contract engineer sales nurse manager software hospital "
    "berlin london available question offer signed reference referee hiring process second round panel travel costs"
).split()
_NAMES = "Ann Bob Cora Dan Eve Finn Gül Hana Igor Jörg Kim Lea Max Nora Otto Pia Quinn Rosa Søren Tess Uwe Vera".split()
_SURNAMES = "Adler Baker Çelik Dubois Engel Fischer Gómez Huber Ito Jones Kovač Lehmann Müller Novák Olsen Park".split()
_ALPHABETS = (
    (
        "koi8-r",
        "Собеседование на следующей неделе",
        "Здравствуйте! Благодарим за ваше письмо, мы хотели бы поговорить. ",
    ),
    ("iso-2022-jp", "面接のご案内", "お世話になっております。来週の面接についてご連絡いたします。"),
    ("gb18030", "关于职位的面试安排", "您好，感谢您的来信，我们希望下周与您面谈。"),
    ("utf-8", "مقابلة الأسبوع القادم", "شكرا على رسالتكم، نود أن نتحدث معكم الأسبوع القادم. "),
    (
        "iso-8859-1",
        "Vorstellungsgespräch für die Stelle",
        "Vielen Dank für Ihre Nachricht, wir würden Sie gerne kennenlernen. ",
    ),
)


@dataclass
class _Conversation:
    subject: str
    person: str
    alphabet: int | None
    ids: list[str] = field(default_factory=list)
    last_text: str = ""


@dataclass(frozen=True)
class Mail:
    """One mail of a mailbox: its bytes (lines end in LF), when it came, and what its owner did with it."""

    raw: bytes
    arrived_at: datetime
    folder: str
    flags: str


def build_mails(count: int, *, seed: int = 1) -> Iterator[Mail]:
    """Yield a mailbox, oldest first."""
    rng = random.Random(seed)
    blob = rng.randbytes(1_500_000)
    open_ones: list[_Conversation] = []
    step_s = _TWO_YEARS_S / max(count, 1)
    for number in range(count):
        date = NEWEST - timedelta(seconds=int((count - number) * step_s))
        kind = rng.random()
        if kind < 0.23:
            yield Mail(_newsletter(rng, number, date), date, "INBOX", "S" if rng.random() < 0.5 else "")
            continue
        if open_ones and rng.random() < 0.6:
            conversation = rng.choice(open_ones)
        else:
            conversation = _begin(rng)
            open_ones.append(conversation)
            del open_ones[:-_REMEMBERED]
        is_sent = bool(conversation.ids) and rng.random() < 0.35
        raw = _letter(rng, blob, number, date, conversation, is_sent=is_sent, has_files=kind > 0.88)
        raw = _damaged(rng, raw) if rng.random() < 0.02 else raw
        flags = "S" if is_sent or number < count * 0.95 else ""
        yield Mail(raw, date, "Sent" if is_sent else "INBOX", flags)


def _begin(rng: random.Random) -> _Conversation:
    alphabet = rng.randrange(len(_ALPHABETS)) if rng.random() < 0.16 else None
    subject = _sentence(rng, 5) if alphabet is None else f"{_ALPHABETS[alphabet][1]} {rng.randrange(1000)}"
    name = f"{rng.choice(_NAMES)} {rng.choice(_SURNAMES)}"
    return _Conversation(subject, f"{_encoded(name)} <p{rng.randrange(10**6)}@candidates.example>", alphabet)


def _letter(
    rng: random.Random,
    blob: bytes,
    number: int,
    date: datetime,
    conversation: _Conversation,
    *,
    is_sent: bool,
    has_files: bool,
) -> bytes:
    answers = conversation.ids[-1:]
    own_id = f"{number}.{rng.randrange(10**9)}@mail.example"
    charset, text = _text(rng, conversation)
    quoted = "".join(f"> {line}\n" for line in conversation.last_text.splitlines()[:120])
    body = f"{text}\n\nOn {date:%d %b %Y} somebody wrote:\n{quoted}" if answers else text
    head = [
        f"Return-Path: <bounce@{number % 50}.example>",
        f"Received: from mx{number % 9}.example (mx{number % 9}.example [192.0.2.{number % 250}])\n"
        f"\tby mail.agency.example with ESMTPS id {rng.randrange(10**12):x}\n\tfor <rita@agency.example>; "
        + format_datetime(date),
        f"From: {OWNER if is_sent else conversation.person}",
        f"To: {conversation.person if is_sent else OWNER}",
        f"Subject: {_encoded(('Re: ' if answers else '') + conversation.subject)}",
        f"Date: {format_datetime(date)}",
        f"Message-ID: <{own_id}>",
        "MIME-Version: 1.0",
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=candidates.example; s=s1;\n\tbh="
        + base64.b64encode(blob[number % 9999 :][:32]).decode(),
    ]
    if answers:
        head.append(f"In-Reply-To: <{answers[0]}>")
        head.append("References: " + "\n ".join(f"<{each}>" for each in conversation.ids[-12:]))
    conversation.ids.append(own_id)
    conversation.last_text = body[:6000]
    content = _alternative(rng, number, body, charset) if rng.random() < 0.55 else _plain(body, charset)
    if has_files:
        content = _with_files(rng, blob, number, content)
    return ("\n".join(head) + "\n").encode() + content


def _text(rng: random.Random, conversation: _Conversation) -> tuple[str, str]:
    if conversation.alphabet is None:
        paragraphs = [
            "\n".join(_sentence(rng, 12) for _ in range(rng.randrange(2, 7))) for _ in range(rng.randrange(1, 5))
        ]
        return "utf-8", "\n\n".join(paragraphs)
    charset, _, sentence = _ALPHABETS[conversation.alphabet]
    return charset, "\n".join(sentence * 2 for _ in range(rng.randrange(3, 20)))


def _sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(_WORDS, k=words)).capitalize() + "."


def _encoded(text: str) -> str:
    if text.isascii():
        return text
    pieces = [text[at : at + 12] for at in range(0, len(text), 12)]
    return "\n ".join(f"=?utf-8?B?{base64.b64encode(piece.encode()).decode()}?=" for piece in pieces)


def _plain(body: str, charset: str) -> bytes:
    content = body.encode(charset, "replace")
    if charset == "iso-2022-jp" or content.isascii():
        return (
            f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 7bit\n\n".encode()
            + content
            + b"\n"
        )
    if charset == "iso-8859-1":
        head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: quoted-printable\n\n"
        return head.encode() + quopri.encodestring(content) + b"\n"
    head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n\n"
    return head.encode() + base64.encodebytes(content)


def _alternative(rng: random.Random, number: int, body: str, charset: str) -> bytes:
    edge = f"=_alt_{number}_{rng.randrange(10**9)}"
    rows = "".join(f'<div class=3D"x">{line or "<br>"}</div>\n' for line in body.splitlines())
    html = f"<html><head><style>p {{ margin: 0 }}</style></head><body>{rows}</body></html>".replace("=3D", "=")
    return (
        f'Content-Type: multipart/alternative; boundary="{edge}"\n\n--{edge}\n'.encode()
        + _plain(body, charset)
        + f"\n--{edge}\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n".encode()
        + quopri.encodestring(html.encode())
        + f"\n--{edge}--\n".encode()
    )


def _with_files(rng: random.Random, blob: bytes, number: int, content: bytes) -> bytes:
    edge = f"=_mix_{number}"
    parts = [content]
    for at in range(rng.choice((1, 1, 1, 2, 3))):
        size = int(min(rng.lognormvariate(11.2, 0.9), 1_400_000))
        start = rng.randrange(len(blob) - size)
        is_picture = at > 0 and rng.random() < 0.5
        kind, name = (
            ("image/png", f"picture{at}.png") if is_picture else ("application/pdf", f"Lebenslauf_{number}_{at}.pdf")
        )
        head = (
            f'Content-Type: {kind}; name="{name}"\nContent-Transfer-Encoding: base64\n'
            f'Content-Disposition: {"inline" if is_picture else "attachment"}; filename="{name}"\n'
            + (f"Content-ID: <{number}.{at}@picture>\n" if is_picture else "")
        )
        parts.append(head.encode() + b"\n" + base64.encodebytes(blob[start : start + size]))
    joined = f"\n--{edge}\n".encode().join([b"", *parts])
    return f'Content-Type: multipart/mixed; boundary="{edge}"\n'.encode() + joined + f"\n--{edge}--\n".encode()


def _newsletter(rng: random.Random, number: int, date: datetime) -> bytes:
    edge = f"----=_Part_{number}"
    sender = rng.randrange(60)
    cells = "".join(
        f'<tr><td style="padding:8px;font-family:Arial,sans-serif;color:#333333"><a href="https://news{sender}.example/c/'
        f'{rng.randrange(10**12):x}?utm_source=mail&amp;utm_campaign={number}"><img src="https://img.example/{number}/{row}.png" '
        f'width="560" alt=""></a><h2>{_sentence(rng, 6)}</h2><p>{_sentence(rng, 40)}</p></td></tr>\n'
        for row in range(rng.randrange(8, 45))
    )
    html = f"<!DOCTYPE html><html><head><title>News</title><style>{'td {{ border: 0 }} ' * 40}</style></head><body><table>{cells}</table></body></html>"
    plain = "\n".join(_sentence(rng, 12) for _ in range(rng.randrange(5, 40)))
    head = (
        f"From: News {sender} <news@news{sender}.example>\nTo: {OWNER}\nSubject: {_sentence(rng, 7)}\n"
        f"Date: {format_datetime(date)}\nMessage-ID: <{number}.{rng.randrange(10**9)}@news{sender}.example>\n"
        f"List-Id: <list{sender}.news.example>\nList-Unsubscribe: <https://news{sender}.example/u/{number}>\n"
        f'MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary="{edge}"\n\n'
    )
    return (
        head.encode()
        + f"--{edge}\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 7bit\n\n{plain}\n".encode()
        + f"--{edge}\nContent-Type: text/html; charset=UTF-8\nContent-Transfer-Encoding: quoted-printable\n\n".encode()
        + quopri.encodestring(html.encode())
        + f"\n--{edge}--\n".encode()
    )


def _damaged(rng: random.Random, raw: bytes) -> bytes:
    """Do to a mail what senders and servers do."""
    kind = rng.randrange(7)
    head, _, body = raw.partition(b"\n\n")
    lines = head.split(b"\n")
    if kind == 0:
        lines = [line for line in lines if not line.startswith(b"Message-ID")]
    elif kind == 1:
        lines = [b"Date: Thursday, yesterday" if line.startswith(b"Date:") else line for line in lines]
    elif kind == 2:
        lines.append(b"Subject: J\xf6rg \xfcber alles")
    elif kind == 3:
        body = body[: len(body) // 2]
    elif kind == 4:
        lines = [line.replace(b"charset=utf-8", b"charset=x-unknown-9") for line in lines]
    elif kind == 5:
        lines = [line for line in lines if not line.startswith(b"MIME-Version")]
    else:
        lines = [
            b"Message-ID: <always-the-same@scanner.example>" if line.startswith(b"Message-ID") else line
            for line in lines
        ]
    return b"\n".join(lines) + b"\n\n" + body


def write_maildir(folder: Path, count: int, *, seed: int = 1) -> int:
    """Write a mailbox as Maildir++ (INBOX, Sent) into `folder`; gives its size in bytes. One that is there is kept."""
    marker = folder / f".complete-{count}-{seed}"
    if marker.exists():
        return int(marker.read_text())
    shutil.rmtree(folder, ignore_errors=True)
    for path in (folder, folder / ".Sent"):
        for each in ("cur", "new", "tmp"):
            (path / each).mkdir(parents=True, exist_ok=True)
    (folder / ".Sent" / "maildirfolder").touch()
    total = 0
    for number, mail in enumerate(build_mails(count, seed=seed)):
        base = folder if mail.folder == "INBOX" else folder / f".{mail.folder}"
        moment = int(mail.arrived_at.timestamp())
        wire_bytes = len(mail.raw) + mail.raw.count(b"\n")
        name = f"{moment}.M{number:06d}P1.bench,S={len(mail.raw)},W={wire_bytes}:2,{mail.flags}"
        file = base / "cur" / name
        file.write_bytes(mail.raw)
        os.utime(file, (moment, moment))
        total += wire_bytes
    marker.write_text(str(total))
    return total


def link_maildir(source: Path, target: Path, *, owner: int = 5000) -> None:
    """Give a mailbox its own copy of a Maildir, without indexes, by hard links: no two readers share a cache."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-al", str(source), str(target)], check=True)
    subprocess.run(["chown", "-R", f"{owner}:{owner}", str(target.parent)], check=True)
