"""Compare a folder with the server, message by message, and mend what differs: the proof that both sides are the same.

An ordinary sync believes what the server tells of a folder as a whole (how many, how far, how new). Here nothing is
believed: the UIDs of both sides are held against each other, then the flags of each message, then the header fields by
which a message is known. A comparison goes through a folder by ascending UID in steps of a few hundred. Before a
difference counts, the folder is synced as usual and looked at once more: what has just changed is no fault.

It never holds up news: between two steps the lease may be given back, and the account's own wishes go first.

    FolderCheck.step() until it is over -> a receipt: n of N matched, what was mended
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog

from webmail.domain.headers import parse_headers
from webmail.providers.base import RemoteFlags
from webmail.store.changes import pending_message_ids
from webmail.store.conversations import refresh_conversations
from webmail.store.messages import bodies_waiting, conversation_ids_of, flag_values
from webmail.store.models import Folder
from webmail.store.placements import add_placement, remove_uids, save_flags, sync_message_flags, uids_in_folder
from webmail.store.private_mail import left_out_of
from webmail.store.session import reading
from webmail.store.verification import KnownPlacement, forget_placements, lost_messages, placements_between
from webmail.sync.arrivals import identity_of, store_messages
from webmail.sync.bodies import fetch_bodies
from webmail.sync.context import SyncContext
from webmail.sync.follow import follow_folder
from webmail.sync.news import pull_folder

log = structlog.get_logger(__name__)

STEP = 500
_MOST_LOST = 50
_HIGHEST_UID = 2**32 - 1
MISSING, GONE, FLAGS, ANOTHER, MOVED = "missing", "gone", "flags", "another", "moved"


@dataclass(frozen=True)
class Difference:
    """One message that is not the same on both sides.

    `kind`: `missing` (only on the server), `gone` (only here), `flags`, `another` (the UID means another message here)
    or `moved` (it lies in this folder now, and nobody had noticed).
    """

    kind: str
    uid: int
    subject: str = ""
    there: tuple[str, ...] = ()
    here: tuple[str, ...] = ()


@dataclass
class Progress:
    """How far a comparison has come: `uid` is the first that has not been looked at."""

    uid: int = 1
    uidvalidity: int = 0
    count: int = 0
    matched: int = 0
    mended: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, values: dict[str, Any]) -> Progress:
        """Build it from a row's JSON; from {} the beginning."""
        return cls(**values)

    def dump(self) -> dict[str, Any]:
        """Give it as a row's JSON."""
        return asdict(self)


class FolderCheck:
    """One folder being compared.

    Args:
        folder: as stored; its attributes are kept up to date along with the row.
        fixes: mend what differs; otherwise only tell.
        compares_head: which UIDs are to have their header fields compared, each of which has to be fetched.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        fixes: bool,
        compares_head: Callable[[int], bool] = lambda _: True,
        progress: Progress | None = None,
    ) -> None:
        self.folder = folder
        self.progress = progress or Progress()
        self.differences: list[Difference] = []
        self.is_over = False
        self._fixes = fixes
        self._compares_head = compares_head
        self._high = 0
        self._here: dict[int, KnownPlacement] = {}
        self._left_out: set[int] = set()
        self._pending: set[int] = set()
        self._moved: dict[int, int] = {}

    def step(self, context: SyncContext) -> None:
        """Compare the next few hundred messages; sets `is_over` after the last.

        Raises:
            ProviderError: the line or the server failed; the step can be taken again.
            LeaseLost: somebody else syncs the account now.
        """
        if self.progress.uid == 1:
            (pull_folder if self.folder.is_synced else follow_folder)(context, self.folder)
        there = self._open(context)
        found = self._compare(context, there)
        if found and self.folder.is_synced:
            # What came, went or changed while we were looking is no fault: an ordinary sync settles it.
            pull_folder(context, self.folder)
            there = self._open(context)
            found = self._compare(context, there)
        mended = self._mend(context, found) if self._fixes and found else []
        kinds = {each.uid: each.kind for each in found}
        known = [uid for uid in there if uid in self._here or (self.folder.is_synced and uid not in self._left_out)]
        self.progress.count += len(known)
        self.progress.matched += len([uid for uid in known if uid not in kinds])
        self.differences += found
        for each in mended:
            self.progress.mended[each.kind] = self.progress.mended.get(each.kind, 0) + 1
        self.is_over = self._high == _HIGHEST_UID
        self.progress.uid = self._high + 1

    def _open(self, context: SyncContext) -> list[int]:
        """Open the folder, find out which UIDs come next, and load what is stored of them."""
        state = context.imap.select(self.folder.name)
        if self.progress.uidvalidity != state.uidvalidity:
            self.progress = Progress(uidvalidity=state.uidvalidity)
        low = max(self.progress.uid, self.folder.backfill_uid or 1 if self.folder.is_synced else 1)
        # What lies beyond the known end has come since the last sync, and is the next one's.
        beyond = self.folder.uidnext if self.folder.is_synced else state.uidnext or _HIGHEST_UID
        ahead = [uid for uid in context.imap.uids_since(low) if uid < beyond]
        there = ahead[:STEP]
        self._high = there[-1] if len(ahead) > STEP else _HIGHEST_UID
        with reading() as s:
            self._here = placements_between(s, self.folder.id, low, self._high)
            self._left_out = left_out_of(s, self.folder.id)
            self._pending = pending_message_ids(s, context.account.id)
        return there

    def _compare(self, context: SyncContext, there: Sequence[int]) -> list[Difference]:
        known = {uid: each for uid, each in self._here.items() if each.message_id not in self._pending}
        both = [uid for uid in there if uid in known]
        found = [
            Difference(GONE, uid, known[uid].subject)
            for uid in sorted(known.keys() - set(there))
            if not known[uid].is_leaving
        ]
        if self.folder.is_synced:
            found += [Difference(MISSING, uid) for uid in there if uid not in self._here and uid not in self._left_out]
        wrong = self._wrong_heads(context, known, [uid for uid in both if self._compares_head(uid)])
        found += wrong
        another = {each.uid for each in wrong}
        flags = context.imap.fetch_flags(both) if both else {}
        found += [
            _flag_difference(uid, known[uid], flags[uid])
            for uid in both
            if uid in flags and uid not in another and known[uid].flags != _comparable(flags[uid])
        ]
        if self.folder.role in ("archive", "trash", "all") and not self.folder.is_synced:
            found += self._moved_here(context) if self._high == _HIGHEST_UID else []
        return found

    def _wrong_heads(
        self, context: SyncContext, known: dict[int, KnownPlacement], uids: Sequence[int]
    ) -> list[Difference]:
        heads = context.imap.fetch_messages(uids) if uids else []
        identities = {head.uid: identity_of(head, parse_headers(head.header)) for head in heads}
        return [
            Difference(ANOTHER, uid, known[uid].subject)
            for uid, identity in sorted(identities.items())
            if identity != known[uid].identity
        ]

    def _moved_here(self, context: SyncContext) -> list[Difference]:
        """Find messages that lie nowhere as far as we know, and yet lie in this folder."""
        with reading() as s:
            lost = lost_messages(s, context.account.id, _MOST_LOST)
        self._moved = {}
        for message_id, identity, header in lost:
            for head in context.imap.fetch_messages(context.imap.search_message_id(header)):
                if head.uid not in self._here and identity_of(head, parse_headers(head.header)) == identity:
                    self._moved[head.uid] = message_id
        return [Difference(MOVED, uid) for uid in sorted(self._moved)]

    def _mend(self, context: SyncContext, found: Sequence[Difference]) -> list[Difference]:
        """Mend what differs, and give what is mended: all but messages that the server does not give readably."""
        log.warning("mending", account=context.account.id, folder=self.folder.id, kinds=[each.kind for each in found])
        uids = {kind: [each.uid for each in found if each.kind == kind] for kind in (MISSING, GONE, FLAGS, ANOTHER)}
        with context.lease.transaction() as s:
            touched = remove_uids(s, self.folder.id, uids[GONE])
            touched += [self._here[uid].message_id for uid in uids[ANOTHER]]
            forget_placements(s, self.folder.id, uids[ANOTHER])
            for uid in [each.uid for each in found if each.kind == MOVED]:
                add_placement(s, self.folder, self._moved[uid], uid, frozenset({"\\Seen"}))
                touched.append(self._moved[uid])
            refresh_conversations(s, context.account, conversation_ids_of(s, touched))
        absent = sorted({*uids[MISSING], *uids[ANOTHER]})
        if absent:
            store_messages(context, self.folder, context.imap.fetch_messages(absent))
            with reading() as s:
                waiting = bodies_waiting(s, self.folder, STEP)
            fetch_bodies(context, waiting)
        if uids[FLAGS]:
            self._take_over_flags(context, uids[FLAGS])
        with reading() as s:
            stored = uids_in_folder(s, self.folder.id)
        return [each for each in found if each.uid in stored or each.uid not in absent]

    def _take_over_flags(self, context: SyncContext, uids: Sequence[int]) -> None:
        flags = {uid: (each.flags, each.modseq) for uid, each in context.imap.fetch_flags(uids).items()}
        with context.lease.transaction() as s:
            changed = save_flags(s, self.folder.id, flags)
            in_step = context.account.read_marks == "keep" and self.folder.role == "inbox"
            sync_message_flags(s, changed, seen_too=in_step)
            refresh_conversations(s, context.account, conversation_ids_of(s, changed))


def _comparable(flags: RemoteFlags) -> dict[str, bool]:
    """Give the flags that are compared; \\Deleted is not: here it also means what is on its way out."""
    values = flag_values(flags.flags)
    del values["is_leaving"]
    return values


def _flag_difference(uid: int, here: KnownPlacement, there: RemoteFlags) -> Difference:
    return Difference(FLAGS, uid, here.subject, _flag_words(_comparable(there)), _flag_words(here.flags))


def _flag_words(values: dict[str, bool]) -> tuple[str, ...]:
    words = {"is_seen": "read", "is_flagged": "flagged", "is_answered": "answered", "is_draft": "draft"}
    return tuple(words[name] for name, is_set in values.items() if is_set)


def head_sample(day: int, every: int) -> Callable[[int], bool]:
    """Choose which UIDs have their header fields compared on a day, so that each has its turn within `every` days."""
    return lambda uid: (uid + day) % every == 0


def total(reports: Iterable[FolderCheck]) -> tuple[int, int]:
    """Give how many messages of all these folders matched, and how many there are."""
    checks = list(reports)
    return sum(check.progress.matched for check in checks), sum(check.progress.count for check in checks)
