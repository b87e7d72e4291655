"""What went wrong, in the words of a person: every vendor exception becomes a `ProviderError` here, once.

Only an explicit refusal of the credentials is `NeedsSignIn`; everything vague is `Retryable`, because a false
"disconnected" costs more trust than a late one (field notes, pain 14).
"""

from __future__ import annotations

import re
import socket
import ssl

from webmail.errors import NeedsSignIn, ProviderError, Refused, Retryable

SIDES = {"imap": "IMAP", "smtp": "SMTP"}

_APP_PASSWORD = re.compile(
    r"application-specific password|app(?:lication)?[ -]?(?:specific )?password|InvalidSecondFactor|generate.{0,40}app password|"
    r"authorization code|授权码|third[- ]party (?:app|access)",
    re.IGNORECASE,
)
_WEB_LOGIN = re.compile(r"web ?browser|WEBALERT|log ?in via|ALERT\].{0,40}(?:log|sign) in", re.IGNORECASE)
_BASIC_OFF = re.compile(
    r"5\.7\.139|5\.7\.57|basic auth\w* is disabled|SmtpClientAuthentication is disabled|BasicAuthBlocked|BasicAuthDisabled",
    re.IGNORECASE,
)
_IMAP_OFF = re.compile(r"not enabled for IMAP|IMAP (?:access|use) is (?:disabled|not allowed)|enable IMAP|imap service is not", re.IGNORECASE)
_REFUSED = re.compile(
    r"AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED\]|authentication fail|auth(?:entication)? (?:was )?(?:unsuccessful|rejected|error|credentials invalid)|"
    r"invalid (?:user|login|credentials|password|username)|incorrect|bad (?:user|username|login|credentials|password)|login failed|"
    r"login denied|not accepted|username and password|wrong password|password (?:is )?(?:invalid|wrong)|5\.7\.8",
    re.IGNORECASE,
)
_THROTTLED = re.compile(r"THROTTLED|throttl|too many|rate limit|\[LIMIT\]|try again later|Suggested Backoff", re.IGNORECASE)
_BACKOFF = re.compile(r"Backoff Time:? ?(\d{1,9})", re.IGNORECASE)
_NEEDS_TLS = re.compile(r"PRIVACYREQUIRED|LOGINDISABLED|plaintext auth|must issue a STARTTLS|STARTTLS (?:first|required)|5\.7\.0.{0,40}STARTTLS|requires? (?:TLS|SSL)|encryption", re.IGNORECASE)



def words_of(answer: object) -> str:
    """Give a server's answer as one bounded line of text."""
    if isinstance(answer, bytes):
        answer = answer.decode("utf-8", "replace")
    elif isinstance(answer, (list, tuple)):
        answer = " ".join(words_of(each) for each in answer)
    text = "".join(character if character.isprintable() else " " for character in str(answer))
    return " ".join(text.split())[:500]


def sign_in_refused(side: str, answer: object) -> ProviderError:
    """Judge a server's refusal at sign-in."""
    words = words_of(answer)
    name = SIDES[side]
    facts = {"side": side, "server_answer": words}
    if _BASIC_OFF.search(words):
        return NeedsSignIn(
            f"The provider has switched off sign-in by password for {name}.",
            cause="basic_auth_off",
            next_step="Connect through the provider's own card instead, or ask your administrator to allow "
            "authenticated SMTP and IMAP for this mailbox.",
            **facts,
        )
    if _APP_PASSWORD.search(words) or _WEB_LOGIN.search(words):
        return NeedsSignIn(
            f"{name} asks for an app password: the password of the website is not accepted here.",
            cause="app_password_needed",
            next_step="Make an app password in the security settings of the mailbox, and type it in as the password.",
            **facts,
        )
    if _IMAP_OFF.search(words):
        return NeedsSignIn(
            f"{name} is switched off for this mailbox.",
            cause="imap_off",
            next_step=f"Switch {name} on in the mailbox's own settings, then connect again.",
            **facts,
        )
    if _NEEDS_TLS.search(words):
        return tls_needed(side, words)
    if _THROTTLED.search(words):
        return throttled(side, words)
    if "[UNAVAILABLE]" in words.upper() or "[SERVERBUG]" in words.upper() or "[INUSE]" in words.upper():
        return unavailable(side, words)
    if _REFUSED.search(words):
        return NeedsSignIn(
            f"{name} did not accept the user name and password.",
            cause="password_refused",
            next_step="Type the password again. Many providers want an app password here instead of the usual one.",
            **facts,
        )
    return Retryable(
        f"{name} did not let us sign in, and did not say why.",
        cause="sign_in_unclear",
        next_step="Check the user name and the password; if they are right, try again in a minute.",
        **facts,
    )


def tls_needed(side: str, answer: object) -> ProviderError:
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
        next_step=f"Try port {993 if side == 'imap' else 465}, or switch SSL Enabled off if your provider says so.",
    )


def throttled(side: str, answer: object) -> ProviderError:
    """The server asks to slow down."""
    words = words_of(answer)
    found = _BACKOFF.search(words)
    return Retryable(
        f"The provider limits how often {SIDES[side]} may be used.",
        side=side,
        cause="throttled",
        next_step="It is tried again by itself.",
        server_answer=words,
        retry_after_s=min(int(found[1]) / 1000, 3600.0) if found else 60.0,
    )


def unavailable(side: str, answer: object) -> ProviderError:
    """The server says that it cannot work just now."""
    return Retryable(
        f"{SIDES[side]} is not available just now.",
        side=side,
        cause="unavailable",
        next_step="It is tried again by itself.",
        server_answer=words_of(answer),
    )


def command_refused(side: str, answer: object) -> ProviderError:
    """Judge a NO or BAD to something else than the sign-in."""
    words = words_of(answer)
    upper = words.upper()
    if "[OVERQUOTA]" in upper:
        return Refused(
            "The mailbox is full.",
            side=side,
            cause="overquota",
            next_step="Make room in the mailbox, then try again.",
            server_answer=words,
        )
    if "[AUTHENTICATIONFAILED]" in upper:
        return sign_in_refused(side, words)
    if _THROTTLED.search(words):
        return throttled(side, words)
    if "[UNAVAILABLE]" in upper or "[SERVERBUG]" in upper or "[INUSE]" in upper or "INTERNAL ERROR" in upper:
        return unavailable(side, words)
    return Refused(
        f"{SIDES[side]} refused a command.", side=side, cause="command_refused", server_answer=words
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


def connection_failed(side: str, host: str, port: int, error: BaseException) -> ProviderError:
    """Judge why a connection could not be made or broke off."""
    name = SIDES[side]
    where = f"{host[:100]} on port {port}"
    answer = words_of(error)
    if isinstance(error, ProviderError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(side, host, error)
    if isinstance(error, (TimeoutError, socket.timeout)):
        return Retryable(
            f"{where} did not answer in time.",
            side=side,
            cause="timed_out",
            next_step="Check the host and the port. If they are right, a firewall may be in between.",
        )
    if isinstance(error, ConnectionRefusedError):
        return Retryable(
            f"{where} refuses connections.",
            side=side,
            cause="connection_refused",
            next_step=f"Check the {name} host and port.",
            server_answer=answer,
        )
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        other = 143 if side == "imap" else 587
        return Refused(
            f"{where} does not speak SSL: it is the wrong port for SSL.",
            side=side,
            cause="tls_wrong_port",
            next_step=f"With SSL Enabled the usual {name} ports are {993 if side == 'imap' else 465} and {other}.",
            server_answer=answer,
        )
    if isinstance(error, ssl.SSLError):
        return Retryable(
            f"No encrypted connection to {where} could be made.",
            side=side,
            cause="tls_failed",
            next_step=f"Check the {name} host and port, or try again in a minute.",
            server_answer=answer,
        )
    return Retryable(
        f"The connection to {where} was lost.",
        side=side,
        cause="connection_dropped",
        next_step="It is tried again by itself. If it goes on, check the port and SSL Enabled.",
        server_answer=answer,
    )


def _certificate(side: str, host: str, error: ssl.SSLCertVerificationError) -> ProviderError:
    facts = {"side": side, "server_answer": words_of(error.verify_message)}
    if error.verify_code in (62, 63, 64):  # X509_V_ERR_HOSTNAME_MISMATCH, _EMAIL_, _IP_ADDRESS_
        return Refused(
            f"The server's certificate does not fit the name {host[:100]}.",
            cause="certificate_mismatch",
            next_step="Use the host name that your provider gives; it stands in the mailbox's settings or help pages.",
            **facts,
        )
    if error.verify_code == 10:  # X509_V_ERR_CERT_HAS_EXPIRED
        return Refused(
            f"The certificate of {host[:100]} has expired.",
            cause="certificate_expired",
            next_step="Only the operator of that server can renew it; ask them.",
            **facts,
        )
    return Refused(
        f"The certificate of {host[:100]} was not issued by an authority that is trusted here.",
        cause="certificate_untrusted",
        next_step="Check the host. For a server of your own, have your administrator set WEBMAIL_CA_FILE.",
        **facts,
    )


def part_missing() -> ProviderError:
    """A part that a message is said to have is not given by the server."""
    return Refused(
        "The mail server did not give this part of the message.",
        side="imap",
        cause="part_missing",
        next_step="Open the message in your mail client instead.",
    )
