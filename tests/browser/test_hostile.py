"""Hostile mail, delivered into conversations and opened in Chromium: nothing runs, leaves or covers the page."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, Route

from tests.browser.conftest import sign_in
from tests.browser.hostile_mails import corpus
from tests.browser.site import Site
from tests.mails import BASE
from tests.unit.blueprints.conftest import load_user
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.store import cache
from webmail.store.conversations import refresh_conversations
from webmail.store.messages import load_message, messages_of_conversation
from webmail.store.models import Account, Conversation, Message
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CORPUS = corpus()
TOGETHER = 20
"""How many are opened at once, as one conversation: fewer than its page shows."""
OPEN_S = 30.0
OWN_PATHS = re.compile(
    r"/(static/.+|assets/.+|events|login|inbox(/list)?|conversations/[0-9a-f-]{36}(/messages|/read)?"
    r"|messages/[0-9a-f-]{36}/body|messages/parts/.+|messages/attachments/[0-9a-f-]{36}/thumbnail)?"
)
LOOK = """() => [...document.querySelectorAll("iframe.message-frame")].map((frame) => {
  const page = frame.contentDocument;
  const allowed = /^(https?:|mailto:|tel:|#|data:image\\/(png|gif|jpe?g|webp)|\\/messages\\/|\\?images=1$|$)/i;
  const tags = "script, iframe, frame, object, embed, link, base, form, input, textarea, select, meta, svg, math," +
    "audio, video, dialog";
  const names = /^(on|hx-|data-hx-|srcdoc|formaction|ping|background$)/i;
  const isBad = ({ name, value }) =>
    names.test(name) || (/^(href|src|action|cite|xlink:href)$/i.test(name) && !allowed.test(value.trim()));
  const loads = /url\\(\\s*['"]?(?!data:image)|@import|expression|-moz-binding/i;
  const bad = [...page.body.querySelectorAll("*")].filter((each) =>
    each.matches(tags) || [...each.attributes].some(isBad) ||
    ["fixed", "absolute", "sticky"].includes(page.defaultView.getComputedStyle(each).position) ||
    loads.test(each.tagName === "STYLE" ? each.textContent : each.getAttribute("style") ?? ""));
  // What is folded can be unfolded, and read then.
  page.querySelectorAll("details").forEach((each) => (each.open = true));
  return { text: page.body.innerText, bad: bad.slice(0, 3).map((each) => each.outerHTML.slice(0, 200)) };
})"""
CONTROLS = ".topbar a, .topbar summary, .conversation-head button, .rail-item, .conversation-answers button"
COVERED = """(controls) => [...document.querySelectorAll(controls)]
  .filter((each) => each.checkVisibility()).filter((each) => {
    const box = each.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return top && !each.contains(top) && !top.contains(each);
  }).map((each) => each.outerHTML.slice(0, 160))"""
LOADED = """() => [...document.querySelectorAll("iframe.message-frame")].every((frame) =>
  frame.contentDocument?.readyState === "complete" && frame.contentDocument.URL !== "about:blank")"""


@dataclass
class Seen:
    """What happened in a browser that should not have."""

    left: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@pytest.fixture
def account(user: Scope) -> Account:
    return add_mailbox(user)


@pytest.fixture
def watched(browser: Browser, site: Site, user: Scope) -> Any:
    """A signed-in page that notes each request to elsewhere, each script of a mail and each failure."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(OPEN_S * 1000)
    page, seen = context.new_page(), Seen()
    _watch(context, page, seen, site.url)
    sign_in(page, load_user(user).email)
    yield page, seen
    context.close()


def _watch(context: BrowserContext, page: Page, seen: Seen, home: str) -> None:
    def route(route: Route, request: Request) -> None:
        url = request.url
        path = url.removeprefix(home).partition("?")[0]
        if url.startswith("data:") or (url.startswith(f"{home}/") and OWN_PATHS.fullmatch(path)):
            route.continue_()
            return
        seen.left.append(f"{request.method} {url[:120]}")
        route.abort()

    def dialog(shown: Dialog) -> None:
        seen.ran.append(shown.message)
        shown.dismiss()

    def console(message: ConsoleMessage) -> None:
        if re.search(r"Blocked script execution|script-src|Refused to (execute|run)", message.text):
            seen.ran.append(message.text[:200])

    context.route("**/*", route)
    page.on("dialog", dialog)
    page.on("console", console)
    page.on("pageerror", lambda error: seen.failed.append(str(error)))
    page.on("popup", lambda popup: seen.left.append(f"popup {popup.url}"))


def deliver(account: Account, mails: Sequence[bytes]) -> Conversation:
    """Store mails as a sync would, all of them in one conversation, whatever their headers say."""
    named = [b"Message-ID: <%d@hostile.example>\r\n%s" % (at, raw) for at, raw in enumerate(mails, time.time_ns())]
    messages = receive(account, *named, unread=True, sent_at=BASE)
    home = conversation_of(messages[0])
    others = {conversation_of(each).id for each in messages}
    with transaction() as s:
        for each in messages:
            s.get_one(Message, each.id).conversation_id = home.id
        s.flush()
        refresh_conversations(s, account, others)
    return conversation_of(messages[0])


@pytest.mark.parametrize("family", CORPUS)
def test_hostile_mail_is_harmless_in_a_browser(watched: tuple[Page, Seen], account: Account, family: str) -> None:
    page, seen = watched
    mails, kept, problems = CORPUS[family], 0, []
    for start in range(0, len(mails), TOGETHER):
        part = mails[start : start + TOGETHER]
        conversation = deliver(account, part)
        began = time.monotonic()
        answer = page.goto(f"/conversations/{conversation.uuid}")
        page.wait_for_function(LOADED)
        assert answer is not None
        assert answer.status == 200
        assert time.monotonic() - began < OPEN_S

        frames = page.evaluate(LOOK)
        problems += [f"covered: {each}" for each in page.evaluate(COVERED, CONTROLS)]
        problems += [f"dangerous: {each}" for frame in frames for each in frame["bad"]]
        lost = [
            raw
            for raw, frame in zip(part, frames, strict=False)
            if b"KEEP ME" in raw and "KEEP ME" not in frame["text"]
        ]
        assert len(frames) == len(part)
        problems += [f"lost its harmless text: {raw[150:400]!r}" for raw in lost]
        kept += sum("KEEP ME" in frame["text"] for frame in frames)

    print(
        f"hostile mail, {family}: {len(mails)} opened, {len(seen.ran)} ran, {len(seen.left)} requests left, {kept} kept"
    )
    assert (seen.ran, seen.left, seen.failed, problems) == ([], [], [], [])


def test_hostile_attachments_are_only_ever_saved(watched: tuple[Page, Seen], account: Account, user: Scope) -> None:
    page, _ = watched
    mails = CORPUS["file names"]
    count = 0
    for start in range(0, len(mails), TOGETHER):
        conversation = deliver(account, mails[start : start + TOGETHER])
        with reading() as s:
            messages = messages_of_conversation(s, conversation.id)
            files = [file for each in messages for file in load_message(s, user, each.uuid).attachments]
        for file in files:
            cache.write(account.uuid, file.uuid, b"<script>alert(1)</script>")
        page.goto(f"/conversations/{conversation.uuid}")
        for link in page.locator("a.attachment").all():
            answer = page.request.get(str(link.get_attribute("href")))
            disposition = answer.headers["content-disposition"]
            count += 1
            assert answer.status == 200
            assert disposition.startswith("attachment")
            assert not re.search(r"[\r\n\x00/]|\\(?!\")|\*=.*%(2f|5c|00|0d|0a)", disposition, re.IGNORECASE)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in answer.headers["content-security-policy"]
            assert not re.match(r"text/html|image/svg|.*(java|xml)script|.*xhtml", answer.headers["content-type"])
            assert "set-cookie" not in answer.headers or "x=1" not in answer.headers["set-cookie"]

    print(f"hostile attachments: {count} saved")
    assert count == len(mails)
