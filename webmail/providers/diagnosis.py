"""What went wrong, in the words of a person: every vendor exception becomes a `ProviderError` here, once.

Only an explicit refusal of the credentials is `NeedsSignIn`; everything vague is `Retryable`, because a false
"disconnected" costs more trust than a late one (field notes, pain 14). What servers say is recognised by the tables of
`webmail.providers.answers`.
"""

from __future__ import annotations

import ssl

from webmail.errors import NeedsSignIn, ProviderError, Refused, Retryable
from webmail.providers import answers
from webmail.providers.answers import words_of
from webmail.providers.base import TLS

SIDES = {"imap": "IMAP", "smtp": "SMTP"}
TLS_PORTS = {"imap": 993, "smtp": 465}
STARTTLS_PORTS = {"imap": 143, "smtp": 587}
BY_ITSELF = "It is tried again by itself."
"""The next step of what the engine repeats; whoever does not repeat it puts another one in its place."""
_NOT_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
)
_NAME_MISMATCH = frozenset({62, 63, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, _EMAIL_MISMATCH, _IP_ADDRESS_MISMATCH
_NOT_NOW = frozenset({9, 10})  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


class UnreadableAnswer(Retryable):
    """The server's answer makes no sense to us; the connection itself is well."""

    def __init__(self, error: Exception) -> None:
        super().__init__(
            "The mail server gave an answer that could not be read.",
            side="imap",
            cause="unreadable_answer",
            next_step=BY_ITSELF,
            server_answer=words_of(error),
        )


def sign_in_refused(side: str, answer: object, host: str = "") -> ProviderError:
    """Judge a server's refusal at sign-in.

    Args:
        answer: the server's words.
        host: where it was; some providers take app passwords only, but do not say so.
    """
    words = words_of(answer)
    name = SIDES[side]
    kind = answers.kind_of_sign_in(words)
    if kind == "tls_needed":
        return tls_needed(side, words)
    if kind == "throttled":
        return throttled(side, words)
    if kind == "unavailable":
        return unavailable(side, words)
    if kind == "password_refused" and answers.wants_app_password(host):
        kind = "app_password_needed"
    if kind in _SIGN_IN:
        sentence, next_step = _SIGN_IN[kind]
        return NeedsSignIn(
            sentence.format(name=name),
            side=side,
            cause=kind,
            next_step=next_step.format(name=name),
            server_answer=words,
        )
    return Retryable(
        f"{name} did not let us sign in, and did not say why.",
        side=side,
        cause="sign_in_unclear",
        next_step="Check the user name and the password. If they are right, try again in a minute.",
        server_answer=words,
    )


_SIGN_IN = {
    "basic_auth_off": (
        "The provider has switched off sign-in by password for {name}.",
        (
            "Connect through the provider's own card, or ask your administrator to allow {name} with a password for "
            "this mailbox."
        ),
    ),
    "app_password_needed": (
        "{name} did not accept the password: this provider takes an app password, not the one of its website.",
        "Make an app password in the security settings of the mailbox, and type it in as the password.",
    ),
    "service_off": (
        "{name} is switched off for this mailbox.",
        "Switch {name} on in the mailbox's own settings, then connect again.",
    ),
    "password_refused": (
        "{name} did not accept the user name and password.",
        "Type the password again. Many providers want an app password here instead of the usual one.",
    ),
}


def smtp_auth_off(answer: object) -> ProviderError:
    """A server that knows who is there, but takes no mail from programs: switched off by the organisation."""
    return Refused(
        "Your organisation has switched off sending by SMTP.",
        side="smtp",
        cause="smtp_auth_off",
        next_step="Mail can go out through Microsoft Graph instead, once you allow it.",
        server_answer=words_of(answer),
    )


def odd_credentials(side: str) -> ProviderError:
    """A user name or password that no server can be given: it holds a line break or the like."""
    return NeedsSignIn(
        "The user name or the password holds a line break or another hidden character.",
        side=side,
        cause="odd_credentials",
        next_step="Type them in again by hand.",
    )


def tls_needed(side: str, answer: object = "") -> ProviderError:
    """The server wants an encrypted line before it listens."""
    return Refused(
        f"{SIDES[side]} only accepts encrypted connections here.",
        side=side,
        cause="tls_needed",
        next_step="Switch SSL Enabled on.",
        server_answer=words_of(answer),
    )


def starttls_missing(side: str, port: int) -> ProviderError:
    """The server offers no STARTTLS although it was asked for; nothing is sent in the clear instead."""
    return Refused(
        f"The {SIDES[side]} server offers no encryption on port {port}.",
        side=side,
        cause="starttls_missing",
        next_step=f"Try port {TLS_PORTS[side]}. Switch SSL Enabled off only if your provider tells you to.",
    )


def throttled(side: str, answer: object) -> ProviderError:
    """The server asks to slow down."""
    words = words_of(answer)
    return Retryable(
        f"The provider limits how often {SIDES[side]} may be used.",
        side=side,
        cause="throttled",
        next_step=BY_ITSELF,
        server_answer=words,
        retry_after_s=answers.backoff_s(words),
    )


def unavailable(side: str, answer: object) -> ProviderError:
    """The server says that it cannot work just now."""
    return Retryable(
        f"{SIDES[side]} is not available just now.",
        side=side,
        cause="unavailable",
        next_step=BY_ITSELF,
        server_answer=words_of(answer),
    )


def command_refused(side: str, answer: object) -> ProviderError:
    """Judge a NO or BAD to something else than the sign-in."""
    words = words_of(answer)
    kind = answers.kind_of_refusal(words)
    if kind == "overquota":
        return Refused(
            "The mailbox is full.",
            side=side,
            cause="overquota",
            next_step="Make room in the mailbox, then try again.",
            server_answer=words,
        )
    if kind == "signed_out":
        return sign_in_refused(side, words)
    if kind == "throttled":
        return throttled(side, words)
    if kind == "unavailable":
        return unavailable(side, words)
    if kind == "not_permitted":
        return Refused(
            "The mail server does not allow this in that folder.",
            side=side,
            cause="not_permitted",
            next_step="Choose another folder, or ask whoever looks after the mailbox.",
            server_answer=words,
        )
    return Refused(
        f"The {SIDES[side]} server refused a command.",
        side=side,
        cause="command_refused",
        next_step="Try again. If it stays like this, show the server's answer to your provider.",
        server_answer=words,
    )


def folder_refused(name: str, answer: object) -> ProviderError:
    """Judge a NO to opening a folder: where nothing else is said, it is not there."""
    judged = command_refused("imap", answer)
    return folder_missing(name, answer) if judged.cause == "command_refused" else judged


def target_refused(name: str, answer: object) -> ProviderError:
    """Judge a NO to putting a mail into a folder; TRYCREATE says that it is not there (RFC 9051, 7.1)."""
    return (
        folder_missing(name, answer) if answers.says_try_create(words_of(answer)) else command_refused("imap", answer)
    )


def folder_missing(name: str, answer: object) -> ProviderError:
    """A folder of the settings is not on the server."""
    return Refused(
        f"There is no folder named {name[:100]} in the mailbox.",
        side="imap",
        cause="folder_missing",
        next_step="Choose one of the folders that are there.",
        server_answer=words_of(answer),
    )


def part_missing() -> ProviderError:
    """A part that a message is said to have is not given by the server."""
    return Refused(
        "The mail server did not give this part of the message.",
        side="imap",
        cause="part_missing",
        next_step="Open the message in your mail client instead.",
    )


def line_ended(side: str, host: str, port: int, answer: object, security: str = TLS) -> ProviderError:
    """Judge a BYE, a 421, or a line that simply ended."""
    words = words_of(answer)
    kind = answers.kind_of_refusal(words)
    if kind == "throttled":
        return throttled(side, words)
    if kind == "unavailable":
        return unavailable(side, words)
    return connection_failed(side, host, port, ConnectionError(words), security)


def connection_failed(side: str, host: str, port: int, error: BaseException, security: str = TLS) -> ProviderError:
    """Judge why a connection could not be made, or broke off.

    Args:
        security: how the line was to be protected; a server that expects TLS is silent to whoever speaks plainly.
    """
    where = f"{host[:100]} on port {port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(side, host, error)
    if isinstance(error, ssl.SSLError) and getattr(error, "reason", None) in _NOT_TLS:
        return Refused(
            f"{where} does not speak SSL from the start: it is the wrong port for SSL.",
            side=side,
            cause="tls_wrong_port",
            next_step=f"With SSL Enabled, {SIDES[side]} usually has port {TLS_PORTS[side]} or {STARTTLS_PORTS[side]}.",
            server_answer=words_of(error),
        )
    if isinstance(error, ConnectionRefusedError):
        return Retryable(
            f"{where} refuses connections.",
            side=side,
            cause="connection_refused",
            next_step=f"Check the {SIDES[side]} host and port.",
            server_answer=words_of(error),
        )
    if security != TLS and port == TLS_PORTS[side]:
        return tls_needed(side)
    if isinstance(error, TimeoutError):
        return Retryable(
            f"{where} did not answer in time.",
            side=side,
            cause="timed_out",
            next_step="Check the host and the port. If they are right, a firewall may be in between.",
        )
    if isinstance(error, ssl.SSLError) and not isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Retryable(
            f"No encrypted connection to {where} could be made.",
            side=side,
            cause="tls_failed",
            next_step=f"Check the {SIDES[side]} host and port, or try again in a minute.",
            server_answer=words_of(error),
        )
    return _dropped(side, where, words_of(error))


def _dropped(side: str, where: str, words: str) -> ProviderError:
    return Retryable(
        f"The connection to {where} was lost.",
        side=side,
        cause="connection_dropped",
        next_step=f"{BY_ITSELF} If it goes on, check the port and SSL Enabled.",
        server_answer=words,
    )


def _certificate(side: str, host: str, error: ssl.SSLCertVerificationError) -> ProviderError:
    name = host[:100]
    if error.verify_code in _NAME_MISMATCH:
        cause = "certificate_mismatch"
        sentence = f"The server's certificate does not fit the name {name}."
        next_step = "Use the host name that your provider gives; it stands in its help pages or the mailbox's settings."
    elif error.verify_code in _NOT_NOW:
        cause = "certificate_expired"
        sentence = f"The certificate of {name} has expired, or is not in force yet."
        next_step = "Only the operator of that server can renew it; ask them."
    else:
        cause = "certificate_untrusted"
        sentence = f"The certificate of {name} was not issued by an authority that is trusted here."
        next_step = "Check the host. For a server of your own, your administrator can set WEBMAIL_CA_FILE."
    answer = words_of(error.verify_message)
    return Refused(sentence, side=side, cause=cause, next_step=next_step, server_answer=answer)
