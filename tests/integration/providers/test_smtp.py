"""Sending against aiosmtpd, and against sockets that fail at the worst moment."""

from __future__ import annotations

import pytest

from tests.integration.providers.conftest import PASSWORD, SmtpDouble
from webmail.errors import NeedsSignIn, OutcomeUnknown, Refused, Retryable
from webmail.providers.base import Credentials, SendResult, ServerSettings
from webmail.providers.smtp import RecipientsRefused, check_smtp, send_mail

pytestmark = pytest.mark.integration

MIME = b"Message-ID: <1@test.example>\r\nSubject: hi\r\n\r\n.dot\r\n..two\r\nlast"
GOOD = Credentials("user", PASSWORD)


@pytest.fixture
def double(certificates):
    servers = []

    def start(security: str = "starttls", **options) -> SmtpDouble:
        servers.append(SmtpDouble(certificates, security, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def send(port: int, security: str = "starttls", credentials=GOOD, recipients=("a@x.example",), **options) -> SendResult:
    options = {"sender": "me@x.example", "mime": MIME, "before_data": lambda: None, "timeout_s": 3} | options
    return send_mail(ServerSettings("localhost", port, security), credentials, recipients=list(recipients), **options)


@pytest.mark.parametrize(("security", "mechanisms"), [("starttls", ""), ("tls", ""), ("starttls", "LOGIN")])
def test_hands_a_mail_over_byte_for_byte(double, security: str, mechanisms: str) -> None:
    server = double(security, mechanisms=mechanisms)
    calls: list[int] = []

    result = send(server.port, security, before_data=lambda: calls.append(len(server.received)))

    assert result == SendResult("250 2.0.0 queued as 42", {})
    assert [each.mime for each in server.received] == [MIME + b"\r\n"]
    assert calls == [0]
    assert "8bitmime" in check_smtp(ServerSettings("localhost", server.port, security), GOOD)


def test_keeps_refusals_per_recipient(double) -> None:
    server = double()

    result = send(server.port, recipients=("refused@x.example", "a@x.example", "later@x.example"))

    assert result.refused == {
        "refused@x.example": "550 5.1.1 No such user here",
        "later@x.example": "451 4.7.1 Greylisted",
    }
    assert server.received[0].recipients == ["a@x.example"]


def test_all_recipients_refused_sends_nothing(double) -> None:
    server = double()
    calls: list[str] = []

    with pytest.raises(RecipientsRefused) as caught:
        send(server.port, recipients=("refused@x.example",), before_data=lambda: calls.append("x"))

    assert caught.value.refused == {"refused@x.example": "550 5.1.1 No such user here"}
    assert calls == [] and server.received == []


def test_a_recipient_put_off_is_tried_again(double) -> None:
    with pytest.raises(Retryable) as caught:
        send(double().port, recipients=("later@x.example",))

    assert "later@x.example: 451 4.7.1 Greylisted" in caught.value.server_answer


def test_a_wrong_password_asks_for_a_new_one_and_never_shows_it(double) -> None:
    with pytest.raises(NeedsSignIn) as caught:
        send(double().port, credentials=Credentials("user", "wrong-word"))

    assert (caught.value.side, caught.value.cause) == ("smtp", "password_refused")
    assert "wrong-word" not in repr(caught.value) + caught.value.server_answer


def test_a_mail_over_the_announced_size_is_not_even_offered(double) -> None:
    server = double(size_limit=2_000_000)

    with pytest.raises(Refused) as caught:
        send(server.port, mime=b"x" * 3_000_000)

    assert caught.value.user_message == "This mail is 3 MB and the mailbox's server takes up to 2 MB."
    assert server.received == []


def test_letters_beyond_ascii_go_by_smtputf8_or_idna(double) -> None:
    server = double()

    send(server.port, recipients=("jörg@x.example", "a@bücher.example"))
    send(server.port, recipients=("a@bücher.example",))

    assert server.received[0].recipients == ["jörg@x.example", "a@xn--bcher-kva.example"]
    assert "SMTPUTF8" in server.received[0].options
    assert "SMTPUTF8" not in server.received[1].options


@pytest.mark.parametrize("address", ["a@x.example\r\nRCPT TO:<evil@x.example>", "a b@x.example", "a@x.example>"])
def test_nothing_in_an_address_becomes_a_command(double, address: str) -> None:
    server = double()

    with pytest.raises(Refused) as caught:
        send(server.port, recipients=(address,))

    assert caught.value.cause == "recipient_refused"
    assert server.received == []


def test_what_before_data_raises_ends_the_attempt(double) -> None:
    server = double()

    def stop() -> None:
        raise KeyError("cancelled")

    with pytest.raises(KeyError):
        send(server.port, before_data=stop)

    assert server.received == []


def test_a_missing_starttls_is_never_answered_by_plain_text(double) -> None:
    server = double("plain")
    with pytest.raises(Refused) as caught:
        send(server.port, "starttls")

    assert caught.value.cause == "starttls_missing"


def test_plain_is_refused_where_the_server_wants_encryption(double) -> None:
    with pytest.raises(Refused) as caught:
        send(double("starttls").port, "plain")

    assert caught.value.cause == "tls_needed"


def test_tls_on_a_plain_port_is_named(double) -> None:
    with pytest.raises(Refused) as caught:
        send(double("plain").port, "tls")

    assert caught.value.cause == "tls_wrong_port"


def talk_until_data(line, last: bytes | None, *, reads_mail: bool) -> None:
    line.say(b"220 ready")
    while True:
        verb = line.hear().split()[0].upper()
        if verb == b"EHLO":
            line.say(b"250-x", b"250 AUTH PLAIN")
        elif verb == b"AUTH":
            line.say(b"235 in")
        elif verb == b"DATA":
            break
        else:
            line.say(b"250 ok")
    if reads_mail:
        line.say(b"354 go")
        while line.hear() != b".":
            pass
    if last:
        line.say(last)
        line.hear()


@pytest.mark.parametrize(
    ("last", "reads_mail", "kind", "cause"),
    [
        (None, True, OutcomeUnknown, "outcome_unknown"),
        (None, False, Retryable, "connection_dropped"),
        (b"451 4.3.0 try later", True, Retryable, "message_deferred"),
        (b"421 4.7.0 Too many messages, slow down", True, Retryable, "throttled"),
        (b"550 5.4.5 Daily user sending limit exceeded", True, Retryable, "sending_limit"),
        (b"554 5.7.1 Looks like spam\x07 " + b"x" * 900, True, Refused, "message_refused"),
        (b"552 5.3.4 Message too big", True, Refused, "too_large"),
        (b"451 not now", False, Retryable, "message_deferred"),
    ],
)
def test_each_end_after_data_has_its_meaning(scripted, last, reads_mail, kind, cause) -> None:
    server = scripted(lambda line: talk_until_data(line, last, reads_mail=reads_mail))

    with pytest.raises(kind) as caught:
        send(server.port, "plain")

    assert caught.value.cause == cause
    assert len(caught.value.server_answer) <= 510 and caught.value.server_answer.isprintable()


def test_a_server_that_never_answers_the_mail_leaves_the_outcome_unknown(scripted) -> None:
    def talk(line) -> None:
        talk_until_data(line, None, reads_mail=True)
        line.hear()

    with pytest.raises(OutcomeUnknown):
        send(scripted(talk).port, "plain", timeout_s=0.1)


@pytest.mark.parametrize(
    ("greeting", "cause"),
    [
        (b"421 4.7.0 Too many connections", "throttled"),
        (b"554 No SMTP service here", "unavailable"),
        (b"", "connection_dropped"),
    ],
)
def test_every_odd_greeting_has_its_meaning(scripted, greeting: bytes, cause: str) -> None:
    server = scripted(lambda line: line.say(greeting) if greeting else None)
    with pytest.raises(Retryable) as caught:
        send(server.port, "plain")

    assert caught.value.cause == cause


def test_a_server_that_says_nothing_times_out(scripted) -> None:
    server = scripted(lambda line: line.hear())
    with pytest.raises(Retryable) as caught:
        send(server.port, "plain", timeout_s=0.2)

    assert caught.value.cause == "timed_out"


def test_our_own_host_name_is_not_told(scripted) -> None:
    server = scripted(lambda line: talk_until_data(line, b"250 done", reads_mail=True))

    send(server.port, "plain")

    assert b"ehlo [127.0.0.1]" in [line.lower() for line in server.lines]
