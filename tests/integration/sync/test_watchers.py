"""Several watchers: each account is watched by one of them, and by another when that one is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from tests.servers.dovecot import Dovecot
from webmail import queue
from webmail.sync import watch

pytestmark = [pytest.mark.integration, pytest.mark.one_database]


def wait_for(is_so: Callable[[], bool], limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def lines(server: Dovecot) -> list[str]:
    """Give whose lines are open, one entry a line."""
    rows = server.doveadm("-f", "flow", "who", "-1").splitlines()
    return sorted(row.split("username=")[1].split()[0] for row in rows if "username=" in row)


def test_two_watchers_share_the_accounts_and_one_takes_over(dovecot: Dovecot, make_account, database) -> None:
    emails = sorted(make_account(dovecot.account("shared")).email for _ in range(12))
    stops = [threading.Event(), threading.Event()]
    threads = [threading.Thread(target=watch.run_watch, args=(stop,)) for stop in stops]

    def watched() -> list[str]:
        return [email for email in lines(dovecot) if email in emails]

    try:
        threads[0].start()
        wait_for(lambda: watched() == emails)
        threads[1].start()
        wait_for(lambda: len(queue.call_roll("watchers", "test", seconds=0)) == 2)
        time.sleep(3 * watch._REFRESH_S)
        assert watched() == emails
        stops[0].set()
        threads[0].join()
        wait_for(lambda: watched() == emails)
    finally:
        for stop in stops:
            stop.set()
        for thread in threads:
            thread.join()
    wait_for(lambda: watched() == [])
