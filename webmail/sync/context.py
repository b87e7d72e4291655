"""What every step of a sync needs at hand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from webmail.errors import Refused
from webmail.providers.imap import ImapSession
from webmail.store.models import Account, Folder
from webmail.store.private_mail import note_left_out
from webmail.store.session import Session
from webmail.sync.lease import Lease
from webmail.sync.private_mail import ContactsOnly


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
    chooser: ContactsOnly | None = field(init=False, default=None)
    """Where the account keeps only mail with contacts: what decides, on every line that this sync reads from."""

    def __post_init__(self) -> None:
        if self.account.only_contacts:
            self.chooser = ContactsOnly(self.account)
            self.imap.chooser = self.chooser

    def left_out_among(self, folder: Folder, uids: Collection[int]) -> set[int]:
        """Give those of these UIDs that this sync has left out."""
        return self.chooser.left_out.get(folder.name, set()) & set(uids) if self.chooser else set()

    def save_left_out(self, s: Session, folder: Folder, kept: Collection[int]) -> None:
        """Note with a folder what this sync has left out of it, and that what is kept is not."""
        if self.chooser is not None:
            note_left_out(s, folder.id, add=self.chooser.left_out.get(folder.name, set()), drop=kept)

    def forget_left_out(self, s: Session, folder: Folder, uids: Collection[int]) -> int:
        """Forget UIDs that are gone from the server; gives how many of them had been left out."""
        if self.chooser is None:
            return 0
        self.chooser.left_out.get(folder.name, set()).difference_update(uids)
        return note_left_out(s, folder.id, drop=uids)
