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

from webmail.errors import NeedsSignIn, OutcomeUnknown, Refused, Retryable
from webmail.providers import diagnosis, network
from webmail.providers.answers import has_control, words_of
from webmail.providers.base import STARTTLS, TLS, XOAUTH2, Credentials, SendResult, ServerSettings
from webmail.providers.smtp_answers import judge_greeting, judge_mail

# The name in EHLO tells strangers about our network if it is a real one; mail clients say a literal like this.
_EHLO_NAME = "[127.0.0.1]"
# RFC 5321, section 4.5.3.2.6: a server may take its time to judge a whole mail.
_DATA_TIMEOUT_FACTOR = 4
_GOODBYE_S = 3.0


class RecipientsRefused(Refused):
    """All recipients were refused for good.

    Args:
        refused: {address: code and words}.
    """

    def __init__(self, refused: dict[str, str]) -> None:
        super().__init__(
            "The mail server refused every recipient.",
            side="smtp",
            cause="recipient_refused",
            next_step="Check the addresses.",
            server_answer=words_of("; ".join(refused.values())),
        )
        self.refused = refused


class _Client(smtplib.SMTP):
    """smtplib on a connection made by `webmail.providers.network`."""

    def __init__(self, settings: ServerSettings, timeout_s: float) -> None:
        self._settings = settings
        super().__init__(settings.host, settings.port, local_hostname=_EHLO_NAME, timeout=timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = network.open_socket(host, port, timeout, side="smtp")
        return network.wrap_tls(connection, host) if self._settings.security == TLS else connection

    def sign_in_by_token(self, user_name: str, token: str) -> None:
        """AUTH by XOAUTH2; a refusal comes as a challenge that explains it, then as 535."""
        words = f"user={user_name}\x01auth=Bearer {token}\x01\x01"
        code, answer = self.docmd("AUTH", f"XOAUTH2 {_base64(words)}")
        if code == 334:
            code, answer = self.docmd("")
        if code not in (235, 503):
            raise smtplib.SMTPAuthenticationError(code, answer)

    def sign_in(self, user_name: str, secret: str) -> None:
        """AUTH by PLAIN (RFC 4616) or LOGIN, in UTF-8, once: smtplib tries one mechanism after the other, and each
        wrong try counts towards a lock-out.
        """
        offered = self.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            code, answer = self.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{user_name}{chr(0)}{secret}')}")
        elif "LOGIN" in offered:
            code, answer = self.docmd("AUTH", "LOGIN")
            for word in (user_name, secret):
                if code == 334:
                    code, answer = self.docmd(_base64(word))
        else:
            self.login(user_name, secret)
            return
        if code not in (235, 503):
            raise smtplib.SMTPAuthenticationError(code, answer)

    def leave(self, timeout_s: float) -> None:
        """QUIT, without waiting long for the answer."""
        try:
            if self.sock is not None:
                self.sock.settimeout(timeout_s)
            self.quit()
        except (OSError, smtplib.SMTPException):
            self.close()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def check_smtp(settings: ServerSettings, credentials: Credentials, *, timeout_s: float = 10) -> dict[str, str]:
    """Connect, sign in and leave.

    Returns:
        The server's extensions, such as {"size": "36700160"}.

    Raises:
        NeedsSignIn, Refused, Retryable: as `send_mail()` before DATA.
    """
    client = _sign_in(settings, credentials, timeout_s)
    extensions = {name: str(value) for name, value in client.esmtp_features.items()}
    client.leave(_GOODBYE_S)
    return extensions


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
        sender, recipients: the envelope.
        mime: the mail with CRLF line ends.
        before_data: called when the envelope is accepted, right before DATA; what it raises ends the attempt.
        timeout_s: for each answer; the answer to the mail itself may take four times as long.

    Returns:
        The server's answer, and who was refused although others were not.

    Raises:
        NeedsSignIn: the credentials were refused.
        Refused: the mail was refused for good; `RecipientsRefused` where all its recipients were.
        Retryable: nothing was sent, and it may work later.
        OutcomeUnknown: the line broke after DATA.
    """
    session = open_smtp(settings, credentials, timeout_s=timeout_s)
    try:
        return session.send(sender=sender, recipients=recipients, mime=mime, before_data=before_data)
    finally:
        session.close()


class SmtpSession:
    """A line that is signed in and takes one mail after the other; whoever opens it closes it."""

    def __init__(self, client: _Client, settings: ServerSettings, timeout_s: float) -> None:
        self._client, self._settings, self._timeout_s = client, settings, timeout_s
        self.is_usable = True
        """Whether it takes another mail; after a failure that nobody can tell the extent of, it does not."""

    def send(
        self, *, sender: str, recipients: Sequence[str], mime: bytes, before_data: Callable[[], None]
    ) -> SendResult:
        """Send a mail to its recipients; arguments, result and errors as in `send_mail()`, sign-in aside."""
        client, self.is_usable = self._client, False
        with _translated(self._settings):
            _check_size(client, mime)
            needs_utf8 = _needs_utf8(client, [sender, *recipients])
            code, answer = client.mail(_envelope(sender), _mail_options(client, mime, needs_utf8))
            if code != 250:
                raise judge_mail(code, answer)
            refused = _offer_recipients(client, recipients)
            before_data()
            result = SendResult(_transmit(client, mime, self._timeout_s), refused)
        if client.sock is not None:
            client.sock.settimeout(self._timeout_s)
            self.is_usable = True
        return result

    def begin_again(self) -> bool:
        """Forget a mail that was refused or given up before DATA (RSET), and say whether another one can follow."""
        try:
            self.is_usable = self._client.sock is not None and self._client.rset()[0] == 250
        except (OSError, smtplib.SMTPException):
            self.is_usable = False
        return self.is_usable

    def close(self) -> None:
        """Leave, without waiting long for the answer."""
        self._client.leave(_GOODBYE_S)


def open_smtp(settings: ServerSettings, credentials: Credentials, *, timeout_s: float = 60) -> SmtpSession:
    """Connect and sign in; errors as in `send_mail()` before DATA."""
    return SmtpSession(_sign_in(settings, credentials, timeout_s), settings, timeout_s)


def _mail_options(client: _Client, mime: bytes, needs_utf8: bool) -> list[str]:
    options = [f"size={len(mime)}"] if client.has_extn("size") else []
    if not mime.isascii() and client.has_extn("8bitmime"):
        options.append("body=8bitmime")
    return [*options, "smtputf8"] if needs_utf8 else options


def _envelope(address: str) -> str:
    """Give an address as the envelope takes it: its domain in ASCII."""
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return address


def _needs_utf8(client: _Client, addresses: Sequence[str]) -> bool:
    """Say whether SMTPUTF8 (RFC 6531) is needed; only a local part beyond ASCII needs it."""
    for address in addresses:
        if re.search(r"[\x00-\x20\x7f<>]", address):
            raise _address_refused(f"{_shown(address)} cannot be used as an address.", "Type the address in again.")
        if not _envelope(address).isascii() and not client.has_extn("smtputf8"):
            raise _address_refused(
                f"Your mail server cannot write to {_shown(address)}: it takes only plain letters before the @.",
                "Use another address of this person.",
            )
    return not all(_envelope(address).isascii() for address in addresses)


def _shown(address: str) -> str:
    return words_of(address)[:100]


def _address_refused(sentence: str, next_step: str) -> Refused:
    return Refused(sentence, side="smtp", cause="recipient_refused", next_step=next_step)


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
        code, answer = client.rcpt(_envelope(recipient))
        if code not in (250, 251):
            refused[recipient] = f"{code} {words_of(answer)}"
            codes.append(code)
        if code == 421:
            break
    if 421 not in codes and len(refused) < len(recipients):
        return refused
    if any(400 <= code < 500 for code in codes):
        raise Retryable(
            "The mail server does not take mail for this recipient just now.",
            side="smtp",
            cause="recipient_deferred",
            next_step="It is tried again by itself.",
            server_answer=words_of("; ".join(f"{address}: {words}" for address, words in refused.items())),
        )
    raise RecipientsRefused(refused)


def _transmit(client: _Client, mime: bytes, timeout_s: float) -> str:
    code, answer = client.docmd("DATA")
    if code != 354:
        raise judge_mail(code, answer)
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
            server_answer=words_of(error),
        ) from error
    if code != 250:
        raise judge_mail(code, answer)
    return f"{code} {words_of(answer)}"


def _dotted(mime: bytes) -> bytes:
    """Give the mail as it goes over the wire (RFC 5321, section 4.5.2): CRLF only, dots doubled, a dot at the end."""
    text = re.sub(rb"\r\n|\r|\n", b"\r\n", mime)
    text = re.sub(rb"(?m)^\.", b"..", text)
    return text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _sign_in(settings: ServerSettings, credentials: Credentials, timeout_s: float) -> _Client:
    if has_control(credentials.user_name + credentials.secret):
        raise diagnosis.odd_credentials("smtp")
    with _translated(settings):
        client = _Client(settings, timeout_s)
        try:
            client.ehlo_or_helo_if_needed()
            if settings.security == STARTTLS:
                if not client.has_extn("starttls"):
                    raise diagnosis.starttls_missing("smtp", settings.port)
                client.starttls(context=network.tls_context())
                client.ehlo()
            _authenticate(client, settings, credentials)
        except BaseException:
            client.leave(_GOODBYE_S)
            raise
        return client


def _authenticate(client: _Client, settings: ServerSettings, credentials: Credentials) -> None:
    if not client.esmtp_features.get("auth", "").strip():
        if client.has_extn("starttls"):
            raise diagnosis.tls_needed("smtp")
        raise Refused(
            "The SMTP server offers no way to sign in on this port.",
            side="smtp",
            cause="auth_missing",
            next_step="Try port 587 or 465.",
        )
    try:
        sign_in = client.sign_in_by_token if credentials.mechanism == XOAUTH2 else client.sign_in
        sign_in(credentials.user_name, credentials.secret)
    except smtplib.SMTPAuthenticationError as error:
        words = f"{error.smtp_code} {words_of(error.smtp_error)}"
        judged = diagnosis.sign_in_refused("smtp", words, settings.host)
        if judged.cause == "basic_auth_off" and credentials.mechanism == XOAUTH2:
            # No password was shown: what is off is SMTP itself ("535 5.7.139 SmtpClientAuthentication is disabled").
            raise diagnosis.smtp_auth_off(words) from None
        if 400 <= error.smtp_code < 500 and isinstance(judged, NeedsSignIn):
            judged = diagnosis.unavailable("smtp", words)
        elif error.smtp_code == 535 and judged.cause == "sign_in_unclear":
            # RFC 4954, section 6: 535 says "credentials invalid", whatever words come with it.
            judged = diagnosis.sign_in_refused("smtp", f"535 5.7.8 {words_of(error.smtp_error)}", settings.host)
        raise judged from None


@contextmanager
def _translated(settings: ServerSettings) -> Iterator[None]:
    """Turn what smtplib raises into the product's errors."""
    host, port = settings.host, settings.port
    try:
        yield
    except smtplib.SMTPConnectError as error:
        raise judge_greeting(error) from error
    except smtplib.SMTPResponseException as error:
        raise judge_mail(error.smtp_code, _bytes(error.smtp_error)) from error
    except smtplib.SMTPServerDisconnected as error:
        # smtplib hides a timeout behind this; the reason stands in its context.
        lost = error.__context__ if isinstance(error.__context__, OSError) else ConnectionError(str(error))
        raise diagnosis.connection_failed("smtp", host, port, lost, settings.security) from error
    except smtplib.SMTPException as error:
        raise diagnosis.command_refused("smtp", error) from error
    except OSError as error:
        raise diagnosis.connection_failed("smtp", host, port, error, settings.security) from error


def _bytes(answer: bytes | str) -> bytes:
    return answer if isinstance(answer, bytes) else answer.encode("utf-8", "replace")
