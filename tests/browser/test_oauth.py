"""A mailbox at Google or Microsoft in Chromium: connected, used, lost, connected again, and left."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_main_job import build_mail, sent_mails, wait_for, write_body
from tests.servers.app import RunningApp
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.graph import RunningGraph
from tests.servers.identity import CLIENT_ID, CLIENT_SECRET, RunningIdentity
from tests.servers.smtp import SmtpServer
from tests.servers.tokens import TokenHub
from webmail.demo.identity import Person
from webmail.store.models import Account, OAuthGrant, utc_now
from webmail.store.session import transaction

pytestmark = pytest.mark.browser

CARDS = {"google": "Gmail", "microsoft": "Outlook"}


class Providers:
    """Google and Microsoft as the product finds them, with one SMTP server and one Dovecot behind both."""

    def __init__(self, certificates: Path, dovecot: Dovecot, hub: TokenHub) -> None:
        self.dovecot = dovecot
        self.smtp = SmtpServer(certificates, dovecot=dovecot, token_owner=hub.email_of)
        self.smtp.habits.files_sent = True
        self.servers = {style: RunningIdentity(style, certificates, []) for style in CARDS}
        hub.servers += self.servers.values()
        self.graph = RunningGraph(self.servers["microsoft"], certificates, dovecot)

    @property
    def environment(self) -> dict[str, str]:
        given = {}
        for style, server in self.servers.items():
            prefix = f"WEBMAIL_{style.upper()}"
            given |= {
                f"{prefix}_CLIENT_ID": CLIENT_ID,
                f"{prefix}_CLIENT_SECRET": CLIENT_SECRET,
                f"{prefix}_AUTHORITY": server.client.authority,
                f"{prefix}_IMAP": f"localhost:{self.dovecot.tls_port}:tls",
                f"{prefix}_SMTP": f"localhost:{self.smtp.port}:starttls",
            }
        return given | {"WEBMAIL_MICROSOFT_GRAPH_URL": self.graph.url}

    def newcomer(self, style: str, **person: Any) -> Mailbox:
        """Let a fresh person with a mailbox stand first in the account chooser."""
        mailbox = self.dovecot.account()
        server = self.servers[style]
        server.people = {mailbox.email: Person(mailbox.email, "Rita Recruiter", mailbox.email, **person)}
        return mailbox

    def stop(self) -> None:
        self.graph.stop()
        self.smtp.stop()
        for server in self.servers.values():
            server.stop()


@pytest.fixture(scope="module")
def providers(certificates: Path, dovecot: Dovecot, token_hub: TokenHub) -> Iterator[Providers]:
    running = Providers(certificates, dovecot, token_hub)
    yield running
    for server in running.servers.values():
        token_hub.servers.remove(server)
    running.stop()


@pytest.fixture(scope="module")
def app(certificates: Path, providers: Providers) -> Iterator[RunningApp]:
    """The product, registered at both."""
    running = RunningApp(certificates / "ca.pem", **providers.environment)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def usual_habits(providers: Providers) -> Iterator[None]:
    yield
    providers.smtp.habits.sign_in_answer = ""


def allow(page: Page) -> None:
    """Choose the account that is offered first, and allow what is asked for."""
    expect(page.get_by_role("heading", name="Choose an account")).to_be_visible()
    page.get_by_role("button", name="Allow").click()


def connect_by_sign_in(page: Page, style: str) -> None:
    page.goto("/profileSettings?tab=connect")
    page.get_by_role("button", name=f"Connect {CARDS[style]}").click()
    allow(page)
    page.get_by_role("button", name=f"Disconnect {CARDS[style]}").wait_for()


def end_access_token(app: RunningApp, email: str) -> None:
    """Let an hour go by for one mailbox."""
    app.enter()
    try:
        with transaction() as s:
            account = s.query(Account).filter(Account.email == email).one()
            s.get_one(OAuthGrant, account.id).expires_at = utc_now() - timedelta(minutes=1)
            account.wanted_at = utc_now()
    finally:
        app.leave()


@pytest.mark.parametrize("style", ["google", "microsoft"])
def test_a_mailbox_is_connected_used_lost_found_again_and_left(
    page: Page, recruiter: str, app: RunningApp, providers: Providers, dovecot: Dovecot, style: str
) -> None:
    mailbox = providers.newcomer(style)
    dovecot.seed(mailbox, "INBOX", [build_mail(mailbox.email, subject="Backend role", text="When?\n", number=1)])
    sign_in(page, recruiter)

    connect_by_sign_in(page, style)
    page.goto("/inbox")
    page.get_by_role("link", name=re.compile("Backend role")).click()
    page.get_by_role("button", name="Reply", exact=True).click()
    write_body(page, "Tomorrow at ten.")
    page.get_by_role("button", name="Send", exact=True).click()
    wait_for(lambda: len(sent_mails(dovecot, mailbox)) == 1)

    providers.servers[style].revoke_grants(mailbox.email, "invalid_grant")
    end_access_token(app, mailbox.email)
    page.goto("/inbox")
    reconnect = page.locator(".list-notice").get_by_role("button", name="Reconnect")
    reconnect.wait_for(timeout=30_000)
    dovecot.deliver(mailbox.email, build_mail(mailbox.email, subject="Came meanwhile", text="Hello?", number=2))
    time.sleep(1)
    reconnect.click()
    allow(page)
    page.get_by_role("button", name=f"Disconnect {CARDS[style]}").wait_for()
    expect(page.locator(f"#card-{'gmail' if style == 'google' else 'outlook'}-state")).to_contain_text(
        "1 mail came while it was away"
    )
    page.goto("/inbox")
    expect(page.get_by_role("link", name=re.compile("Came meanwhile"))).to_be_visible()
    expect(page.locator(".list-notice")).to_have_count(0)

    page.goto("/profileSettings?tab=connect")
    page.get_by_role("button", name=f"Disconnect {CARDS[style]}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("withdrawn at Google" if style == "google" else "Microsoft lets only you")
    dialog.get_by_role("button", name="Disconnect", exact=True).click()
    page.get_by_role("button", name=f"Connect {CARDS[style]}").wait_for()
    if style == "google":
        server = providers.servers[style]
        own = [grant for grant, _ in server.refresh_tokens.values() if grant.person.email == mailbox.email]
        wait_for(lambda: all(grant.is_revoked for grant in own))
    assert "access_token" not in app.output()


@pytest.mark.parametrize("style", ["google", "microsoft"])
def test_a_sign_in_that_is_denied_says_what_to_do(page: Page, recruiter: str, providers: Providers, style: str) -> None:
    providers.newcomer(style)
    sign_in(page, recruiter)
    page.goto("/profileSettings?tab=connect")
    page.get_by_role("button", name=f"Connect {CARDS[style]}").click()

    page.get_by_role("button", name="Deny").click()

    expect(page.get_by_role("alert")).to_contain_text("You did not allow access")
    page.get_by_role("link", name="Back to Connect").click()
    expect(page.get_by_role("button", name=f"Connect {CARDS[style]}")).to_be_visible()


def test_consent_of_an_administrator_is_explained(page: Page, recruiter: str, providers: Providers) -> None:
    providers.newcomer("microsoft", ending="admin_consent")
    sign_in(page, recruiter)
    page.goto("/profileSettings?tab=connect")
    page.get_by_role("button", name="Connect Outlook").click()
    allow(page)

    expect(page.get_by_role("alert")).to_contain_text("Ask your Microsoft 365 administrator")


def test_smtp_that_is_off_leads_to_graph(page: Page, recruiter: str, providers: Providers, dovecot: Dovecot) -> None:
    mailbox = providers.newcomer("microsoft")
    providers.smtp.habits.sign_in_answer = "535 5.7.139 SmtpClientAuthentication is disabled for the Tenant."
    dovecot.seed(mailbox, "INBOX", [build_mail(mailbox.email, subject="Graph role", text="When?\n", number=3)])
    sign_in(page, recruiter)
    page.goto("/profileSettings?tab=connect")
    page.get_by_role("button", name="Connect Outlook").click()
    allow(page)

    page.get_by_role("button", name="Send through Microsoft Graph").click()
    expect(page.get_by_text("Send mail as you through Microsoft Graph")).to_be_visible()
    allow(page)
    page.get_by_role("button", name="Disconnect Outlook").wait_for()
    page.goto("/inbox")
    page.get_by_role("link", name=re.compile("Graph role")).click()
    page.get_by_role("button", name="Reply", exact=True).click()
    write_body(page, "By another way.")
    page.get_by_role("button", name="Send", exact=True).click()

    wait_for(lambda: len(providers.graph.received) == 1)
    wait_for(lambda: len(sent_mails(dovecot, mailbox)) == 1)


def test_connecting_works_without_javascript(
    new_page: Callable[..., Page], recruiter: str, providers: Providers
) -> None:
    page = new_page(javascript=False)
    providers.newcomer("google")
    sign_in(page, recruiter)
    page.goto("/profileSettings?tab=connect")
    page.get_by_role("button", name="Connect Gmail").click()
    allow(page)

    wait_for(lambda: page.get_by_role("button", name="Disconnect Gmail").count() > 0 or page.reload() is None)


def test_settings_of_a_signed_in_mailbox_can_be_changed(page: Page, recruiter: str, providers: Providers) -> None:
    providers.newcomer("microsoft")
    sign_in(page, recruiter)
    connect_by_sign_in(page, "microsoft")

    page.get_by_role("button", name="Edit settings").click()
    expect(page.get_by_label("Email Password")).to_have_count(0)
    page.get_by_label("Keep in step").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Disconnect Outlook").wait_for()
    page.get_by_role("button", name="Edit settings").click()

    expect(page.get_by_label("Keep in step")).to_be_checked()
