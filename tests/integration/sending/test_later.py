"""Mail that waits for its time: found again after a restart, sent once, and then in its place."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID

from tests.integration.sending.conftest import Desk
from webmail.actions import later, submit
from webmail.store.models import Message, utc_now
from webmail.store.session import reading


def message_of(desk: Desk, uuid: UUID) -> Message:
    with reading() as s:
        return s.get_one(Message, desk.submission(uuid).message_id)


def test_a_scheduled_mail_survives_a_restart_and_goes_out_once_at_its_time(desk: Desk) -> None:
    at = (utc_now() + timedelta(hours=3)).replace(microsecond=0)
    uuid = desk.write()
    later.schedule(desk.user, uuid, at)
    desk.forget_jobs()
    submit.recover_lost()
    desk.run_jobs()
    assert desk.smtp.received == []
    assert message_of(desk, uuid).sent_at < utc_now()

    desk.let_time_pass(uuid)
    desk.let_time_pass(uuid)

    assert desk.submission(uuid).state == "sent"
    assert parsedate_to_datetime(desk.sent_mail["Date"]) == at
    assert message_of(desk, uuid).sent_at == at
    assert len(desk.sent_folder) == 1


def test_a_scheduled_mail_waits_for_its_mailbox_as_any_other(desk: Desk) -> None:
    uuid = desk.write()
    later.schedule(desk.user, uuid, utc_now() + timedelta(hours=3))
    desk.set_account(status="reconnect_needed")
    desk.let_time_pass(uuid)
    assert desk.smtp.received == []

    desk.set_account(status="connected")
    desk.let_time_pass(uuid)

    assert desk.submission(uuid).state == "sent"
