"""Hostile mails by families: each is a whole mail as bytes; what is harmless in it says KEEP ME, and must stay."""

from __future__ import annotations

from base64 import b64encode
from itertools import product

from tests.unit.domain.hostile import FAMILIES as HTML_FAMILIES

Corpus = dict[str, list[bytes]]

OVERLAYS = (
    "position:fixed;inset:0;z-index:2147483647;background:red",
    "position:absolute;top:-4000px;left:-4000px;width:9000px;height:9000px",
    "position:sticky;top:0;height:100vh",
    "margin:-3000px;padding:3000px",
    "margin-top:-9999px;height:9999px",
    "transform:scale(100)",
    "width:100000px",
    "height:2000000px",
    "font-size:5000px;line-height:0",
    "letter-spacing:-900px",
    "text-indent:-9999px",
    "float:left;width:300vw;height:300vh",
    "display:none",
    "opacity:0",
    "visibility:hidden",
    "clip-path:circle(0)",
    "outline:9999px solid red",
    "box-shadow:0 0 0 9999px red",
    "pointer-events:all;cursor:none",
    "zoom:100",
    "top:0;left:0;position:FIXED !important",
    "pos\\69tion:fixed;inset:0",
    "position:/**/fixed",
    "columns:1000",
    "filter:blur(99px)",
    "writing-mode:vertical-rl;height:99999px",
)
NAMES = (
    "../../etc/passwd",
    "..\\..\\windows\\system32\\cmd.exe",
    "/etc/passwd",
    "C:\\boot.ini",
    "cv.pdf\x00.exe",
    "cv\u202efdp.exe",
    "cv.pdf" + " " * 200 + ".exe",
    'a";b=".exe',
    "a\r\nSet-Cookie: x=1",
    "<img src=x onerror=alert(1)>.png",
    "'><script>alert(1)</script>.txt",
    "con.txt",
    ".htaccess",
    "~",
    "..",
    ".",
    "",
    "-rf",
    "%2e%2e%2f.txt",
    "x" * 3000 + ".txt",
    "\U0001f600\u0301.pdf",
    "a;b,c=d.txt",
    "page.html",
    "picture.svg",
    "script.js",
    "style.css",
    "x.xhtml",
    "x.mhtml",
)
TYPES = (
    "text/html",
    "image/svg+xml",
    "application/javascript",
    "application/xhtml+xml",
    "text/xml",
    "x/y; charset=\x01",
)
VALUES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202eKcolb\u2066",
    "x" * 5000,
    "=?utf-8?q?=3Cscript=3Ealert(1)=3C/script=3E?=",
    "=?utf-8?b?PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==?=",
    "=?nonsense?q?=FF=FE?=",
    "=?utf-8?q?=0D=0ABcc:_x@evil.example?=",
    "\x01\x02\x7f",
)
FIELDS = ("Subject", "From", "To", "Cc", "Reply-To", "Date", "In-Reply-To", "List-Unsubscribe")


PLAIN = "Content-Type: text/plain; charset=utf-8"


def mail(body: bytes, *, headers: str = PLAIN, field: str = "", value: str = "") -> bytes:
    """Build a mail; `field` is set to `value`, whatever that breaks."""
    lines = {
        "From": "Eve <eve@evil.example>",
        "To": "rita@acme.example",
        "Subject": "Hostile",
        "Date": "Mon, 2 Nov 2026 09:00:00 +0000",
    }
    lines[field or "X-None"] = value
    head = "\r\n".join(f"{name}: {text}" for name, text in lines.items())
    return f"{head}\r\nMIME-Version: 1.0\r\n{headers}\r\n\r\n".encode("utf-8", "surrogateescape") + body


def html_mail(source: str) -> bytes:
    return mail(source.encode("utf-8", "replace"), headers="Content-Type: text/html; charset=utf-8")


def attached(name: str, media_type: str = "application/pdf") -> bytes:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    kind = f'Content-Type: {media_type}\r\nContent-Disposition: attachment; filename="{quoted}"'
    part = f"{kind}\r\n\r\n<script>alert(1)</script>"
    body = f"--b\r\nContent-Type: text/plain\r\n\r\nKEEP ME\r\n--b\r\n{part}\r\n--b--\r\n"
    return mail(body.encode("utf-8", "replace"), headers="Content-Type: multipart/mixed; boundary=b")


def _nested(depth: int) -> bytes:
    opening = "".join(f"--b{at}\r\nContent-Type: multipart/mixed; boundary=b{at + 1}\r\n\r\n" for at in range(depth))
    return mail(f"{opening}--b{depth}\r\n\r\ndeep".encode(), headers="Content-Type: multipart/mixed; boundary=b0")


def _wrapped(depth: int) -> bytes:
    wrapped = mail(b"deep")
    for _ in range(depth):
        wrapped = mail(wrapped, headers="Content-Type: message/rfc822")
    return wrapped


def _many_parts(count: int) -> bytes:
    parts = "--b\r\nContent-Type: text/plain\r\n\r\nKEEP ME\r\n" * count
    return mail(parts.encode() + b"--b--\r\n", headers="Content-Type: multipart/mixed; boundary=b")


def _bombs() -> list[bytes]:
    html = "Content-Type: text/html; charset=utf-8"
    return [
        *(_nested(depth) for depth in (10, 100, 1000)),
        *(_wrapped(depth) for depth in (5, 50, 150)),
        *(_many_parts(count) for count in (100, 3000)),
        mail(b"KEEP ME" + b"<div>" * 50_000, headers=html),
        mail(b"KEEP ME" + b"<b><i>" * 20_000, headers=html),
        mail(b"KEEP ME" + b"<table><tr><td>" * 3_000, headers=html),
        mail(b"KEEP ME" + b"<blockquote>" * 5_000, headers=html),
        mail(b"KEEP ME " + b"<p a=" + b"x" * 2_000_000, headers=html),
        mail(b"KEEP ME " + b"&amp;" * 200_000, headers=html),
        mail(b"KEEP ME " + b"x" * 1_000_000),
        mail(b"KEEP ME\r\n" + b"> " * 200_000),
        mail(b"KEEP ME\r\n" + b"\r\n" * 100_000),
        mail(b"KEEP ME " + b"http://a.example/" * 20_000),
        mail(b"KEEP ME", headers="X-Long: " + "x" * 500_000 + "\r\nContent-Type: text/plain"),
        mail(b"KEEP ME", headers="X-A: 1\r\n" * 5_000 + "Content-Type: text/plain"),
        mail(b"\xff\xfe\x00" * 5_000, headers="Content-Type: text/plain; charset=utf-16"),
        mail(b"KEEP ME", headers="Content-Type: text/plain; charset=no-such-charset"),
        mail(b"!!!not base64!!!", headers="Content-Type: text/plain\r\nContent-Transfer-Encoding: base64"),
        mail(b"=ZZ=\r\nKEEP ME", headers="Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable"),
        mail(b"", headers="Content-Type: multipart/mixed"),
        mail(b"odd", headers="Content-Type: /;;;=\x01"),
    ]


def _encoded(source: str) -> list[bytes]:
    raw = source.encode("utf-8", "replace")
    html = "Content-Type: text/html; charset="
    alternative = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n"
        + raw
        + b"\r\n--b--\r\n"
    )
    return [
        mail(b64encode(raw), headers=f"{html}utf-8\r\nContent-Transfer-Encoding: base64"),
        mail(source.encode("utf-16", "replace"), headers=f"{html}utf-16"),
        mail(source.encode("utf-7", "replace"), headers=f"{html}utf-7"),
        mail(alternative, headers="Content-Type: multipart/alternative; boundary=b"),
        mail(raw),
        mail(b"Hi\r\n\r\n> " + raw),
    ]


def corpus() -> Corpus:
    """Give all hostile mails, by family."""
    html = {f"html: {family}": [html_mail(each) for each in sources] for family, sources in HTML_FAMILIES.items()}
    typical = [source for family in ("scripts", "handlers", "loading") for source in HTML_FAMILIES[family][:3]]
    return {
        **html,
        "overlays": [
            html_mail(f"KEEP ME<{tag} style='{style}'>over</{tag}>") for style, tag in product(OVERLAYS, ("div", "a"))
        ],
        "encodings": [each for source in typical for each in _encoded(source)],
        "bombs and nests": _bombs(),
        "file names": [*map(attached, NAMES), *(attached("x", media_type) for media_type in TYPES)],
        "headers": [mail(b"KEEP ME", field=field, value=value) for field, value in product(FIELDS, VALUES)],
    }
