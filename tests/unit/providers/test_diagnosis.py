"""What servers say, and what becomes of it."""

from __future__ import annotations

import errno
import ssl

import pytest

from webmail.domain.uid_sets import pack_uids
from webmail.errors import NeedsSignIn, Refused, Retryable
from webmail.providers import answers, diagnosis
from webmail.providers.imap_values import parse_copied, parse_flags, parse_number


@pytest.mark.parametrize(
    ("side", "words", "kind", "cause"),
    [
        ("imap", "[ALERT] Application-specific password required: https://support.google.com/x (Failure)",
         NeedsSignIn, "app_password_needed"),
        ("smtp", "534 5.7.9 Application-specific password required.", NeedsSignIn, "app_password_needed"),
        ("imap", "[ALERT] Please log in via your web browser: https://support.google.com/mail", NeedsSignIn,
         "app_password_needed"),
        ("imap", "[WEBALERT https://accounts.google.com/x] Web login required.", NeedsSignIn, "app_password_needed"),
        ("smtp", "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.", NeedsSignIn,
         "basic_auth_off"),
        ("smtp", "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
         NeedsSignIn, "basic_auth_off"),
        ("imap", "[ALERT] Your account is not enabled for IMAP use. (Failure)", NeedsSignIn, "service_off"),
        ("imap", "[AUTHENTICATIONFAILED] Authentication failed.", NeedsSignIn, "password_refused"),
        ("imap", "[AUTHENTICATIONFAILED] LOGIN Invalid credentials", NeedsSignIn, "password_refused"),
        ("imap", "LOGIN failed.", NeedsSignIn, "password_refused"),
        ("smtp", "535 5.7.8 Username and Password not accepted.", NeedsSignIn, "password_refused"),
        ("smtp", "535 Incorrect authentication data", NeedsSignIn, "password_refused"),
        ("imap", "[UNAVAILABLE] Temporary authentication failure.", Retryable, "unavailable"),
        ("smtp", "454 4.7.0 Temporary authentication failure", Retryable, "unavailable"),
        ("imap", "[ALERT] Too many simultaneous connections. (Failure)", Retryable, "throttled"),
        ("imap", "[PRIVACYREQUIRED] Plaintext authentication disallowed", Refused, "tls_needed"),
        ("smtp", "530 5.7.0 Must issue a STARTTLS command first", Refused, "tls_needed"),
        ("imap", "no", Retryable, "sign_in_unclear"),
        ("imap", "", Retryable, "sign_in_unclear"),
    ],
)  # fmt: skip
def test_only_an_explicit_refusal_of_the_credentials_asks_for_new_ones(side, words, kind, cause) -> None:
    error = diagnosis.sign_in_refused(side, words)

    assert (type(error), error.cause, error.side) == (kind, cause, side)
    assert error.server_answer == words
    assert error.user_message.endswith(".") and error.next_step.endswith(".")


@pytest.mark.parametrize("host", ["imap.gmail.com", "IMAP.mail.yahoo.com.", "imap.aol.com", "imap.mail.me.com"])
def test_a_wrong_password_where_only_app_passwords_work_says_so(host: str) -> None:
    assert diagnosis.sign_in_refused("imap", "[AUTHENTICATIONFAILED] no", host).cause == "app_password_needed"


@pytest.mark.parametrize(
    ("words", "kind", "cause"),
    [
        ("[OVERQUOTA] Quota exceeded (mailbox for user is full)", Refused, "overquota"),
        ("[UNAVAILABLE] Backend is down", Retryable, "unavailable"),
        ("[SERVERBUG] Internal error occurred.", Retryable, "unavailable"),
        ("[THROTTLED] slow down", Retryable, "throttled"),
        ("[LIMIT] Too many commands", Retryable, "throttled"),
        ("[AUTHENTICATIONFAILED] token expired", NeedsSignIn, "password_refused"),
        ("[NOPERM] Permission denied", Refused, "not_permitted"),
        ("Unknown command", Refused, "command_refused"),
    ],
)
def test_refusals_of_commands_differ(words: str, kind: type, cause: str) -> None:
    error = diagnosis.command_refused("imap", words)

    assert (type(error), error.cause) == (kind, cause)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Request is throttled. Suggested Backoff Time: 299961 milliseconds", 299.961),
        ("throttled, backoff time 999999999 ms", 3600.0),
        ("[THROTTLED]", 60.0),
    ],
)
def test_the_wait_that_the_server_asks_for_is_kept_within_reason(words: str, seconds: float) -> None:
    error = diagnosis.throttled("imap", words)

    assert isinstance(error, Retryable) and error.retry_after_s == pytest.approx(seconds)


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message, error.reason = code, "why", "CERTIFICATE_VERIFY_FAILED"
    return error


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "port", "security", "kind", "cause"),
    [
        (certificate_error(62), 993, "tls", Refused, "certificate_mismatch"),
        (certificate_error(10), 993, "tls", Refused, "certificate_expired"),
        (certificate_error(19), 993, "tls", Refused, "certificate_untrusted"),
        (tls_error("WRONG_VERSION_NUMBER"), 143, "tls", Refused, "tls_wrong_port"),
        (tls_error("SSLV3_ALERT_HANDSHAKE_FAILURE"), 993, "tls", Retryable, "tls_failed"),
        (ssl.SSLEOFError(8, "EOF"), 993, "tls", Retryable, "connection_dropped"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), 993, "plain", Retryable, "connection_refused"),
        (TimeoutError(), 993, "tls", Retryable, "timed_out"),
        (TimeoutError(), 993, "starttls", Refused, "tls_needed"),
        (TimeoutError(), 143, "plain", Retryable, "timed_out"),
        (ConnectionResetError(), 993, "plain", Refused, "tls_needed"),
        (ConnectionResetError(), 143, "plain", Retryable, "connection_dropped"),
    ],
)
def test_every_failed_connection_has_its_meaning(error, port, security, kind, cause) -> None:
    judged = diagnosis.connection_failed("imap", "imap.example.com", port, error, security)

    assert (type(judged), judged.cause) == (kind, cause)


def test_no_sentence_blames_or_begs() -> None:
    causes = [diagnosis.sign_in_refused("imap", words) for words in ("[AUTHENTICATIONFAILED]", "5.7.139", "x")]
    causes += [diagnosis.tls_needed("smtp"), diagnosis.starttls_missing("smtp", 25), diagnosis.part_missing()]
    texts = " ".join(f"{each.user_message} {each.next_step}" for each in causes).lower()

    assert not any(word in texts for word in ("invalid", "please", "oops", "!", "error"))


def test_the_servers_words_are_one_bounded_printable_line() -> None:
    words = answers.words_of([b"a\r\n\x1b[31mb\xff", "c" * 10_000])

    assert words.startswith("a [31mb\ufffd c") and len(words) == 500 and words.isprintable()


def test_uid_sets_are_short_and_read_back() -> None:
    assert pack_uids([9, 4, 8, 7, 7]) == "4,7:9"
    assert pack_uids([]) == ""
    assert parse_copied([b"1", b"4,7:9", b"20:23"]) == {4: 20, 7: 21, 8: 22, 9: 23}
    assert parse_copied([b"1", b"x", b"1"]) == parse_copied([]) == {}


def test_odd_values_are_taken_as_they_are() -> None:
    assert parse_number(((b"7",),)) == 7
    assert parse_number(None) is parse_number("x") is None
    assert parse_flags((b"\\Seen", b"\\Recent", "k")) == {"\\Seen", "k"}
