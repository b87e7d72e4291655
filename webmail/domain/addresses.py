"""Mail addresses: as they stand in header fields, and as people type them (RFC 5322, section 3.4)."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from email.header import Header
from email.utils import getaddresses, quote

# RFC 5321 limits and an ordinary dot-atom; quoted local parts are accepted in what comes, not in what is typed.
_TYPED = re.compile(
    r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}@"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_](?:[\w-]{0,61}[^\W_])?"
)
_MAX_ADDRESSES = 2000
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
    for name, email in getaddresses([value], **_LENIENT)[:_MAX_ADDRESSES]:
        email = "".join(email.split())
        if "@" in email and len(email) <= 320:
            found.append(Address(clean_name(name), email))
    return found


def parse_typed(text: str) -> tuple[list[Address], list[str]]:
    """Read what somebody typed into To, Cc or Bcc: addresses with or without names, by comma, semicolon or line.

    Returns:
        The addresses, each once, and those pieces that are none.
    """
    good: dict[str, Address] = {}
    refused = []
    for piece in _split_typed(text):
        address = _read_piece(piece)
        if address is None:
            refused.append(piece)
        else:
            good.setdefault(normalise_email(address.email), address)
    return list(good.values()), refused


def _split_typed(text: str) -> list[str]:
    pieces, current, is_quoted, depth = [], "", False, 0
    for character in text:
        if character == '"':
            is_quoted = not is_quoted
        elif character == "<":
            depth += 1
        elif character == ">":
            depth = max(0, depth - 1)
        if character in "\r\n" or (character in ",;" and not is_quoted and not depth):
            pieces.append(current)
            current, is_quoted, depth = "", False, 0
        else:
            current += character
    return [piece.strip() for piece in [*pieces, current] if piece.strip()]


def _read_piece(piece: str) -> Address | None:
    named = re.fullmatch(r"(?P<name>.*?)\s*<\s*(?P<email>[^<>]+?)\s*>", piece)
    name, email = (named["name"], named["email"]) if named else ("", piece)
    if not _TYPED.fullmatch(email) or ".." in email or email.startswith(".") or ".@" in email:
        return None
    return Address(clean_name(name), email)


def clean_name(name: str) -> str:
    """Bring a display name into one line, without quotes around it and without control characters."""
    name = "".join(character if character.isprintable() else " " for character in name)
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
    """Give the form in which two addresses are compared."""
    return text.strip().casefold()


def domain_of(email: str) -> str:
    """Give an address's domain in lower case, "" if it has none."""
    return email.rpartition("@")[2].strip().casefold() if "@" in email else ""
