"""The product's own sessions on the demo's mail server, and the people who answer there."""

from __future__ import annotations

import asyncio
import shutil
import signal
import smtplib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import imapclient
import pytest

from tests.integration.demo.conftest import CREDENTIALS, DemoProcess
from tests.loops import run_apart
from webmail.domain.addresses import Address
from webmail.domain.compose import OutgoingMail, build_mail
from webmail.domain.mime import ParsedMessage, parse_message
from webmail.domain.structure import leaf_parts
from webmail.errors import NeedsSignIn, Refused
from webmail.providers.base import Credentials
from webmail.providers.idle import IdleConnection
from webmail.providers.imap import ImapSession, open_imap
from webmail.providers.smtp import RecipientsRefused, check_smtp, send_mail

pytestmark = pytest.mark.integration

ROLES = {"INBOX": "inbox", "Sent": "sent", "Drafts": "drafts", "Trash": "trash", "Archive": "archive", "Junk": "junk"}


@pytest.fixture
def session(demo: DemoProcess) -> Iterator[ImapSession]:
    with demo.open() as opened:
        yield opened


def build(to: str, *, text: str = "Could we talk on Friday at 10:00?", **fields: object) -> tuple[str, bytes]:
    message_id = f"{uuid4().hex}@demo.example"
    values: dict[str, object] = {"subject": "Your application", "in_reply_to": "", "references": (), **fields}
    addresses = [Address("", each) for each in to.split()]
    mail = OutgoingMail(
        message_id=message_id, date=datetime.now(UTC), from_=Address("Robin Hale", CREDENTIALS.user_name), to=addresses,
        text=text, **values,  # type: ignore[arg-type]
    )  # fmt: skip
    return message_id, build_mail(mail)


def send(demo: DemoProcess, to: str, mail: bytes) -> None:
    send_mail(
        demo.smtp,
        CREDENTIALS,
        sender=CREDENTIALS.user_name,
        recipients=to.split(),
        mime=mail,
        before_data=lambda: None,
    )


def wait_for_mails(
    session: ImapSession, is_wanted: Callable[[ParsedMessage], bool], seconds: float = 8
) -> list[ParsedMessage]:
    """Look until something wanted is in the inbox, and once more, so that twins are seen."""
    ends_at = time.monotonic() + seconds
    found: list[ParsedMessage] = []
    while time.monotonic() < ends_at and not found:
        time.sleep(0.2)
        session.select("INBOX")
        mails = [parse_message(raw) for _, raw in session.fetch_whole(session.newest_uids(None, 20))]
        found = [mail for mail in mails if is_wanted(mail)]
    return found


def answers(session: ImapSession, message_id: str, seconds: float = 8) -> list[ParsedMessage]:
    return wait_for_mails(session, lambda mail: mail.headers.in_reply_to == message_id, seconds)


def test_sign_in_with_imapclient_itself(demo: DemoProcess) -> None:
    with imapclient.IMAPClient("127.0.0.1", demo.imap.port, ssl=False) as client:
        client.login(CREDENTIALS.user_name, CREDENTIALS.secret)

        assert client.select_folder("INBOX")[b"EXISTS"] > 100


def test_a_wrong_password_is_refused_in_so_many_words(demo: DemoProcess) -> None:
    wrong = Credentials(CREDENTIALS.user_name, "wrong")

    with pytest.raises(NeedsSignIn):
        open_imap(demo.imap, wrong)
    with pytest.raises(NeedsSignIn):
        check_smtp(demo.smtp, wrong)


def test_folders_have_their_roles_by_name(session: ImapSession) -> None:
    roles = {folder.name: folder.role for folder in session.list_folders()}

    assert {name: role for name, role in roles.items() if role or name in ROLES} == ROLES


def test_nothing_is_sent_before_signing_in(demo: DemoProcess) -> None:
    with smtplib.SMTP("127.0.0.1", demo.smtp.port) as client, pytest.raises(smtplib.SMTPSenderRefused):
        client.sendmail(CREDENTIALS.user_name, ["amara.osei@mailhaven.example"], b"Subject: x\r\n\r\nx\r\n")


@pytest.mark.parametrize("folder", ROLES)
def test_structure_and_mail_tell_of_the_same_attachments(session: ImapSession, folder: str) -> None:
    session.select(folder)
    uids = session.all_uids()

    heads = {head.uid: head for head in session.fetch_messages(uids)}

    assert sorted(heads) == uids
    for uid, raw in session.fetch_whole(uids):
        parts = [part for part in leaf_parts(heads[uid].structure) if part.is_attachment]
        expected = parse_message(raw).attachments
        assert [(part.section, part.filename) for part in parts] == [(part.section, part.filename) for part in expected]
        assert heads[uid].size_bytes == len(raw)


def test_uids_follow_the_time_of_arrival(session: ImapSession) -> None:
    session.select("INBOX")
    dates = [head.internal_date for head in session.fetch_messages(session.all_uids()[:150])]

    assert dates == sorted(dates)
    assert session.newest_uids(None, 2) == session.all_uids()[:-3:-1]


def test_flags_moves_and_copies_are_kept(session: ImapSession) -> None:
    message_id, mail = build("amara.osei@mailhaven.example")
    uid = session.append("Sent", mail, ["\\Seen"], datetime.now(UTC))
    session.select("Sent", readonly=False)

    assert uid is not None
    assert session.search_message_id(message_id) == [uid]
    session.store_flags([uid], add=["\\Flagged", "\\Answered"], remove=["\\Seen"])
    assert session.fetch_flags([uid])[uid].flags == {"\\Flagged", "\\Answered"}

    moved = session.move([uid], "Archive")
    session.select("Archive", readonly=False)
    assert session.search_message_id(message_id) == [moved[uid]]
    assert session.fetch_flags([moved[uid]])[moved[uid]].flags == {"\\Flagged", "\\Answered"}

    session.delete([moved[uid]])
    assert session.search_message_id(message_id) == []


def test_a_folder_that_is_missing_says_so_and_can_be_made(session: ImapSession) -> None:
    with pytest.raises(Refused) as caught:
        session.select("Nowhere")
    assert caught.value.cause == "folder_missing"

    session.create_folder("Bewerbungen/2026 Süd")

    assert session.select("Bewerbungen/2026 Süd").exists == 0


def test_a_candidate_answers_in_the_conversation_and_idle_tells(demo: DemoProcess, session: ImapSession) -> None:
    news: list[float] = []

    async def listen() -> float:
        connection = IdleConnection(demo.imap, CREDENTIALS, "INBOX")
        task = asyncio.create_task(connection.run(lambda: news.append(time.monotonic())))
        await asyncio.sleep(1)
        news.clear()
        await asyncio.to_thread(send, demo, "amara.osei@mailhaven.example", mail)
        sent_at = time.monotonic()
        while not news and time.monotonic() < sent_at + 10:  # noqa: ASYNC110  # a real server is waited for
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return sent_at

    message_id, mail = build("amara.osei@mailhaven.example", references=("first@mailhaven.example",))
    sent_at = run_apart(listen())

    assert news
    assert 1.9 < news[0] - sent_at < 6
    (answer,) = answers(session, message_id)
    assert answer.headers.from_ == Address("Amara Osei", "amara.osei@mailhaven.example")
    assert answer.headers.subject == "Re: Your application"
    assert answer.headers.references == ("first@mailhaven.example", message_id)
    assert answer.text.startswith(("Hi Robin,", "Hello Robin,"))
    assert "Friday at 10:00" in answer.text.partition("wrote:")[0]
    assert "> Could we talk on Friday at 10:00?" in answer.text


def test_the_same_mail_is_answered_once(demo: DemoProcess, session: ImapSession) -> None:
    message_id, mail = build("joel.hartmann@lettermail.example")
    send(demo, "joel.hartmann@lettermail.example", mail)
    send(demo, "joel.hartmann@lettermail.example", mail)

    assert len(answers(session, message_id)) == 1
    time.sleep(2)
    assert len(answers(session, message_id)) == 1


def test_automatic_mail_is_not_answered(demo: DemoProcess, session: ImapSession) -> None:
    message_id, mail = build("clara.whitcombe@postbox.example")
    send(demo, "clara.whitcombe@postbox.example", b"Auto-Submitted: auto-replied\r\n" + mail)

    assert answers(session, message_id, seconds=5) == []


def test_a_mail_that_cannot_be_delivered_comes_back(demo: DemoProcess, session: ImapSession) -> None:
    message_id, mail = build("bounce@nowhere.example")
    send(demo, "bounce@nowhere.example", mail)

    (notice,) = answers(session, message_id)

    assert notice.headers.from_.email == "mailer-daemon@demo.example"
    assert notice.headers.auto_submitted == "auto-replied"
    assert "bounce@nowhere.example" in notice.text


@pytest.mark.parametrize("address", ["refused@mailhaven.example", "somebody@example.com"])
def test_some_recipients_are_refused(demo: DemoProcess, address: str) -> None:
    _, mail = build(address)

    with pytest.raises(RecipientsRefused) as caught:
        send(demo, address, mail)

    assert "550" in caught.value.refused[address]


def test_a_mail_to_oneself_arrives_as_it_is(demo: DemoProcess, session: ImapSession) -> None:
    message_id, mail = build(CREDENTIALS.user_name, text="A note to myself: Größe 42.")
    send(demo, CREDENTIALS.user_name, mail)

    (arrived,) = wait_for_mails(session, lambda each: each.headers.message_id == message_id)

    assert arrived.text.strip() == "A note to myself: Größe 42."


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_everything_is_the_same_after_a_restart(demo: DemoProcess, tmp_path: Path, number: int) -> None:
    data = tmp_path / "data"
    shutil.copytree(demo.data / "demo" / "mail", data / "demo" / "mail")
    process = DemoProcess(data)

    def look() -> list[object]:
        with process.open() as session:
            return [
                (name, session.select(name).uidvalidity, session.fetch_flags("1:*"))
                for name in ("INBOX", "Sent", "Archive")
            ]

    process.start()
    with process.open() as session:
        session.select("INBOX", readonly=False)
        session.store_flags([5], remove=["\\Seen"], add=["\\Flagged"])
    before = look()
    # A process that is killed while it writes leaves its lock behind.
    (data / "demo" / "mail" / "dovecot-uidlist.lock").touch()
    process.stop(number)
    seconds = process.start()
    after = look()
    process.stop()

    assert after == before
    assert seconds < 30


def test_it_ends_quickly_while_somebody_is_listening(tmp_path: Path) -> None:
    process = DemoProcess(tmp_path)
    process.start()

    async def listen_and_stop() -> float:
        connection = IdleConnection(process.imap, CREDENTIALS, "INBOX")
        task = asyncio.create_task(connection.run(lambda: None))
        await asyncio.sleep(1)
        seconds = await asyncio.to_thread(process.stop)
        await asyncio.gather(task, return_exceptions=True)
        return seconds

    assert run_apart(listen_and_stop()) < 10
