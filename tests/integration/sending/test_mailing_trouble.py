"""What servers answer to mailings: full quotas, refused recipients, cut lines, a sign-in that is not taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.integration.sending.mass_desk import MassDesk
from tests.mails import build_mail
from webmail.actions import mailings
from webmail.errors import InputRefused
from webmail.store.models import Account, Submission, Suppression, Tenant, utc_now
from webmail.store.session import reading, transaction

pytestmark = pytest.mark.integration

ANA, BEN, CEM, DOM = (f"{name}@there.example" for name in ("ana", "ben", "cem", "dom"))


@pytest.mark.parametrize(
    ("answer", "hours"),
    [
        ("550 5.4.5 Daily user sending limit exceeded. For more information on Gmail", 20),
        ("554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message", 20),
        ("550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients", 20),
        ("432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", 0),
        ("421 4.7.28 Our system has detected an unusual rate of mail", 0),
        ("451 4.3.0 Too busy", 0),
    ],
)
def test_enough_is_enough_and_everything_waits(mass: MassDesk, answer: str, hours: int) -> None:
    mass.desk.smtp.habits.data_answer = answer
    mass.start(ANA, BEN, CEM)

    mass.run()
    mass.run()

    account = mass.desk.account
    assert (mass.mailing.state, mass.counts.queued, mass.counts.failed) == ("sending", 3, 0)
    assert account.mass_until is not None
    assert account.mass_until > utc_now() + timedelta(hours=hours, seconds=30)
    assert answer[:20] in account.mass_answer
    assert [message.subject for message in mass.desk.messages] == []
    plan = mailings.check(mass.user, mass.uuid).plan
    assert plan is not None
    assert account.mass_answer in plan.words
    assert plan.first_at >= account.mass_until

    mass.desk.smtp.habits.data_answer = ""
    mass.let_waits_end()
    mass.run()
    assert sorted(mail.recipients[0] for mail in mass.desk.smtp.received) == [ANA, BEN, CEM]
    assert mass.desk.account.mass_answer == ""


def test_a_refused_recipient_is_failed_and_suppressed_and_the_others_get_theirs(mass: MassDesk) -> None:
    mass.desk.smtp.habits.refusals = {BEN: "550 5.1.1 No such user", CEM: "450 4.2.1 Greylisted"}
    mass.start(ANA, BEN, CEM, DOM)

    mass.run()

    assert sorted(mail.recipients[0] for mail in mass.desk.smtp.received) == [ANA, DOM]
    assert (mass.mailing.state, mass.recipients[BEN].state) == ("sending", "failed")
    assert "5.1.1" in mass.recipients[BEN].answer
    with reading() as s:
        [suppression] = s.scalars(select(Suppression))
    assert (suppression.email, suppression.reason) == (BEN, "bounced")

    mass.desk.smtp.habits.refusals = {}
    mass.let_waits_end()
    mass.run()
    assert (mass.mailing.state, mass.counts.sent, mass.counts.failed) == ("done", 3, 1)


def test_three_permanent_refusals_in_a_row_pause_it(mass: MassDesk) -> None:
    people = [f"p{number}@there.example" for number in range(6)]
    mass.desk.smtp.habits.refusals = dict.fromkeys(people, "550 5.7.1 Message rejected as spam")
    mass.start(*people)

    mass.run()

    assert mass.mailing.state == "paused"
    assert "5.7.1" in mass.mailing.paused_because
    assert (mass.counts.failed, mass.counts.queued) == (3, 3)
    with reading() as s:
        assert s.scalars(select(Suppression)).all() == []

    mass.desk.smtp.habits.refusals = {people[3]: "550 5.7.1 Message rejected as spam"}
    mailings.resume(mass.user, mass.uuid)
    mass.run()
    assert (mass.mailing.state, mass.counts.failed, mass.counts.sent) == ("done", 4, 2)


def test_a_refused_sign_in_pauses_it_and_says_so(mass: MassDesk) -> None:
    mass.desk.smtp.habits.sign_in_answer = "535 5.7.8 Username and Password not accepted"
    mass.start(ANA)

    mass.run()

    assert mass.mailing.state == "paused"
    assert mass.mailing.paused_because
    assert mass.desk.account.status == "reconnect_needed"
    with pytest.raises(InputRefused):
        mailings.resume(mass.user, mass.uuid)

    mass.desk.smtp.habits.sign_in_answer = ""
    mass.desk.set_account(status="connected")
    mailings.resume(mass.user, mass.uuid)
    mass.run()
    assert mass.counts.sent == 1


@pytest.mark.parametrize("was_sent", [True, False])
def test_a_line_cut_after_data_leaves_one_unsure_for_the_user_to_settle(mass: MassDesk, was_sent: bool) -> None:
    mass.desk.smtp.habits.cuts = "after_data"
    mass.start(ANA)
    mass.run()
    mass.desk.smtp.habits.cuts = ""

    mass.let_waits_end()
    mass.run()
    assert (mass.counts.unsure, mass.mailing.state, len(mass.received)) == (1, "done", 1)

    mailings.settle_unsure(mass.user, mass.uuid, mass.recipients[ANA].uuid, was_sent=was_sent)
    mass.run()

    assert mass.recipients[ANA].state == ("sent" if was_sent else "failed")
    assert len(mass.received) == 1


def test_a_line_cut_before_data_is_tried_again(mass: MassDesk) -> None:
    mass.desk.smtp.habits.cuts = "before_data"
    mass.start(ANA, BEN)
    mass.run()
    mass.desk.smtp.habits.cuts = ""

    mass.let_waits_end()
    mass.run()

    received = sorted(mail.recipients[0] for mail in mass.desk.smtp.received)
    assert received == sorted(email for email, each in mass.recipients.items() if each.state == "sent")
    assert mass.counts.sent + mass.counts.unsure == 2


def test_the_day_ends_where_its_limit_is_reached_less_the_reserve(make_mass: Callable[..., MassDesk]) -> None:
    mass = make_mass(mass_limits={"minute": 100_000, "day": 20})
    for number in range(3):
        mass.desk.send(mass.desk.write(to=f"own{number}@there.example"))
    mass.start(*(f"p{number}@there.example" for number in range(30)))

    for _ in range(4):
        mass.run()

    assert mass.counts.sent == 17
    plan = mailings.check(mass.user, mass.uuid).plan
    assert plan is not None
    assert plan.days >= 2

    with transaction() as s:
        yesterday = utc_now() - timedelta(hours=25)
        s.execute(update(Submission).where(Submission.data_started_at.is_not(None)).values(data_started_at=yesterday))
    mass.run()
    assert mass.counts.sent == 30


def test_what_was_sent_elsewhere_counts(make_mass: Callable[..., MassDesk]) -> None:
    mass = make_mass(mass_limits={"minute": 100_000, "day": 10})
    sender = f"Rita <{mass.desk.mailbox.email}>"
    with mass.desk.dovecot.open(mass.desk.mailbox) as client:
        for number in range(4):
            client.append("Sent", mass_mail(number, sender), ["\\Seen"])
    mass.desk.sync()
    mass.start(*(f"p{number}@there.example" for number in range(10)))

    mass.run()

    assert mass.counts.sent == 6


def mass_mail(number: int, sender: str) -> bytes:
    return build_mail(f"elsewhere{number}", sender=sender, recipient="x@there.example", date=utc_now())


def test_an_operator_caps_it_or_switches_it_off(mass: MassDesk) -> None:
    mass.start(*(f"p{number}@there.example" for number in range(9)))
    with transaction() as s:
        s.execute(update(Tenant).values(mass_mail_cap=4))
    mass.run()
    assert mass.counts.sent == 4

    with transaction() as s:
        s.execute(update(Tenant).values(mass_mail_cap=0))
    mass.run()
    assert mass.mailing.state == "paused"
    assert mass.counts.sent == 4


def test_a_disconnected_mailbox_holds_its_mailings(mass: MassDesk) -> None:
    mass.start(ANA)
    with transaction() as s:
        s.execute(update(Account).values(status="not_connected", secret=None))

    mass.run()

    assert mass.mailing.state == "paused"
    assert "disconnected" in mass.mailing.paused_because


def test_a_lost_job_is_found_again(mass: MassDesk) -> None:
    mass.start(ANA)
    mass.desk.forget_jobs()

    mass.run()

    assert mass.counts.sent == 1
