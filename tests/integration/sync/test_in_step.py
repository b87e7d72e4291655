"""*Keep in step* is kept wherever a message lies, or is on its way to, when it is read, starred or moved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest

from tests.integration.sync.conftest import Rows, dying_at, free_lease, sync
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot
from webmail.actions import mail, moves
from webmail.store.accounts import update_account
from webmail.store.changes import OPEN
from webmail.store.folders import update_folder
from webmail.store.models import utc_now
from webmail.store.scope import Scope
from webmail.store.session import transaction

pytestmark = pytest.mark.integration


class Desk:
    """A mailbox with one unread mail under *Keep in step*, and what can be done with it on both sides."""

    def __init__(self, server: Dovecot, make_account: Callable, user: Scope, run_jobs: Callable[[], object]) -> None:
        self._server, self._user, self._run_jobs = server, user, run_jobs
        self._mailbox = server.account()
        with server.open(self._mailbox) as client:
            client.create_folder("Offers")
        server.deliver(self._mailbox.email, build_mail(1))
        self.account = make_account(self._mailbox, scope=user, read_marks="keep")
        self.rows = Rows(self.account.id)
        self.settle()

    def settle(self) -> None:
        """Sync until nothing waits, looking into all folders."""
        for _ in range(4):
            with transaction() as s:
                for folder in self.rows.folders.values():
                    if not folder.is_synced and folder.synced_at is not None:
                        update_folder(s, folder.id, synced_at=utc_now() - timedelta(hours=1))
            sync(self.account)
            self._run_jobs()
            if not [change for change in self.rows.changes if change.state in OPEN]:
                return

    def act(self, name: str) -> None:
        """Do one thing: on the server where the name ends in "there", else here."""
        if name == "settle":
            self.settle()
        elif name == "renumber there":
            self._server.renumber(self._mailbox)
            self._folder("INBOX")
        elif name.endswith("there"):
            self._act_there(*name.split()[:-1])
        elif name == "die renumbering":
            self._die_renumbering()
        elif name.startswith("move "):
            folder = next(each for each in self.rows.folders.values() if each.name == name.split()[1])
            moves.move(self._user, self.rows.conversations[0].uuid, folder.uuid)
        else:
            getattr(mail, name)(self._user, self.rows.conversations[0].uuid)

    def _act_there(self, act: str, folder: str) -> None:
        with self._server.open(self._mailbox) as client:
            client.select_folder(folder)
            uids = client.search("UNDELETED")
            if act == "move":
                client.copy(uids, "Archive")
                client.delete_messages(uids)
                client.expunge()
            elif act == "return":
                client.copy(uids, "INBOX")
                client.delete_messages(uids)
                client.expunge()
            else:
                client.add_flags(uids, ["\\" + flag for flag in act.split("+")])

    def _die_renumbering(self) -> None:
        """Die after the old numbers have been given up, and before a new one is known."""
        self.act("renumber there")
        for commit in range(2, 20):
            with dying_at(commit):
                sync(self.account)
            free_lease(self.account)
            if any(placement.uid < 0 for placement in self.rows.placements()):
                return
        raise AssertionError("there is no such moment")

    def _folder(self, name: str) -> list[frozenset[str]]:
        with self._server.open(self._mailbox) as client:
            client.select_folder(name, readonly=True)
            uids = client.search("UNDELETED")
            found = client.get_flags(uids) if uids else {}
        return [frozenset(flag.decode() for flag in found[uid]) & {"\\Seen", "\\Flagged"} for uid in uids]

    def close(self) -> None:
        """Let nobody sync it any more."""
        with transaction() as s:
            update_account(s, self.account.id, secret=None)

    @property
    def there(self) -> SimpleNamespace:
        """Where the mail lies on the server, and what it is there."""
        [(place, flags)] = [
            (name, flags) for name in ("INBOX", "Archive", "Trash", "Offers") for flags in self._folder(name)
        ]
        return SimpleNamespace(place=place, is_read="\\Seen" in flags, is_starred="\\Flagged" in flags)

    @property
    def here(self) -> SimpleNamespace:
        """Where the mail lies here, and what it is here."""
        conversation, message = self.rows.conversations[0], self.rows.messages[0]
        outside = "Offers" if self.rows.placements("Offers") else "Archive"
        place = "INBOX" if conversation.in_inbox else "Trash" if conversation.in_trash else outside
        return SimpleNamespace(place=place, is_read=not message.is_unread, is_starred=message.is_flagged)


HISTORIES = {
    # What is read while it lies elsewhere is read when it is back.
    "delete, settle, mark_read, undo_move": "INBOX read",
    "delete, settle, mark_read, settle, undo_move": "INBOX read",
    "archive, settle, star, undo_move": "INBOX starred",
    # Marks that are set while the mail is on its way reach it where it arrives.
    "delete, mark_read": "Trash read",
    "archive, star": "Archive starred",
    "delete, mark_read, settle, undo_move": "INBOX read",
    "archive, settle, undo_move, mark_read, star": "INBOX read starred",
    "archive, settle, undo_move, delete": "Trash",
    # What moves to a folder of the user's own is marked there, too, and comes back from there.
    "move Offers, mark_read": "Offers read",
    "move Offers, settle, star, undo_move, mark_read": "INBOX read starred",
    "archive, settle, move Offers, settle, move INBOX": "INBOX",
    # The last of two marks holds.
    "mark_read, mark_unread": "INBOX",
    "mark_read, settle, mark_unread, mark_read": "INBOX read",
    # What changed there where nobody looked is seen here.
    "archive, settle, Seen Archive there, settle, undo_move": "INBOX read",
    "move INBOX there, Seen Archive there, settle, return Archive there": "INBOX read",
}
RENUMBERINGS = {
    # Nothing is lost where the server's numbers have just changed.
    "mark_read, star, renumber there": "INBOX read starred",
    "mark_read, star, die renumbering": "INBOX read starred",
    "die renumbering, mark_read, star": "INBOX read starred",
    "die renumbering, archive": "Archive",
    "archive, die renumbering": "Archive",
    "delete, settle, renumber there, undo_move, mark_read": "INBOX read",
    "Seen+Flagged INBOX there, renumber there": "INBOX read starred",
    "Seen+Flagged INBOX there, die renumbering": "INBOX read starred",
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kind", "histories"),
    [("dovecot", HISTORIES), ("dovecot", RENUMBERINGS), ("simple_dovecot", HISTORIES)],
    ids=["full", "full, renumbered", "simple"],
)
def test_both_sides_say_the_same(
    request: pytest.FixtureRequest, make_account, make_user, run_jobs, kind: str, histories: dict[str, str]
) -> None:
    server = request.getfixturevalue(kind)
    wrong = []
    for history, expected in histories.items():
        desk = Desk(server, make_account, make_user(), run_jobs)
        for step in history.split(", "):
            desk.act(step)
        desk.settle()
        place, *marks = expected.split()
        wanted = SimpleNamespace(place=place, is_read="read" in marks, is_starred="starred" in marks)
        waiting = [change for change in desk.rows.changes if change.state in OPEN]
        if (desk.there, desk.here, waiting) != (wanted, wanted, []):
            wrong.append((history, desk.there, desk.here, waiting))
        desk.close()
    assert wrong == []
