"""Build the mails that go out: their MIME, their reply headers, their quotes and their signature."""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Any

from lxml import html

from webmail.domain.addresses import Address, format_address, normalise_email
from webmail.domain.structure import safe_filename
from webmail.domain.text import parse_html

_REPLY = re.compile(r"^\s*(?:re|aw|antw|sv|vs|rif|res|odp|回复|返信)\s*(?:\[\d+\])?\s*[:：]\s*", re.IGNORECASE)
_FORWARD = re.compile(r"^\s*(?:fwd?|wg|tr|i|rv|enc|转发|転送)\s*[:：]\s*", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PLAIN_ADDRESS = re.compile(r"[!#-'*+./-9=?A-Z^-~-]{1,250}@[A-Za-z0-9._-]{1,250}")
_MAX_REFERENCES = 30
_LINE = 60


class _Policy(policy.EmailPolicy):
    """The stdlib's SMTP policy, but for the fields that we write ourselves, which are all but those of a part: it folds
    a long id or a URL as an encoded word, and after some names a comma, which no client reads.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        return super().header_store_parse(name, value) if _is_of_a_part(name) else (name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        return super().fold_binary(name, value) if _is_of_a_part(name) else f"{name}: {value}\r\n".encode("ascii")


def _is_of_a_part(name: str) -> bool:
    return name.lower().startswith("content-")


_EXTRA_NAME = re.compile(r"(?!content-|mime-|(?:bcc|cc|in-reply-to|references|reply-to|sender)$)[a-z][a-z-]{0,60}")
# 76: the stdlib breaks quoted-printable lines there, too (RFC 2045, section 6.7).
_POLICY = _Policy(linesep="\r\n", cte_type="7bit", max_line_length=76)
_FOLD = "\r\n "
CALENDAR_ANSWER = "text/calendar; method=REPLY"


@dataclass(frozen=True)
class OutgoingFile:
    """A file that goes out with a mail; with a Content-ID it is an image inside the HTML."""

    filename: str
    media_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True)
class OutgoingMail:
    """All that a mail consists of. `html` is None for a plain mail; ids are without angle brackets.

    `headers` are further fields by name, ASCII, such as {"List-Unsubscribe": "<https://…>"}; a field that stands in the
    mail anyway cannot be among them.
    """

    message_id: str
    date: datetime
    from_: Address
    to: Sequence[Address]
    subject: str
    text: str
    html: str | None = None
    cc: Sequence[Address] = ()
    reply_to: Sequence[Address] = ()
    in_reply_to: str = ""
    references: Sequence[str] = ()
    attachments: Sequence[OutgoingFile] = field(default_factory=tuple)
    headers: Mapping[str, str] = field(default_factory=dict)


def build_mail(mail: OutgoingMail) -> bytes:
    """Build the mail as it goes over the wire: CRLF line ends, 7-bit, no Bcc field.

    Raises:
        ValueError: a field holds a line break or another control character, an address cannot be written in ASCII, or
            a further field has a name that is taken or none at all.
    """
    message = EmailMessage(policy=_POLICY)
    message["Message-ID"] = _own_id(mail.message_id)
    message["Date"] = format_datetime(mail.date)
    for name, addresses in (("From", [mail.from_]), ("Reply-To", mail.reply_to), ("To", mail.to), ("Cc", mail.cc)):
        if addresses:
            message[name] = f",{_FOLD}".join(_written_address(each) for each in addresses)
    message["Subject"] = _written_text(mail.subject)
    if _is_id(mail.in_reply_to):
        message["In-Reply-To"] = f"<{mail.in_reply_to}>"
    references = [f"<{each}>" for each in mail.references if _is_id(each)]
    if references:
        message["References"] = _FOLD.join(references)
    for name, value in mail.headers.items():
        message[name] = _extra_field(name, value, message)
    message["MIME-Version"] = "1.0"
    message.set_content(_line_ended(mail.text), charset="utf-8", cte=_text_encoding(mail.text))
    if mail.html is not None:
        _add_html(message, mail)
    for file in mail.attachments:
        if mail.html is None or not file.content_id:
            _attach(message, file)
    return message.as_bytes()


def _add_html(message: EmailMessage, mail: OutgoingMail) -> None:
    assert mail.html is not None
    page = f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>{mail.html}</body></html>\n'
    message.add_alternative(page, subtype="html", charset="utf-8", cte="quoted-printable")
    related = [file for file in mail.attachments if file.content_id]
    if related:
        part = list(message.iter_parts())[-1]
        for file in related:
            main, _, sub = _media_type(file).partition("/")
            part.add_related(
                file.content,
                maintype=main,
                subtype=sub,
                cid=f"<{_one_line(file.content_id)}>",
                filename=_file_name(file) or None,
                disposition="inline",
            )


def _attach(message: EmailMessage, file: OutgoingFile) -> None:
    if file.media_type == CALENDAR_ANSWER:  # the mail itself in another form: RFC 6047, section 2.4
        message.add_alternative(file.content.decode(), subtype="calendar", params={"method": "REPLY"})
        return
    main, _, sub = _media_type(file).partition("/")
    name = _file_name(file) or "attachment"
    message.add_attachment(file.content, maintype=main, subtype=sub, filename=name)


def _file_name(file: OutgoingFile) -> str:
    # What looks like an encoded word would be decoded by some readers, although none may stand there.
    return safe_filename(file.filename).replace("=?", "-?")


def _media_type(file: OutgoingFile) -> str:
    is_sound = re.fullmatch(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}", file.media_type.lower())
    # A mail inside a mail would have to be parsed to be attached as what it is; as bytes it arrives untouched.
    if not is_sound or file.media_type.lower().startswith(("message/", "multipart/")):
        return "application/octet-stream"
    return file.media_type.lower()


def _is_id(text: str) -> bool:
    """Whether an id that came with a mail can be repeated: some hold bytes that no header field may."""
    return bool(re.fullmatch(r"[!-;=?-~]{1,900}", text))


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("a header field holds a line break or a control character")
    return text


def _own_id(message_id: str) -> str:
    if not _is_id(_one_line(message_id)):
        raise ValueError("a Message-ID holds what no header field may")
    return f"<{message_id}>"


def _written_address(address: Address) -> str:
    """Write an address as it stands in a field: the name quoted or encoded, the domain as the DNS knows it."""
    local, _, domain = _one_line(address.email).rpartition("@")
    email = f"{local}@{domain if domain.isascii() else domain.encode('idna').decode('ascii')}"
    if not _PLAIN_ADDRESS.fullmatch(email):
        raise ValueError("an address holds what no header field may")
    if _is_simple(_one_line(address.name)):
        written = format_address(Address(address.name, email))
        return written if len(written) <= _LINE else written.replace(f" <{email}>", f"{_FOLD}<{email}>")
    return f"{_encoded(address.name)}{_FOLD}<{email}>"


def _written_text(text: str) -> str:
    """Write free text as it stands in a field, folded at its spaces or encoded."""
    if not _is_simple(_one_line(text), limit=900):
        return _encoded(text)
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and word and len(lines[-1]) + len(word) > _LINE:
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return _FOLD.join(lines)


def _extra_field(name: str, value: str, message: EmailMessage) -> str:
    if name in message or not _EXTRA_NAME.fullmatch(name.lower()):
        raise ValueError("a further header field has a name that cannot be used")
    if not _is_simple(value, limit=900):
        raise ValueError("a further header field holds what cannot be written as it is")
    return _written_text(value)


def _is_simple(text: str, limit: int = _LINE) -> bool:
    # What looks like an encoded word would be decoded by the reader.
    return text.isascii() and "=?" not in text and len(text) <= limit


def _encoded(text: str) -> str:
    """Write text as encoded words of at most 75 characters (RFC 2047)."""
    words, piece = [], ""
    for character in text:
        if len((piece + character).encode()) > 45:
            words.append(piece)
            piece = ""
        piece += character
    return _FOLD.join(f"=?utf-8?b?{b64encode(each.encode()).decode('ascii')}?=" for each in [*words, piece])


def _line_ended(text: str) -> str:
    text = text.replace("\x00", "")
    return text if text.endswith("\n") else text + "\n"


def _text_encoding(text: str) -> str:
    is_simple = text.isascii() and all(len(line) < 900 for line in text.splitlines())
    return "7bit" if is_simple else "quoted-printable"


def new_message_id(domain: str) -> str:
    """Make a Message-ID that nobody can guess, without angle brackets."""
    domain = domain if re.fullmatch(r"[a-z0-9.-]{1,200}", domain) else "localhost"
    return f"{secrets.token_hex(16)}@{domain}"


def reply_subject(subject: str) -> str:
    """Give the subject of an answer: one `Re:`, however many there were in front."""
    return "Re: " + _REPLY.sub("", subject.strip())


def forward_subject(subject: str) -> str:
    """Give the subject of a forwarded mail: one `Fwd:`."""
    return "Fwd: " + _FORWARD.sub("", subject.strip())


def reply_recipients(
    *,
    from_: Address,
    reply_to: Sequence[Address],
    to: Sequence[Address],
    cc: Sequence[Address],
    own: set[str],
    to_all: bool,
) -> tuple[list[Address], list[Address]]:
    """Give the To and Cc of an answer.

    Args:
        own: the user's own addresses, in lower case; they are left out, and an answer to one's own mail goes to
            those whom that mail went to.
    """
    is_own_mail = normalise_email(from_.email) in own
    first = list(to) if is_own_mail else list(reply_to or [from_])
    rest = list(cc) if is_own_mail else [*to, *cc]
    seen = set() if is_own_mail and all(normalise_email(each.email) in own for each in first) else set(own)
    answer_to = _fresh(first, seen) or first[:1]
    seen |= {normalise_email(each.email) for each in answer_to} | own
    return answer_to, _fresh(rest, seen) if to_all else []


def _fresh(addresses: Sequence[Address], seen: set[str]) -> list[Address]:
    result = []
    for address in addresses:
        key = normalise_email(address.email)
        if key and key not in seen:
            seen.add(key)
            result.append(address)
    return result


def reply_references(message_id: str, in_reply_to: str, references: Sequence[str]) -> tuple[str, list[str]]:
    """Give In-Reply-To and References of an answer (RFC 5322, section 3.6.4); long chains keep their first and last."""
    chain = list(references) or ([in_reply_to] if in_reply_to else [])
    chain = [*dict.fromkeys(each for each in chain if each != message_id)]
    if len(chain) >= _MAX_REFERENCES:
        chain = [chain[0], *chain[-(_MAX_REFERENCES - 2) :]]
    return message_id, [*chain, message_id] if message_id else chain


def quote_text(text: str, attribution_line: str) -> str:
    """Quote plain text below its attribution."""
    lines = [(">" if line.startswith(">") else "> ") + line if line else ">" for line in text.rstrip().splitlines()]
    return "\n".join([attribution_line, *lines]) + "\n"


def quote_html(body: str, attribution_line: str) -> str:
    """Quote HTML, cleaned already, below its attribution."""
    return (
        f'<div class="webmail-quote"><p>{escape(attribution_line)}</p>'
        '<blockquote type="cite" style="margin:0 0 0 0.8ex;border-left:1px solid #ccc;padding-left:1ex">'
        f"{body}</blockquote></div>"
    )


def forward_text(text: str, head: Sequence[str]) -> str:
    """Put a plain mail below its head, unquoted."""
    return "\n".join([*head, "", text])


def forward_html(body: str, head: Sequence[str]) -> str:
    """Put a mail's HTML, cleaned already, below its head."""
    return f'<div class="webmail-quote"><p>{"<br>".join(escape(line) for line in head)}</p>{body}</div>'


def add_signature_html(body: str, signature: str) -> str:
    """Put a signature above the quote, or at the end; the one that is there already is replaced.

    Args:
        body: the HTML being written.
        signature: cleaned HTML; "" takes the present one out.
    """
    root = _fragment(body)
    for old in root.find_class("webmail-signature"):
        if not _is_quoted(old):
            old.drop_tree()
    if signature.strip():
        block = _fragment(signature)
        block.set("class", "webmail-signature")
        quote = next((each for each in root.find_class("webmail-quote") if each.getparent() is root), None)
        if quote is None:
            root.append(block)
        else:
            root.insert(root.index(quote), block)
    return _inner(root)


def put_on_top(body: str, html: str) -> str:
    """Put cleaned HTML above what a mail says so far; empty lines at its beginning make room for it."""
    root = _fragment(body)
    while len(root) and not (root.text or "").strip() and _is_empty_line(root[0]):
        root.remove(root[0])
    return f"<div>{html}</div>{_inner(root)}"


def _is_empty_line(node: html.HtmlElement) -> bool:
    is_own = "webmail-" in (node.get("class") or "")
    return (
        not is_own and node.tag in ("div", "p", "br") and not node.text_content().strip() and not node.xpath(".//img")
    )


def _is_quoted(node: html.HtmlElement) -> bool:
    return any(
        "webmail-quote" in (each.get("class") or "") or each.tag == "blockquote" for each in node.iterancestors()
    )


def _fragment(source: str) -> html.HtmlElement:
    root = parse_html(f"<div>{source}</div>")
    body = root.find(".//body/div") if root is not None else None
    return body if body is not None else html.Element("div")


def _inner(root: html.HtmlElement) -> str:
    children = "".join(html.tostring(child, encoding="unicode") for child in root)
    return escape(root.text or "", quote=False) + children


_QUOTE_BEGINS = re.compile(
    r"^(?:On .{4,300} wrote:|Am .{4,300} schrieb .{1,300}:|"
    r"-{5,} (?:Forwarded message|Weitergeleitete Nachricht) -{5,})$",
    re.MULTILINE,
)
"""What `mail_words` puts above a quote."""


def add_signature_text(body: str, signature: str, old_signature: str = "") -> str:
    """Put a plain signature, after its `-- ` line, above the quote or at the end; the old one is taken out first."""
    if old_signature.strip():
        body = body.replace(f"-- \n{old_signature.strip()}\n", "", 1)
    if not signature.strip():
        return body
    block = f"-- \n{signature.strip()}\n"
    quote = _QUOTE_BEGINS.search(body)
    if quote:
        return f"{body[: quote.start()].rstrip()}\n\n{block}\n{body[quote.start() :]}"
    return f"{body.rstrip()}\n\n{block}"
