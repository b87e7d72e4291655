"""Compare a mailbox with its server for an operator, and tell what differs in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from webmail.errors import InputRefused, NotFound, ProviderError
from webmail.store.models import Account, Folder
from webmail.store.session import reading
from webmail.store.verification import find_accounts
from webmail.sync.verify import ANOTHER, FLAGS, GONE, MISSING, MOVED, Difference, FolderCheck
from webmail.sync.verify_turns import verify_now

_MOST_LINES = 50
_MENDED = {
    MISSING: ("{n} message was missing here and was fetched.", "{n} messages were missing here and were fetched."),
    GONE: (
        "{n} message was not there any more and was taken out here.",
        "{n} messages were not there any more and were taken out here.",
    ),
    FLAGS: (
        "The marks of {n} message were other than there and were taken over.",
        "The marks of {n} messages were other than there and were taken over.",
    ),
    ANOTHER: (
        "{n} message was taken for another one and was read again.",
        "{n} messages were taken for other ones and were read again.",
    ),
    MOVED: ("{n} message had been moved here unnoticed.", "{n} messages had been moved here unnoticed."),
}


@dataclass(frozen=True)
class FolderReport:
    """How one folder compared: `problem` is "" unless it could not be compared at all."""

    name: str
    count: int
    matched: int
    lines: list[str]
    problem: str = ""

    @property
    def is_same(self) -> bool:
        """Say whether both sides were the same, before anything was mended."""
        return not self.problem and not self.lines


def verify(name: str, *, fixes: bool) -> Iterator[FolderReport]:
    """Compare all folders of an account with its server, and mend what differs where that is asked for.

    Args:
        name: the account's address or uuid.

    Yields:
        A report of each folder, as soon as it is there.

    Raises:
        NotFound: no account has that name.
        InputRefused: several have, or it cannot be compared just now.
        ProviderError: the mailbox cannot be reached.
    """
    account = _only(name)
    for folder, check in verify_now(account, fixes=fixes):
        yield _report(folder, check, fixes=fixes)


def _only(name: str) -> Account:
    with reading() as s:
        found = find_accounts(s, name)
    if not found:
        raise NotFound(f"No mailbox is named {name}.")
    if len(found) > 1:
        uuids = ", ".join(str(account.uuid) for account in found)
        raise InputRefused("account", f"Several mailboxes have this address. Name one by its uuid: {uuids}.")
    account = found[0]
    if account.secret is None or not account.reads_mail or account.status not in ("connected", "error"):
        raise InputRefused("account", f"{account.email} is not being read, so there is nothing to compare.")
    return account


def _report(folder: Folder, check: FolderCheck | ProviderError, *, fixes: bool) -> FolderReport:
    if isinstance(check, ProviderError):
        return FolderReport(folder.name, 0, 0, [], check.user_message)
    lines = [_line(each) for each in check.differences[:_MOST_LINES]]
    if len(check.differences) > _MOST_LINES:
        lines.append(f"and {len(check.differences) - _MOST_LINES} more")
    if fixes:
        lines += mended_lines(check.progress.mended)
    if folder.is_synced and (folder.backfill_uid or 1) > 1:
        lines.append("older messages have still to be read for the first time")
    return FolderReport(folder.name, check.progress.count, check.progress.matched, lines)


def mended_lines(mended: Mapping[str, int]) -> list[str]:
    """Say what was mended, a sentence for each sort."""
    return [
        one_or_many[0 if count == 1 else 1].format(n=f"{count:,}")
        for kind, one_or_many in _MENDED.items()
        if (count := mended.get(kind, 0))
    ]


def _line(difference: Difference) -> str:
    what = f"message {difference.uid}" + (f" ({difference.subject[:80]})" if difference.subject else "")
    if difference.kind == FLAGS:
        there, here = (", ".join(words) or "no mark" for words in (difference.there, difference.here))
        return f"{what} has {there} on the server and {here} here"
    return {
        MISSING: f"{what} is on the server and not here",
        GONE: f"{what} is here and not on the server any more",
        ANOTHER: f"{what} is another message on the server",
        MOVED: f"{what} lies in this folder on the server, and here in none",
    }[difference.kind]
