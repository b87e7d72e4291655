"""What every provider's session gives and takes, in values that know no vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from webmail.domain.structure import Part, leaf_parts

TLS, STARTTLS, PLAIN = "tls", "starttls", "plain"
GMAIL = "X-GM-EXT-1"
"""The capability of Gmail's own extensions: lasting ids of messages and conversations, and labels."""
XOAUTH2 = "xoauth2"
"""The mechanism by which a token signs in (Google, "XOAUTH2 mechanism"); Microsoft takes it too."""


@dataclass(frozen=True)
class ServerSettings:
    """One side of an account: where the server is and how the line to it is protected.

    `security` is `tls`, `starttls` or `plain`.
    """

    host: str
    port: int
    security: str


@dataclass(frozen=True)
class Credentials:
    """What is given at sign-in; the secret stays out of every `repr`.

    `mechanism` is `password`, or `xoauth2` where the secret is an access token.
    """

    user_name: str
    secret: str
    mechanism: str = "password"

    def __repr__(self) -> str:
        return f"Credentials(user_name={self.user_name!r}, mechanism={self.mechanism!r})"


@dataclass(frozen=True)
class RemoteFolder:
    """A folder as LIST tells of it; `role` as in `webmail.domain.folders`, "" for none.

    `is_marked` says that the server itself names the role (RFC 6154), not only the folder's name.
    """

    name: str
    delimiter: str
    role: str
    is_selectable: bool
    is_marked: bool = False


@dataclass(frozen=True)
class FolderState:
    """A folder as SELECT or EXAMINE tells of it; `highestmodseq` is None without CONDSTORE (RFC 7162)."""

    name: str
    uidvalidity: int
    uidnext: int
    exists: int
    highestmodseq: int | None


@dataclass(frozen=True)
class RemoteFlags:
    """The flags of one message: system flags with their backslash (`\\Seen`), keywords without."""

    flags: frozenset[str]
    modseq: int


@dataclass(frozen=True)
class FolderChanges:
    """What happened in a folder since a MODSEQ; `vanished` are UIDs that are gone, as far as the server tells."""

    flags: dict[int, RemoteFlags]
    vanished: list[int]


@dataclass(frozen=True)
class RemoteMessage:
    """The head of one message: what a list needs, and its text where that was asked for.

    `header` holds the raw header fields, `structure` BODYSTRUCTURE as IMAPClient has it, `internal_date` is aware UTC.
    `texts` holds the parts to be read as they were transferred, by section; None where they are not here.
    `gmail_id`, `gmail_thread_id` and `labels` are Gmail's own (X-GM-EXT-1), empty elsewhere; its system labels have a
    backslash (`\\Inbox`).
    """

    uid: int
    flags: frozenset[str]
    modseq: int
    internal_date: datetime
    size_bytes: int
    header: bytes
    structure: Any
    gmail_id: str = ""
    gmail_thread_id: str = ""
    labels: frozenset[str] = frozenset()
    texts: Mapping[str, bytes] | None = None

    @cached_property
    def parts(self) -> list[Part]:
        """The parts of the message."""
        return leaf_parts(self.structure)

    def with_texts(self, texts: Mapping[str, bytes] | None) -> RemoteMessage:
        """Give the same message with its texts; what was read of its structure is not read again."""
        message = replace(self, texts=texts)
        vars(message)["parts"] = self.parts
        return message


@dataclass(frozen=True)
class SendResult:
    """What SMTP said when it took the mail: its answer to DATA, and the recipients that it refused (code and words)."""

    server_answer: str
    refused: dict[str, str]
