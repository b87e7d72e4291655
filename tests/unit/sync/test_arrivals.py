"""How a message on the server becomes a row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.mails import build_mail
from webmail.domain.headers import parse_headers
from webmail.providers.base import RemoteMessage
from webmail.store.models import Account, Folder
from webmail.sync.arrivals import arrival_of, clip_bytes, header_values, identity_of, place_in_time

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def remote(raw: bytes, **values: object) -> RemoteMessage:
    defaults = {
        "uid": 1,
        "flags": frozenset(),
        "modseq": 0,
        "internal_date": NOW,
        "size_bytes": len(raw),
        "header": raw,
        "structure": None,
    }
    return RemoteMessage(**{**defaults, **values})


@pytest.mark.parametrize(
    ("date", "arrived", "is_news", "place"),
    [
        (None, NOW, False, NOW),
        (NOW - timedelta(hours=5), NOW, False, NOW),
        (NOW - timedelta(days=900), NOW, False, NOW - timedelta(days=900)),
        (NOW - timedelta(days=900), NOW, True, NOW),
        (NOW + timedelta(days=900), NOW, False, NOW),
        (EPOCH, NOW, False, NOW),
        (NOW - timedelta(hours=5), EPOCH, False, NOW - timedelta(hours=5)),
        (None, EPOCH, True, EPOCH),
    ],
)
def test_a_message_is_sorted_by_when_it_came_unless_a_migration_brought_it(
    date: datetime | None, arrived: datetime, is_news: bool, place: datetime
) -> None:
    assert place_in_time(date, arrived, is_news=is_news) == place


def test_only_what_has_no_other_mark_is_known_by_its_time_of_arrival() -> None:
    named = build_mail(1)
    bare = build_mail(1, message_id=None).replace(b"Date:", b"X-Date:")
    later = NOW + timedelta(minutes=1)

    def identity(raw: bytes, arrived: datetime) -> str:
        return identity_of(remote(raw, internal_date=arrived), parse_headers(raw))

    assert identity(named, NOW) == identity(named, later)
    assert identity(bare, NOW) != identity(bare, later)
    assert identity(bare, NOW) == identity(bare, NOW)


def test_whatever_a_sender_or_server_writes_fits_its_column() -> None:
    raw = build_mail(1, message_id="ü" * 900 + "@x", sender='"' + "n" * 5000 + '" <' + "a" * 400 + "@x.example>")
    account, folder = Account(email="me@x.example", aliases=[]), Folder(role="inbox")

    values = arrival_of(account, folder, remote(raw, size_bytes=2**40), is_news=True).values

    assert len(values["message_id_header"].encode()) <= 998
    assert len(values["from_email"]) <= 320
    assert values["size_bytes"] == 2**31 - 1


def test_nul_reaches_no_column() -> None:
    raw = build_mail(1).replace(b"Mail 1", b"Ma\x00il").replace(b"Cora", b"Co\x00ra")

    assert "\x00" not in repr(header_values(parse_headers(raw)))


@pytest.mark.parametrize(("text", "clipped"), [("abcdef", "abcd"), ("aüü", "aü"), ("üüü", "üü"), ("", "")])
def test_clipping_never_cuts_a_letter_in_two(text: str, clipped: str) -> None:
    assert clip_bytes(text, 4) == clipped
