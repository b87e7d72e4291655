"""What servers do to a mail on its way: put it off, refuse it, cut the line; and what becomes of it then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.integration.sending.conftest import Desk
from webmail.actions import outbox, submit
from webmail.errors import InputRefused
from webmail.store.models import utc_now

pytestmark = pytest.mark.integration


def test_a_temporary_refusal_is_tried_again_later(desk: Desk) -> None:
    desk.smtp.habits.data_answer = "451 4.3.0 Too busy"
    uuid = desk.queue()
    desk.run_jobs()

    waiting = desk.submission(uuid)
    assert (waiting.state, waiting.held_reason, waiting.attempts) == ("queued", "retry", 1)
    assert waiting.not_before is not None
    assert timedelta(seconds=5) < waiting.not_before - utc_now() < timedelta(seconds=15)
    assert "Too busy" in waiting.server_answer
    assert waiting.data_started_at is None
    desk.smtp.habits.data_answer = ""
    desk.let_time_pass(uuid)
    assert desk.submission(uuid).state == "sent"
    assert len(desk.smtp.received) == len(desk.sent_folder) == 1


def test_after_a_day_of_tries_a_mail_is_given_up(desk: Desk) -> None:
    desk.smtp.habits.data_answer = "451 4.3.0 Too busy"
    uuid = desk.queue()
    desk.change(uuid, attempts=30)

    desk.run_jobs()

    failed = desk.submission(uuid)
    assert failed.state == "failed"
    assert failed.error_sentence.endswith("It was tried for a day.")


def test_a_refused_mail_fails_with_the_servers_words_and_can_be_tried_again(desk: Desk) -> None:
    desk.smtp.habits.data_answer = "554 5.7.1 Spam, we think"
    uuid = desk.queue()
    desk.run_jobs()

    failed = desk.submission(uuid)
    assert failed.state == "failed"
    assert "Spam, we think" in failed.server_answer
    desk.smtp.habits.data_answer = ""
    submit.retry(desk.user, uuid)
    submit.retry(desk.user, uuid)
    desk.run_jobs()
    assert desk.submission(uuid).message_id_header == failed.message_id_header
    assert len(desk.smtp.received) == len(desk.messages) == 1


def test_a_failed_mail_becomes_a_draft_again_and_leaves_its_conversation(desk: Desk) -> None:
    desk.smtp.habits.data_answer = "554 5.7.1 Spam, we think"
    uuid = desk.queue()
    desk.run_jobs()

    submit.back_to_draft(desk.user, uuid)

    assert desk.submission(uuid).state == "draft"
    assert desk.messages == []
    desk.smtp.habits.data_answer = ""
    desk.send(uuid)
    assert len(desk.smtp.received) == len(desk.messages) == 1


def test_a_mail_that_has_left_does_not_become_a_draft(desk: Desk) -> None:
    uuid = desk.write()
    desk.send(uuid)

    with pytest.raises(InputRefused, match="on its way or has been sent"):
        submit.back_to_draft(desk.user, uuid)


def test_a_mail_can_be_taken_back_while_it_is_held(desk: Desk) -> None:
    uuid = desk.write()
    submit.submit(desk.user, uuid, hold_s=10)
    submit.recover_lost()
    desk.run_jobs()
    assert desk.submission(uuid).held_reason == "undo"

    submit.back_to_draft(desk.user, uuid)
    desk.let_time_pass(uuid)

    assert desk.submission(uuid).state == "draft"
    assert desk.smtp.received == []


def test_one_recipient_refused_does_not_keep_the_mail_from_the_others(desk: Desk) -> None:
    desk.smtp.habits.refusals = {"gone@x.example": "550 5.1.1 No such user"}
    uuid = desk.queue(to="cora@candidates.example, gone@x.example")
    desk.run_jobs()

    sent = desk.submission(uuid)
    assert sent.state == "sent"
    assert sent.refusals == {"gone@x.example": "550 5.1.1 No such user"}
    assert desk.smtp.received[0].recipients == ["cora@candidates.example"]


def test_a_recipient_put_off_gets_the_mail_later_and_the_others_not_again(desk: Desk) -> None:
    desk.smtp.habits.refusals = {"slow@x.example": "451 4.7.1 Greylisted"}
    uuid = desk.queue(to="cora@candidates.example, slow@x.example")
    desk.run_jobs()
    assert desk.submission(uuid).state == "queued"

    with pytest.raises(InputRefused):
        submit.back_to_draft(desk.user, uuid)
    desk.smtp.habits.refusals = {}
    desk.let_time_pass(uuid)

    assert desk.submission(uuid).state == "sent"
    assert [mail.recipients for mail in desk.smtp.received] == [["cora@candidates.example"], ["slow@x.example"]]
    assert len(desk.sent_folder) == 1


def test_what_some_have_got_counts_as_sent_when_the_rest_is_refused(desk: Desk) -> None:
    desk.smtp.habits.refusals = {"slow@x.example": "451 4.7.1 Greylisted"}
    uuid = desk.queue(to="cora@candidates.example, slow@x.example")
    desk.run_jobs()

    desk.smtp.habits.refusals = {"slow@x.example": "550 5.1.1 No such user"}
    desk.let_time_pass(uuid)

    assert desk.submission(uuid).state == "sent"
    assert desk.submission(uuid).refusals == {"slow@x.example": "550 5.1.1 No such user"}


def test_all_recipients_refused_is_a_failure_with_a_word_for_each(desk: Desk) -> None:
    desk.smtp.habits.refusals = {"a@x.example": "550 5.1.1 No a", "b@x.example": "550 5.1.1 No b"}
    uuid = desk.queue(to="a@x.example, b@x.example")
    desk.run_jobs()

    failed = desk.submission(uuid)
    assert failed.state == "failed"
    assert set(failed.refusals) == {"a@x.example", "b@x.example"}


def test_a_line_cut_before_data_costs_nothing(desk: Desk) -> None:
    desk.smtp.habits.cuts = "before_data"
    uuid = desk.queue()
    desk.run_jobs()
    assert desk.submission(uuid).state == "queued"

    desk.smtp.habits.cuts = ""
    desk.let_time_pass(uuid)

    assert desk.submission(uuid).state == "sent"
    assert len(desk.smtp.received) == 1


def test_a_line_cut_after_data_leaves_the_outcome_open_and_nothing_is_sent_again(desk: Desk) -> None:
    desk.smtp.habits.cuts = "after_data"
    uuid = desk.queue()
    desk.run_jobs()
    desk.smtp.habits.cuts = ""

    for _ in range(3):
        desk.let_time_pass(uuid)
        outbox.send_submission(desk.submission(uuid).id)

    assert desk.submission(uuid).state == "unsure"
    assert len(desk.smtp.received) == 1
    with pytest.raises(InputRefused):
        submit.back_to_draft(desk.user, uuid)


def test_a_copy_filed_by_the_server_proves_that_a_mail_has_left(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(files_sent_itself=True)
    desk.smtp.habits.cuts, desk.smtp.habits.files_sent = "after_data", True

    uuid = desk.queue()
    desk.run_jobs()

    assert (desk.submission(uuid).state, desk.submission(uuid).filing) == ("sent", "found")
    assert len(desk.smtp.received) == len(desk.sent_folder) == 1


def test_a_copy_that_turns_up_later_settles_an_unsure_mail(desk: Desk) -> None:
    desk.smtp.habits.cuts = "after_data"
    uuid = desk.queue()
    desk.run_jobs()
    with desk.dovecot.open(desk.mailbox) as client:
        client.append("Sent", desk.mime(uuid), ["\\Seen"])

    desk.sync()
    submit.recover_lost()
    desk.run_jobs()

    assert (desk.submission(uuid).state, desk.submission(uuid).filing) == ("sent", "found")
    assert len(desk.sent_folder) == 1


def test_the_users_word_settles_an_unsure_mail(desk: Desk) -> None:
    desk.smtp.habits.cuts = "after_data"
    arrived, lost = desk.queue(), desk.queue()
    desk.run_jobs()
    desk.smtp.habits.cuts = ""

    submit.settle_unsure(desk.user, arrived, was_sent=True)
    submit.settle_unsure(desk.user, lost, was_sent=False)
    desk.run_jobs()

    assert (desk.submission(arrived).state, desk.submission(arrived).filing) == ("sent", "appended")
    assert desk.submission(lost).state == "failed"
    submit.retry(desk.user, lost)
    desk.run_jobs()
    assert desk.submission(lost).state == "sent"


def test_a_refused_password_keeps_the_mail_until_the_mailbox_is_connected_again(desk: Desk) -> None:
    desk.smtp.habits.sign_in_answer = "535 5.7.8 Username and Password not accepted"
    uuid = desk.queue()
    desk.run_jobs()
    desk.smtp.habits.sign_in_answer = ""

    waiting = desk.submission(uuid)
    assert (waiting.state, waiting.held_reason, waiting.attempts) == ("queued", "reconnect", 0)
    assert desk.account.status == "reconnect_needed"
    desk.let_time_pass(uuid)
    assert desk.smtp.received == []
    desk.set_account(status="connected")
    desk.let_time_pass(uuid)
    assert desk.submission(uuid).state == "sent"


def test_an_imap_server_that_is_away_only_delays_the_copy(desk: Desk) -> None:
    port = desk.account.imap_port
    desk.set_account(imap_port=1)
    uuid = desk.write()
    desk.send(uuid)
    assert (desk.submission(uuid).state, desk.submission(uuid).filing) == ("sent", "pending")

    desk.set_account(imap_port=port)
    desk.let_time_pass(uuid)

    assert desk.submission(uuid).filing == "appended"
    assert len(desk.sent_folder) == 1
