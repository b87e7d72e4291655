"""What mail servers say when they refuse, as tables: a pattern, and what it means.

The first row that fits decides, so the rows go from the particular to the general. Sources stand beside the rows;
"seen" is an answer quoted in public issue threads (field notes, section 1 and 4).
"""

from __future__ import annotations

import re

_LONGEST_ANSWER = 500
_LONGEST_BACKOFF_S = 3600.0
_USUAL_BACKOFF_S = 60.0


def _rows(*rows: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), kind) for pattern, kind in rows)


_SIGN_IN = _rows(
    # Microsoft 365, IMAP and SMTP: "535 5.7.139 Authentication unsuccessful, basic authentication is disabled".
    (
        r"5\.7\.139|basic auth\w* is disabled|SmtpClientAuthentication is disabled|BasicAuth(?:Blocked|Disabled)",
        "basic_auth_off",
    ),
    # Google: "534 5.7.9 Application-specific password required", "[ALERT] Application-specific password required".
    (
        r"application[- ]specific password|InvalidSecondFactor|app(?:lication)?[- ]?password|5\.7\.9 .{0,80}password",
        "app_password_needed",
    ),
    # Yahoo, AOL: "please use an app password"; QQ and NetEase: the code that stands in for a password there.
    (r"authori[sz]ation code|授权码|third[- ]party (?:app|access)", "app_password_needed"),
    # Google: "[ALERT] Please log in via your web browser", "[WEBALERT https://…] Web login required".
    (r"WEBALERT|web login required|log ?in (?:via|with|through) your web browser", "app_password_needed"),
    # Google, Zoho, Mail.ru: IMAP has to be switched on in the settings.
    (r"(?:IMAP|SMTP|account)\b.{0,20} (?:access |use )?is (?:disabled|not (?:allowed|enabled))", "service_off"),
    (r"not enabled for IMAP|enable (?:IMAP|SMTP)", "service_off"),
    # RFC 5530 PRIVACYREQUIRED; RFC 3207: "530 Must issue a STARTTLS command first".
    (r"PRIVACYREQUIRED|LOGINDISABLED|(?:plaintext|cleartext) (?:auth|login)", "tls_needed"),
    (r"must issue (?:a )?STARTTLS|STARTTLS (?:first|required|command)", "tls_needed"),
    (r"encryption (?:is )?(?:required|needed)|requires? (?:TLS|SSL|encryption)|5\.7\.11\b", "tls_needed"),
    # Microsoft 365: "Request is throttled. Suggested Backoff Time: 299 milliseconds" (imapsync#212).
    (r"throttl|too many|rate limit|\[LIMIT\]|Suggested Backoff|4\.7\.0 .{0,60}(?:later|limit)", "throttled"),
    # RFC 5530; RFC 4954: "454 4.7.0 Temporary authentication failure".
    (r"\[(?:UNAVAILABLE|SERVERBUG|INUSE|CONTACTADMIN)\]", "unavailable"),
    (r"internal (?:server )?error|temporar(?:y|ily)|try again later", "unavailable"),
    # RFC 5530 AUTHENTICATIONFAILED, AUTHORIZATIONFAILED, EXPIRED; RFC 4954: 5.7.8.
    (r"AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|\[EXPIRED\]|\b5\.7\.8\b", "password_refused"),
    (r"auth\w* (?:was )?(?:fail|unsuccessful|rejected|error|credentials invalid|not successful)", "password_refused"),
    (r"(?:fail\w*|unable) to auth", "password_refused"),
    (r"(?:invalid|incorrect|wrong|bad) (?:user|login|credential|password|auth|account)", "password_refused"),
    (
        r"(?:password|credentials?|username|login)\b.{0,30} (?:incorrect|invalid|wrong|not accepted|mismatch)",
        "password_refused",
    ),
    (
        r"log-?in (?:failed|denied|incorrect|failure|error)|unknown user|no such user|password (?:error|fail)",
        "password_refused",
    ),
)

_REFUSALS = _rows(
    (r"\[OVERQUOTA\]|quota exceeded|mailbox (?:is )?full", "overquota"),
    (r"\[(?:AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED)\]", "signed_out"),
    (r"throttl|too many|rate limit|\[LIMIT\]|Suggested Backoff|connection limit|bandwidth limit", "throttled"),
    (r"\[(?:UNAVAILABLE|SERVERBUG|INUSE|CONTACTADMIN)\]", "unavailable"),
    (r"internal (?:server )?error|temporar(?:y|ily)|try again later", "unavailable"),
    (
        r"\b(?:shutting|going) down|not (?:currently )?available|\bunavailable\b|server (?:is )?(?:busy|overloaded)",
        "unavailable",
    ),
    (r"\[NOPERM\]|permission denied|not permitted|\[CANNOT\]", "not_permitted"),
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BACKOFF = re.compile(r"backoff time:? ?(\d{1,9})", re.IGNORECASE)

_APP_PASSWORD_HOSTS = (
    # Providers that refuse the website's password and say only that it is wrong (auth column of shared/providers.csv).
    ".gmail.com",
    ".yahoo.com",
    ".aol.com",
    ".mail.me.com",
    ".yandex.com",
    ".mail.ru",
    ".fastmail.com",
    ".qq.com",
    ".163.com",
    ".126.com",
)


def words_of(answer: object) -> str:
    """Give a server's answer as one bounded line of printable text."""
    if isinstance(answer, bytes):
        answer = answer[: _LONGEST_ANSWER * 4].decode("utf-8", "replace")
    elif isinstance(answer, (list, tuple)):
        answer = " ".join(words_of(each) for each in answer[:20])
    text = "".join(character if character.isprintable() else " " for character in str(answer)[: _LONGEST_ANSWER * 4])
    return " ".join(text.split())[:_LONGEST_ANSWER]


def has_control(text: str) -> bool:
    """Say whether a text holds what must never stand in a command: CR, LF, NUL and their like."""
    return _CONTROL.search(text) is not None


def kind_of_sign_in(words: str) -> str:
    """Say what a refusal at sign-in means: a key of the table, or "" where it does not tell."""
    return _first(_SIGN_IN, words)


def kind_of_refusal(words: str) -> str:
    """Say what a refusal of another command, or a BYE, means; "" where it does not tell."""
    return _first(_REFUSALS, words)


def backoff_s(words: str) -> float:
    """Give how long the server asks to wait, in seconds, within reason."""
    found = _BACKOFF.search(words)
    return min(int(found[1]) / 1000, _LONGEST_BACKOFF_S) if found else _USUAL_BACKOFF_S


def says_try_create(words: str) -> bool:
    """Say whether a folder would have to be made first (RFC 9051, 7.1)."""
    return "TRYCREATE" in words.upper() or "NONEXISTENT" in words.upper()


def wants_app_password(host: str) -> bool:
    """Say whether a host is known to take app passwords only."""
    return f".{host.lower().strip('.')}".endswith(_APP_PASSWORD_HOSTS)


def _first(rows: tuple[tuple[re.Pattern[str], str], ...], words: str) -> str:
    return next((kind for pattern, kind in rows if pattern.search(words)), "")
