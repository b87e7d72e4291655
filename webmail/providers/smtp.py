"""Hand mails to an SMTP server (RFC 5321), and know what became of them.

The moment that matters is DATA. Before it nothing has left, and every failure may be tried again. Once the server has
said 354, the mail may be on its way: if its answer does not come, the outcome is unknown, and saying so is all that can
be done here.
"""

from __future__ import annotations

import base64
import re
import smtplib
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from webmail.errors import NeedsSignIn, OutcomeUnknown, ProviderError, Refused, Retryable
from webmail.providers import diagnosis, network
from webmail.providers.base import STARTTLS, TLS, Credentials, SendResult, ServerSettings

# The name in EHLO tells strangers about our network if it is a real one; mail clients say a literal like this.
_EHLO_NAME = "[127.0.0.1]"
_DATA_TIMEOUT_FACTOR = 4


class _Client(smtplib.SMTP):
    """smtplib on a connection made by `webmail.providers.network`."""

    def __init__(self, settings: ServerSettings, timeout_s: float) -> None:
        self._settings = settings
        super().__init__(settings.host, settings.port, local_hostname=_EHLO_NAME, timeout=timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # type: ignore[override]  # typeshed has no such method
        connection = network.open_socket(host, port, timeout, side="smtp")
        if self._settings.security == TLS:
            return network.tls_context().wrap_socket(connection, server_hostname=host)
        return connection


def check_smtp(settings: ServerSettings, credentials: Credentials, *, timeout_s: float = 10) -> dict[str, str]:
    """Connect, sign in and leave.

    Returns:
        The server's extensions, such as {"size": "36700160"}.

    Raises:
        NeedsSignIn, Refused, Retryable: as `send_mail()` before DATA.
    """
    with _signed_in(settings, credentials, timeout_s) as client:
        return {name: str(value) for name, value in client.esmtp_features.items()}


def send_mail(
    settings: ServerSettings,
    credentials: Credentials,
    *,
    sender: str,
    recipients: Sequence[str],
    mime: bytes,
    before_data: Callable[[], None],
    timeout_s: float = 60,
) -> SendResult:
    """Send a mail to its recipients.

    Args:
        sender, recipients: the envelope, addresses in ASCII.
        mime: the mail with CRLF line ends.
        before_data: called when the envelope is accepted, right before DATA; what it raises ends the attempt.
        timeout_s: for each answer; the answer to the mail itself may take four times as long.

    Returns:
        The server's answer, and who was refused although others were not.

    Raises:
        NeedsSignIn: the credentials were refused.
        Refused: the mail or all its recipients were refused for good.
        Retryable: nothing was sent, and it may work later.
        OutcomeUnknown: the line broke after DATA.
    """
    with _signed_in(settings, credentials, timeout_s) as client:
        _check_size(client, mime)
        options = [f"size={len(mime)}"] if client.has_extn("size") else []
        code, answer = client.mail(sender, options)
        if code != 250:
            raise _judge_mail(code, answer)
        refused = _offer_recipients(client, recipients)
        before_data()
        return SendResult(_transmit(client, settings, mime, timeout_s), refused)


def _check_size(client: _Client, mime: bytes) -> None:
    limit = client.esmtp_features.get("size", "")
    if limit.isdigit() and 0 < int(limit) < len(mime):
        raise Refused(
            f"This mail is {_megabytes(len(mime))} and the mailbox's server takes up to {_megabytes(int(limit))}.",
            side="smtp",
            cause="too_large",
            next_step="Remove an attachment, or send a link to it.",
        )


def _megabytes(size_bytes: int) -> str:
    return f"{max(1, round(size_bytes / 1_000_000))} MB"


def _offer_recipients(client: _Client, recipients: Sequence[str]) -> dict[str, str]:
    refused: dict[str, str] = {}
    codes = []
    for recipient in recipients:
        code, answer = client.rcpt(recipient)
        if code not in (250, 251):
            refused[recipient] = f"{code} {diagnosis.words_of(answer)}"
            codes.append(code)
    if len(refused) < len(recipients):
        return refused
    words = "; ".join(refused.values())[:500]
    if any(400 <= code < 500 for code in codes):
        raise Retryable(
            "The mail server does not take mail for this recipient just now.",
            side="smtp",
            cause="recipient_deferred",
            next_step="It is tried again by itself.",
            server_answer=words,
        )
    error = Refused(
        "The mail server refused every recipient.",
        side="smtp",
        cause="recipients_refused",
        next_step="Check the addresses.",
        server_answer=words,
    )
    error.refused = refused  # type: ignore[attr-defined]  # read by the outbox, which keeps refusals per recipient
    raise error


def _transmit(client: _Client, settings: ServerSettings, mime: bytes, timeout_s: float) -> str:
    code, answer = client.docmd("DATA")
    if code != 354:
        raise _judge_mail(code, answer)
    try:
        if client.sock is not None:
            client.sock.settimeout(timeout_s * _DATA_TIMEOUT_FACTOR)
        client.send(_dotted(mime))
        code, answer = client.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise OutcomeUnknown(
            "The connection was lost while the mail was being handed over, so it may have been sent or not.",
            side="smtp",
            cause="outcome_unknown",
            next_step="Look whether it has arrived before you send it again.",
            server_answer=diagnosis.words_of(error),
        ) from error
    if code != 250:
        raise _judge_mail(code, answer)
    return f"{code} {diagnosis.words_of(answer)}"


def _dotted(mime: bytes) -> bytes:
    """Give the mail as it goes over the wire (RFC 5321, section 4.5.2): CRLF only, dots doubled, a dot at the end."""
    text = re.sub(rb"\r\n|\r|\n", b"\r\n", mime)
    text = re.sub(rb"(?m)^\.", b"..", text)
    return text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _judge_mail(code: int, answer: bytes) -> ProviderError:
    words = f"{code} {diagnosis.words_of(answer)}"
    if code == 530 or "STARTTLS" in words.upper():
        return diagnosis.tls_needed("smtp", words)
    if 400 <= code < 500:
        return Retryable(
            "The mail server does not take this mail just now.",
            side="smtp",
            cause="message_deferred",
            next_step="It is tried again by itself.",
            server_answer=words,
        )
    if code == 552 or " 5.3.4" in words:
        return Refused(
            "The mail server finds this mail too large.",
            side="smtp",
            cause="too_large",
            next_step="Remove an attachment, or send a link to it.",
            server_answer=words,
        )
    return Refused(
        "The mail server refused this mail.",
        side="smtp",
        cause="message_refused",
        next_step="Read the server's answer; it often says what has to change.",
        server_answer=words,
    )


@contextmanager
def _signed_in(settings: ServerSettings, credentials: Credentials, timeout_s: float) -> Iterator[_Client]:
    client = _connect(settings, timeout_s)
    try:
        with _translated(settings):
            client.ehlo_or_helo_if_needed()
            if settings.security == STARTTLS:
                if not client.has_extn("starttls"):
                    raise diagnosis.starttls_missing("smtp", settings.port)
                client.starttls(context=network.tls_context())
                client.ehlo()
            _authenticate(client, credentials)
            yield client
    finally:
        _leave(client)


def _connect(settings: ServerSettings, timeout_s: float) -> _Client:
    try:
        with _translated(settings):
            return _Client(settings, timeout_s)
    except ProviderError as error:
        is_silent = error.cause in ("timed_out", "connection_dropped")
        if is_silent and settings.security != TLS and settings.port == 465:
            # A server that waits for a TLS handshake says nothing to somebody who waits for its greeting.
            raise diagnosis.tls_needed("smtp", "") from error
        raise


def _authenticate(client: _Client, credentials: Credentials) -> None:
    offered = client.esmtp_features.get("auth", "").upper().split()
    if not offered:
        if client.has_extn("starttls"):
            raise diagnosis.tls_needed("smtp", "")
        raise Refused(
            "The SMTP server offers no way to sign in on this port.",
            side="smtp",
            cause="auth_missing",
            next_step="Try port 587 or 465.",
        )
    try:
        if (credentials.user_name + credentials.secret).isascii():
            client.login(credentials.user_name, credentials.secret)
            return
        token = base64.b64encode(f"\0{credentials.user_name}\0{credentials.secret}".encode()).decode()
        code, answer = client.docmd("AUTH", f"PLAIN {token}")
        if code != 235:
            raise smtplib.SMTPAuthenticationError(code, answer)
    except smtplib.SMTPAuthenticationError as error:
        words = f"{error.smtp_code} {diagnosis.words_of(error.smtp_error)}"
        judged = diagnosis.sign_in_refused("smtp", words)
        if 400 <= error.smtp_code < 500 and isinstance(judged, NeedsSignIn):
            judged = diagnosis.unavailable("smtp", words)
        raise judged from None


def _leave(client: _Client) -> None:
    try:
        client.quit()
    except (OSError, smtplib.SMTPException):
        client.close()


@contextmanager
def _translated(settings: ServerSettings) -> Iterator[None]:
    """Turn what smtplib raises into the product's errors."""
    try:
        yield
    except ProviderError:
        raise
    except smtplib.SMTPConnectError as error:
        raise diagnosis.unavailable("smtp", f"{error.smtp_code} {diagnosis.words_of(error.smtp_error)}") from error
    except smtplib.SMTPResponseException as error:
        raise _judge_mail(error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b"") from error
    except smtplib.SMTPServerDisconnected as error:
        raise diagnosis.connection_failed("smtp", settings.host, settings.port, ConnectionError(str(error))) from error
    except smtplib.SMTPException as error:
        raise diagnosis.command_refused("smtp", error) from error
    except OSError as error:
        raise diagnosis.connection_failed("smtp", settings.host, settings.port, error) from error
