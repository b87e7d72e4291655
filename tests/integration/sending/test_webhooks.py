"""Webhooks, from what happens in a real mailbox to a real receiver over TLS."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.integration.sending.conftest import Desk
from tests.servers.certificates import TestAuthority
from tests.servers.receiver import Heard, Receiver
from tests.unit.blueprints.api_server import check_shape
from webmail.actions import api_contacts, departures, webhooks
from webmail.domain.webhooks import EVENTS, WAITS_S
from webmail.providers import network
from webmail.store.accounts import mark_failure
from webmail.store.models import Account, WebhookDelivery, WebhookEndpoint, utc_now
from webmail.store.session import reading, transaction

pytestmark = pytest.mark.integration


@pytest.fixture
def receiver(authority: TestAuthority, tmp_path: Path) -> Iterator[Receiver]:
    server = Receiver(authority, tmp_path)
    yield server
    server.stop()


class Ear:
    """An endpoint for everything, and what was heard at it."""

    def __init__(self, desk: Desk, receiver: Receiver) -> None:
        self.desk, self.receiver = desk, receiver
        self.uuid, self.secret = webhooks.add_endpoint(
            desk.user.tenant_id, url=f"{receiver.url}/hook", events=list(EVENTS)
        )

    def listen(self) -> list[tuple[str, dict[str, Any]]]:
        """Let the sweep and the jobs do what is due; gives what has been heard since the last look."""
        before = len(self.receiver.heard)
        webhooks.recover_lost()
        self.desk.run_jobs()
        return [(heard.headers["webhook-id"], json.loads(heard.body)) for heard in self.receiver.heard[before:]]

    def let_waits_pass(self) -> None:
        now = utc_now()
        with transaction() as s:
            s.execute(update(WebhookDelivery).where(WebhookDelivery.state == "pending").values(next_at=now))
            s.execute(update(WebhookEndpoint).values(quiet_until=None))

    def deliveries(self) -> list[WebhookDelivery]:
        with reading() as s:
            return list(s.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


@pytest.fixture
def ear(desk: Desk, receiver: Receiver) -> Ear:
    desk.sync()
    return Ear(desk, receiver)


def is_signed(heard: Heard, secret: str) -> bool:
    """Check a signature as the standard tells a receiver to, with none of our own code."""
    fields = heard.headers
    signed = f"{fields['webhook-id']}.{fields['webhook-timestamp']}.".encode() + heard.body
    mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    is_fresh = abs(time.time() - int(fields["webhook-timestamp"])) < 300
    return is_fresh and f"v1,{base64.b64encode(mac).decode()}" in fields["webhook-signature"].split(" ")


def test_what_comes_and_what_is_sent_is_told_with_ids_and_no_text(ear: Ear) -> None:
    api_contacts.upsert(ear.desk.user.tenant_id, "c-7", {"addresses": ["cora@candidates.example"]})
    ear.desk.receive(1, sender="cora@candidates.example", subject="confidential-subject", body="confidential-body")
    [(_, received)] = ear.listen()
    ear.desk.send(ear.desk.write(subject="confidential-subject"))
    [(_, sent)] = ear.listen()

    assert (received["type"], sent["type"]) == ("message.received", "message.sent")
    assert received["data"]["contacts"] == sent["data"]["contacts"] == ["c-7"]
    assert received["data"]["account"] == str(ear.desk.account_uuid) and received["data"]["conversation"]
    assert sent["data"]["submission"] and sent["sequence"] > received["sequence"]
    for each in ear.receiver.heard:
        check_shape("Event", json.loads(each.body))
        assert is_signed(each, ear.secret) and not is_signed(each, "whsec_" + base64.b64encode(b"x" * 32).decode())
        assert b"confidential" not in each.body and b"@" not in each.body
    assert ear.listen() == []


def test_what_the_server_refuses_at_once_is_a_bounce_for_whom_it_was(ear: Ear) -> None:
    for name in ("cora", "dana"):
        api_contacts.upsert(ear.desk.user.tenant_id, name, {"addresses": [f"{name}@candidates.example"]})
    ear.desk.smtp.habits.refusals = {"dana@candidates.example": "550 5.1.1 No such user"}

    ear.desk.send(ear.desk.write(to="cora@candidates.example, dana@candidates.example"))
    partly = [(each["type"], each["data"]["contacts"], each["data"].get("cause")) for _, each in ear.listen()]
    ear.desk.send(ear.desk.write(to="dana@candidates.example"))
    [(_, whole)] = ear.listen()

    assert partly == [("message.bounced", ["dana"], "5.1.1"), ("message.sent", ["cora", "dana"], None)]
    assert (whole["type"], whole["data"]["contacts"], whole["data"]["cause"]) == ("message.bounced", ["dana"], "5.1.1")
    assert whole["data"]["submission"] and b"@" not in ear.receiver.heard[-1].body


def test_the_first_import_is_told_of_nothing(desk: Desk, receiver: Receiver) -> None:
    ear = Ear(desk, receiver)
    desk.receive(1)

    assert ear.listen() == []


def test_a_failure_is_tried_again_under_the_same_id_until_it_is_taken(ear: Ear) -> None:
    ear.receiver.answers = [500, 302]
    ear.desk.receive(1)
    [(first, _)] = ear.listen()

    assert ear.listen() == [] and ear.deliveries()[0].state == "pending"
    ear.let_waits_pass()
    [(second, _)] = ear.listen()
    ear.let_waits_pass()
    [(third, _)] = ear.listen()

    [delivery] = ear.deliveries()
    assert first == second == third
    assert {heard.path for heard in ear.receiver.heard} == {"/hook"}
    assert (delivery.state, delivery.attempts, delivery.status_code) == ("delivered", 3, 204)


def test_after_the_last_try_it_is_failed_and_can_be_sent_again(ear: Ear) -> None:
    ear.desk.receive(1)
    ear.receiver.answers = [500] * (len(WAITS_S) + 1)
    for _ in range(len(WAITS_S) + 1):
        ear.listen()
        ear.let_waits_pass()
    [delivery] = ear.deliveries()
    assert delivery.state == "failed" and ear.listen() == []

    webhooks.send_again(ear.desk.user.tenant_id, ear.uuid, delivery.uuid)
    [(again, _)] = ear.listen()

    assert ear.deliveries()[0].state == "delivered" and again == ear.receiver.heard[0].headers["webhook-id"]


def test_410_disables_the_endpoint_and_gives_up_what_waits(ear: Ear) -> None:
    ear.receiver.answers = [410]
    ear.desk.receive(1)
    ear.desk.receive(2)

    assert len(ear.listen()) == 1
    ear.desk.receive(3)
    assert ear.listen() == [] and [each.state for each in ear.deliveries()] == ["failed", "failed"]


def test_a_new_secret_and_the_one_before_sign_for_a_day(ear: Ear) -> None:
    new = webhooks.rotate_secret(ear.desk.user.tenant_id, ear.uuid)
    ear.desk.receive(1)
    ear.listen()
    assert is_signed(ear.receiver.heard[-1], new) and is_signed(ear.receiver.heard[-1], ear.secret)

    with transaction() as s:
        s.execute(update(WebhookEndpoint).values(before_until=utc_now() - timedelta(seconds=1)))
    ear.desk.receive(2)
    ear.listen()
    assert is_signed(ear.receiver.heard[-1], new) and not is_signed(ear.receiver.heard[-1], ear.secret)


def test_nobody_is_asked_inside_the_network_even_where_the_endpoint_is_older_than_the_rule(ear: Ear) -> None:
    ear.desk.receive(1)
    network.configure(allow_private_hosts=False, ca_file=None)

    assert ear.listen() == []
    [delivery] = ear.deliveries()
    assert delivery.state == "pending" and delivery.status_code is None and "443" in delivery.answer
    with transaction() as s:
        s.execute(update(WebhookEndpoint).values(url="https://localhost/hook", quiet_until=None))
        s.execute(update(WebhookDelivery).values(next_at=utc_now()))
    assert ear.listen() == [] and "cannot" not in ear.deliveries()[0].state
    assert "not one that can be connected to" in ear.deliveries()[0].answer


def test_a_receiver_that_is_away_is_left_alone_and_loses_nothing(ear: Ear) -> None:
    ear.receiver.stop()
    for number in (1, 2):
        ear.desk.receive(number)
    ear.listen()

    first, second = ear.deliveries()
    assert (first.attempts, second.attempts) == (1, 0) and first.answer.startswith("No answer")
    assert {first.state, second.state} == {"pending"}


def test_a_mailbox_that_needs_a_sign_in_and_one_that_goes_are_told_of_once(ear: Ear) -> None:
    for _ in range(2):
        with transaction() as s:
            mark_failure(
                s,
                ear.desk.account_id,
                status="reconnect_needed",
                sentence="",
                next_step="",
                detail="",
                retry_at=None,
                cause="password_refused",
            )
    for _ in range(2):
        departures.disconnect(ear.desk.user, ear.desk.account_uuid, erase=True, put_back_marks=False)

    told = [event for _, event in ear.listen()]

    assert [each["type"] for each in told] == ["account.reconnect_needed", "account.disconnected"]
    assert told[0]["data"]["cause"] == "password_refused"
    assert {each["data"]["account"] for each in told} == {str(ear.desk.account_uuid)}


def bounce_of(message_id: str, address: str) -> bytes:
    """A delivery status notification as Postfix writes it."""
    return (
        "From: MAILER-DAEMON@candidates.example\r\nTo: recruiter\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Date: Mon, 5 Jan 2026 10:00:00 +0000\r\nMessage-ID: <bounce-1@candidates.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n'
        "Auto-Submitted: auto-replied\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; candidates.example\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 user unknown\r\n"
        f"\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\nTo: {address}\r\n--b--\r\n"
    ).encode()


def test_a_bounce_is_told_with_the_mail_and_the_contact_that_it_is_about(ear: Ear) -> None:
    api_contacts.upsert(ear.desk.user.tenant_id, "c-7", {"addresses": ["cora@candidates.example"]})
    with transaction() as s:
        s.execute(update(Account).values(is_backfilled=True))
    uuid = ear.desk.write()
    ear.desk.send(uuid)
    ear.listen()
    message_id = ear.desk.submission(uuid).message_id_header
    ear.desk.receive(raw=bounce_of(f"<{message_id.strip('<>')}>", "cora@candidates.example"))

    [told] = [event for _, event in ear.listen() if event["type"] == "message.bounced"]

    check_shape("Event", told)
    assert told["data"]["submission"] == str(uuid) and told["data"]["contacts"] == ["c-7"]
    assert told["data"]["cause"] == "5.1.1" and told["data"]["message"]
