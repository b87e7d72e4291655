"""Workers killed in the middle of a mailing of thousands: nobody is mailed twice, nobody is forgotten, and of whom
nobody can know it is said so.

Three kills in each run of the suite, fifty by `make soak`.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.integration.sending.mass_desk import MassDesk
from tests.servers.workers import WorkerProcess
from webmail import queue
from webmail.actions import pacing
from webmail.config import Config
from webmail.jobs import sweep
from webmail.store.models import Account, Submission, utc_now
from webmail.store.session import reading, transaction

pytestmark = pytest.mark.integration

_SOAK = bool(os.environ.get("WEBMAIL_SOAK"))
_KILLS = 50 if _SOAK else 3
_COUNT = 2000
_LIMIT_S = 3000.0 if _SOAK else 300.0
"""Far more than it takes, for machines that do much else."""


@pytest.mark.timeout(_LIMIT_S + 60)
def test_a_mailing_survives_workers_killed_at_random(
    make_mass: Callable[..., MassDesk], database: Config, tmp_path: Path
) -> None:
    mass = make_mass(outbox_folder="")
    people = [f"p{number}@there.example" for number in range(_COUNT)]
    mass.start(*people)
    chance = random.Random(os.environ.get("WEBMAIL_SEED", "42"))
    deadline = time.monotonic() + _LIMIT_S
    cut: set[int] = set()

    for kill in range(1, _KILLS + 1):
        with WorkerProcess(database, tmp_path / "worker.log", queue.MASS):
            _sweep_until(partial(_has_received, mass, kill * _COUNT // (_KILLS + 1)), deadline)
            time.sleep(chance.uniform(0, 0.05))
        cut |= _begun()
        _forget_the_dead()
    with WorkerProcess(database, tmp_path / "worker.log", queue.MASS):
        _sweep_until(lambda: mass.mailing.state == "done", deadline)

    received = Counter(mail.recipients[0] for mail in mass.desk.smtp.received)
    states = {each.to: each.state for each in mass.submissions}
    unsure = {each.id for each in mass.submissions if each.state == "unsure"}
    assert set(received.values()) == {1}
    assert set(states) == set(people)
    assert set(states.values()) <= {"sent", "unsure"}
    assert {email for email, state in states.items() if state == "sent"} <= set(received)
    assert unsure == cut
    assert mass.counts.sent + mass.counts.unsure == _COUNT
    assert len({mail["Message-ID"] for mail in mass.received}) == len(received)


def _has_received(mass: MassDesk, count: int) -> bool:
    return len(mass.desk.smtp.received) >= count


def _begun() -> set[int]:
    """Give the mails that a process was cut off from between DATA and its answer."""
    with reading() as s:
        query = select(Submission.id).where(Submission.state == "sending", Submission.data_started_at.is_not(None))
        return set(s.scalars(query))


def _forget_the_dead() -> None:
    """Let the claims of a process that is gone run out at once, rather than wait for it."""
    with transaction() as s:
        s.execute(update(Account).values(mass_next_at=None))
        s.execute(
            update(Submission)
            .where(Submission.state == "sending")
            .values(claimed_until=utc_now() - timedelta(seconds=1))
        )


def _sweep_until(is_met: Callable[[], bool], deadline: float) -> None:
    while not is_met():
        assert time.monotonic() < deadline
        pacing.recover_lost()
        sweep.sweep_mailings()
        time.sleep(0.2)
