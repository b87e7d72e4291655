"""Mailings through a real SMTP server: each recipient once, in a conversation of their own, and only who wants it."""

from __future__ import annotations

import pytest

from tests.integration.sending.mass_desk import TEXT, MassDesk
from webmail.actions import mailings, submit
from webmail.actions.mailings import StepFields
from webmail.actions.suppressions import suppress
from webmail.domain.tables import RecipientRow
from webmail.errors import InputRefused
from webmail.store import mailings as store
from webmail.store.models import utc_now
from webmail.store.session import reading, transaction

pytestmark = pytest.mark.integration

ANA, BEN, CEM = "ana@there.example", "ben@there.example", "cem@there.example"


def test_each_gets_a_mail_of_their_own_filed_and_threaded(mass: MassDesk) -> None:
    mass.start(ANA, BEN, CEM)

    mass.run()

    assert sorted(str(mail["To"]) for mail in mass.received) == [
        "Ana ana <ana@there.example>",
        "Ana ben <ben@there.example>",
        "Ana cem <cem@there.example>",
    ]
    assert len({mail["Message-ID"] for mail in mass.received}) == 3
    assert [mail["Cc"] for mail in mass.received] == [None] * 3
    assert {mail["Subject"] for mail in mass.received} == {"A job as Nurse"}
    assert "Dear Ana-ana, a job as Nurse" in mass.received[0].as_string()
    assert all("unsubscribe" in mail["List-Unsubscribe"] for mail in mass.received)
    assert len({message.conversation_id for message in mass.desk.messages}) == 3
    assert len(mass.desk.sent_folder) == 3
    assert [(each.state, each.filing) for each in mass.submissions] == [("sent", "appended")] * 3
    assert (mass.counts.sent, mass.counts.queued, mass.mailing.state) == (3, 0, "done")
    assert [(entry.action, entry.details["recipients"]) for entry in mass.audit] == [("mailing_started", 3)]


def test_who_cannot_or_must_not_be_written_to_is_left_out_and_told(mass: MassDesk) -> None:
    mass.write()
    with transaction() as s:
        suppress(s, mass.user.tenant_id, BEN, reason="unsubscribed")

    added = mass.add(ANA, BEN, "Ana@There.Example", "nobody", CEM)

    assert (added.added, added.duplicates, added.invalid, added.suppressed) == (2, [ANA], ["nobody"], [BEN])
    found = mailings.check(mass.user, mass.uuid)
    assert (found.ready, found.left_out) == (2, {"invalid": 1, "suppressed": 1})
    assert (found.missing, found.problems) == ([], [])


def test_a_missing_value_is_told_and_never_sent_as_a_blank(mass: MassDesk) -> None:
    mass.write()
    mass.add(ANA)
    mailings.add_recipients(mass.user, mass.uuid, [RecipientRow(BEN, "Ben")])

    [missing] = mailings.check(mass.user, mass.uuid).missing
    mailings.start(mass.user, mass.uuid)
    mass.run()

    assert (missing.email, missing.fields) == (BEN, ["contact.first_name"])
    assert [mail.recipients for mail in mass.desk.smtp.received] == [[ANA]]
    assert mass.recipients[BEN].left_out_because == "missing_value"


def test_what_prevents_a_start_is_said_and_holds_it(mass: MassDesk) -> None:
    steps = [StepFields("", "<div>Dear {{ contact.first_name }}, {{ job.wage }} and {{ cand.name }}</div>", 0)]
    mass.write(steps=steps)

    problems = mailings.check(mass.user, mass.uuid).problems
    with pytest.raises(InputRefused):
        mailings.start(mass.user, mass.uuid)

    assert [name for name, _ in problems] == ["subject", "steps", "steps", "recipients"]
    assert "job.wage" in problems[1][1]
    assert mass.mailing.state == "draft"


def test_the_preview_is_what_goes_out(mass: MassDesk) -> None:
    mass.write()
    mass.add(ANA)
    shown = mailings.preview(mass.user, mass.uuid, mass.recipients[ANA].uuid)
    mailings.start(mass.user, mass.uuid)
    mass.run()

    [mail] = mass.received
    text, html = (
        part.get_payload(decode=True).decode() for part in mail.walk() if part.get_content_maintype() == "text"
    )
    assert shown.subject == mail["Subject"]
    assert shown.html in html
    assert shown.text.strip() == text.replace("\r\n", "\n").strip()
    assert "no signature" in shown.signature_rule.lower()


def test_a_second_start_and_two_jobs_at_once_send_nothing_twice(mass: MassDesk) -> None:
    mass.start(ANA, BEN)
    mailings.start(mass.user, mass.uuid)

    mass.run()
    mass.run()

    assert sorted(mail.recipients[0] for mail in mass.desk.smtp.received) == [ANA, BEN]


def test_who_opts_out_while_it_waits_gets_nothing(mass: MassDesk) -> None:
    mass.start(ANA, BEN)
    with transaction() as s:
        suppress(s, mass.user.tenant_id, ANA, reason="unsubscribed")

    mass.run()

    assert [mail.recipients for mail in mass.desk.smtp.received] == [[BEN]]
    assert mass.recipients[ANA].state == "left_out"
    assert mass.mailing.state == "done"


def test_it_can_be_held_let_go_and_ended(mass: MassDesk) -> None:
    mass.start(ANA, BEN)
    mailings.pause(mass.user, mass.uuid)
    mass.run()
    assert mass.desk.smtp.received == []

    mailings.resume(mass.user, mass.uuid)
    mass.change(BEN, state="queued")
    mailings.cancel(mass.user, mass.uuid)
    mass.run()

    assert mass.desk.smtp.received == []
    assert (mass.mailing.state, mass.counts.cancelled) == ("cancelled", 2)
    actions = [entry.action for entry in mass.audit]
    assert actions == ["mailing_started", "mailing_paused", "mailing_resumed", "mailing_cancelled"]


def test_follow_ups_go_into_the_conversation_of_those_who_are_silent(mass: MassDesk) -> None:
    mass.start(ANA, BEN, CEM, follow_ups=1)
    mass.run()
    mass.change(BEN, replied_at=utc_now())
    mass.change(CEM, bounced_at=utc_now())

    mass.run()
    assert len(mass.received) == 3
    mass.let_days_pass(3)
    mass.run()

    [first] = [mail for mail in mass.received if ANA in mail["To"] and not mail["In-Reply-To"]]
    [later] = mass.received[3:]
    assert ANA in later["To"]
    assert later["In-Reply-To"] == later["References"] == first["Message-ID"]
    assert later["Subject"] == "Re: A job as Nurse"
    assert len({message.conversation_id for message in mass.desk.messages}) == 3
    assert (mass.mailing.state, mass.counts.sent) == ("done", 3)


def test_an_answer_that_comes_at_the_last_moment_stops_the_follow_up(mass: MassDesk) -> None:
    mass.start(ANA, follow_ups=1)
    mass.run()
    mass.let_days_pass(3)
    mass.desk.smtp.habits.data_answer = "451 4.3.0 Later"
    mass.run()
    mass.desk.smtp.habits.data_answer = ""
    assert [each.state for each in mass.submissions] == ["sent", "queued"]

    mass.change(ANA, replied_at=utc_now())
    mass.let_waits_end()
    mass.run()

    assert len(mass.received) == 1
    assert [each.state for each in mass.submissions] == ["sent", "cancelled"]


def test_a_test_mail_goes_to_oneself_alone(mass: MassDesk) -> None:
    mass.write()
    mass.add(ANA)

    uuid = mailings.send_test(mass.user, mass.uuid, None)
    mass.desk.run_jobs()

    [mail] = mass.received
    assert mail["To"] == mass.desk.mailbox.email
    assert "Dear Ana-ana" in mail.as_string()
    assert mass.desk.submission(uuid).state == "sent"
    assert mass.counts.ready == 1


def test_only_a_draft_changes_and_only_what_is_over_is_deleted(mass: MassDesk) -> None:
    mass.write(follow_ups=1)
    mass.add(ANA)
    mailings.add_file(mass.user, mass.uuid, filename="job.txt", media_type="text/plain", content=b"wanted")
    mailings.start(mass.user, mass.uuid)

    for refused in (mass.write, lambda: mass.add(BEN), lambda: mailings.delete(mass.user, mass.uuid)):
        with pytest.raises(InputRefused):
            refused()
    copied = mailings.copy(mass.user, mass.uuid)
    mass.run()
    mailings.cancel(mass.user, mass.uuid)
    mailings.delete(mass.user, mass.uuid)

    assert any(part.get_filename() == "job.txt" for part in mass.received[0].walk())
    with reading() as s:
        again = store.load_mailing(s, mass.user, copied)
        assert again.steps[0].html == TEXT
        assert [file.filename for file in again.files] == ["job.txt"]
        assert [row.mailing.uuid for row in store.list_mailings(s, mass.user)] == [copied]


def test_individual_mail_goes_first(mass: MassDesk) -> None:
    mass.start(*(f"p{number}@there.example" for number in range(20)))
    uuid = mass.desk.write(to="urgent@there.example")
    submit.submit(mass.user, uuid)

    mass.run()
    mass.run()

    order = [mail.recipients[0] for mail in mass.desk.smtp.received]
    assert order[0] == "urgent@there.example"
    assert len(order) == len(set(order)) == 21


def test_it_waits_for_its_window(mass: MassDesk) -> None:
    tomorrow = (utc_now().weekday() + 2) % 7
    mass.start(ANA, weekdays=[tomorrow])

    mass.run()

    account = mass.desk.account
    assert mass.desk.smtp.received == []
    assert account.mass_next_at is not None
    assert account.mass_next_at > utc_now()
    plan = mailings.check(mass.user, mass.uuid).plan
    assert plan is not None
    assert plan.first_at.date() > utc_now().date()


def test_an_answer_lands_in_the_conversation(mass: MassDesk) -> None:
    mass.start(ANA)
    mass.run()

    [sent] = mass.received
    answer = mass.desk.receive(7, answers=str(sent["Message-ID"]).strip("<>"))

    assert answer.conversation_id == mass.recipients[ANA].conversation_id
