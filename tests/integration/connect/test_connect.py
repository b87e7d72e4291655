"""Connecting a mailbox on real servers: what is found out, what is kept, and what happens when things get lost."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.conftest import AccountMaker, JobRunner
from tests.integration.connect.conftest import FormMaker, Presser, look_at, only_account, steps_of
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.jobs import waiting_jobs
from tests.servers.smtp import SmtpServer
from webmail.actions import connect, departures
from webmail.errors import InputRefused, NotFound
from webmail.providers import presets
from webmail.providers.presets import DemoServers
from webmail.store.conversations import list_page
from webmail.store.folders import folders_of
from webmail.store.models import Message
from webmail.store.scope import Scope
from webmail.store.secrets import seal, unseal
from webmail.store.session import reading

pytestmark = pytest.mark.integration


def subjects_in(scope: Scope, view: str) -> list[str]:
    with reading() as s:
        return [row.subject for row in list_page(s, scope, view).rows]


def test_connecting_makes_an_account_and_its_first_page(
    form: FormMaker, press: Presser, dovecot: Dovecot, mailbox: Mailbox, user: Scope
) -> None:
    dovecot.deliver(mailbox.email, build_mail(subject="About the position"))
    started = time.monotonic()

    attempt = press(form(outbox_folder=""))

    assert time.monotonic() - started < 3
    account = only_account(user)
    assert attempt.state == "connected"
    assert attempt.account_id == account.id
    assert attempt.secret is None
    assert {step["state"] for step in attempt.steps} == {"done"}
    assert steps_of(attempt)["outbox_folder"]["sentence"] == "It is Sent."
    assert account.status == "connected"
    assert (account.imap_security, account.smtp_security) == ("tls", "starttls")
    assert (account.imap_folder, account.outbox_folder, account.card) == ("INBOX", "Sent", "other")
    assert unseal(account.secret) == {"password": mailbox.password}
    assert account.fingerprint["qresync"]
    assert account.fingerprint["condstore"]
    assert account.fingerprint["idle"]
    assert "starttls" not in account.fingerprint["smtp"]
    assert subjects_in(user, "inbox") == ["About the position"]


def test_folder_names_are_taken_in_the_servers_spelling(form: FormMaker, press: Presser, user: Scope) -> None:
    press(form(imap_folder="inbox", outbox_folder="sent"))

    account = only_account(user)
    assert (account.imap_folder, account.outbox_folder) == ("INBOX", "Sent")


def test_server_without_extensions_is_known_by_its_fingerprint(
    form: FormMaker, press: Presser, simple_dovecot: Dovecot, certificates: Path, user: Scope
) -> None:
    mailbox = simple_dovecot.account()
    smtp = SmtpServer(certificates, dovecot=simple_dovecot)

    press(form(email=mailbox.email, password=mailbox.password, imap_port=mailbox.tls_port, smtp_port=smtp.port))

    smtp.stop()
    fingerprint = only_account(user).fingerprint
    assert not any(fingerprint[name] for name in ("idle", "condstore", "qresync", "move", "uidplus"))


def test_sending_only_needs_no_imap(form: FormMaker, press: Presser, user: Scope) -> None:
    attempt = press(form(imap_host="", imap_port=None, outbox_folder="", reads_mail=False))

    account = only_account(user)
    assert [step["key"] for step in attempt.steps] == ["smtp"]
    assert account.status == "connected"
    assert not account.reads_mail
    assert account.imap_host == ""
    assert waiting_jobs() == []


def test_sending_only_with_imap_finds_the_folder_for_copies(form: FormMaker, press: Presser, user: Scope) -> None:
    attempt = press(form(reads_mail=False))

    assert [step["key"] for step in attempt.steps] == ["imap", "outbox_folder", "smtp"]
    assert only_account(user).outbox_folder == "Sent"


def test_preset_wins_over_the_port_and_over_its_own_folder_name(
    form: FormMaker, press: Presser, dovecot: Dovecot, mailbox: Mailbox, certificates: Path, user: Scope
) -> None:
    plain_smtp = SmtpServer(certificates, dovecot=dovecot, security="plain")
    presets.configure(demo=DemoServers("localhost", mailbox.plain_port, plain_smtp.port))
    try:
        attempt = press(
            form(provider="demo", imap_port=mailbox.plain_port, smtp_port=plain_smtp.port, ssl_enabled=False)
        )
    finally:
        presets.configure(demo=None)
        plain_smtp.stop()

    account = only_account(user)
    assert attempt.state == "connected"
    assert (account.imap_security, account.smtp_security) == ("plain", "plain")
    assert account.files_sent_itself is False


def test_same_press_twice_is_one_attempt(form: FormMaker, user: Scope, run_jobs: JobRunner) -> None:
    first = connect.start_attempt(user, form(), None)
    second = connect.start_attempt(user, form(), None)

    assert first == second
    assert len(waiting_jobs()) == 1
    run_jobs()
    assert look_at(user, first).state == "connected"


def test_other_settings_take_the_place_of_those_before(form: FormMaker, user: Scope, run_jobs: JobRunner) -> None:
    first = connect.start_attempt(user, form(password="mistyped"), None)
    second = connect.start_attempt(user, form(), None)

    run_jobs()

    before = look_at(user, first)
    assert before.state == "failed"
    assert before.secret is None
    assert before.steps[0]["cause"] == "superseded"
    assert look_at(user, second).state == "connected"
    only_account(user)


def test_connected_address_is_not_connected_again(form: FormMaker, press: Presser, user: Scope) -> None:
    press(form())

    with pytest.raises(InputRefused) as refusal:
        connect.start_attempt(user, form(email=form().email.upper()), None)

    assert refusal.value.field == "email"
    assert "is connected already" in refusal.value.user_message


def test_two_users_may_connect_the_same_mailbox(
    form: FormMaker, press: Presser, make_user: Any, user: Scope, run_jobs: JobRunner
) -> None:
    press(form())
    other = make_user()

    connect.start_attempt(other, form(), None)
    run_jobs()

    assert only_account(other).id != only_account(user).id


def test_settings_change_without_the_password(
    form: FormMaker, press: Presser, dovecot: Dovecot, mailbox: Mailbox, user: Scope
) -> None:
    with dovecot.open(mailbox) as client:
        client.create_folder("Applications")
    dovecot.seed(mailbox, "Applications", [build_mail(2, subject="In the other folder")])
    dovecot.deliver(mailbox.email, build_mail(1, subject="In the inbox"))
    press(form())
    before = only_account(user)

    attempt = press(form(password=None, imap_folder="Applications", read_marks="new"), before.uuid)

    after = only_account(user)
    assert attempt.state == "connected"
    assert (after.id, after.imap_folder, after.read_marks) == (before.id, "Applications", "new")
    assert unseal(after.secret) == {"password": mailbox.password}
    assert after.read_marks_from > before.read_marks_from
    assert after.is_backfilled
    assert subjects_in(user, "inbox") == ["In the other folder"]
    assert sorted(subjects_in(user, "all")) == ["In the inbox", "In the other folder"]
    assert dict(subjects_seen(dovecot, mailbox, "Applications")) == {"In the other folder": False}


def subjects_seen(dovecot: Dovecot, mailbox: Mailbox, folder: str) -> list[tuple[str, bool]]:
    found = []
    for raw, flags in dovecot.messages(mailbox, folder):
        subject = next(line for line in raw.decode().splitlines() if line.startswith("Subject: "))
        found.append((subject.removeprefix("Subject: "), "\\Seen" in flags))
    return found


def test_going_back_to_the_first_folder_shows_nothing_twice(
    form: FormMaker, press: Presser, dovecot: Dovecot, mailbox: Mailbox, user: Scope
) -> None:
    with dovecot.open(mailbox) as client:
        client.create_folder("Applications")
    dovecot.deliver(mailbox.email, build_mail(1, subject="First"))
    press(form())
    uuid = only_account(user).uuid
    press(form(password=None, imap_folder="Applications"), uuid)
    dovecot.deliver(mailbox.email, build_mail(2, subject="Second"))

    press(form(password=None, imap_folder="INBOX"), uuid)

    assert sorted(subjects_in(user, "inbox")) == ["First", "Second"]
    with reading() as s:
        assert s.scalar(select(func.count()).select_from(Message)) == 2
        roles = {folder.name: folder.role for folder in folders_of(s, only_account(user).id) if folder.is_synced}
    assert roles == {"INBOX": "inbox", "Sent": "sent"}


def test_stored_password_goes_to_no_other_server(form: FormMaker, press: Presser, user: Scope) -> None:
    press(form())
    uuid = only_account(user).uuid

    for typed in (form(password=None, imap_host="127.0.0.1"), form(password=None, smtp_host="mail.attacker.example")):
        with pytest.raises(InputRefused) as refusal:
            connect.start_attempt(user, typed, uuid)
        assert refusal.value.field == "password"
        assert refusal.value.user_message.startswith("Type the password again:")

    attempt = press(form(imap_host="127.0.0.1"), uuid)
    assert attempt.state == "connected"


def test_address_of_an_account_stays(form: FormMaker, press: Presser, user: Scope) -> None:
    press(form())

    with pytest.raises(InputRefused) as refusal:
        connect.start_attempt(user, form(email="other@test.example"), only_account(user).uuid)

    assert refusal.value.field == "email"


def test_failed_edit_leaves_the_account_as_it_was(form: FormMaker, press: Presser, user: Scope) -> None:
    press(form())
    before = only_account(user)

    attempt = press(form(password="wrong"), before.uuid)

    after = only_account(user)
    assert attempt.state == "failed"
    assert (after.status, after.secret) == ("connected", before.secret)


def test_account_of_another_user_cannot_be_changed(
    form: FormMaker, press: Presser, make_user: Any, user: Scope
) -> None:
    press(form())
    uuid = only_account(user).uuid

    with pytest.raises(NotFound):
        connect.start_attempt(make_user(), form(), uuid)


def test_new_password_ends_reconnect_needed(
    form: FormMaker, press: Presser, make_account: AccountMaker, mailbox: Mailbox, smtp_server: SmtpServer, user: Scope
) -> None:
    account = make_account(
        mailbox,
        smtp=smtp_server,
        secret=seal({"password": "old"}),
        status="reconnect_needed",
        status_sentence="IMAP did not accept the user name and password.",
        failures=4,
    )

    press(form(), account.uuid)

    after = only_account(user)
    assert (after.status, after.status_sentence, after.failures) == ("connected", "", 0)


def test_disconnected_account_is_taken_up_again(
    form: FormMaker, press: Presser, dovecot: Dovecot, mailbox: Mailbox, user: Scope, run_jobs: JobRunner
) -> None:
    dovecot.deliver(mailbox.email, build_mail(1, subject="Kept"))
    press(form())
    before = only_account(user)
    departures.disconnect(user, before.uuid, erase=False, put_back_marks=False)
    run_jobs()
    assert subjects_in(user, "inbox") == ["Kept"]
    dovecot.deliver(mailbox.email, build_mail(2, subject="Came meanwhile"))

    with pytest.raises(InputRefused) as refusal:
        connect.start_attempt(user, form(password=None), before.uuid)
    attempt = press(form())

    after = only_account(user)
    assert refusal.value.field == "password"
    assert attempt.state == "connected"
    assert (after.id, after.status) == (before.id, "connected")
    assert sorted(subjects_in(user, "inbox")) == ["Came meanwhile", "Kept"]
