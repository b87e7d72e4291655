"""What a server tells of changes: QRESYNC, CONDSTORE, neither, and a server that lies."""

from __future__ import annotations

import pytest

from tests.integration.sync.conftest import ids_there, sync
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot
from webmail.providers.condstore import is_honest
from webmail.providers.fetch import FetchLine
from webmail.providers.imap_values import expand_uid_sets
from webmail.providers.reading import Reader

pytestmark = pytest.mark.integration


def remove(server: Dovecot, mailbox, numbers: set[int]) -> None:
    with server.open(mailbox) as client:
        client.select_folder("INBOX")
        client.delete_messages([uid for uid in client.search("ALL") if uid in numbers])
        client.expunge()


def test_qresync_tells_what_is_gone_and_changed_in_one_command(
    dovecot: Dovecot, make_account, rows, count_commands
) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [build_mail(number) for number in range(40)], seen=True)
    account = make_account(mailbox)
    sync(account)
    quiet = count_commands(lambda: sync(account))
    remove(dovecot, mailbox, {3, 7, 8, 9})
    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX")
        client.add_flags([12], ["\\Flagged"])

    commands = count_commands(lambda: sync(account))

    assert rows(account).message_ids() == ids_there(dovecot, mailbox)
    assert [each.uid for each in rows(account).placements() if each.is_flagged] == [12]
    followed = 3  # what vanished may have been archived or deleted: these folders are looked into
    assert commands <= quiet + 1 + 2 * followed


def test_what_came_and_went_at_once_is_seen(dovecot: Dovecot, make_account, rows) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [build_mail(number) for number in range(10)], seen=True)
    account = make_account(mailbox)
    sync(account)
    remove(dovecot, mailbox, {2})
    dovecot.deliver(mailbox.email, build_mail("new"))
    dovecot.deliver(mailbox.email, build_mail("newer"))
    remove(dovecot, mailbox, {11})

    sync(account)

    assert rows(account).message_ids() == ids_there(dovecot, mailbox)


def test_icloud_is_not_asked_what_is_gone() -> None:
    assert not is_honest("imap.mail.me.com")
    assert not is_honest("IMAP.MAIL.ME.COM.")
    assert is_honest("imap.fastmail.com")
    assert is_honest("notmail.me.com")


class _Scripted:
    def __init__(self, *answers: bytes) -> None:
        self._left = b"".join(answers)
        self.sent = b""

    class abort(Exception):  # noqa: N801  # imaplib's name
        pass

    def readline(self) -> bytes:
        line, end, self._left = self._left.partition(b"\n")
        return line + end

    def read(self, size: int) -> bytes:
        data, self._left = self._left[:size], self._left[size:]
        return data

    def send(self, data: bytes) -> None:
        self.sent += data

    def _new_tag(self) -> bytes:
        return b"T%d" % self.sent.count(b"\n")


def test_vanished_is_heard_and_the_answers_to_two_commands_may_mix() -> None:
    line = _Scripted(
        b"* VANISHED (EARLIER) 3,7:9\r\n",
        b"* 2 FETCH (UID 22 FLAGS (\\Seen))\r\n* 1 FETCH (UID 11 BODY[1] {4}\r\n(\r\n) FLAGS ())\r\n",
        b"T0 OK done\r\n* 2 FETCH (UID 22 MODSEQ (5))\r\n* 4 EXISTS\r\n* 9 FETCH (FLAGS ())\r\n* 8 FETCH (UID 8\r\n",
        b"T1 NO [UNAVAILABLE] later\r\n",
    )
    fetch = FetchLine(line)
    first, second = fetch.send("11", ["BODY[1]"]), fetch.send("22", ["FLAGS"])

    fetch.wait(first)
    assert fetch.take([11]) == {11: {b"UID": 11, b"BODY[1]": b"(\r\n)", b"FLAGS": ()}}
    with pytest.raises(Exception, match="UNAVAILABLE"):
        fetch.wait(second)

    assert fetch.take() == {22: {b"UID": 22, b"FLAGS": (b"\\Seen",), b"MODSEQ": (5,)}}
    assert expand_uid_sets(fetch.vanished) == [3, 7, 8, 9]
    assert fetch.is_in_step


def test_a_head_that_was_hurt_on_its_way_is_asked_for_again() -> None:
    structure = b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1)'
    head = b"* %d FETCH (UID %d BODYSTRUCTURE " + structure + b" BODY[HEADER.FIELDS (X)] {2}\r\n\r\n)\r\n"
    hurt = (head % (2, 6)).replace(b'"PLAIN"', b'"PL""""AIN"')
    line = _Scripted(head % (1, 5), hurt, b"T0 OK done\r\n", head % (2, 6), b"T1 OK done\r\n")

    (messages,) = Reader(line, ["UID"], "INBOX", None).read([[5, 6]], with_texts=False)

    assert [each.uid for each in messages] == [5, 6]
    assert line.sent == b"T0 UID FETCH 5:6 (UID)\r\nT1 UID FETCH 6 (UID)\r\n"
