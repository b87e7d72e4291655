"""The receipts of an account's folders, and what its server was found to do, on the Connect tab."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox
from webmail.store.models import Account, Folder, utc_now
from webmail.store.scope import Scope
from webmail.store.session import transaction

SETTINGS = "/profileSettings?tab=connect"
FINGERPRINT = {
    "capabilities": ["IMAP4REV1", "IDLE"],
    "idle": True,
    "condstore": False,
    "sessions": 2,
    "smtp": {"size": "36700160"},
    "checked_at": "2026-11-25T10:00:00+00:00",
}


@pytest.fixture
def account(user: Scope) -> Account:
    account = add_mailbox(user, fingerprint=FINGERPRINT)
    with transaction() as s:
        s.execute(update(Folder).where(Folder.name.in_(("INBOX", "Sent"))).values(is_synced=True))
    return account


def prove(name: str, matched: int, count: int, **mended: int) -> None:
    with transaction() as s:
        values = {"verified_at": utc_now(), "verified_count": count, "verified_matched": matched, "mended": mended}
        s.execute(update(Folder).where(Folder.name == name).values(**values))


def test_each_folder_shows_its_receipt_and_what_was_mended(client: CheckedClient, account: Account) -> None:
    prove("INBOX", 4311, 4312, missing=1)
    prove("Sent", 88, 88)
    prove("Archive", 5, 5)

    page = client.get(SETTINGS).get_data(as_text=True)

    assert "4,399 of 4,400 matched at" in page
    assert "4,311 of 4,312 matched at" in page
    assert "5 of 5 matched at" in page
    assert "1 message was missing here and was fetched." in page


def test_before_the_first_comparison_nothing_is_claimed(client: CheckedClient, account: Account) -> None:
    assert "matched at" not in client.get(SETTINGS).get_data(as_text=True)


def test_details_say_in_words_what_the_server_was_found_to_do(client: CheckedClient, account: Account) -> None:
    page = client.get(SETTINGS).get_data(as_text=True)

    for words in ("Tells of new mail at once (IDLE)", "no, so the marks are compared", "37 MB", "Takes several lines"):
        assert words in page
    assert f"/ledger?account={account.uuid}" in page
