"""The parts of a report that machines write for machines: delivery status (RFC 3464, RFC 6533) and feedback (RFC 5965).

Never raises, and reads no more than the first 64 KB of anything: a report may come from anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from webmail.domain.addresses import normalise_email
from webmail.domain.headers import Fields, decode_value, split_fields
from webmail.domain.report_words import FULL_MAILBOX, NO_SUCH_MAILBOX, POLICY, plain_words

MOST_BYTES = 64 * 1024
MOST_RECIPIENTS = 100
_MOST_WORDS = 500
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]{1,100}@[^\s<>()\[\],;:\"@]{1,255}")
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_CODE = re.compile(r"(?<![\d.:])([45]\d\d)(?=[ \-#(:;,.]|$)(?!\.\d)")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_ID = re.compile(r"<\s{0,9}([^<>\s]{1,996})\s{0,9}>")
_DEAD_ADDRESS = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4", "5.4.310"})


@dataclass(frozen=True)
class Concerned:
    """What a report says of one recipient.

    Args:
        email: normalised.
        is_permanent: the address itself does not work, and will not tomorrow; a full mailbox, a mail that is too large
            or a filter's refusal is none of that.
        status: the enhanced status code (RFC 3463), "" where there is none.
        words: the reporting server's own.
        action: `failed`, `delayed`, or what else became of it.
    """

    email: str
    is_permanent: bool = False
    status: str = ""
    words: str = ""
    action: str = "failed"


def read_delivery_status(content: bytes) -> list[Concerned]:
    """Read the machines' part of a delivery status notification; [] when nothing in it makes sense."""
    found = []
    for block in re.split(rb"\r?\n[ \t]*\r?\n", content[:MOST_BYTES].strip(b"\r\n") + b"\n")[: MOST_RECIPIENTS + 1]:
        fields = split_fields(block.lstrip(b"\r\n"))
        concerned = _concerned(fields)
        if concerned is not None:
            found.append(concerned)
    return found[:MOST_RECIPIENTS]


def _concerned(fields: Fields) -> Concerned | None:
    final, original = (_recipient(fields, name) for name in ("final-recipient", "original-recipient"))
    # The original one is whom we wrote to; the final one may be wherever that forwards to.
    email = original or final
    if not email:
        return None
    words = server_words(value_of(fields, "diagnostic-code"))
    status = _status(value_of(fields, "status")) or _status(words)
    action = value_of(fields, "action").split("(")[0].strip().casefold() or "failed"
    return Concerned(email, is_dead_address(status, words), status, words, action)


def _recipient(fields: Fields, name: str) -> str:
    kind, mark, value = value_of(fields, name).partition(";")
    value = value if mark else kind
    return address_in(_HEX.sub(_character, value))


def _character(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def read_feedback(content: bytes) -> tuple[str, list[str]]:
    """Read the machines' part of a feedback report: its type, such as `abuse`, and whom it is about, where it says."""
    fields = split_fields(content[:MOST_BYTES].lstrip(b"\r\n"))
    kind = value_of(fields, "feedback-type").split("(")[0].strip().casefold()
    values = [*fields.get("original-rcpt-to", ()), *fields.get("removal-recipient", ())]
    found = [address_in(decode_value(each)) for each in values[:MOST_RECIPIENTS]]
    return kind, [each for each in dict.fromkeys(found) if each]


def returned_ids(content: bytes) -> list[str]:
    """Give the Message-IDs in the header of the mail that came back, the likeliest first."""
    # A mailbox file's first line is no field.
    header = re.sub(rb"\A\s*>?From [^\r\n]*\r?\n", b"", content[:MOST_BYTES].lstrip(b"\r\n"))
    fields = split_fields(header)
    names = ("message-id", "x-microsoft-original-message-id", "x-original-message-id")
    return ids_in(value for name in names for value in fields.get(name, ()))


def ids_in(values: Iterable[str]) -> list[str]:
    """Give the Message-IDs in fields, without brackets, each once."""
    return list(dict.fromkeys(each for value in values for each in _ID.findall(decode_value(value[:20_000]))))[:50]


def value_of(fields: Fields, name: str) -> str:
    """Give a field's first value, decoded, on one line; "" when there is none."""
    values = fields.get(name)
    return " ".join(decode_value(values[0][:4000]).split()) if values else ""


def address_in(text: str) -> str:
    """Give the first address in a text, normalised; "" when there is none."""
    found = _ADDRESS.search(text[:2000])
    return normalise_email(found[0].strip("'.")) if found else ""


def server_words(diagnostic: str) -> str:
    """Give a Diagnostic-Code without the name of what speaks: "550 5.1.1 no such user"."""
    return re.sub(r"^[\w.-]{1,20}\s*;\s*", "", diagnostic).strip()[:_MOST_WORDS]


def _status(text: str) -> str:
    found = _STATUS.search(text)
    return found[0] if found else ""


def status_in(text: str) -> str:
    """Give the enhanced status code in a text; a plain code stands for its class; "" when there is neither."""
    status = _status(text)
    if status:
        return status
    code = _CODE.search(text)
    return f"{code[1][0]}.0.0" if code else ""


def is_dead_address(status: str, words: str) -> bool:
    """Say whether a refusal means that the address does not work: by its code, and where that is vague by its words.

    Source: RFC 3463, section 3; what the big systems say besides is in docs/quirks.md.
    """
    plain = plain_words(words)
    if status.startswith(("2", "4")) or FULL_MAILBOX.search(plain):
        return False
    if status in _DEAD_ADDRESS:
        return True
    if NO_SUCH_MAILBOX.search(plain):
        return status != "5.1.8" and not re.search(r"sender", plain)
    if POLICY.search(plain) or not status:
        return False
    code = _CODE.search(words)
    return status in ("5.0.0", "5.1.9") and bool(code) and code is not None and code[1] in ("550", "551", "553")
