"""A frame in a host's page: two origins over TLS, in a Chromium that blocks third-party cookies."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Page, Playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.mails import build_mail
from tests.servers.app import RunningApp
from tests.servers.certificates import TestAuthority
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.host_page import HostPage
from tests.servers.launches import Ats
from tests.servers.ports import free_port
from tests.servers.smtp import SmtpServer
from tests.servers.tls import TlsFront, server_context
from tests.unit.blueprints.embedding import scope_of
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from tests.unit.blueprints.test_shared import add_contact
from webmail import queue
from webmail.store.accounts import update_account
from webmail.store.models import Account
from webmail.store.search_index import index_messages
from webmail.store.session import transaction

pytestmark = [pytest.mark.browser, pytest.mark.integration]

MAIL = b"""From: Cara Candidate <cara@candidates.example>
To: {to}
Subject: My application
Date: Mon, 5 Jan 2026 10:00:00 +0000
Message-ID: <cara-1@candidates.example>

I would like to apply.
""".replace(b"\n", b"\r\n")


class World:
    """The product, a host and the host of another tenant, each on a site of its own."""

    def __init__(self, authority: TestAuthority, folder: Path) -> None:
        mail_port, ats_port, other_port = free_port(), free_port(), free_port()
        self.url = f"https://mail.localhost:{mail_port}"
        self.app = RunningApp(folder / "ca.pem", WEBMAIL_BASE_URL=self.url)
        self.front = TlsFront(server_context(authority, "mail.localhost", folder), mail_port, self.app.port)
        with self.inside():
            self.ats = Ats("acme", f"https://ats.localhost:{ats_port}", self.url)
            self.other_ats = Ats("globex", f"https://globex.localhost:{other_port}", self.url)
        context = server_context(authority, "globex.localhost", folder)
        self.other_host = HostPage(context, other_port, self.other_ats, self.url)
        self.host = HostPage(server_context(authority, "ats.localhost", folder), ats_port, self.ats, self.url)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Be one of the app's processes for a while."""
        self.app.enter()
        yield
        self.app.leave()

    def stop(self) -> None:
        self.host.stop()
        self.other_host.stop()
        self.front.stop()
        self.app.stop()


@pytest.fixture(scope="module")
def world(authority: TestAuthority, certificates: Path) -> Iterator[World]:
    running = World(authority, certificates)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def strict(playwright: Playwright) -> Iterator[Callable[[], BrowserContext]]:
    """Open a browser of its own that blocks third-party cookies."""
    flags = [*FLAGS, "--test-third-party-cookie-phaseout", "--ignore-certificate-errors"]
    launched = launch(playwright, flags)
    contexts: list[BrowserContext] = []

    def make() -> BrowserContext:
        context = launched.new_context(viewport={"width": 1200, "height": 800}, ignore_https_errors=True)
        context.set_default_timeout(20_000)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    launched.close()


def launch(playwright: Playwright, flags: list[str]):  # type: ignore[no-untyped-def]
    return playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


@pytest.fixture(params=["cookie", "token"])
def way(request: pytest.FixtureRequest, world: World) -> Iterator[str]:
    """A browser that partitions cookies, and one that does not know how and so refuses them."""
    world.front.leaves_out = b"; Partitioned" if request.param == "token" else None
    yield request.param
    world.front.leaves_out = None


def open_host(world: World, context: BrowserContext, **arguments: str) -> tuple[Page, FrameLocator]:
    page = context.new_page()
    page.goto(f"{world.host.url}/?{query(arguments)}")
    return page, page.frame_locator("#mail iframe")


def query(arguments: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in arguments.items())


def connect(frame: FrameLocator, mailbox: Mailbox, smtp: SmtpServer) -> None:
    frame.get_by_role("button", name="Connect Other Email").click()
    frame.get_by_label("Email", exact=True).fill(mailbox.email)
    frame.get_by_label("Email Password").fill(mailbox.password)
    for label, value in (
        ("IMAP Host", mailbox.host),
        ("IMAP Port", str(mailbox.tls_port)),
        ("SMTP Host", "localhost"),
        ("SMTP Port", str(smtp.port)),
        ("IMAP Folder", "INBOX"),
        ("OutBox Folder", "Sent"),
    ):
        frame.get_by_label(label).fill(value)
    frame.locator("#account-form").get_by_role("button", name="Connect", exact=True).click()
    frame.get_by_role("button", name="Disconnect Other Email").wait_for()


def events(page: Page) -> str:
    return page.locator("#events").inner_text()


def test_launch_connect_read_reply_renew_and_leave(
    world: World, strict: Callable[[], BrowserContext], way: str, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    mailbox = dovecot.account()
    dovecot.deliver(mailbox.email, MAIL.replace(b"{to}", mailbox.email.encode()))
    context = strict()
    page, frame = open_host(world, context, sub=f"rita-{way}", page="connect", theme="dark")

    connect(frame, mailbox, smtp_server)
    page.locator("#events", has_text="connected").wait_for()
    assert frame.locator("html").get_attribute("data-theme") == "dark"
    name = frame.locator("html").get_attribute("data-frame") or ""
    assert (len(name) == 36) == (way == "cookie")
    taken = [cookie["name"] for cookie in context.cookies() if "mail.localhost" in cookie["domain"]]
    assert ("__Host-webmail-embed" in taken) == (way == "cookie"), taken

    # Read: plain links, htmx, the message's own frame.
    frame.get_by_role("link", name="Open inbox").first.click()
    expect(page.locator("#mail iframe")).to_have_css("height", "700px")  # what the host's page gives it
    frame.get_by_role("link", name="My application").click()
    inner = frame.frame_locator("iframe.message-frame")
    inner.get_by_text("I would like to apply.").wait_for()
    page.locator("#events", has_text='unread-changed {"unread":0}').wait_for()

    # Reply: the composer, its editor's frame, sending.
    frame.get_by_role("button", name="Reply", exact=True).click()
    editor = frame.frame_locator("iframe[title='Message']").get_by_role("textbox")
    editor.click()
    page.keyboard.type("Thank you, Cara.")
    frame.get_by_role("button", name="Send", exact=True).click()
    frame.get_by_text("Sending.").wait_for()
    page.locator("#events", has_text="message-sent").wait_for(timeout=40_000)
    assert mailbox.email

    # The page renews its session, and a reload of the frame's page finds it.
    renewed = page.frames[1].evaluate("fetch('/embed/state').then((answer) => answer.status)")
    assert renewed == 200

    # The host takes the theme along, and logs its user out.
    page.evaluate("document.getElementById('mail').setAttribute('theme', 'light')")
    frame.locator("html[data-theme=light]").wait_for()
    page.evaluate("document.getElementById('mail').logout()")
    page.locator("#events", has_text='session-ended {"reason":"logout"}').wait_for()
    launches = world.host.launches
    assert page.frames[1].evaluate("fetch('/embed/state').then((answer) => answer.status)") == 401
    page.wait_for_timeout(500)
    assert world.host.launches == launches


def test_a_session_that_has_ended_is_launched_anew(
    world: World, strict: Callable[[], BrowserContext], way: str
) -> None:
    page, frame = open_host(world, strict(), sub=f"ben-{way}")
    frame.locator("#list-title").wait_for()
    page.locator("#events", has_text="ready").wait_for()
    before = world.host.launches

    with world.inside():
        end_sessions_of("acme", f"ben-{way}")
    page.frames[1].evaluate("fetch('/inbox').then(() => 0)")

    page.locator("#events li", has_text="ready").nth(1).wait_for()
    assert world.host.launches == before + 1
    frame.locator("#list-title").wait_for()


def test_two_users_in_two_tabs_do_not_meet(world: World, strict: Callable[[], BrowserContext]) -> None:
    context = strict()
    first_page, first = open_host(world, context, sub="ann")
    first.locator("#list-title").wait_for()
    _, second = open_host(world, context, sub="bob")
    second.locator("#list-title").wait_for()

    # What a script asks for is not done, and what stands there stays.
    assert first_page.frames[1].evaluate("fetch('/inbox').then((answer) => answer.status)") == 409
    first.get_by_role("dialog", name="This page's session is over").get_by_role("button", name="Close").click()
    assert first.locator("#list-title").is_visible()
    # What a link leads to says why.
    first.get_by_role("link", name="Sent").first.click()
    first.get_by_text("This tab belongs to another session").wait_for()
    first_page.locator("#events", has_text='session-ended {"reason":"other"}').wait_for()
    second.get_by_role("link", name="Sent").first.click()
    second.get_by_role("heading", name="Sent").wait_for()


def test_two_tenants_in_two_tabs_keep_a_session_each(world: World, strict: Callable[[], BrowserContext]) -> None:
    context = strict()
    first_page, first = open_host(world, context, sub="ann")
    second_page = context.new_page()
    second_page.goto(f"{world.other_host.url}/?sub=ann")
    second = second_page.frame_locator("#mail iframe")
    second.locator("#list-title").wait_for()
    users = [page.frames[1].evaluate(WHO) for page in (first_page, second_page)]
    assert len(set(users)) == 2

    second_page.evaluate("document.getElementById('mail').logout()")
    second_page.locator("#events", has_text="logout").wait_for()

    first.get_by_role("link", name="Sent").first.click()
    first.get_by_role("heading", name="Sent").wait_for()
    assert first_page.frames[1].evaluate(WHO) == users[0]


WHO = "fetch('/session').then(async (answer) => (await answer.json()).user)"
MESSAGE = "dispatchEvent(new MessageEvent('message', {{ origin: '{origin}', source: {source}, data: {data} }})), 0"
TOLD = "{ webmail: 'message-received', count: 9 }"
FORGED = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"source": "window"},
    {"source": "null"},
    {"data": "null"},
    {"data": "'logout'"},
    {"data": "{ webmail: 'constructor' }"},
    {"data": "{ webmail: '__proto__' }"},
    {"data": "{ webmail: ['logout'] }"},
    {"data": "{ webmail: 'set-theme', theme: 'dark; x' }"},
    {"data": "{ webmail: 'open', conversation: '../embed/logout' }"},
]


def test_no_other_page_may_hold_a_frame_or_speak_to_one(world: World, strict: Callable[[], BrowserContext]) -> None:
    page, frame = open_host(world, strict(), sub="eve")
    frame.locator("#list-title").wait_for()

    inside = page.frames[1]
    # What comes from another window or another origin is not obeyed, and no command is made up.
    inside.evaluate("window.postMessage({ webmail: 'set-theme', theme: 'dark' }, '*')")
    right = {"origin": world.host.url, "source": "parent", "data": "{ webmail: 'set-theme', theme: 'dark' }"}
    for wrong in FORGED:
        inside.evaluate(MESSAGE.format(**(right | wrong)))
    page.wait_for_timeout(300)
    assert inside.evaluate("document.documentElement.dataset.theme") == "auto"
    assert inside.evaluate("fetch('/embed/state').then((answer) => answer.status)") == 200
    inside.evaluate(MESSAGE.format(**right))
    assert inside.evaluate("document.documentElement.dataset.theme") == "dark"  # it was these that were not obeyed
    told = {"origin": world.url, "source": "document.querySelector('iframe').contentWindow", "data": TOLD}
    for wrong in ({"origin": "https://evil.example"}, {"origin": "null"}, {"source": "window"}, {"source": "null"}):
        page.evaluate(MESSAGE.format(**(told | wrong)))
    assert "message-received" not in events(page)
    page.evaluate(MESSAGE.format(**told))
    page.locator("#events", has_text="message-received").wait_for()
    # A page on another site that holds the same frame is shown nothing.
    stranger = strict().new_page()
    stranger.goto(f"{world.host.url.replace('ats.localhost', 'evil.localhost')}/?sub=eve")
    stranger.locator("#mail iframe").wait_for(state="attached")
    stranger.wait_for_timeout(1500)
    assert not stranger.frame_locator("#mail iframe").locator("#list-title").count()
    assert re.search(r"launch|ready", events(stranger)) is None


def test_a_contacts_pane_follows_the_host_and_shows_what_a_colleague_shares(
    world: World, strict: Callable[[], BrowserContext], way: str
) -> None:
    context, names = strict(), (f"col-{way}", f"pia-{way}")
    for name in names:
        open_host(world, context, sub=name)[1].locator("#list-title").wait_for()
    with world.inside():
        own, account = fill_pane(world.ats, way, *names)

    page, frame = open_host(world, context, sub=names[1], contact=f"cara-{way}")
    frame.locator("#rows").get_by_text("Theirs").click()
    frame.get_by_text("shares this from").wait_for()
    frame.frame_locator("iframe.message-frame").get_by_text("Hello, thank you").wait_for()
    frame.get_by_role("link", name="New mail to Cara").wait_for()
    assert not frame.get_by_role("button", name="Reply", exact=True).count()
    assert not frame.get_by_role("button", name="Archive", exact=True).count()

    page.evaluate(f"document.getElementById('mail').open('{own}')")
    frame.get_by_role("heading", name="Mine").wait_for()
    frame.get_by_role("button", name="Reply", exact=True).wait_for()
    assert page.frames[1].evaluate(RENEW) == 200
    frame.get_by_role("link", name="Sent").first.click()
    frame.get_by_role("heading", name="Sent", exact=True).wait_for()

    with world.inside():
        need_sign_in(account)
    page.locator("#events", has_text="reconnect-needed").wait_for()


RENEW = """fetch('/embed/renew', {method: 'POST', headers: {
  'X-CSRFToken': JSON.parse(document.body.getAttribute('hx-headers:inherited'))['X-CSRFToken'] }})
  .then(async (answer) => (await answer.json()).frame ? answer.status : 0)"""


def fill_pane(ats: Ats, way: str, colleague: str, reader: str) -> tuple[UUID, Account]:
    """Give two users a mailbox each with a mail of the same contact; gives the reader's conversation and account."""
    theirs, own = scope_of(ats, colleague), scope_of(ats, reader)
    cara = f"cara-{way}@candidates.example"
    add_contact(own.tenant_id, f"cara-{way}", cara, name="Cara")
    stored = []
    for scope, subject, rule in ((theirs, "Theirs", "all"), (own, "Mine", "nothing")):
        account = add_mailbox(scope, f"{subject.lower()}-{scope.user_id}@acme.example", sharing=rule, secret=None)
        name = f"{subject}-{scope.user_id}@x.example"
        raw = build_mail(1, subject=subject, sender=cara, message_id=name)
        stored += receive(account, raw)
        with transaction() as s:
            index_messages(s, [message.id for message in stored])
    return conversation_of(stored[-1]).uuid, account


def need_sign_in(account: Account) -> None:
    """Have an account's sign-in missing, as a sync finds out."""
    with transaction() as s:
        update_account(s, account.id, status="reconnect_needed")
    queue.publish(account.user_id, "account-changed", uuid=str(account.uuid))


def end_sessions_of(slug: str, external_id: str) -> None:
    """End a user's sessions as an operator's *sign out everywhere* does."""
    from webmail.store import frames, users
    from webmail.store.session import transaction

    with transaction() as s:
        tenant = users.find_tenant(s, slug)
        assert tenant is not None
        user = frames.find_launched_user(s, tenant.id, external_id)
        assert user is not None
        user.session_epoch += 1
