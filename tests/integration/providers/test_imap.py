"""IMAP sessions against a real Dovecot, and against sockets that misbehave."""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime

import pytest

from tests.integration.providers.conftest import server_tls
from tests.servers.dovecot import Dovecot, Mailbox
from webmail.errors import NeedsSignIn, Refused, Retryable
from webmail.providers.base import Credentials, ServerSettings
from webmail.providers.imap import ImapSession, open_imap

pytestmark = pytest.mark.integration


def mail(number: int, body: str = "Hello") -> bytes:
    return (
        f"Message-ID: <m{number}@test.example>\r\nFrom: a@test.example\r\nTo: b@test.example\r\n"
        f"Subject: number {number}\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\n{body}\r\n"
    ).encode()


def open_at(server: Dovecot, mailbox: Mailbox, security: str = "tls") -> ImapSession:
    port = server.tls_port if security == "tls" else server.plain_port
    return open_imap(
        ServerSettings("localhost", port, security), Credentials(mailbox.email, mailbox.password), timeout_s=10
    )


def good_sign_in(line) -> None:
    line.say(b"* OK [CAPABILITY IMAP4rev1] ready")
    while True:
        tag, command = line.hear().split()[:2]
        if command == b"CAPABILITY":
            line.say(b"* CAPABILITY IMAP4rev1", tag + b" OK done")
        elif command == b"LOGIN":
            line.say(tag + b" OK in")
        elif command == b"EXAMINE":
            line.say(b"* 2 EXISTS", b"* OK [UIDVALIDITY 1] x", b"* OK [UIDNEXT 9] x", tag + b" OK [READ-ONLY] done")
            return
        else:
            line.say(tag + b" BAD unexpected")


def open_scripted(server) -> ImapSession:
    return open_imap(ServerSettings("127.0.0.1", server.port, "plain"), Credentials("u", "secret-word"), timeout_s=3)


@pytest.mark.parametrize("security", ["tls", "starttls", "plain"])
def test_reads_a_folder_on_every_sort_of_line(dovecot: Dovecot, security: str) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [mail(n) for n in range(5)])

    with open_at(dovecot, mailbox, security) as session:
        state = session.select("INBOX")
        uids = session.all_uids()
        heads = list(session.fetch_messages(uids))

    assert state.exists == 5 and state.uidnext == 6 and state.highestmodseq is not None
    assert [head.uid for head in heads] == uids == [1, 2, 3, 4, 5]
    assert b"<m0@test.example>" in heads[0].header
    assert all(head.internal_date.tzinfo is UTC and head.modseq > 0 and not head.flags for head in heads)
    assert not any("\\Seen" in flags for _, flags in dovecot.messages(mailbox))


def test_gives_windows_of_uids_across_gaps(dovecot: Dovecot) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [mail(n) for n in range(60)])
    with open_at(dovecot, mailbox) as session:
        session.select("INBOX", readonly=False)
        session.delete(list(range(11, 56)))
        session.select("INBOX")

        assert session.newest_uids(None, 3) == [60, 59, 58]
        assert session.newest_uids(58, 4) == [57, 56, 10, 9]
        assert session.newest_uids(1, 4) == session.newest_uids(58, 0) == []
        assert session.uids_since(59) == [59, 60]
        assert session.uids_since(61) == []


def test_tells_flags_changed_since(dovecot: Dovecot) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [mail(n) for n in range(3)])
    with open_at(dovecot, mailbox) as session:
        state = session.select("INBOX", readonly=False)
        session.store_flags([2], add=["\\Seen", "\\Flagged"])

        changed = session.fetch_flags("1:*", changed_since=state.highestmodseq)
        session.store_flags([2], remove=["\\Flagged"])

        assert {uid: flags.flags for uid, flags in changed.items()} == {2: frozenset({"\\Seen", "\\Flagged"})}
        assert changed[2].modseq > state.highestmodseq
        assert session.fetch_flags([1, 2])[2].flags == {"\\Seen"}


@pytest.mark.parametrize("is_simple", [False, True])
def test_moves_and_finds_the_mail_again(dovecot: Dovecot, simple_dovecot: Dovecot, is_simple: bool) -> None:
    server = simple_dovecot if is_simple else dovecot
    mailbox = server.account()
    server.seed(mailbox, "INBOX", [mail(n) for n in range(4)])
    with open_at(server, mailbox) as session:
        session.select("INBOX", readonly=False)

        moved = session.move([2, 3], "Archive")

        assert moved == {2: 1, 3: 2}
        session.select("Archive")
        assert session.search_message_id("m2@test.example") == [2]
        session.select("INBOX")
        left = session.fetch_flags("1:*")
    gone = {uid for uid, flags in left.items() if "\\Deleted" in flags.flags}
    assert (set(left), gone) == (({1, 2, 3, 4}, {2, 3}) if is_simple else ({1, 4}, set()))


def test_moving_into_a_folder_that_is_not_there_says_so(dovecot: Dovecot) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [mail(1)])
    with open_at(dovecot, mailbox) as session:
        session.select("INBOX", readonly=False)

        with pytest.raises(Refused) as caught:
            session.move([1], "Nowhere")

        assert caught.value.cause == "folder_missing"
        assert session.all_uids() == [1]


def test_appends_with_the_uid_and_makes_folders_with_any_name(dovecot: Dovecot) -> None:
    mailbox = dovecot.account()
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with open_at(dovecot, mailbox) as session:
        session.create_folder("Übergabe & Größe")
        session.create_folder("Übergabe & Größe")

        uid = session.append("Übergabe & Größe", mail(7, "bødy"), ["\\Seen"], when)

        session.select("Übergabe & Größe")
        (head,) = session.fetch_messages(session.all_uids())
        assert (head.uid, head.internal_date, head.flags) == (uid, when, {"\\Seen"})
        assert list(session.fetch_whole([uid])) == [(uid, mail(7, "bødy"))]
        assert session.fetch_section(uid, "1") == "bødy\r\n".encode()
        assert session.fetch_section(uid, "1", 3) == "bø".encode()
        with pytest.raises(Refused) as caught:
            session.fetch_section(uid + 5, "1")
        assert caught.value.cause == "part_missing"


def test_knows_the_roles_of_folders(dovecot: Dovecot) -> None:
    with open_at(dovecot, dovecot.account()) as session:
        roles = {folder.name: folder.role for folder in session.list_folders()}

    assert roles["INBOX"] == "inbox"
    assert {roles[name] for name in ("Sent", "Drafts", "Trash", "Archive", "Junk")} == {
        "sent", "drafts", "trash", "archive", "junk",
    }  # fmt: skip


def test_opening_a_folder_that_is_not_there_says_so(dovecot: Dovecot) -> None:
    with open_at(dovecot, dovecot.account()) as session, pytest.raises(Refused) as caught:
        session.select("Gesendet")

    assert caught.value.cause == "folder_missing"
    assert caught.value.user_message == "There is no folder named Gesendet in the mailbox."


@pytest.mark.parametrize("text", ['a"b\\c d', "ASCII only", "(weird){3}%*"])
def test_finds_message_ids_with_odd_characters(dovecot: Dovecot, text: str) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [mail(1).replace(b"m1@", text.encode() + b"@")])
    with open_at(dovecot, mailbox) as session:
        session.select("INBOX")

        assert session.search_message_id(f"{text}@test.example") == [1]


@pytest.mark.parametrize("text", ["a\r\nx DELETE INBOX", "a\nb", "a\0b", "ä@b", "x" * 1000, ""])
def test_never_puts_a_hostile_message_id_into_a_command(dovecot: Dovecot, text: str) -> None:
    with open_at(dovecot, dovecot.account()) as session:
        session.select("INBOX")
        before = session.round_trips

        assert session.search_message_id(text) == []
        assert session.round_trips == before


def test_a_wrong_password_is_told_from_everything_else(dovecot: Dovecot) -> None:
    mailbox = dovecot.account()
    with pytest.raises(NeedsSignIn) as caught:
        open_imap(ServerSettings("localhost", dovecot.tls_port, "tls"), Credentials(mailbox.email, "no"), timeout_s=10)

    assert (caught.value.side, caught.value.cause) == ("imap", "password_refused")
    assert "AUTHENTICATIONFAILED" in caught.value.server_answer


def test_a_password_with_any_character_signs_in(dovecot: Dovecot) -> None:
    for mailbox in dovecot.odd:
        for security in ("tls", "starttls"):
            with open_at(dovecot, mailbox, security) as session:
                assert session.select("INBOX").uidvalidity > 0


def test_a_line_break_in_the_user_name_reaches_no_server(scripted) -> None:
    server = scripted(good_sign_in)
    with pytest.raises(NeedsSignIn) as caught:
        open_imap(ServerSettings("127.0.0.1", server.port, "plain"), Credentials("u\r\nx LOGOUT", "p"), timeout_s=3)

    assert caught.value.cause == "odd_credentials"
    assert not any(b"LOGOUT" in line for line in server.lines)


def test_no_password_is_ever_logged(dovecot: Dovecot, caplog: pytest.LogCaptureFixture) -> None:
    mailbox = dovecot.account()
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="imapclient")
    caplog.set_level(logging.DEBUG, logger="imapclient.imaplib")
    caplog.set_level(logging.DEBUG, logger="imapclient.imapclient")

    with open_at(dovecot, mailbox) as session:
        session.select("INBOX")
        with pytest.raises(NeedsSignIn):
            open_imap(ServerSettings("localhost", dovecot.tls_port, "tls"), Credentials(mailbox.email, "s3cret-word"))

    assert mailbox.password not in caplog.text
    assert "s3cret-word" not in caplog.text
    assert session._client._imap._cmd_log == {}


@pytest.mark.parametrize(
    ("security", "certificate", "cause"),
    [("tls", "elsewhere.example", "certificate_mismatch"), ("plain-server", "", "tls_wrong_port")],
)
def test_tls_that_does_not_fit_is_named(scripted, certificates, security: str, certificate: str, cause: str) -> None:
    def talk(line) -> None:
        if certificate:
            server_tls(certificates, certificate).wrap_socket(line.connection, server_side=True)
        line.say(b"* OK ready")
        line.hear()

    with pytest.raises(Refused) as caught:
        open_imap(ServerSettings("localhost", scripted(talk).port, "tls"), Credentials("u", "p"), timeout_s=3)

    assert caught.value.cause == cause


def test_an_unknown_authority_is_named(dovecot: Dovecot) -> None:
    from webmail.providers import network

    network.configure(allow_private_hosts=True, ca_file=None)
    with pytest.raises(Refused) as caught:
        open_imap(ServerSettings("localhost", dovecot.tls_port, "tls"), Credentials("u", "p"), timeout_s=3)

    assert caught.value.cause == "certificate_untrusted"
    assert network.tls_context().minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_missing_starttls_is_never_answered_by_plain_text(scripted) -> None:
    server = scripted(good_sign_in)
    with pytest.raises(Refused) as caught:
        open_imap(ServerSettings("127.0.0.1", server.port, "starttls"), Credentials("u", "secret-word"), timeout_s=3)

    assert caught.value.cause == "starttls_missing"
    assert not any(b"LOGIN" in line for line in server.lines)


@pytest.mark.parametrize(
    ("greeting", "kind", "cause"),
    [
        (b"* BYE Too many simultaneous connections. (Failure)", Retryable, "throttled"),
        (b"* BYE [UNAVAILABLE] Temporary problem", Retryable, "unavailable"),
        (b"HTTP/1.1 400 Bad Request", Retryable, "connection_dropped"),
        (b"", Retryable, "connection_dropped"),
    ],
)
def test_every_odd_greeting_has_its_meaning(scripted, greeting: bytes, kind: type, cause: str) -> None:
    server = scripted(lambda line: line.say(greeting) if greeting else None)
    with pytest.raises(kind) as caught:
        open_scripted(server)

    assert caught.value.cause == cause


def test_a_server_that_says_nothing_times_out(scripted) -> None:
    server = scripted(lambda line: line.hear())
    with pytest.raises(Retryable) as caught:
        open_imap(ServerSettings("127.0.0.1", server.port, "plain"), Credentials("u", "p"), timeout_s=0.3)

    assert caught.value.cause == "timed_out"


def test_nobody_listening_is_refused(scripted) -> None:
    server = scripted(good_sign_in)
    server.stop()
    with pytest.raises(Retryable) as caught:
        open_scripted(server)

    assert caught.value.cause == "connection_refused"


def test_throttling_in_the_middle_carries_the_wait(scripted) -> None:
    def talk(line) -> None:
        good_sign_in(line)
        line.say(line.hear().split()[0] + b" NO Request is throttled. Suggested Backoff Time: 2500 milliseconds")
        line.hear()

    with open_scripted(scripted(talk)) as session:
        session.select("INBOX")
        with pytest.raises(Retryable) as caught:
            session.all_uids()

    assert (caught.value.cause, caught.value.retry_after_s) == ("throttled", 2.5)


def test_a_line_cut_inside_a_literal_is_a_lost_connection(scripted) -> None:
    def talk(line) -> None:
        good_sign_in(line)
        line.hear()
        line.say(b"* 1 FETCH (UID 5 BODY[] {1000}", b"half")

    session = open_scripted(scripted(talk))
    session.select("INBOX")
    with pytest.raises(Retryable) as caught:
        list(session.fetch_whole([5]))
    session.close()

    assert caught.value.cause == "connection_dropped"


def test_a_monstrous_literal_is_refused_before_it_is_read(scripted) -> None:
    def talk(line) -> None:
        good_sign_in(line)
        line.hear()
        line.say(b"* 1 FETCH (UID 5 BODY[] {99999999999}")
        line.hear()

    session = open_scripted(scripted(talk))
    session.select("INBOX")
    with pytest.raises(Retryable) as caught:
        list(session.fetch_whole([5]))
    session.close()

    assert "larger" in caught.value.server_answer


def test_one_unreadable_answer_costs_one_message_and_foreign_flags_confuse_nothing(scripted) -> None:
    def talk(line) -> None:
        good_sign_in(line)
        while True:
            words = line.hear().split()
            if words[1] == b"LOGOUT":
                return
            first, _, last = words[3].partition(b":")
            for uid in range(int(first), int(last or first) + 1):
                structure = b"7" if uid == 6 else b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1)'
                line.say(
                    b"* 9 FETCH (UID 99 FLAGS (\\Deleted))",
                    b"* 1 FETCH (UID %d FLAGS () RFC822.SIZE 3 "
                    b'INTERNALDATE "01-Jan-2026 10:00:00 +0200" BODYSTRUCTURE %b '
                    b"BODY[HEADER.FIELDS (X)] {2}\r\n\r\n)" % (uid, structure),
                )
            line.say(words[0] + b" OK done")

    with open_scripted(scripted(talk)) as session:
        session.select("INBOX")
        heads = list(session.fetch_messages([5, 6, 7]))

    assert [head.uid for head in heads] == [5, 7]
    assert heads[0].internal_date == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert heads[0].flags == frozenset()
