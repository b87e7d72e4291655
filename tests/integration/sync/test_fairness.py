"""Many accounts and few workers: a first import stands back as soon as anybody has news."""

from __future__ import annotations

import pytest

from tests.integration.sync.conftest import sync
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot
from tests.servers.jobs import waiting_jobs
from webmail.store.accounts import find_account
from webmail.store.models import Account
from webmail.store.session import reading, transaction
from webmail.sync import engine
from webmail.sync.requests import request_sync

pytestmark = pytest.mark.integration


def test_a_big_backfill_gives_way_to_the_news_of_others(dovecot: Dovecot, make_account, rows, run_jobs) -> None:
    big, small = dovecot.account(), dovecot.account()
    dovecot.seed(big, "INBOX", [build_mail(number) for number in range(700)])
    dovecot.seed(big, "Sent", [build_mail(f"s{number}") for number in range(300)])
    importing, waiting = make_account(big), make_account(small)
    sync(importing)
    with transaction() as s:
        account = find_account(s, waiting.id)
        assert account is not None
        request_sync(s, account)

    engine.backfill_account(importing.id)

    assert not rows(importing).account.is_backfilled
    assert [job.split("-")[0] for job in waiting_jobs()].index("sync") == 0
    ran = [job.split("-")[0] for job in run_jobs()]
    assert ran.index("sync") < ran.index("backfill")
    assert rows(importing).account.is_backfilled
    assert len(rows(importing).messages) == 1000


def test_a_burst_of_news_is_drained_in_the_order_in_which_it_came(dovecot: Dovecot, make_account, run_jobs) -> None:
    accounts: list[Account] = [make_account(dovecot.account()) for _ in range(6)]
    for _ in range(3):
        for account in accounts:
            with transaction() as s:
                request_sync(s, account)

    ran = run_jobs()

    syncs = [job for job in ran if job.startswith("sync-")]
    assert [job.removeprefix("sync-").rpartition("-")[0] for job in syncs[:6]] == [str(each.uuid) for each in accounts]
    with reading() as s:
        assert all(s.get_one(Account, account.id).wanted_at is None for account in accounts)
