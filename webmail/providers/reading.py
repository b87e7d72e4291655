"""Read messages in numbers: heads and texts of batch after batch, the next one on the line while the last is stored.

The head of a message tells its parts (BODYSTRUCTURE), so only the text to be read is fetched, never an attachment, and
nothing has to be taken apart here. Messages whose text stands in the same parts share a command: of a batch of two
hundred that makes about five, all sent at once. A text that the server does not give is left for `fetch_bodies`, which
asks for the message by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from webmail.domain.headers import split_fields
from webmail.domain.only_contacts import FIELDS
from webmail.domain.reports import REPORT_TYPES, needs_parts
from webmail.domain.structure import Part, text_parts
from webmail.domain.uid_sets import pack_uids
from webmail.providers.base import GMAIL, RemoteMessage
from webmail.providers.fetch import FetchLine, Items, Line, Refusal
from webmail.providers.imap_values import build_message

_HEADER_FIELDS = (
    "MESSAGE-ID DATE FROM SENDER REPLY-TO TO CC BCC SUBJECT IN-REPLY-TO REFERENCES LIST-ID LIST-UNSUBSCRIBE "
    "AUTO-SUBMITTED CONTENT-TYPE X-MICROSOFT-ORIGINAL-MESSAGE-ID RETURN-PATH PRECEDENCE LIST-POST X-FAILED-RECIPIENTS "
    "X-AUTOREPLY X-AUTORESPOND"
)
_HEAD = ("UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODYSTRUCTURE", f"BODY.PEEK[HEADER.FIELDS ({_HEADER_FIELDS})]")
_ADDRESSING = f"BODY.PEEK[HEADER.FIELDS ({FIELDS})]"
_MOST_OF_REPORT = 16_384
_GMAIL_HEAD = ("X-GM-MSGID", "X-GM-THRID", "X-GM-LABELS")
MAX_TEXT_BYTES = 2 * 1024 * 1024
"""Of one text, as it is transferred."""
_MAX_REPORT_BYTES, _MAX_REPORT_PARTS = 64 * 1024, 4
_MAX_BATCH_BYTES = 8 * 1024 * 1024
"""Of all texts of a batch, so that a worker's memory does not depend on the mailbox."""


def head_items(capabilities: Set[str], *, has_modseq: bool) -> list[str]:
    """Give what is asked of a message's head."""
    return [*_HEAD, *(_GMAIL_HEAD if GMAIL in capabilities else []), *(["MODSEQ"] if has_modseq else [])]


@dataclass
class _Batch:
    """A batch whose heads are here, and whose texts are on their way."""

    heads: list[RemoteMessage]
    tags: list[bytes]
    asked: set[int]
    texts: dict[int, dict[str, bytes]] = field(default_factory=dict)

    def messages(self) -> list[RemoteMessage]:
        """Give the messages with their texts; None for those that were not asked for or did not come."""
        return [head.with_texts(self._texts_of(head)) for head in self.heads]

    def _texts_of(self, head: RemoteMessage) -> dict[str, bytes] | None:
        found = self.texts.get(head.uid, {})
        wanted = {part.section for part in _wanted(head)}
        return found if head.uid in self.asked and wanted <= found.keys() else None


class Chooser(Protocol):
    """Decides which messages may be read at all, by a few fields of their headers."""

    def choose(self, folder: str, heads: Mapping[int, bytes], /) -> set[int]:
        """Say which of these may be read, by what `webmail.domain.only_contacts.FIELDS` names."""

    def doubtful(self) -> dict[str, list[int]]:
        """Give the reports among the others, by the section that has a say, too."""

    def choose_reports(self, folder: str, parts: Mapping[int, bytes], /) -> set[int]:
        """Say which of the reports may be read, by these sections of them."""


class Reader:
    """Reads from one line.

    Args:
        head: what is asked of each message's head, as `head_items()` gives it.
        folder: what is open.
        chooser: is asked before anything else of a message is; without one all are read.
    """

    def __init__(self, line: Line, head: Sequence[str], folder: str, chooser: Chooser | None) -> None:
        self._line = FetchLine(line)
        self._head = head
        self._folder = folder
        self._chooser = chooser

    @property
    def is_in_step(self) -> bool:
        """Whether every answer has been read; otherwise the line can only be closed."""
        return self._line.is_in_step

    def read(self, batches: Iterable[Sequence[int]], *, with_texts: bool) -> Iterator[list[RemoteMessage]]:
        """Yield the messages of each batch of UIDs, in the server's order.

        Args:
            batches: taken two ahead of what is yielded.

        Raises:
            Refusal: the server does not tell the heads; the line is in step.
            IMAP4.abort, OSError: the line ended.
        """
        waiting = iter(batches)
        ahead = self._ask_heads(waiting)
        current = self._take(ahead, with_texts=with_texts) if ahead else None
        ahead = self._ask_heads(waiting)
        while current is not None:
            self._read_texts(current)
            following = self._take(ahead, with_texts=with_texts) if ahead else None
            # The server goes on with this while the caller stores what it gets now.
            ahead = self._ask_heads(waiting)
            yield current.messages()
            current = following

    def _ask_heads(self, waiting: Iterator[Sequence[int]]) -> tuple[bytes, Sequence[int]] | None:
        uids = next((each for each in waiting if each), None)
        if uids is None:
            return None
        chosen = self._choose(uids)
        return (self._line.send(pack_uids(chosen), self._head) if chosen else b"", chosen)

    def _choose(self, uids: Sequence[int]) -> Sequence[int]:
        """Give those of these messages that may be read; of the others nothing more is asked."""
        if self._chooser is None:
            return uids
        kept = self._chooser.choose(self._folder, self._ask(uids, _ADDRESSING, b"BODY[HEADER"))
        for section, reports in self._chooser.doubtful().items():
            item, name = f"BODY.PEEK[{section}]<0.{_MOST_OF_REPORT}>", f"BODY[{section}]".encode()
            kept |= self._chooser.choose_reports(self._folder, self._ask(reports, item, name))
        return [uid for uid in uids if uid in kept]

    def _ask(self, uids: Sequence[int], item: str, name: bytes) -> dict[int, bytes]:
        """Ask for one thing of messages, and give it as far as it came."""
        self._line.wait(self._line.send(pack_uids(uids), ["UID", item]))
        found = self._line.take(uids).items()
        told = {
            uid: next((value for key, value in items.items() if key.startswith(name)), None) for uid, items in found
        }
        return {uid: value for uid, value in told.items() if isinstance(value, bytes)}

    def _take(self, asked: tuple[bytes, Sequence[int]], *, with_texts: bool) -> _Batch:
        """Read the heads of a batch, and ask for its texts."""
        tag, uids = asked
        if not uids:
            return _Batch([], [], set())
        self._line.wait(tag)
        found = self._line.take(uids)
        if self._line.unreadable and (missing := [uid for uid in uids if uid not in found]):
            # What made no sense may have been hurt on its way: it is asked for once more, and then left out.
            self._line.unreadable = 0
            self._line.wait(self._line.send(pack_uids(missing), self._head))
            found |= self._line.take(missing)
        heads = [head for uid, items in found.items() if (head := build_message(uid, items)) is not None]
        batch = _Batch(heads, [], set())
        for sections, members in _groups(heads).items() if with_texts else ():
            batch.asked |= set(members)
            if sections:
                batch.tags.append(self._line.send(pack_uids(members), ["UID", *sections]))
        return batch

    def _read_texts(self, batch: _Batch) -> None:
        for tag in batch.tags:
            # What is refused is asked for again one by one, and it is found out which of them the server refuses.
            with suppress(Refusal):
                self._line.wait(tag)
        found = self._line.take(batch.asked)
        batch.texts = {uid: sections_of(items) for uid, items in found.items()}


def _wanted(head: RemoteMessage) -> list[Part]:
    return [part for part in text_parts(head.parts) if part is not None]


def _groups(heads: Sequence[RemoteMessage]) -> dict[tuple[str, ...], list[int]]:
    """Bring together the messages whose text stands in the same parts: {what to ask for: their UIDs}."""
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    left = _MAX_BATCH_BYTES
    for head in heads:
        if head.structure is None:
            continue
        parts = _wanted(head)
        # A message cannot be larger than it is, whatever its parts are said to be.
        size = sum(min(part.size_bytes, MAX_TEXT_BYTES) for part in parts)
        if size <= left:
            left -= size
            groups[(*(text_item(part) for part in parts), *_report_items(head))].append(head.uid)
    return groups


def _report_items(head: RemoteMessage) -> list[str]:
    """Give what to ask for to learn what a machine reports: most mail has nothing of the kind."""
    found = [part for part in head.parts if part.media_type in REPORT_TYPES]
    if not found or not needs_parts(split_fields(head.header), {part.media_type for part in found}):
        return []
    return [f"BODY.PEEK[{part.section}]<0.{_MAX_REPORT_BYTES}>" for part in found[:_MAX_REPORT_PARTS]]


def text_item(part: Part) -> str:
    """Give what to ask for to get a text, or the beginning of one that is too long."""
    return f"BODY.PEEK[{part.section}]" + (f"<0.{MAX_TEXT_BYTES}>" if part.size_bytes > MAX_TEXT_BYTES // 2 else "")


def sections_of(items: Items) -> dict[str, bytes]:
    """Give the parts among what FETCH told, by section."""
    found = {}
    for key, value in items.items():
        if key.startswith(b"BODY[") and isinstance(value, bytes):
            found[key[5:].partition(b"]")[0].decode("ascii", "replace")] = value
    return found
