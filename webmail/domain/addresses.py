"""Mail addresses: as they stand in header fields, and as people type them (RFC 5322, section 3.4)."""

from __future__ import annotations

import inspect
import re
import unicodedata
from dataclasses import dataclass
from email.header import Header
from email.utils import getaddresses, quote

# RFC 5321 limits and an ordinary dot-atom; quoted local parts are accepted in what comes, not in what is typed.
_TYPED = re.compile(
    r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}@"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_](?:[\w-]{0,61}[^\W_])?"
)
_LOOKS_LIKE = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,10}")
_SIMPLE = re.compile(r"([^<>,;:\"()\\]*)<([^<>,;:\"()\\\s]+@[^<>,;:\"()\\\s@]+)>\s*")
_MAX_ADDRESSES = 2000
# What comes along when an address is copied: other scripts' separators, curly quotes, invisible characters.
_PASTED = str.maketrans(
    {"，": ",", "；": ";", "、": ",", "“": '"', "”": '"', "„": '"', "\xa0": " "}
    | dict.fromkeys("\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
)
# Newer Pythons refuse a whole field for one odd address unless told not to; older ones do not know the word.
_LENIENT: dict[str, bool] = {"strict": False} if "strict" in inspect.signature(getaddresses).parameters else {}


@dataclass(frozen=True)
class Address:
    """A name, which may be empty, and an address."""

    name: str
    email: str

    @property
    def pair(self) -> list[str]:
        """The form in which the store keeps it: [name, email]."""
        return [self.name, self.email]

    @property
    def label(self) -> str:
        """What a reader calls it: the name, else the address."""
        return self.name or self.email


def parse_header(value: str) -> list[Address]:
    """Read the value of a From, To, Cc … field, already decoded; never raises.

    What is no address at all (`undisclosed-recipients:;`) is left out.
    """
    found = []
    for name, email in _pairs(value)[:_MAX_ADDRESSES]:
        if " " in email or not email.isprintable():
            email = "".join(each for each in email if each.isprintable() and (each != " " or email.startswith('"')))
        if "@" in email[1:] and len(email) <= 320:
            found.append(Address(clean_name(name), email))
    return found


def _pairs(value: str) -> list[tuple[str, str]]:
    simple = _SIMPLE.fullmatch(value)
    if simple:  # also what the stdlib misreads: `Ann @ Work <ann@example.com>`
        return [(simple[1], simple[2])]
    try:
        return list(getaddresses([value], **_LENIENT))
    except (RecursionError, ValueError, IndexError):  # brackets within brackets; whatever looks like an address is one
        return [("", email) for email in _LOOKS_LIKE.findall(value)]


def parse_typed(text: str) -> tuple[list[Address], list[str]]:
    """Read what somebody typed or pasted into To, Cc or Bcc: addresses with or without names, however separated.

    Returns:
        The addresses, each once, and those pieces that are none.
    """
    good: dict[str, Address] = {}
    refused = []
    for piece in _split_typed(text.translate(_PASTED)):
        address = _read_piece(piece)
        several = [_read_piece(word) for word in piece.split()] if address is None and "<" not in piece else []
        if address is not None:
            several = [address]
        if not several or None in several:
            refused.append(piece)
        for each in several if None not in several else []:
            assert each is not None
            good.setdefault(normalise_email(each.email), each)
    return list(good.values()), refused


def _split_typed(text: str) -> list[str]:
    """Cut at lines, semicolons and commas, but not inside quotes or brackets."""
    pieces: list[str] = []
    for line in text.splitlines():
        for piece in _split_outside(line, ";"):
            # Outlook copies `Lee, Ann <ann@example.com>; …`: there a comma belongs to the name.
            is_one = ";" in line and piece.count("@") == 1 and piece.rstrip().endswith(">")
            pieces += [piece] if is_one else _split_outside(piece, ",")
    return [piece.strip() for piece in pieces if piece.strip()]


def _split_outside(text: str, separator: str) -> list[str]:
    pieces, start, is_quoted, depth = [], 0, False, 0
    for at, character in enumerate(text):
        if character == '"':
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif character == "<":
            depth += 1
        elif character == ">":
            depth = max(0, depth - 1)
        elif character == separator and not depth:
            pieces.append(text[start:at])
            start = at + 1
    return [*pieces, text[start:]]


def _read_piece(piece: str) -> Address | None:
    name, bracket, rest = piece.rpartition("<")
    email = rest.rstrip().removesuffix(">").strip() if bracket else piece.rstrip(".")
    if bracket and not rest.rstrip().endswith(">"):
        return None
    if not bracket and "\t" in piece:  # two cells of a table: the name and the address
        name, _, email = piece.rpartition("\t")
    email = email.strip().removeprefix("mailto:")
    is_sound = len(email) <= 254 and _TYPED.fullmatch(email) and ".." not in email
    if not is_sound or email.startswith(".") or ".@" in email:
        return None
    shown, is_quoted = clean_name(name), bool(re.fullmatch(r'\s*"(?:[^"\\]|\\.)*"\s*', name))
    if not is_quoted and ("<" in name or ("@" in name and shown.casefold() != email.casefold())):
        return None  # two addresses without anything between them
    return Address(shown, email)


def clean_name(name: str) -> str:
    """Bring a display name into one line, without quotes around it and without control characters."""
    if not name.isprintable():
        name = "".join(each if each.isprintable() or each in "\u200c\u200d" else " " for each in name)
    name = " ".join(name.split())
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1].strip()
    return name.replace('\\"', '"')


def format_address(address: Address) -> str:
    """Write an address as a person reads and types it: `Name <email>`."""
    if not address.name:
        return address.email
    needs_quotes = any(character in '()<>[]:;@\\,."' for character in address.name)
    name = f'"{quote(address.name)}"' if needs_quotes else address.name
    return f"{name} <{address.email}>"


def encode_address(address: Address) -> str:
    """Write an address for a header field: non-ASCII names as encoded words (RFC 2047)."""
    if address.name.isascii():
        return format_address(address)
    return f"{Header(address.name, 'utf-8').encode(maxlinelen=0)} <{address.email}>"


def normalise_email(text: str) -> str:
    """Give the form in which two addresses are compared: `xn--bcher-kva.example` is `bücher.example`."""
    email = text.strip().casefold()
    if email.isascii() and "@xn--" not in email and ".xn--" not in email:
        return email
    local, at, domain = email.rpartition("@")
    try:
        domain = domain[:255].encode("idna").decode("idna") + domain[255:]
    except UnicodeError:
        domain = unicodedata.normalize("NFC", domain)
    return f"{unicodedata.normalize('NFC', local)}{at}{domain.casefold()}"


def spellings_of(email: str) -> set[str]:
    """Give the spellings of a normalised address: with its domain as people write it, and as the wire does."""
    local, at, domain = email.rpartition("@")
    try:
        return {email, f"{local}{at}{domain.encode('idna').decode('ascii')}"}
    except UnicodeError:
        return {email}


def domain_of(email: str) -> str:
    """Give an address's domain in lower case, "" if it has none."""
    return email.rpartition("@")[2].strip().casefold() if "@" in email else ""
