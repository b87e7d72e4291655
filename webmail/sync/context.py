"""What every step of a sync needs at hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from webmail.errors import Refused
from webmail.providers.imap import ImapSession
from webmail.store.models import Account
from webmail.sync.lease import Lease


@dataclass
class SyncContext:
    """One account being synced by this process: the right to write, its settings as they were at the start, its line.

    `account` belongs to no session; what it says of settings is read, what it says of state is not trusted.
    """

    lease: Lease
    account: Account
    imap: ImapSession
    has_vanished: bool = False
    """Something left a synced folder during this sync: the followed folders may have got it."""
    refused: dict[int, Refused] = field(default_factory=dict)
    """Folders, by id, that the server does not open (renamed, hidden, removed): the others go on without them."""
