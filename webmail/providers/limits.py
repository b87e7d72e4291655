"""How much a provider lets a mailbox send, and what its servers answer when that is enough; each with its source.

What providers.csv tells of a day or an hour is taken as it is, in its most careful reading: a free mailbox, a new
contract, a reputation that is still to be earned. How many a minute hardly any provider says, so there the pace is
ours. The user may know better, and says so with the account (`Account.mass_limits`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

PERIODS = ("minute", "hour", "day")
USUAL_PER_MINUTE = 20
"""Ours: about what a busy person's mail program sends, and below every figure that a provider has published."""


@dataclass(frozen=True)
class SendingLimits:
    """What a mailbox may send; None where no such limit is known. `words` say where it comes from, in one sentence."""

    per_minute: int = USUAL_PER_MINUTE
    per_hour: int | None = None
    per_day: int | None = None
    """In any 24 hours."""
    words: str = ""
    source: str = ""
    ceilings: tuple[str, ...] = ("hour", "day")
    """Which figures are the provider's own, so that the user's may only be lower; the others are careful guesses."""

    def of(self, name: str) -> int | None:
        """Give what may go in a `minute`, an `hour` or a `day`."""
        found: int | None = getattr(self, f"per_{name}")
        return found


_CAREFUL = SendingLimits(
    10,
    60,
    300,
    "Nothing is known of what this provider allows, so it goes out carefully.",
    "ours: providers.csv knows none",
    (),
)

_ZOHO = SendingLimits(
    10,
    50,
    500,
    "Zoho lets a mailbox send 50 mails an hour until it is known for sending more.",
    "providers.csv, zoho",
    (),
)
_IONOS = SendingLimits(
    10, 50, 500, "IONOS lets a new contract send 50 mails an hour, and older ones more.", "providers.csv, ionos", ()
)

_KNOWN = {
    "gmail": SendingLimits(
        per_day=500,
        words="Gmail lets a mailbox send 500 mails in 24 hours.",
        source="support.google.com/mail/answer/22839",
    ),
    "google_workspace": SendingLimits(
        per_day=2000,
        words="Google Workspace lets a mailbox send 2,000 mails in 24 hours.",
        source="support.google.com/a/answer/166852",
    ),
    # Subscribers 1,000 a day to people whom they have not written to before; free mailboxes less, and Microsoft
    # does not say how much.
    "outlook_com": SendingLimits(
        per_day=300,
        words="Outlook.com lets a mailbox send to a few hundred new people a day.",
        source="support.microsoft.com, sending limits in Outlook.com; the figure for free mailboxes is ours",
        ceilings=(),
    ),
    "microsoft365": SendingLimits(
        30,
        None,
        10_000,
        "Microsoft 365 lets a mailbox send 30 mails a minute and write to 10,000 people in 24 hours.",
        "learn.microsoft.com, Exchange Online limits",
        ("minute", "hour", "day"),
    ),
    "yahoo": SendingLimits(
        per_day=500, words="Yahoo lets a mailbox write to 500 people a day.", source="providers.csv, yahoo"
    ),
    "icloud": SendingLimits(
        per_day=1000, words="iCloud lets a mailbox send 1,000 mails a day.", source="support.apple.com/HT202304"
    ),
    "yandex": SendingLimits(
        per_day=500, words="Yandex lets a mailbox write to 500 people in 24 hours.", source="providers.csv, yandex"
    ),
    "godaddy": SendingLimits(
        per_day=250, words="GoDaddy lets a mailbox send 250 mails a day.", source="providers.csv, godaddy"
    ),
    "comcast": SendingLimits(
        per_day=1000, words="Xfinity lets a mailbox send 1,000 mails a day.", source="providers.csv, comcast"
    ),
    "bluehost": SendingLimits(
        per_hour=500, words="Bluehost lets a domain send 500 mails an hour.", source="providers.csv, bluehost"
    ),
    "hostgator": SendingLimits(
        per_hour=500,
        words="HostGator lets a domain send 500 mails an hour.",
        source="hostgator.com/help/article/mail-policy-and-limits",
    ),
    "infomaniak": SendingLimits(
        per_day=500,
        words="Infomaniak lets a mailbox write to 500 people in 24 hours.",
        source="providers.csv, infomaniak",
    ),
    "daum": SendingLimits(
        per_day=10_000, words="Daum lets a mailbox send 10,000 mails a day.", source="cs.daum.net/faq/43/9234.html"
    ),
    "spectrum_charter": SendingLimits(
        10, 50, None, "Spectrum lets a mailbox send 50 mails an hour.", "providers.csv, spectrum_charter"
    ),
    "demo": SendingLimits(240, None, 2000, "The demo's mailbox may send 2,000 mails in 24 hours.", "ours", ()),
}
_FAMILIES = {"zoho": _ZOHO, "ionos": _IONOS}


def known_limits(provider: str) -> SendingLimits:
    """Give what is known of a provider, or the careful default.

    Args:
        provider: the preset's id, "" for the user's own server.
    """
    family = next((each for name, each in _FAMILIES.items() if provider.startswith(name)), _CAREFUL)
    return _KNOWN.get(provider, family)


def limits_of(provider: str, own: Mapping[str, Any]) -> SendingLimits:
    """Give what a mailbox may send.

    Args:
        provider: as for `known_limits()`.
        own: what the user says that the provider allows, {"minute", "hour", "day"}, each as far as it is known; what
            lies above a ceiling of the provider's counts as the ceiling.
    """
    known = known_limits(provider)
    told = {f"per_{name}": _below(known, name, own[name]) for name in PERIODS if _is_count(own.get(name))}
    if not told:
        return known
    values: dict[str, Any] = told
    if "per_minute" not in told and known is _CAREFUL:
        values = {"per_minute": USUAL_PER_MINUTE} | values
    if known is _CAREFUL:
        # What was only a guess does not stand beside what somebody knows.
        values = {"per_hour": None, "per_day": None} | values
    return replace(known, **values, words="So much you have said that your provider allows.", source="the user")


def _below(known: SendingLimits, name: str, count: int) -> int:
    ceiling = known.of(name) if name in known.ceilings else None
    return count if ceiling is None else min(count, ceiling)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


@dataclass(frozen=True)
class Quota:
    """What an answer means that says *enough*: `until_day_ends`, or a while; `sentence` is for the user."""

    until_day_ends: bool
    wait_s: float
    sentence: str


_DAY = "The provider lets this mailbox send no more mail today."
_HOUR = "The provider lets this mailbox send no more mail this hour."
_SLOWER = "The provider asks this mailbox to send more slowly."
_KINDS = r"(?:sending|message|recipient|submission|outgoing|mail|e-?mail)"

_ANSWERS = tuple(
    (re.compile(pattern, re.IGNORECASE), Quota(kind == "day", wait_s, sentence))
    for pattern, kind, wait_s, sentence in (
        # Google, "SMTP error codes" (support.google.com/a/answer/3726730): 550 5.4.5 "Daily user sending limit
        # exceeded", also as 5.4.5 "Daily SMTP relay limit exceeded".
        (r"\b5\.4\.5\b", "day", 0, _DAY),
        # Microsoft, "NDR error codes in Exchange Online": 550 5.1.90 "you've reached your daily limit for message
        # recipients"; 550 5.7.232 and 5.7.233, the limits of trial and of all of an organisation's mail to outside.
        (r"\b5\.1\.90\b|\b5\.7\.23[23]\b", "day", 0, _DAY),
        # Exchange Online, "STOREDRV.Submission.Exception:SubmissionQuotaExceededException": 554 5.2.0.
        (r"\b554[ -]5\.2\.0\b|SubmissionQuotaExceeded", "day", 0, _DAY),
        # Microsoft Graph, error codes of sendMail.
        (r"ErrorExceededMessageLimit|ErrorSendQuotaExceeded|ErrorMessageSubmissionBlocked", "day", 0, _DAY),
        # Zoho: "550 5.4.6 Unusual sending activity detected".
        (r"\b5\.4\.6\b.{0,40}unusual sending", "day", 0, _DAY),
        (
            r"\bdaily\b.{0,60}\b(?:limit|quota)|\b(?:limit|quota)\b.{0,40}\b(?:per day|for today|24 hours)",
            "day",
            0,
            _DAY,
        ),
        (r"\bhourly\b.{0,60}\b(?:limit|quota)|\b(?:limit|quota)\b.{0,40}\bper hour", "while", 3600, _HOUR),
        # Exchange Online: 432 4.3.2 "STOREDRV.ClientSubmit; sender thread limit exceeded", and "Concurrent
        # connections limit exceeded".
        (r"\b4(?:21|32)[ -]4\.3\.2\b|thread limit exceeded|concurrent connections limit", "while", 300, _SLOWER),
        # Google: 421 4.7.28 "unusual rate of unsolicited mail"; 454 4.7.0 "Too many login attempts".
        (r"\b4\.7\.28\b|too many log ?in", "while", 1800, _SLOWER),
        (rf"{_KINDS}s?\b.{{0,40}}\b(?:limit|quota)\b.{{0,30}}(?:exceeded|reached)", "while", 3600, _HOUR),
        (rf"exceeded.{{0,60}}\b{_KINDS}\w*\b.{{0,30}}\b(?:limit|quota)", "while", 3600, _HOUR),
        (r"\b4\d\d\b.{0,200}(?:throttl|rate limit|too many (?:messages|e?mails|recipients))", "while", 600, _SLOWER),
    )
)


def quota_of(words: str) -> Quota | None:
    """Say whether a server's answer means that this mailbox has sent enough for now; None when it does not.

    Args:
        words: code and words as the server gave them, such as "550 5.4.5 Daily user sending limit exceeded".
    """
    # A recipient's own full mailbox or busy server speaks of limits, too (RFC 3463: X.2.1, X.2.2, X.2.3).
    if re.search(r"\b[45]\.(?:2\.[123]|3\.4)\b", words):
        return None
    return next((quota for pattern, quota in _ANSWERS if pattern.search(words)), None)
