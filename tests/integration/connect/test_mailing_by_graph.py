"""A mailing through Microsoft Graph: what it answers holds for mailings as a server's answers to SMTP do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.integration.connect import test_graph
from tests.integration.connect.test_graph import SMTP_OFF, World
from tests.integration.sending.mass_desk import FAST, MassDesk
from tests.servers.smtp import SmtpServer
from webmail.actions import mailings
from webmail.store.models import Account, utc_now
from webmail.store.session import transaction

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning"),
]
world, by_graph = test_graph.world, test_graph.by_graph

ANA, BEN, CEM = (f"{name}@there.example" for name in ("ana", "ben", "cem"))


def _set(world: World, **columns: Any) -> None:
    with transaction() as s:
        account = s.get_one(Account, world.account.id)
        for name, value in columns.items():
            setattr(account, name, value)


@pytest.fixture
def mass(by_graph: World) -> MassDesk:
    """A mailing of the mailbox that sends through Graph; nothing but its answers limits its pace."""
    _set(by_graph, provider="", mass_limits=FAST)
    desk = SimpleNamespace(user=by_graph.user, account_uuid=by_graph.account.uuid, run_jobs=by_graph.run_jobs)
    return MassDesk(cast("Any", desk))


def received(world: World) -> list[str]:
    return [recipient for mail in world.graph.received for recipient in mail.recipients]


def test_each_gets_a_mail_of_their_own_and_sent_holds_each_once(
    mass: MassDesk, by_graph: World, smtp_server: SmtpServer
) -> None:
    mass.start(ANA, BEN, CEM)

    mass.run()

    assert [mail.recipients for mail in by_graph.graph.received] == [[ANA], [BEN], [CEM]]
    assert (mass.mailing.state, mass.counts.sent) == ("done", 3)
    assert {each.filing for each in mass.submissions} == {"found"}
    assert smtp_server.received == []


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        ((429, "ApplicationThrottled"), timedelta(seconds=50)),
        ((503, "ServiceUnavailable"), timedelta(seconds=50)),
        ((403, "ErrorSendQuotaExceeded"), timedelta(hours=1)),
    ],
)
def test_enough_is_enough_and_everything_waits(
    mass: MassDesk, by_graph: World, answer: tuple[int, str], wait: timedelta
) -> None:
    by_graph.graph.faults.answers = [answer]
    before = utc_now()
    mass.start(ANA, BEN)

    mass.run()

    until = by_graph.account.mass_until
    assert until is not None
    assert until - before >= wait
    assert (received(by_graph), mass.counts.queued, mass.mailing.state) == ([], 2, "sending")
    assert answer[1] in by_graph.account.mass_answer

    mass.let_waits_end()
    mass.run()
    assert (received(by_graph), mass.counts.sent) == ([ANA, BEN], 2)


def test_what_graph_says_of_the_wait_is_kept_to(mass: MassDesk, by_graph: World) -> None:
    by_graph.graph.faults.retry_after_s = 1800
    by_graph.graph.faults.answers = [(429, "ApplicationThrottled")]
    mass.start(ANA)
    before = utc_now()

    mass.run()

    until = by_graph.account.mass_until
    assert until is not None
    assert until - before >= timedelta(seconds=1800)


def _loses_the_answer(world: World) -> None:
    world.graph.faults.loses_answer = True


def _loses_it_and_files_nothing(world: World) -> None:
    world.graph.faults.loses_answer, world.graph.files_sent = True, False


def _breaks(world: World) -> None:
    world.graph.faults.answers = [(500, "InternalServerError")]


@pytest.mark.parametrize(
    ("goes_wrong", "state", "times"),
    [(_loses_the_answer, "sent", 1), (_loses_it_and_files_nothing, "unsure", 1), (_breaks, "unsure", 0)],
)
def test_what_was_not_answered_is_looked_up_and_never_sent_again(
    mass: MassDesk, by_graph: World, goes_wrong: Callable[[World], None], state: str, times: int
) -> None:
    goes_wrong(by_graph)
    mass.start(ANA, BEN)

    mass.run()
    mass.let_waits_end()
    mass.run()

    assert {email: each.state for email, each in mass.recipients.items()} == {ANA: state, BEN: "sent"}
    assert (received(by_graph).count(ANA), received(by_graph).count(BEN)) == (times, 1)


def test_the_days_limit_counts_with_a_reserve(mass: MassDesk, by_graph: World) -> None:
    _set(by_graph, mass_limits={"minute": 100_000, "day": 10})
    mass.start(*(f"p{number}@there.example" for number in range(12)))

    mass.run()

    assert (mass.counts.sent, len(received(by_graph))) == (9, 9)


def test_smtp_that_is_switched_off_meanwhile_is_passed_by(
    mass: MassDesk, by_graph: World, smtp_server: SmtpServer
) -> None:
    _set(by_graph, sends_by="smtp")
    assert smtp_server.habits.sign_in_answer == SMTP_OFF
    mass.start(ANA, BEN)

    mass.run()

    assert (received(by_graph), by_graph.account.sends_by) == ([ANA, BEN], "graph")


def test_leave_to_send_that_is_taken_away_holds_the_mailing(mass: MassDesk, by_graph: World) -> None:
    by_graph.graph.faults.answers = [(403, "ErrorAccessDenied")]
    mass.start(ANA)

    mass.run()

    assert (mass.mailing.state, received(by_graph)) == ("paused", [])
    assert "Graph" in mass.mailing.paused_because
    by_graph.sign_in(account=by_graph.account, by_graph=True)
    mailings.resume(mass.user, mass.uuid)
    mass.run()
    assert received(by_graph) == [ANA]
