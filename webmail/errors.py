"""Every error that the product raises on purpose.

    WebmailError
    ├── ConfigError            the operator's settings cannot be used
    ├── NotFound               no such thing, or not this user's
    ├── InputRefused           what the user gave cannot be used; belongs to a form field
    ├── LeaseLost              another process owns the account now; nothing may be written
    └── ProviderError          a mail server's side of the story
        ├── NeedsSignIn        the credentials were refused in so many words
        ├── Retryable          it may work later: the line, the load, the limits
        ├── Refused            it will not work like this; somebody has to change something
        └── OutcomeUnknown     the line broke after DATA: sent or not, nobody can tell

Vendor exceptions are translated into these once, in `webmail.providers`. `user_message` is what a person
reads; `detail` and `server_answer` are for logs and for *Details*.
"""

from __future__ import annotations


class WebmailError(Exception):
    """Base of all errors raised on purpose; `user_message` is fit to be shown."""

    def __init__(self, user_message: str, *, detail: str = "") -> None:
        super().__init__(detail or user_message)
        self.user_message = user_message
        self.detail = detail


class ConfigError(WebmailError):
    """The operator's settings cannot be used."""


class NotFound(WebmailError):
    """No such thing, or it is not this user's: the two look the same from outside."""

    def __init__(self, user_message: str = "This is not here, or not yours.") -> None:
        super().__init__(user_message)


class InputRefused(WebmailError):
    """What the user gave cannot be used.

    Args:
        field: the form field that it belongs to, or "" for the whole form.
    """

    def __init__(self, field: str, user_message: str) -> None:
        super().__init__(user_message)
        self.field = field


class LeaseLost(WebmailError):
    """Another process owns the account now: what this one did since is rolled back."""

    def __init__(self) -> None:
        super().__init__("Another process syncs this account.")


class ProviderError(WebmailError):
    """A mail server refused, failed or went away.

    Args:
        user_message: what happened, in one sentence.
        side: "imap" or "smtp".
        cause: a stable key such as "password_refused" (see `webmail.providers.diagnosis`).
        next_step: what the user can do, in one sentence; "" when there is nothing to do.
        server_answer: the server's own words, as text, "" if there were none.
    """

    def __init__(
        self,
        user_message: str,
        *,
        side: str,
        cause: str,
        next_step: str = "",
        server_answer: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(user_message, detail=detail or f"{side} {cause}: {server_answer or user_message}")
        self.side = side
        self.cause = cause
        self.next_step = next_step
        self.server_answer = server_answer


class NeedsSignIn(ProviderError):
    """The server refused the credentials explicitly; only the user can mend it."""


class Retryable(ProviderError):
    """It may work later.

    Args:
        retry_after_s: seconds that the server asked to wait, None if it did not say.
    """

    def __init__(self, user_message: str, *, retry_after_s: float | None = None, **rest: str) -> None:
        super().__init__(user_message, **rest)
        self.retry_after_s = retry_after_s


class Refused(ProviderError):
    """It will not work like this: wrong host, missing folder, a permanent SMTP answer."""


class OutcomeUnknown(ProviderError):
    """The connection was lost after DATA: the mail may have gone or not."""
