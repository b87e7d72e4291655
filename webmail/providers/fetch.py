"""FETCH, read off the line: the command, its answers with their literals, and the items that this product asks for.

IMAPClient reads an answer byte by byte, which costs more than all the rest of a sync. Here a pattern cuts an answer
into words, and one loop puts them together. Each answer is read by itself: one that makes no sense is left out and
takes no other with it. Commands may be sent ahead of the answers to those before (RFC 9051, section 5.5).
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

_WORD = re.compile(
    rb'[()]|(?<=[ ()])"(?:[^"\\]|\\.)*"(?=[ ()\r\n])|\{\d{1,20}\+?\}\r?\n'
    rb'|[A-Z0-9.]{1,20}\[[^\]]{0,5000}\](?:<\d{1,20}>)?|[^\s()"]+|"',
    re.IGNORECASE | re.DOTALL,
)
_ANSWER = re.compile(rb"\* \d{1,20} FETCH ", re.IGNORECASE)
_VANISHED = re.compile(rb"\* VANISHED (?:\(EARLIER\) )?([\d:,]{1,100000})\r?\n", re.IGNORECASE)
_OTHER = re.compile(rb"\+|\* (?:\d{1,20} )?[A-Z][A-Z0-9.-]*[ \r\n]", re.IGNORECASE)
_UID = re.compile(rb"[ (]UID \d{1,10}\b", re.IGNORECASE)
_LITERAL = re.compile(rb"~?\{(\d{1,20})\+?\}\r?\n\Z")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_MOST_DEEP = 120
"""Levels of brackets: MIME may go fifty deep here (`webmail.domain.structure`), each of which takes two."""
_MOST_LITERALS = 1000

Items = dict[bytes, Any]
"""What was told of one message: atoms, strings and literals as bytes, numbers as int, NIL as None, lists as tuples;
in BODYSTRUCTURE the parts of a multipart stand in a list of their own, as IMAPClient has them."""


class Refusal(imaplib.IMAP4.error):
    """The server refused a FETCH; the line is in step."""


class Line(Protocol):
    """The connection as imaplib has it: `webmail.providers.imap_client.GuardedProtocol`."""

    @property
    def abort(self) -> type[Exception]:
        """What is raised when the line ends."""

    def readline(self) -> bytes:
        """Read a line with its end."""

    def read(self, size: int) -> bytes:
        """Read so many bytes."""

    def send(self, data: bytes) -> None:
        """Send bytes."""

    def _new_tag(self) -> bytes:
        """Give the next command's tag."""


class FetchLine:
    """FETCH commands on one line, several at a time.

    Which command an answer belongs to is told by nothing but its UID: a server may mix the answers to commands that
    wait together (Dovecot does). So commands that are on their way together must ask for different messages.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._found: dict[int, Items] = {}
        self._ended: dict[bytes, str] = {}
        self._waiting: set[bytes] = set()
        self.unreadable = 0
        """How many answers made no sense; those of which not even the message is known end the line."""
        self.vanished: list[bytes] = []
        """The uid-sets of messages that are gone, in a session with QRESYNC (RFC 7162, section 3.2.10)."""

    @property
    def is_in_step(self) -> bool:
        """Whether every command has been answered to its end."""
        return not self._waiting

    def send(self, uids: str, items: Sequence[str], modifier: str = "") -> bytes:
        """Send UID FETCH, and give its tag.

        Args:
            uids: a uid-set such as `1:*` or `4,7:9`.
            modifier: such as `CHANGEDSINCE 5`.
        """
        tag = self._line._new_tag()
        self._waiting.add(tag)
        words = f"UID FETCH {uids} ({' '.join(items)}){f' ({modifier})' if modifier else ''}\r\n"
        self._line.send(tag + b" " + words.encode("ascii"))
        return tag

    def wait(self, tag: bytes) -> None:
        """Read answers until a command has ended.

        Raises:
            Refusal: the server refused the command, in the server's own words.
            IMAP4.abort: the line ended.
        """
        while tag not in self._ended:
            self._read()
        refusal = self._ended.pop(tag)
        if refusal:
            raise Refusal(refusal)

    def take(self, uids: Iterable[int] | None = None) -> dict[int, Items]:
        """Give what has been told of messages, of all or of some; several answers about one are put together."""
        if uids is None:
            found, self._found = self._found, {}
            return found
        return {uid: self._found.pop(uid) for uid in uids if uid in self._found}

    def _read(self) -> None:
        text, literals = _read_answer(self._line)
        tag, _, words = text.partition(b" ")
        if _ANSWER.match(text):
            self._note(text, literals)
        elif found := _VANISHED.match(text):
            self.vanished.append(found[1])
        elif tag in self._waiting:
            self._waiting.discard(tag)
            is_done = words[:2].upper() == b"OK"
            self._ended[tag] = "" if is_done else words.decode("utf-8", "replace").strip() or "refused"
        elif not _OTHER.match(text) or words[:3].upper() == b"BYE":
            # What nobody can place is the end of a line that is out of step.
            raise self._line.abort(text.decode("utf-8", "replace").strip() or "an empty line")

    def _note(self, text: bytes, literals: Sequence[bytes]) -> None:
        try:
            items = parse_answer(text, literals)
        except ValueError as error:
            self.unreadable += 1
            if not _UID.search(text):
                raise self._line.abort(f"an answer that cannot be read: {error}") from error
            return
        uid = items.get(b"UID")
        # What comes without a UID was not asked for: flags of other messages, told in passing.
        if isinstance(uid, int):
            self._found.setdefault(uid, {}).update(items)


def _read_answer(line: Line) -> tuple[bytes, list[bytes]]:
    """Read one answer: its text with the literals' sizes in it, and the literals."""
    text = line.readline()
    literals: list[bytes] = []
    rest = text
    while rest.endswith((b"}\r\n", b"}\n")) and (size := _LITERAL.search(rest)) and len(literals) < _MOST_LITERALS:
        wanted = int(size[1])
        literal = line.read(wanted)
        if len(literal) < wanted:
            raise line.abort("the server closed the connection within an answer")
        literals.append(literal)
        rest = line.readline()
        text += rest
    if not rest.endswith(b"\n"):
        raise line.abort("the server closed the connection")
    return text, literals


def parse_answer(text: bytes, literals: Sequence[bytes]) -> Items:
    """Read one answer, `* 12 FETCH (…)`.

    Raises:
        ValueError: its brackets do not match, or it is no list of names and values.
    """
    words = _WORD.findall(text, text.find(b"("))
    top = _nested(words, iter(literals))
    if len(top) != 1 or not isinstance(top[0], tuple) or len(top[0]) % 2:
        raise ValueError("not a list of names and values")
    told = top[0]
    items: Items = {}
    for name, value in zip(told[::2], told[1::2], strict=True):
        if not isinstance(name, bytes):
            raise ValueError("not a name")
        key = name.upper()
        if key == b"BODYSTRUCTURE":
            if not isinstance(value, tuple):
                raise ValueError("not a structure")
            value = _grouped(value)
        items[key] = value
    return items


def _nested(words: Sequence[bytes], literals: Iterator[bytes]) -> list[Any]:
    above: list[list[Any]] = []
    level: list[Any] = []
    for word in words:
        first = word[0]
        if first == 0x28:  # (
            if len(above) > _MOST_DEEP:
                raise ValueError("too deep")
            above.append(level)
            level = []
        elif first == 0x29:  # )
            if not above:
                raise ValueError("a bracket too many")
            done = tuple(level)
            level = above.pop()
            level.append(done)
        elif first == 0x22:  # "
            level.append(_string(word))
        elif first == 0x7B and word[-1] == 0x0A:  # { … line feed
            level.append(next(literals, b""))
        elif word.isdigit():
            level.append(int(word) if len(word) <= 20 else 0)
        else:
            level.append(None if word.upper() == b"NIL" else word)
    if above:
        raise ValueError("a bracket too few")
    return level


def _string(word: bytes) -> bytes:
    if len(word) == 1:
        raise ValueError("a quote out of place")
    return _ESCAPED.sub(rb"\1", word[1:-1]) if b"\\" in word else word[1:-1]


def _grouped(node: tuple[Any, ...]) -> tuple[Any, ...]:
    """Put the parts of a multipart, which stand before its subtype, into a list."""
    count = 0
    while count < len(node) and isinstance(node[count], tuple):
        count += 1
    return ([_grouped(each) for each in node[:count]], *node[count:]) if count else node
