"""What an SMTP server's refusal of a mail, or of a greeting, means."""

from __future__ import annotations

import smtplib

from webmail.errors import ProviderError, Refused, Retryable
from webmail.providers import diagnosis
from webmail.providers.answers import kind_of_refusal, words_of


def judge_mail(code: int, answer: bytes) -> ProviderError:
    """Judge an answer to MAIL, DATA or the mail itself."""
    words = f"{code} {words_of(answer)}"
    if code in (530, 534, 535, 538):
        return diagnosis.sign_in_refused("smtp", words)
    kind = kind_of_refusal(words)
    if "5.4.5" in words or "sending limit" in words.lower() or "sending quota" in words.lower():
        # Google answers 550 although it is only for today ("550 5.4.5 Daily user sending limit exceeded").
        return _deferred("The mailbox has reached its limit of mails for now.", "sending_limit", words, wait_s=3600.0)
    if 400 <= code < 500:
        if kind == "throttled":
            return diagnosis.throttled("smtp", words)
        return _deferred("The mail server does not take this mail just now.", "message_deferred", words)
    if code == 552 or "5.3.4" in words:
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


def _deferred(sentence: str, cause: str, words: str, wait_s: float | None = None) -> Retryable:
    error = Retryable(sentence, side="smtp", cause=cause, next_step="It is tried again by itself.", server_answer=words)
    error.retry_after_s = wait_s
    return error


def judge_greeting(error: smtplib.SMTPConnectError) -> ProviderError:
    """Judge a greeting that is a refusal."""
    words = f"{error.smtp_code} {words_of(error.smtp_error)}"
    if kind_of_refusal(words) == "throttled":
        return diagnosis.throttled("smtp", words)
    return diagnosis.unavailable("smtp", words)
