"""Send a mail through Microsoft Graph, where an organisation has switched SMTP off.

`POST /me/sendMail` takes the mail as it is, in base64 (Microsoft Graph, "user: sendMail", MIME format). Who it goes to
stands in its header fields alone, so Bcc has to stand there too; Exchange takes it out, and files the sent copy itself.
Like SMTP's DATA, the request is a point of no return: what fails before it has left is `Retryable`, what fails after it
is `OutcomeUnknown`, except where Graph says in so many words that it did nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from email import policy
from email.parser import BytesHeaderParser
from typing import Any

import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError
from urllib3.exceptions import SSLError as TlsError

from webmail.errors import NeedsSignIn, OutcomeUnknown, ProviderError, Refused, Retryable
from webmail.providers.answers import words_of
from webmail.providers.base import SendResult
from webmail.providers.oauth import OAuthClient, open_line, retry_after_s

SIDE = "graph"
LARGEST_BYTES = 3_000_000
"""The largest mail: a request takes 4 MB, and base64 makes four bytes of three."""
_GRAPH_URL = "https://graph.microsoft.com/v1.0"
_TIMEOUT_S = (10.0, 120.0)
_NOTHING_LEFT = (NewConnectionError, NameResolutionError, TlsError)


def send_mail(
    client: OAuthClient, token: str, *, recipients: Sequence[str], mime: bytes, before_data: Callable[[], None]
) -> SendResult:
    """Send a mail to its recipients.

    Args:
        recipients: the envelope; those whom the mail does not name get it as Bcc.
        mime: the mail with CRLF line ends, without Bcc.
        before_data: called right before the request; what it raises ends the attempt.

    Raises:
        NeedsSignIn: cause `token_refused`: the token is not taken, another one may be.
        Refused: the mail cannot go like this, or nobody has allowed it.
        Retryable: nothing was sent, and it may work later.
        OutcomeUnknown: the answer never came, or is no answer.
    """
    if len(mime) > LARGEST_BYTES:
        raise _too_large(len(mime))
    body = base64.b64encode(with_bcc(mime, recipients))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
    before_data()
    with open_line(client.ca_file) as line:
        try:
            answer = line.post(
                f"{client.graph_url or _GRAPH_URL}/me/sendMail",
                data=body,
                headers=headers,
                timeout=_TIMEOUT_S,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise _line_failed(error) from error
    if answer.status_code != 202:
        raise _judge(answer)
    return SendResult("202 Microsoft Graph has taken the mail", {})


def with_bcc(mime: bytes, recipients: Sequence[str]) -> bytes:
    """Give a mail with those recipients as Bcc whom neither To nor Cc names."""
    headers = BytesHeaderParser(policy=policy.default).parsebytes(mime)
    named = {
        _in_ascii(address.addr_spec)
        for name in ("To", "Cc")
        for header in headers.get_all(name, [])
        for address in header.addresses
    }
    hidden = [address for each in recipients if (address := _in_ascii(each)) not in named]
    field = ",\r\n ".join(f"<{each}>" for each in hidden)
    return (f"Bcc: {field}\r\n".encode() if hidden else b"") + mime


def _in_ascii(address: str) -> str:
    """Give an address as two of them compare: lower case, its domain in ASCII (RFC 5890)."""
    local, _, domain = address.casefold().rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return f"{local}@{domain}"


def _line_failed(error: requests.RequestException) -> ProviderError:
    reason = getattr(error.args[0], "reason", None) if error.args and isinstance(error.args[0], MaxRetryError) else None
    if isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(reason, _NOTHING_LEFT):
        return _later("Microsoft Graph cannot be reached just now.", "unavailable", type(error).__name__)
    return _unknown(type(error).__name__)


def _judge(answer: requests.Response) -> ProviderError:
    code, sentence = _error_of(answer)
    words = words_of(f"{answer.status_code} {code}: {sentence}" if code else str(answer.status_code))
    status = answer.status_code
    if status == 401:
        return NeedsSignIn(
            "Microsoft does not take this sign-in for sending any more.",
            side=SIDE,
            cause="token_refused",
            next_step="Sign in again; settings, conversations and queued mail are kept.",
            server_answer=words,
        )
    if status in (429, 503):
        wait_s = retry_after_s(answer.headers)
        return _later("Microsoft limits how fast this mailbox may send.", "throttled", words, wait_s or 60.0)
    if status == 403:
        return _forbidden(code, words)
    if status == 413 or code in ("ErrorMessageSizeExceeded", "RequestEntityTooLarge"):
        return _too_large(None, words)
    if 400 <= status < 500:
        return Refused(
            "Microsoft refused this mail.",
            side=SIDE,
            cause="message_refused",
            next_step="Read the server's answer; it often says what has to change.",
            server_answer=words,
        )
    return _unknown(words)


def _forbidden(code: str, words: str) -> ProviderError:
    if code in ("ErrorExceededMessageLimit", "ErrorSendQuotaExceeded", "ErrorMessageSubmissionBlocked"):
        return _later("The mailbox has reached its limit of mails for now.", "sending_limit", words, 3600.0)
    return Refused(
        "Microsoft does not let this mailbox send through Graph.",
        side=SIDE,
        cause="graph_not_allowed",
        next_step="Allow it on the Connect tab, or ask your administrator to.",
        server_answer=words,
    )


def _error_of(answer: requests.Response) -> tuple[str, str]:
    try:
        error: Any = answer.json()["error"]
        return str(error["code"]), str(error.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def _later(sentence: str, cause: str, words: str, wait_s: float | None = None) -> Retryable:
    return Retryable(
        sentence,
        side=SIDE,
        cause=cause,
        next_step="It is tried again by itself.",
        server_answer=words,
        retry_after_s=wait_s,
    )


def _unknown(words: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        "Microsoft Graph did not say whether it has taken the mail, so it may have been sent or not.",
        side=SIDE,
        cause="outcome_unknown",
        next_step="Look whether it has arrived before you send it again.",
        server_answer=words,
    )


def _too_large(size_bytes: int | None, words: str = "") -> Refused:
    size = f"{(size_bytes or 0) / 1_000_000:.1f} MB"
    return Refused(
        f"This mail is {size}, and Microsoft Graph takes up to 3 MB."
        if size_bytes
        else "This mail is too large, and Microsoft Graph takes up to 3 MB.",
        side=SIDE,
        cause="too_large",
        next_step="Remove an attachment, or send a link to it.",
        server_answer=words,
    )
