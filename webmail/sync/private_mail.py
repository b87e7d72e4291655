"""*Only mail with contacts*: all other mail never leaves the mailbox.

The line itself sees to it: where an account keeps only mail with contacts, `SyncContext` gives its IMAP session a
chooser, and the session asks for nothing of a message that the chooser has not let through but the few header fields
by which it decides (`webmail.domain.only_contacts`). So no step of a sync can read past it. Those fields are held in
memory while they are looked at; neither stored nor logged. What is kept of a message that was left out is its UID.

    news, backfill     newest first; each batch is chosen from before it is read
    a second look      at what was left out, oldest first, once all is read: an answer may lie above what it answers
    a contact is new   a few: the server is searched for their addresses; many: all that was left out is looked at again
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from webmail.domain.addresses import normalise_email
from webmail.domain.only_contacts import Addressing, choose, named_in_prose, read_addressing, recipients_of_report
from webmail.store import private_mail as store
from webmail.store.models import Account
from webmail.store.session import reading

log = structlog.get_logger(__name__)

MOST_SEARCHED = 20
"""Addresses that are searched for in one sync; where there are more, looking at all that was left out is less work."""


class ContactsOnly:
    """Chooses which messages of an account may leave its mailbox; `left_out` are the UIDs of the others, by folder."""

    def __init__(self, account: Account) -> None:
        self._account_id = account.id
        self._tenant_id = account.tenant_id
        self._own = {normalise_email(each) for each in (account.email, *account.aliases)}
        self._reports: set[int] = set()
        self._prose: set[int] = set()
        self._kept_ids: set[str] = set()
        self.left_out: dict[str, set[int]] = {}

    def choose(self, folder: str, heads: Mapping[int, bytes]) -> set[int]:
        """Say which of these messages may be read, by the fields that `only_contacts.FIELDS` names."""
        read = {uid: read_addressing(header) for uid, header in heads.items()}
        kept = self._chosen(read)
        self._reports = {uid for uid, each in read.items() if each.is_report and uid not in kept}
        self._prose = {uid for uid, each in read.items() if each.is_prose and uid not in kept}
        left_out = self.left_out.setdefault(folder, set())
        left_out.difference_update(kept)
        left_out.update(read.keys() - kept)
        return kept

    def doubtful(self) -> dict[str, list[int]]:
        """Give the reports among those that were just left out, by the part that says what they are about."""
        found = {"2": sorted(self._reports), "1": sorted(self._prose)}
        return {section: uids for section, uids in found.items() if uids}

    def choose_reports(self, folder: str, parts: Mapping[int, bytes]) -> set[int]:
        """Say which of the reports may be read, by those parts of them."""
        read = {
            uid: Addressing(named_in_prose(part) if uid in self._prose else recipients_of_report(part))
            for uid, part in parts.items()
        }
        kept = self._chosen(read)
        self.left_out.setdefault(folder, set()).difference_update(kept)
        return kept

    def _chosen(self, read: Mapping[int, Addressing]) -> set[int]:
        parties = {email for each in read.values() for email in each.parties}
        ids = {name for each in read.values() for name in each.ids | each.answers}
        with reading() as s:
            contacts = store.contacts_among(s, self._tenant_id, parties - self._own)
            stored = store.stored_ids(s, self._account_id, ids) | (ids & self._kept_ids)
        kept = choose(read, contacts=contacts, stored=stored, own=self._own)
        # What is read ahead is stored later than what answers it is chosen.
        self._kept_ids.update(name for uid in kept for name in read[uid].ids)
        return kept
