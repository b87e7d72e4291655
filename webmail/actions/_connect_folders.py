"""Find an account's two folders on its server, or say which there are."""

from __future__ import annotations

from collections.abc import Sequence

from webmail.errors import ProviderError, Refused
from webmail.providers.base import FolderState, RemoteFolder
from webmail.providers.imap import ImapSession

_MOST_OFFERS = 8
_NEVER_SENT = ("inbox", "drafts", "trash", "junk")


class NoSuchFolder(Exception):
    """A folder of the form is not there; `offers` are those that may be meant, the likeliest first."""

    def __init__(self, error: ProviderError, offers: list[str]) -> None:
        super().__init__(error.detail)
        self.error = error
        self.offers = offers


def open_folder(imap: ImapSession, folders: Sequence[RemoteFolder], name: str, *, role: str) -> FolderState:
    """Open a folder by its name, or by the same name in other letters where only one folder has it.

    Args:
        folders: the selectable ones. A folder may be there without being listed: users hide folders from IMAP.
        role: `inbox` or `sent`: which of the others to offer first.

    Raises:
        NoSuchFolder: the server has no such folder.
        ProviderError: the line or the server failed.
    """
    names = [folder.name for folder in folders]
    alike = [each for each in names if each.casefold() == name.casefold()]
    wanted = alike[0] if name not in names and len(alike) == 1 else name
    try:
        return imap.select(wanted)
    except Refused as error:
        if error.cause != "folder_missing":
            raise
        raise NoSuchFolder(error, offers_for(folders, role)) from error


def find_outbox(imap: ImapSession, folders: Sequence[RemoteFolder], name: str, *, is_guessed: bool) -> str:
    """Find the folder for sent mail.

    Args:
        name: as it stands in the form; "" to have it looked for.
        is_guessed: nobody typed the name, so the server's own folder for sent mail may stand in for it: Gmail's has
            another name in each language.

    Returns:
        Its name; "" where the mailbox has nothing that could be it.

    Raises:
        NoSuchFolder: it has to be chosen.
        ProviderError: the line or the server failed.
    """
    by_role = sorted((each for each in folders if each.role == "sent"), key=lambda each: not each.is_marked)
    is_listed = name in [folder.name for folder in folders]
    if name and (is_listed or not is_guessed):
        return open_folder(imap, folders, name, role="sent").name
    if by_role:
        return open_folder(imap, folders, by_role[0].name, role="sent").name
    offers = offers_for(folders, "sent")
    if not offers:
        return ""
    raise NoSuchFolder(_unknown_outbox(), offers)


def offers_for(folders: Sequence[RemoteFolder], role: str) -> list[str]:
    """Give the folders that may be meant: those of the role first, then the user's own, then those of other roles."""
    fitting = [folder for folder in folders if role != "sent" or folder.role not in _NEVER_SENT]
    return [folder.name for folder in sorted(fitting, key=lambda each: _distance(each, role))[:_MOST_OFFERS]]


def _distance(folder: RemoteFolder, role: str) -> tuple[bool, bool, bool, str]:
    fits = folder.role == role
    return not fits, fits and not folder.is_marked, folder.role != "", folder.name.casefold()


def _unknown_outbox() -> ProviderError:
    return Refused(
        "None of the mailbox's folders is known as the one for sent mail.",
        side="imap",
        cause="folder_missing",
        next_step="Choose the folder that keeps your sent mail.",
    )
