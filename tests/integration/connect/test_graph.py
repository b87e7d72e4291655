"""A Microsoft mailbox whose organisation has switched SMTP off sends through Graph, once that is allowed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.conftest import JobRunner
from tests.integration.connect.conftest import look_at, steps_of
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.graph import RunningGraph
from tests.servers.identity import RunningIdentity
from tests.servers.smtp import SmtpServer
from tests.servers.tokens import TokenHub
from webmail.actions import connect, drafts, oauth, outbox, submit
from webmail.actions.drafts import DraftFields
from webmail.demo.identity import Person
from webmail.errors import InputRefused
from webmail.providers import identities, presets
from webmail.providers.base import ServerSettings
from webmail.store import grants
from webmail.store.accounts import list_accounts
from webmail.store.models import Account, ConnectAttempt, Submission, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.store.submissions import load_submission
from webmail.sync import engine

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning"),
]

CALLBACK = "http://127.0.0.1:8000/oauth/callback"
SMTP_OFF = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."


class World:
    """A recruiter at Microsoft, with Dovecot, an SMTP server and Graph behind the sign-in."""

    def __init__(
        self, server: RunningIdentity, graph: RunningGraph, user: Scope, run_jobs: JobRunner, mailbox: Mailbox
    ) -> None:
        self.server, self.graph, self.user, self.run_jobs, self.mailbox = server, graph, user, run_jobs, mailbox

    def sign_in(self, *, by_graph: bool = False, account: Account | None = None) -> ConnectAttempt:
        begun = oauth.begin(self.user, "microsoft", CALLBACK, account.uuid if account else None, by_graph=by_graph)
        uuid = oauth.finish(self.user, "microsoft", self.server.browse(begun.url, self.mailbox.email))
        self.run_jobs()
        return look_at(self.user, uuid)

    @property
    def account(self) -> Account:
        with reading() as s:
            (account,) = list_accounts(s, self.user)
        return account

    def write(self, subject: str, *, bcc: str = "", text: str = "Hello") -> UUID:
        uuid = drafts.open_draft(self.user, mode="new", account_uuid=self.account.uuid)
        fields = DraftFields(
            self.account.uuid, "cora@candidates.example", "", bcc, subject, False, f"<p>{text}</p>", ""
        )
        drafts.save_draft(self.user, uuid, fields, revision=0)
        submit.submit(self.user, uuid)
        self.run_jobs()
        return uuid

    def submission(self, uuid: UUID) -> Submission:
        with reading() as s:
            return load_submission(s, self.user, uuid)

    def go_on(self, until) -> None:
        deadline = time.monotonic() + 15
        while not until() and time.monotonic() < deadline:
            with transaction() as s:
                for each in s.query(Submission).filter(Submission.state == "queued"):
                    each.not_before = utc_now()
            outbox.recover_lost()
            self.run_jobs()


@pytest.fixture
def world(
    certificates: Path,
    dovecot: Dovecot,
    smtp_server: SmtpServer,
    token_hub: TokenHub,
    user: Scope,
    run_jobs: JobRunner,
) -> Iterator[World]:
    mailbox = dovecot.account()
    server = RunningIdentity("microsoft", certificates, [Person(mailbox.email, "Rita", "subject-1")])
    graph = RunningGraph(server, certificates, dovecot)
    token_hub.servers.append(server)
    identities.configure(google=None, microsoft=replace(server.client, graph_url=graph.url))
    imap = ServerSettings("localhost", dovecot.tls_port, "tls")
    smtp = ServerSettings("localhost", smtp_server.port, "starttls")
    presets.configure(demo=None, stand_ins={"microsoft": (imap, smtp)})
    yield World(server, graph, user, run_jobs, mailbox)
    presets.configure(demo=None)
    identities.configure(google=None, microsoft=None)
    token_hub.servers.remove(server)
    graph.stop()
    server.stop()


@pytest.fixture
def by_graph(world: World, smtp_server: SmtpServer) -> World:
    """The mailbox is connected, and sends through Graph."""
    smtp_server.habits.sign_in_answer = SMTP_OFF
    attempt = world.sign_in(by_graph=True)
    assert attempt.state == "connected", attempt.steps
    return world


def test_smtp_that_is_switched_off_is_told_and_graph_offered(world: World, smtp_server: SmtpServer) -> None:
    smtp_server.habits.sign_in_answer = SMTP_OFF

    attempt = world.sign_in()

    step = steps_of(attempt)["smtp"]
    assert (attempt.state, step["cause"]) == ("failed", "smtp_auth_off")
    assert "Graph" in step["next_step"]
    assert attempt.settings["auth"] == "microsoft"


def test_leave_to_send_is_asked_for_only_then(world: World) -> None:
    usual = oauth.begin(world.user, "microsoft", CALLBACK, None)
    widened = oauth.begin(world.user, "microsoft", CALLBACK, None, by_graph=True)

    assert "Mail.Send" not in usual.url
    assert "Mail.Send" in widened.url


def test_a_mail_goes_out_through_graph_and_lies_in_sent_once(
    by_graph: World, smtp_server: SmtpServer, dovecot: Dovecot
) -> None:
    uuid = by_graph.write("Through Graph", bcc="hidden@candidates.example")

    (mail,) = by_graph.graph.received
    assert by_graph.account.sends_by == "graph"
    assert mail.sender == by_graph.mailbox.email
    assert sorted(mail.recipients) == ["cora@candidates.example", "hidden@candidates.example"]
    assert b"hidden@" not in mail.mime
    assert by_graph.submission(uuid).state == "sent"
    assert by_graph.submission(uuid).filing == "found"
    assert len(dovecot.messages(by_graph.mailbox, "Sent")) == 1
    assert smtp_server.received == []


def test_the_account_is_remembered_when_signing_in_again(by_graph: World) -> None:
    attempt = by_graph.sign_in(account=by_graph.account)

    assert attempt.state == "connected", attempt.steps
    assert "graph" in steps_of(attempt)
    assert by_graph.account.sends_by == "graph"


def test_settings_are_saved_without_another_sign_in(by_graph: World) -> None:
    form = replace(oauth._settings_of(by_graph.account), auth="microsoft", sends_by="graph", read_marks="keep")

    uuid = connect.start_attempt(by_graph.user, form, by_graph.account.uuid)
    by_graph.run_jobs()

    assert look_at(by_graph.user, uuid).state == "connected", look_at(by_graph.user, uuid).steps
    assert (by_graph.account.read_marks, by_graph.account.sends_by) == ("keep", "graph")


def test_a_mail_over_the_limit_is_refused_before_it_is_sent(by_graph: World) -> None:
    with pytest.raises(InputRefused) as caught:
        by_graph.write("Big", text="x" * 3_100_000)

    assert "takes up to 3 MB" in caught.value.user_message
    assert by_graph.graph.received == []


def test_a_token_that_graph_does_not_take_is_renewed_once(by_graph: World) -> None:
    with reading() as s:
        grant = grants.find_grant(s, by_graph.account.id)
    assert grant is not None
    by_graph.server.access_tokens.pop(grants.tokens_of(grant).graph_token)

    uuid = by_graph.write("After a renewal")

    assert by_graph.submission(uuid).state == "sent"
    assert len(by_graph.graph.received) == 1


@pytest.mark.parametrize(
    ("answer", "state", "held"),
    [
        ((429, "ApplicationThrottled"), "queued", "retry"),
        ((503, "ServiceUnavailable"), "queued", "retry"),
        ((403, "ErrorAccessDenied"), "queued", "reconnect"),
        ((403, "ErrorSendQuotaExceeded"), "queued", "retry"),
        ((400, "ErrorInvalidRecipients"), "failed", ""),
        ((413, "RequestEntityTooLarge"), "failed", ""),
    ],
)
def test_what_graph_answers_has_one_meaning_each(
    by_graph: World, answer: tuple[int, str], state: str, held: str
) -> None:
    by_graph.graph.faults.answers = [answer]

    uuid = by_graph.write("Refused at first")

    submission = by_graph.submission(uuid)
    assert (submission.state, submission.held_reason) == (state, held)
    assert submission.error_sentence
    assert by_graph.graph.received == []


def test_graph_says_how_long_to_wait(by_graph: World) -> None:
    by_graph.graph.faults.answers = [(429, "ApplicationThrottled")]
    before = utc_now()

    uuid = by_graph.write("Slow down")

    not_before = by_graph.submission(uuid).not_before
    assert not_before is not None
    assert not_before - before >= timedelta(seconds=7)


def test_an_answer_that_got_lost_is_looked_up_and_not_sent_again(by_graph: World) -> None:
    by_graph.graph.faults.loses_answer = True

    uuid = by_graph.write("Taken, but not answered")

    assert by_graph.submission(uuid).state == "sent"
    assert len(by_graph.graph.received) == 1


def test_a_server_error_without_a_copy_leaves_the_mail_unsure(by_graph: World) -> None:
    by_graph.graph.faults.answers = [(500, "InternalServerError")]

    uuid = by_graph.write("Who knows")

    assert by_graph.submission(uuid).state == "unsure"


def test_a_graph_that_is_away_is_tried_again(by_graph: World) -> None:
    by_graph.graph.stop()
    by_graph.graph.stop = lambda: None

    uuid = by_graph.write("Nobody there")

    submission = by_graph.submission(uuid)
    assert (submission.state, submission.held_reason) == ("queued", "retry")


def test_smtp_switched_off_later_blocks_the_way_out_until_graph_is_allowed(
    world: World, smtp_server: SmtpServer, dovecot: Dovecot
) -> None:
    assert world.sign_in().state == "connected"
    smtp_server.habits.sign_in_answer = SMTP_OFF

    uuid = world.write("Waits for leave")
    waiting = world.submission(uuid)
    blocked = world.account
    dovecot.deliver(world.mailbox.email, build_mail(subject="Still comes in"))
    engine.sync_account(blocked.id)
    still = world.account
    attempt = world.sign_in(account=blocked, by_graph=True)
    world.go_on(lambda: world.submission(uuid).state == "sent")

    assert (waiting.state, waiting.held_reason) == ("queued", "reconnect")
    assert (blocked.sends_by, still.status) == ("blocked", "connected")
    assert attempt.state == "connected", attempt.steps
    assert world.submission(uuid).state == "sent"
    assert len(world.graph.received) == 1
    assert world.account.sends_by == "graph"


def test_where_graph_was_allowed_before_nobody_notices(by_graph: World) -> None:
    with transaction() as s:
        s.get_one(Account, by_graph.account.id).sends_by = "smtp"

    uuid = by_graph.write("Without a word")

    assert by_graph.submission(uuid).state == "sent"
    assert by_graph.account.sends_by == "graph"


def test_no_token_for_graph_is_logged(by_graph: World, capfd: pytest.CaptureFixture[str]) -> None:
    by_graph.graph.faults.answers = [(401, "InvalidAuthenticationToken"), (429, "ApplicationThrottled")]
    by_graph.write("Quietly")
    with reading() as s:
        grant = grants.find_grant(s, by_graph.account.id)
    assert grant is not None
    tokens = grants.tokens_of(grant)

    said = "".join(capfd.readouterr())
    assert tokens.graph_token
    assert tokens.graph_token not in said
    assert tokens.refresh_token not in said
