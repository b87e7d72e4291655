"""Reading mail in Chromium: the list keeps its place, frames their height, and the keyboard reaches everything."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import connect, sign_in
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.browser

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HTML = """<p>Hello Rita,</p><p><img src="cid:pic" width="9"> <img src="https://tracker.example/p.gif"></p>
<script>parent.document.title = "broken in"</script>
<form action="/logout" method="post"><button>Press</button></form>"""


def mail_with_everything(recipient: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Cora Candidate <cora@candidates.example>", recipient
    mail["Subject"], mail["Message-ID"] = "With everything", f"<{time.time_ns()}@mails.example>"
    mail["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    mail.set_content("Hello Rita,")
    mail.add_alternative(HTML, subtype="html")
    mail.get_payload()[1].add_related(PNG, "image", "png", cid="<pic>")  # type: ignore[union-attr]
    mail.add_attachment(b"<script>alert(1)</script>", maintype="text", subtype="html", filename="Lebenslauf ü.html")
    return mail.as_bytes()


@pytest.fixture
def seeded(recruiter: str, dovecot: Dovecot) -> Mailbox:
    """A mailbox of seventy mails, the newest of them with everything that a mail can hold."""
    mailbox = dovecot.account()
    mails = [build_mail(number, subject=f"Role {number}", recipient=mailbox.email) for number in range(70)]
    dovecot.seed(mailbox, "INBOX", [*mails, mail_with_everything(mailbox.email)])
    return mailbox


@pytest.fixture
def reading(page: Page, recruiter: str, seeded: Mailbox, smtp_server: SmtpServer) -> Page:
    """The inbox of that mailbox, all of it synced."""
    sign_in(page, recruiter)
    connect(page, seeded, smtp_server)
    page.goto("/inbox")
    expect(page.locator("#rows-more")).to_be_attached(timeout=20_000)
    return page


def wait_for(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def rows(page: Page) -> int:
    return page.locator("#rows .conversation-row").count()


def top_of(element: Locator) -> float:
    box = element.bounding_box()
    assert box is not None
    return box["y"]


def scroll_of(page: Page) -> int:
    return int(page.evaluate("document.querySelector('#list-scroll').scrollTop"))


def test_a_mail_shows_its_own_pictures_and_others_only_when_asked(reading: Page) -> None:
    reading.get_by_role("link", name=re.compile("With everything")).click()
    frame = reading.frame_locator("iframe.message-frame")

    expect(frame.get_by_text("Hello Rita,")).to_be_visible()
    expect(frame.get_by_text("Pictures from elsewhere are not shown.")).to_be_visible()
    assert frame.get_by_role("button").count() == 0
    own = frame.locator("img").first
    wait_for(lambda: own.evaluate("image => image.naturalWidth") == 1)
    assert "/messages/parts/" in (own.get_attribute("src") or "")
    assert "broken in" not in reading.title()

    frame.get_by_text("Show images").click()
    expect(frame.get_by_text("Pictures from elsewhere")).to_have_count(0)


def test_on_a_telephone_the_subject_is_readable_and_no_menu_is_cut_off(reading: Page) -> None:
    reading.set_viewport_size({"width": 380, "height": 800})
    reading.get_by_role("link", name=re.compile("With everything")).click()
    subject = reading.locator("#conversation-subject").bounding_box()
    assert subject is not None
    assert subject["width"] > 280

    for key in ("v", "b"):
        reading.keyboard.press(key)
        menu = reading.locator(".conversation-actions details[open] .menu-list")
        menu.locator(".menu-choices .menu-item").first.wait_for()
        box = menu.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 380
        reading.keyboard.press("Escape")
        expect(menu).to_have_count(0)


def test_the_frame_is_as_tall_as_its_mail(reading: Page) -> None:
    reading.get_by_role("link", name=re.compile("With everything")).click()
    reading.frame_locator("iframe.message-frame").get_by_text("Hello Rita,").wait_for()

    frame = reading.locator("iframe.message-frame")
    text = "frame => frame.contentDocument.body.getBoundingClientRect().height"
    wait_for(lambda: abs(frame.evaluate(text) - frame.evaluate("frame => frame.offsetHeight")) < 2)


def test_an_attachment_is_saved_under_its_name(reading: Page) -> None:
    reading.get_by_role("link", name=re.compile("With everything")).click()

    with reading.expect_download() as download:
        reading.get_by_role("link", name="Download").click()

    assert download.value.suggested_filename == "Lebenslauf ü.html"
    assert download.value.path().read_bytes() == b"<script>alert(1)</script>"


def test_everything_can_be_done_by_keyboard(reading: Page) -> None:
    keys = reading.keyboard
    keys.press("j")
    keys.press("j")
    expect(reading.locator(".conversation-row:focus")).to_contain_text("Role 69")
    keys.press("o")
    expect(reading.get_by_role("heading", name="Role 69")).to_be_visible()
    keys.press("j")
    expect(reading.get_by_role("heading", name="Role 68")).to_be_visible()
    keys.press("k")
    expect(reading.get_by_role("heading", name="Role 69")).to_be_visible()
    keys.press("e")
    expect(reading.get_by_text("Archived.")).to_be_visible()
    expect(reading.get_by_role("heading", name="Role 68")).to_be_visible()
    assert reading.get_by_role("link", name=re.compile("Role 69")).count() == 0
    keys.press("#")
    expect(reading.get_by_text("Moved to the trash.")).to_be_visible()
    expect(reading.get_by_role("heading", name="Role 67")).to_be_visible()
    keys.press("u")
    expect(reading.get_by_text("Choose a conversation")).to_be_visible()
    expect(reading.locator(".conversation-row:focus")).to_contain_text("Role 67")
    keys.press("?")
    expect(reading.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()


def test_undo_brings_the_conversation_back(reading: Page) -> None:
    reading.get_by_role("link", name=re.compile("Role 65")).click()
    reading.get_by_role("button", name="Archive").click()
    expect(reading.get_by_role("link", name=re.compile("Role 65"))).to_have_count(0)

    reading.get_by_role("button", name="Undo").click()

    expect(reading.get_by_role("link", name=re.compile("Role 65"))).to_be_visible()


def test_back_leads_to_the_same_place_in_the_list_on_a_telephone(
    new_page: Callable[..., Page], recruiter: str, seeded: Mailbox, smtp_server: SmtpServer
) -> None:
    page = new_page(width=420)
    sign_in(page, recruiter)
    connect(page, seeded, smtp_server)
    page.goto("/inbox")
    expect(page.locator("#rows-more")).to_be_attached(timeout=20_000)
    page.evaluate("document.querySelector('#list-scroll').scrollTop = 700")
    row = page.locator(".conversation-row").nth(17)
    place = top_of(row)
    for leave in (lambda: page.get_by_role("link", name="Back to the list").click(), page.go_back):
        row.click()
        expect(page.locator("#conversation-subject")).to_be_visible()
        expect(page.locator("#list-title")).to_be_hidden()
        leave()
        expect(page.locator("#list-title")).to_be_visible()
        expect(page.locator("#conversation-subject")).to_have_count(0)
        assert abs(top_of(row) - place) < 2


def test_the_list_grows_as_it_is_scrolled(reading: Page) -> None:
    before = rows(reading)

    reading.evaluate("document.querySelector('#list-scroll').scrollTop = 1e6")

    expect(reading.locator("#rows .conversation-row")).to_have_count(71)
    assert before == 50


def test_new_mail_slides_in_at_the_top_and_waits_elsewhere(reading: Page, seeded: Mailbox, dovecot: Dovecot) -> None:
    dovecot.deliver(seeded.email, build_mail("first", subject="At the top", recipient=seeded.email))
    expect(reading.get_by_role("link", name=re.compile("At the top"))).to_be_in_viewport()

    reading.evaluate("document.querySelector('#list-scroll').scrollTop = 900")
    mark = reading.locator(".conversation-row").nth(18)
    name, place = mark.inner_text(), top_of(mark)
    dovecot.deliver(seeded.email, build_mail("second", subject="While scrolled", recipient=seeded.email))

    expect(reading.get_by_role("button", name="1 new")).to_be_visible()
    same = reading.locator(".conversation-row").nth(19)
    assert same.inner_text() == name
    assert abs(top_of(same) - place) < 2
    reading.get_by_role("button", name="1 new").click()
    assert scroll_of(reading) == 0
    expect(reading.get_by_role("button", name="1 new")).to_be_hidden()


def test_without_javascript_mail_is_read_archived_and_put_back(new_page: Callable[..., Page], reading: Page) -> None:
    page = new_page(javascript=False)
    page.context.add_cookies(reading.context.cookies())
    page.goto("/inbox")

    page.get_by_role("link", name="Load more").click()
    expect(page.get_by_text("Role 5", exact=True)).to_be_visible()
    page.goto("/inbox")
    page.get_by_role("link", name=re.compile("With everything")).click()
    expect(page.frame_locator("iframe.message-frame").get_by_text("Hello Rita,")).to_be_visible()
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_role("link", name=re.compile("With everything"))).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="With everything")).to_be_visible()
