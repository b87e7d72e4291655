"""Connecting by a sign-in at Google or Microsoft: real OAuth there, real XOAUTH2 at Dovecot and SMTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.conftest import JobRunner
from tests.integration.connect.conftest import look_at, steps_of
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.identity import RunningIdentity
from tests.servers.smtp import SmtpServer
from tests.servers.tokens import TokenHub
from webmail.actions import api_contacts, connect, departures, drafts, oauth, outbox, submit
from webmail.actions.drafts import DraftFields
from webmail.demo.identity import Person
from webmail.errors import InputRefused, Refused
from webmail.providers import identities, presets
from webmail.providers.base import ServerSettings
from webmail.store import grants
from webmail.store.accounts import list_accounts
from webmail.store.conversations import list_page
from webmail.store.models import Account, ConnectAttempt, OAuthGrant, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.sync import engine

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning"),
]

CALLBACK = "http://127.0.0.1:8000/oauth/callback"
CARDS = {"google": "gmail", "microsoft": "outlook"}


class World:
    """A recruiter, an identity server, and mail servers that take its tokens."""

    def __init__(
        self, style: str, server: RunningIdentity, user: Scope, run_jobs: JobRunner, mailbox: Mailbox, other: Mailbox
    ) -> None:
        self.style, self.server, self.user, self.run_jobs = style, server, user, run_jobs
        self.mailbox, self.other = mailbox, other

    def sign_in(
        self, *, email: str = "", account: Account | None = None, only_contacts: bool = False, **choices: str
    ) -> ConnectAttempt:
        """Go to the provider and back, let all jobs run, and give the attempt."""
        wanted = account.uuid if account else None
        begun = oauth.begin(self.user, self.style, CALLBACK, wanted, only_contacts=only_contacts)
        answer = self.server.browse(begun.url, email or self.mailbox.email, **choices)
        uuid = oauth.finish(self.user, self.style, answer)
        self.run_jobs()
        return look_at(self.user, uuid)

    @property
    def account(self) -> Account:
        with reading() as s:
            (account,) = list_accounts(s, self.user)
        return account

    def grant(self) -> OAuthGrant:
        with reading() as s:
            found = grants.find_grant(s, self.account.id)
        assert found is not None
        return found

    def expire(self) -> None:
        """Let the access token run out."""
        with transaction() as s:
            found = grants.find_grant(s, self.account.id)
            assert found is not None
            found.expires_at = utc_now() - timedelta(minutes=1)

    def subjects(self) -> list[str]:
        with reading() as s:
            return [row.subject for row in list_page(s, self.user, "inbox").rows]


@pytest.fixture(params=["google", "microsoft"])
def world(
    request: pytest.FixtureRequest,
    certificates: Path,
    dovecot: Dovecot,
    smtp_server: SmtpServer,
    token_hub: TokenHub,
    user: Scope,
    run_jobs: JobRunner,
) -> Iterator[World]:
    style = request.param
    mailbox, other = dovecot.account(), dovecot.account("other")
    people = [Person(mailbox.email, "Rita", "subject-1"), Person(other.email, "Otto", "subject-2")]
    server = RunningIdentity(style, certificates, people)
    token_hub.servers.append(server)
    identities.configure(
        google=server.client if style == "google" else None,
        microsoft=server.client if style == "microsoft" else None,
    )
    imap = ServerSettings("localhost", dovecot.tls_port, "tls")
    smtp = ServerSettings("localhost", smtp_server.port, "starttls")
    presets.configure(demo=None, stand_ins={style: (imap, smtp)})
    yield World(style, server, user, run_jobs, mailbox, other)
    presets.configure(demo=None)
    identities.configure(google=None, microsoft=None)
    token_hub.servers.remove(server)
    server.stop()


def write(world: World, subject: str) -> UUID:
    uuid = drafts.open_draft(world.user, mode="new", account_uuid=world.account.uuid)
    fields = DraftFields(world.account.uuid, "cora@candidates.example", "", "", subject, False, "<p>Hello</p>", "")
    drafts.save_draft(world.user, uuid, fields, revision=0)
    submit.submit(world.user, uuid)
    return uuid


def test_two_clicks_connect_read_and_send(world: World, dovecot: Dovecot, smtp_server: SmtpServer) -> None:
    dovecot.deliver(world.mailbox.email, build_mail(subject="From a candidate"))

    attempt = world.sign_in()
    write(world, "From the recruiter")
    world.run_jobs()

    assert attempt.state == "connected", attempt.steps
    assert (world.account.card, world.account.auth) == (CARDS[world.style], world.style)
    assert world.account.outbox_folder == "Sent"
    assert world.subjects() == ["From a candidate"]
    assert [mail.user for mail in smtp_server.received] == [world.mailbox.email]


def test_sync_goes_on_when_the_access_token_has_run_out(world: World, dovecot: Dovecot) -> None:
    world.sign_in()
    before = grants.tokens_of(world.grant()).access_token
    dovecot.deliver(world.mailbox.email, build_mail(subject="An hour later"))
    world.expire()

    engine.sync_account(world.account.id)

    assert world.subjects() == ["An hour later"]
    assert grants.tokens_of(world.grant()).access_token != before


def test_a_revoked_grant_asks_for_a_sign_in_at_the_next_use_and_says_why(world: World) -> None:
    world.sign_in()
    world.server.revoke_grants(world.mailbox.email, "invalid_grant")

    engine.sync_account(world.account.id)

    assert world.account.status == "reconnect_needed"
    assert world.account.status_sentence
    assert "Sign in again" in world.account.status_next_step


@pytest.mark.parametrize("answer", [(429, "{}"), (500, "x"), (200, "<html>")])
def test_an_identity_server_that_is_unwell_is_no_disconnection(world: World, answer: tuple[int, str]) -> None:
    world.sign_in()
    world.expire()
    world.server.faults.answers = [answer]

    engine.sync_account(world.account.id)
    assert world.account.status == "connected"
    assert world.account.retry_at is not None

    with transaction() as s:
        s.get_one(Account, world.account.id).retry_at = None
    engine.sync_account(world.account.id)
    assert world.account.failures == 0


def test_signing_in_again_keeps_everything_and_sends_what_waited(
    world: World, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    world.sign_in()
    with transaction() as s:
        s.get_one(Account, world.account.id).read_marks = "keep"
    before = world.account
    world.server.revoke_grants(world.mailbox.email, "invalid_grant")
    engine.sync_account(before.id)
    write(world, "Waits for the sign-in")
    dovecot.deliver(world.mailbox.email, build_mail(subject="Came meanwhile"))
    world.run_jobs()
    assert smtp_server.received == []

    attempt = world.sign_in(account=before)
    deadline = time.monotonic() + 10
    while not smtp_server.received and time.monotonic() < deadline:
        outbox.recover_lost()
        world.run_jobs()

    assert attempt.state == "connected", attempt.steps
    after = world.account
    assert (after.id, after.read_marks, after.status) == (before.id, "keep", "connected")
    assert world.subjects() == ["Came meanwhile"]
    assert len(smtp_server.received) == 1


def test_somebody_elses_sign_in_changes_nothing(world: World) -> None:
    world.sign_in()
    before = grants.tokens_of(world.grant())

    with pytest.raises(Refused) as caught:
        world.sign_in(email=world.other.email, account=world.account)

    assert caught.value.cause == "other_account"
    assert world.other.email in caught.value.user_message
    assert world.mailbox.email in caught.value.user_message
    assert grants.tokens_of(world.grant()) == before


def test_an_answer_can_be_used_once(world: World) -> None:
    begun = oauth.begin(world.user, world.style, CALLBACK, None)
    answer = world.server.browse(begun.url, world.mailbox.email)
    oauth.finish(world.user, world.style, answer)

    with pytest.raises(Refused) as caught:
        oauth.finish(world.user, world.style, answer)

    assert caught.value.cause == "state_unknown"


def test_an_answer_is_good_only_for_who_began(world: World, make_user: Callable[..., Scope]) -> None:
    begun = oauth.begin(world.user, world.style, CALLBACK, None)
    answer = world.server.browse(begun.url, world.mailbox.email)

    with pytest.raises(Refused):
        oauth.finish(make_user(), world.style, answer)


def test_a_denied_sign_in_leaves_nothing_behind(world: World) -> None:
    with pytest.raises(Refused) as caught:
        world.sign_in(choice="deny")

    assert caught.value.cause == "denied"
    with reading() as s:
        assert list_accounts(s, world.user) == []


def test_mail_servers_that_do_not_take_the_token_are_named(world: World, smtp_server: SmtpServer) -> None:
    smtp_server.habits.sign_in_answer = (
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."
    )

    attempt = world.sign_in()

    assert attempt.state == "failed"
    assert steps_of(attempt)["imap"]["state"] == "done"
    assert steps_of(attempt)["smtp"]["state"] == "failed"
    assert "5.7.139" in steps_of(attempt)["smtp"]["server_answer"]
    assert steps_of(attempt)["smtp"]["cause"] == "smtp_auth_off"


def test_settings_can_be_changed_without_signing_in_again(world: World) -> None:
    world.sign_in()
    form = oauth._settings_of(world.account)
    before = grants.tokens_of(world.grant())

    uuid = connect.start_attempt(world.user, form, world.account.uuid)
    world.run_jobs()

    assert look_at(world.user, uuid).state == "connected"
    assert world.account.auth == world.style
    assert grants.tokens_of(world.grant()).refresh_token == before.refresh_token


def test_a_token_never_goes_to_another_host(world: World) -> None:
    world.sign_in()
    form = oauth._settings_of(world.account)

    with pytest.raises(InputRefused) as caught:
        connect.start_attempt(world.user, replace(form, imap_host="imap.elsewhere.example"), world.account.uuid)

    assert caught.value.field == "imap_host"


def test_disconnecting_erases_the_tokens_and_withdraws_the_grant(world: World) -> None:
    world.sign_in()
    tokens = grants.tokens_of(world.grant())

    departures.disconnect(world.user, world.account.uuid, erase=False, put_back_marks=False)
    world.run_jobs()

    assert world.account.status == "not_connected"
    with reading() as s:
        assert grants.find_grant(s, world.account.id) is None
    if world.style == "google":
        assert world.server.email_of(tokens.access_token) is None


def test_no_token_is_logged(world: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    world.sign_in()
    world.expire()
    engine.sync_account(world.account.id)
    tokens = grants.tokens_of(world.grant())

    said = "".join(capfd.readouterr()) + caplog.text
    assert tokens.access_token not in said
    assert tokens.refresh_token not in said


def test_only_mail_with_contacts_holds_from_the_first_import_on(world: World, dovecot: Dovecot) -> None:
    api_contacts.upsert(world.user.tenant_id, "cara", {"addresses": ["cara@candidates.example"]})
    dovecot.deliver(world.mailbox.email, build_mail(1, sender="cara@candidates.example", subject="An offer"))
    dovecot.deliver(world.mailbox.email, build_mail(2, sender="doctor@clinic.example", subject="Your results"))

    world.sign_in(only_contacts=True)
    engine.sync_account(world.account.id)
    again = world.sign_in()

    assert world.account.only_contacts and again.state == "connected"
    assert world.subjects() == ["An offer"]
