"""How fast an account's mailings may go: what its provider allows, less what has left already and what is reserved.

All is counted over windows that roll: the last minute, hour and 24 hours; from here, and from other programs as far as
the Sent folder shows it. A part of each day and hour is kept for mail that somebody writes by hand.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webmail.domain.windows import SendingWindow, closes_at, next_open
from webmail.providers.limits import SendingLimits, limits_of
from webmail.store import pacing as store
from webmail.store.models import Account
from webmail.store.session import Session

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_LARGEST_RESERVE = 200
_RESERVED_SHARE = 10
"""One in so many is kept for individual mail."""
_BUNCHES_A_MINUTE = 4
"""Mails go in bunches over one line: a sign-in for each would be noticed sooner than the mails."""
_MANY = 1_000_000


@dataclass
class Usage:
    """How many mails have left: by mailings in 24 hours, by other means in an hour and a day, all in all lately."""

    minute: int
    hour: int
    mailings_day: int
    others_hour: int
    others_day: int
    first_at: datetime | None
    """When the oldest one of the last 24 hours left."""

    def add(self) -> None:
        """Count one more mail of a mailing."""
        self.minute += 1
        self.hour += 1
        self.mailings_day += 1


def load_usage(s: Session, account_id: int, now: datetime) -> Usage:
    """Count what has left an account."""
    here = store.individual_mails(s, account_id, now - DAY)
    others = here + store.mails_from_elsewhere(s, account_id, now - DAY)
    others_hour = sum(count for at, count in others if at > now - HOUR)
    mails_here = {since: store.left_since(s, account_id, now - since) for since in (MINUTE, HOUR, DAY)}
    by_hand = {since: sum(at > now - since for at, _ in here) for since in (MINUTE, HOUR, DAY)}
    return Usage(
        minute=mails_here[MINUTE],
        hour=mails_here[HOUR] - by_hand[HOUR] + others_hour,
        mailings_day=mails_here[DAY] - by_hand[DAY],
        others_hour=others_hour,
        others_day=sum(count for _, count in others),
        first_at=store.first_left_at(s, account_id, now - DAY),
    )


def reserve_of(limit: int) -> int:
    """Give how many mails of a limit are kept for individual mail."""
    return min(_LARGEST_RESERVE, max(1, limit // _RESERVED_SHARE))


@dataclass(frozen=True)
class Pace:
    """What mailings may send: at most `per_minute`, and of each hour and day what is left to them."""

    limits: SendingLimits
    cap: int | None
    usage: Usage

    @property
    def per_hour(self) -> int:
        """Mails of mailings in an hour, the reserve aside."""
        limit = self.limits.per_hour
        return _MANY if limit is None else max(1, limit - max(self.usage.others_hour, reserve_of(limit)))

    @property
    def per_day(self) -> int:
        """Mails of mailings in 24 hours, the reserve and today's other mail aside."""
        limit = self.limits.per_day
        own = _MANY if limit is None else max(0, limit - max(self.usage.others_day, reserve_of(limit)))
        return own if self.cap is None else min(own, self.cap)

    @property
    def per_full_day(self) -> int:
        """Mails of mailings on a day without other mail."""
        limit = self.limits.per_day
        own = _MANY if limit is None else max(1, limit - reserve_of(limit))
        return own if self.cap is None else min(own, self.cap)

    @property
    def room(self) -> int:
        """How many may go at once."""
        left = (
            max(1, self.limits.per_minute // _BUNCHES_A_MINUTE),
            self.limits.per_minute - self.usage.minute,
            self.per_hour - (self.usage.hour - self.usage.others_hour),
            self.per_day - self.usage.mailings_day,
        )
        return max(0, min(left))

    def wait_s(self, now: datetime) -> float:
        """Give how long it waits where there is no room: until enough has rolled out of the window that is full."""
        if self.per_day - self.usage.mailings_day <= 0:
            first = self.usage.first_at
            rest = (first + DAY - now).total_seconds() if first else 0.0
            return min(max(rest, 60.0), 3600.0)
        if self.per_hour - (self.usage.hour - self.usage.others_hour) <= 0:
            return 120.0
        return 60.0 / _BUNCHES_A_MINUTE

    def pause_s(self, sent: int) -> float:
        """Give how long it waits after so many mails, with jitter."""
        per_minute = min(self.limits.per_minute, self.per_hour / 60) if self.limits.per_hour else self.limits.per_minute
        return sent * 60.0 / max(per_minute, 0.1) * random.uniform(0.7, 1.3)  # jitter, nobody's secret


def pace_of(s: Session, account: Account, cap: int | None, now: datetime) -> Pace:
    """Give the pace of an account's mailings.

    Args:
        cap: what the operator allows in 24 hours, None for no word of theirs.
    """
    return Pace(limits_of(account.provider, account.mass_limits), cap, load_usage(s, account.id, now))


@dataclass(frozen=True)
class Plan:
    """When a mailing will be done, at most how fast it goes, and why, in sentences."""

    first_at: datetime
    done_at: datetime
    per_minute: int
    per_day: int
    days: int
    words: list[str]


def estimate(pace: Pace, window: SendingWindow, start: datetime, count: int) -> tuple[datetime, datetime] | None:
    """Give when the first and the last of so many mails will go; None when the window never opens, or nothing may go.

    Args:
        start: not before this.
    """
    at = first_at = next_open(window, start)
    if at is None or first_at is None or pace.per_full_day <= 0:
        return None
    a_minute = min(float(pace.limits.per_minute), pace.per_hour / 60)
    left, day_ends = pace.per_day - pace.usage.mailings_day, at + DAY
    while count > 0 and at is not None:
        if at >= day_ends or left <= 0:
            at = next_open(window, max(at, day_ends))
            left = pace.per_full_day
            day_ends = (at or day_ends) + DAY
            continue
        minutes = max((closes_at(window, at) - at) / MINUTE, 1.0)
        going = min(count, left, max(1, int(minutes * a_minute)))
        at += going / a_minute * MINUTE
        count, left = count - going, left - going
        if count > 0:
            at = next_open(window, at)
    return None if at is None else (first_at, at)


def plan_words(pace: Pace, window_words: str, waits: Sequence[str]) -> list[str]:
    """Say why it takes as long as it does."""
    limits, usage = pace.limits, pace.usage
    words = [limits.words] if limits.words else []
    if limits.per_day is not None:
        words.append(f"{reserve_of(limits.per_day):,} of each day's mails are kept for those that you write by hand.")
    gone = usage.mailings_day + usage.others_day
    if gone:
        words.append(f"{gone:,} {'has' if gone == 1 else 'have'} gone out of this mailbox in the last 24 hours.")
    if pace.cap is not None:
        words.append(f"Your organisation's operator allows {pace.cap:,} mails of mailings a day for each mailbox.")
    a_minute = min(limits.per_minute, max(1, pace.per_hour // 60))
    words.append(f"At most {a_minute:,} {'goes' if a_minute == 1 else 'go'} out in a minute.")
    return [*words, *([window_words] if window_words else []), *waits]
