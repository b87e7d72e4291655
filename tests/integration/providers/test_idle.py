"""IDLE against a real Dovecot, and against sockets that misbehave."""

from __future__ import annotations

import asyncio

import pytest

from tests.loops import run_apart
from tests.servers.dovecot import Dovecot, Mailbox
from webmail.errors import NeedsSignIn, ProviderError, Refused, Retryable
from webmail.providers.base import Credentials, ServerSettings
from webmail.providers.idle import IdleConnection, IdleUnsupported, restart_s_of

pytestmark = pytest.mark.integration

MAIL = b"Message-ID: <i1@test.example>\r\nFrom: a@test.example\r\nSubject: news\r\n\r\nHello\r\n"


def connection_to(server: Dovecot, mailbox: Mailbox, security: str = "tls", **options: float) -> IdleConnection:
    port = server.tls_port if security == "tls" else server.plain_port
    credentials = Credentials(mailbox.email, mailbox.password)
    return IdleConnection(ServerSettings("localhost", port, security), credentials, "INBOX", **options)


async def first_news(connection: IdleConnection, server: Dovecot, mailbox: Mailbox) -> int:
    """Wait for news after a delivery; gives how often it was told."""
    told = 0
    heard = asyncio.Event()

    def on_news() -> None:
        nonlocal told
        told += 1
        heard.set()

    running = asyncio.create_task(connection.run(on_news))
    try:
        for _ in range(20):
            await asyncio.to_thread(server.deliver, mailbox.email, MAIL)
            try:
                await asyncio.wait_for(heard.wait(), 1)
                break
            except TimeoutError:
                if running.done():
                    running.result()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return told


@pytest.mark.parametrize("security", ["tls", "starttls", "plain"])
def test_tells_of_a_delivery(dovecot: Dovecot, security: str) -> None:
    mailbox = dovecot.account()

    assert run_apart(first_news(connection_to(dovecot, mailbox, security), dovecot, mailbox))


def test_still_tells_after_idle_was_begun_anew(dovecot: Dovecot) -> None:
    mailbox = dovecot.account()
    connection = connection_to(dovecot, mailbox, restart_s=0.2)

    assert run_apart(first_news(connection, dovecot, mailbox))
    assert connection._tags > 4


def test_signs_in_with_any_character(dovecot: Dovecot) -> None:
    for mailbox in dovecot.odd:
        assert run_apart(first_news(connection_to(dovecot, mailbox), dovecot, mailbox))


def end_of(connection: IdleConnection) -> ProviderError:
    async def run() -> None:
        await asyncio.wait_for(connection.run(lambda: None), 8)

    with pytest.raises(ProviderError) as caught:
        run_apart(run())
    return caught.value


def test_a_wrong_password_asks_for_a_new_one(dovecot: Dovecot) -> None:
    connection = connection_to(dovecot, Mailbox("no@test.example", "no", "", dovecot.plain_port, dovecot.tls_port))

    error = end_of(connection)

    assert isinstance(error, NeedsSignIn) and error.cause == "password_refused"


def test_a_server_without_idle_is_told_apart(simple_dovecot: Dovecot) -> None:
    assert isinstance(end_of(connection_to(simple_dovecot, simple_dovecot.account())), IdleUnsupported)


def dialogue(*after_idle: bytes, greeting: bytes = b"* OK hi", capability: bytes = b"IMAP4rev1 IDLE"):
    def talk(line) -> None:
        line.say(greeting)
        while True:
            words = line.hear().split()
            if words[0] == b"DONE":
                continue
            if words[1] == b"CAPABILITY":
                line.say(b"* CAPABILITY " + capability)
            while words[-1].endswith(b"}"):
                line.say(b"+ go")
                words = [words[0], *line.hear().split()]
            if words[1] == b"IDLE":
                line.say(b"+ idling", *(each.replace(b"TAG", words[0]) for each in after_idle))
                if after_idle:
                    continue
                return
            line.say(words[0] + b" OK done")

    return talk


def scripted_end(server, security: str = "plain", **options: float) -> ProviderError:
    settings = ServerSettings("127.0.0.1", server.port, security)
    return end_of(IdleConnection(settings, Credentials("u", "secret-word"), "INBOX", **options))


@pytest.mark.parametrize(
    ("talk", "kind", "cause"),
    [
        (dialogue(), Retryable, "connection_dropped"),
        (dialogue(b"* BYE Too many connections"), Retryable, "throttled"),
        (dialogue(b"* BYE Logged out for inactivity."), Retryable, "connection_dropped"),
        (dialogue(b"TAG BAD what"), IdleUnsupported, "idle_unsupported"),
        (dialogue(b"TAG OK done at once"), IdleUnsupported, "idle_unsupported"),
        (dialogue(b"* OK " + b"x" * 200_000), Retryable, "connection_dropped"),
        (dialogue(greeting=b"* BYE [UNAVAILABLE] down"), Retryable, "unavailable"),
        (dialogue(capability=b"IMAP4rev1 LOGINDISABLED"), Refused, "tls_needed"),
    ],
)
def test_every_end_has_its_meaning(scripted, talk, kind: type, cause: str) -> None:
    error = scripted_end(scripted(talk))

    assert (type(error), error.cause) == (kind, cause)


def test_a_server_that_does_not_answer_done_is_left(scripted) -> None:
    error = scripted_end(scripted(dialogue(b"* OK still here")), restart_s=0.1, answer_s=0.3)

    assert error.cause == "timed_out"


def test_words_slipped_in_before_tls_end_the_connection(scripted) -> None:
    def talk(line) -> None:
        line.say(b"* OK hi")
        tag = line.hear().split()[0]
        line.say(b"* CAPABILITY IMAP4rev1 STARTTLS IDLE", tag + b" OK")
        tag = line.hear().split()[0]
        line.say(tag + b" OK begin", b"* PREAUTH injected")
        line.hear()

    server = scripted(talk)

    assert scripted_end(server, "starttls").cause == "connection_dropped"
    assert not any(b"LOGIN" in line or b"secret-word" in line for line in server.lines)


def test_a_missing_starttls_is_never_answered_by_plain_text(scripted) -> None:
    server = scripted(dialogue())

    assert scripted_end(server, "starttls").cause == "starttls_missing"
    assert not any(b"LOGIN" in line for line in server.lines)


def test_quirks_are_known_by_host() -> None:
    hosts = ["imap.mail.yahoo.com", "IMAP.Rambler.ru.", "imap.163.com", "imap.notyahoo.com.example"]

    assert [restart_s_of(host) for host in hosts] == [180.0, 55.0, 0.0, 540.0]
