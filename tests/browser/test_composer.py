"""The composer and the signature editor in Chromium: typed in, saved, lost and found, sent and taken back.

The web alone is served here, in this process: nothing of this needs a mail server.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect
from werkzeug.serving import make_server

from tests.conftest import USER_PASSWORD
from tests.mails import build_mail
from tests.servers.ports import free_port
from tests.unit.blueprints.written import add_account, add_message, load
from webmail import assets
from webmail.app import create_app
from webmail.config import Config
from webmail.store import users
from webmail.store.models import Account, Conversation, Message, Submission
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.submissions import list_drafts, unfinished

pytestmark = pytest.mark.browser

EDITOR = "iframe[title='Message']"
QUOTED = (
    '<div style="color:#333">When <b>can</b> we talk?<table border="1"><tr><td>Tue</td></tr></table>'
    '<img src="https://tracker.example/x.gif"></div>'
)


@pytest.fixture
def served(database: Config) -> Iterator[str]:
    """The web application on a port of its own; gives its address."""
    assets.configure("local")
    server = make_server("127.0.0.1", free_port(), create_app(database), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def account(user: Scope) -> Account:
    signature = '<p style="margin:0">Rita Recruiter<br><b style="color:#0b6a5b">Acme</b></p>'
    return add_account(user, signature=signature, is_backfilled=True)


@pytest.fixture
def message(account: Account) -> Message:
    extra = "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
    return add_message(account, build_mail(1, subject="Your role", extra=extra, body=QUOTED))


@pytest.fixture
def open_page(browser: Browser, served: str, user: Scope) -> Iterator[Callable[..., Page]]:
    """Open a signed-in page: `open_page("/compose", javascript=False)`; every script error fails the test."""
    contexts, errors = [], []
    with reading() as s:
        email = users.load_user(s, user).email

    def make(path: str, *, javascript: bool = True, width: int = 1100, blocks: str = "") -> Page:
        context = browser.new_context(
            base_url=served, java_script_enabled=javascript, viewport={"width": width, "height": 900}
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.route("**/events", lambda route: route.abort())
        if blocks:
            page.route(re.compile(blocks), lambda route: route.abort())
        page.goto("/login")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill(USER_PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto(path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def compose(open_page: Callable[..., Page], account: Account) -> Callable[..., Page]:
    """Open a new mail and wait for its editor."""

    def make(**options: Any) -> Page:
        page = open_page("/compose?to=ana@example.com&subject=Hello", **options)
        editor(page).wait_for()
        return page

    return make


def editor(page: Page) -> Any:
    return page.frame_locator(EDITOR).get_by_role("textbox", name="Message")


def preview(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title^='Preview']")


def write(page: Page, text: str) -> None:
    """Type at the beginning of the text."""
    editor(page).click()
    page.keyboard.press("Control+Home")
    page.keyboard.type(text)


def wait_until_saved(page: Page) -> None:
    page.wait_for_function(
        "() => !document.querySelector('.composer').draft.isUnsaved"
        " && /^Saved/.test(document.querySelector('.composer [data-state]').textContent)"
    )


def conversation_path(message: Message) -> str:
    with reading() as s:
        conversation = s.get(Conversation, message.conversation_id)
    assert conversation is not None
    return f"/conversations/{conversation.uuid}"


def only_draft(scope: Scope) -> Submission:
    with reading() as s:
        (draft,) = list_drafts(s, scope)
    return draft


def test_what_is_typed_is_saved_and_there_after_a_reload(compose: Callable[..., Page], user: Scope) -> None:
    page = compose()
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    with reading() as s:
        assert list_drafts(s, user) == []

    write(page, "Dear Ana,")
    wait_until_saved(page)
    page.reload()

    expect(editor(page)).to_contain_text("Dear Ana,")
    expect(editor(page)).to_contain_text("Rita Recruiter")
    assert "webmail-signature" in only_draft(user).body_html


def test_a_reply_opens_at_the_foot_with_the_quote_folded_and_kept(
    open_page: Callable[..., Page], message: Message, user: Scope
) -> None:
    page = open_page(conversation_path(message))
    page.get_by_role("button", name="Reply", exact=True).click()

    expect(page.locator(EDITOR)).to_be_focused()
    page.keyboard.type("Tuesday.")
    expect(editor(page)).not_to_contain_text("we talk")
    wait_until_saved(page)
    body = only_draft(user).body_html
    assert body.index("Tuesday.") < body.index("Rita Recruiter") < body.index("When <b>can</b> we talk?")
    assert '<table border="1">' in body

    page.get_by_role("button", name="Show quoted text").click()
    expect(editor(page)).to_contain_text("When can we talk?")


def test_sending_from_a_conversation_can_be_taken_back_there(
    open_page: Callable[..., Page], message: Message, user: Scope
) -> None:
    page = open_page(conversation_path(message))
    page.get_by_role("button", name="Reply", exact=True).click()
    editor(page).wait_for()
    write(page, "Yes.")
    page.keyboard.press("Control+Enter")

    expect(page.locator(".composer")).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("Sending")
    with reading() as s:
        (queued,) = unfinished(s, user)
    assert "Yes." in queued.body_html

    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(editor(page)).to_contain_text("Yes.")
    assert load(user, queued.uuid).state == "draft"


def test_problems_stand_at_their_fields_and_the_editor_stays(compose: Callable[..., Page]) -> None:
    page = compose()
    write(page, "Kept.")
    page.get_by_label("To", exact=True).fill("nobody")

    page.get_by_role("button", name="Send", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("Not sent yet")
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    expect(editor(page)).to_contain_text("Kept.")
    page.get_by_label("To", exact=True).fill("ana@example.com")
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/conversations/*")
    expect(page.locator("#main")).to_contain_text("Waiting to be sent")


def test_two_tabs_notice_each_other(compose: Callable[..., Page], user: Scope) -> None:
    first = compose()
    write(first, "first ")
    wait_until_saved(first)
    second = first.context.new_page()
    second.goto(first.url)
    editor(second).wait_for()
    write(second, "second ")
    wait_until_saved(second)

    write(first, "more ")

    expect(first.get_by_role("alert")).to_contain_text("Changed in another tab")
    expect(editor(first)).to_contain_text("more first")
    first.get_by_role("button", name="Keep mine").click()
    wait_until_saved(first)
    assert "more first" in only_draft(user).body_html

    write(second, "again ")
    second.get_by_role("link", name="Show the newer version").click()
    expect(editor(second)).to_contain_text("more first")


def test_a_dead_session_and_a_dead_line_lose_nothing(compose: Callable[..., Page], user: Scope) -> None:
    page = compose()
    write(page, "one ")
    wait_until_saved(page)

    page.context.set_offline(True)
    write(page, "two ")
    expect(page.locator("[data-state]")).to_contain_text("no connection")
    page.context.set_offline(False)
    wait_until_saved(page)
    assert "two one" in only_draft(user).body_html

    cookies = page.context.cookies()
    page.context.clear_cookies()
    write(page, "three ")
    expect(page.get_by_role("dialog")).to_contain_text("You are signed out")
    page.context.add_cookies(cookies)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_role("dialog")).to_be_hidden()
    wait_until_saved(page)
    assert "three two one" in only_draft(user).body_html


def test_plain_text_and_back_loses_nothing_silently(compose: Callable[..., Page], user: Scope) -> None:
    page = compose()
    editor(page).click()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Control+b")
    page.keyboard.type("Bold")
    expect(page.get_by_role("button", name="Bold")).to_have_attribute("aria-pressed", "true")

    page.get_by_role("button", name="Plain text").click()
    body = page.get_by_role("textbox", name="Message")
    expect(body).to_have_value(re.compile(r"^Bold\s+-- \nRita Recruiter\nAcme"))
    expect(page.get_by_text("Formatting is removed.")).to_be_visible()
    wait_until_saved(page)
    assert only_draft(user).is_plain

    page.get_by_role("button", name="Undo").click()
    expect(editor(page).locator("b").first).to_have_text("Bold")
    wait_until_saved(page)
    assert not only_draft(user).is_plain


def test_files_are_attached_by_choice_and_by_drop_and_refused_in_place(
    compose: Callable[..., Page], user: Scope, tmp_path: Path
) -> None:
    film = tmp_path / "film.mov"
    film.write_bytes(bytes(26_000_000))
    page = compose()
    files = page.locator(".composer-files")
    page.set_input_files("#draft-files", {"name": "cv <b>.pdf", "mimeType": "application/pdf", "buffer": b"x" * 2000})
    expect(files).to_contain_text("cv <b>.pdf")

    page.set_input_files("#draft-files", film)
    expect(files).to_contain_text("film.mov is 26 MB and a mail takes up to 25 MB.")
    frame = next(each for each in page.frames if each.url.endswith("/editor"))
    frame.evaluate("""() => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["hello"], "dropped.txt", { type: "text/plain" }));
        const event = (name) => new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true });
        document.getElementById("editor").dispatchEvent(event("drop"));
    }""")
    expect(files).to_contain_text("dropped.txt")

    page.get_by_role("button", name="Remove cv").click()
    expect(files).not_to_contain_text("cv <b>.pdf")
    assert [each.filename for each in only_draft(user).attachments] == ["dropped.txt"]


def test_pasted_html_brings_no_script_no_frame_and_no_cover(compose: Callable[..., Page]) -> None:
    page = compose()
    editor(page).click()
    frame = next(each for each in page.frames if each.url.endswith("/editor"))
    frame.evaluate("""() => {
        const data = new DataTransfer();
        data.setData("text/html", `<p style="position:fixed;inset:0;color:red" onclick="x()" id="editor" class="Mso">
            Pasted<script>parent.hacked = 1</script><img src=x onerror="parent.hacked = 1"><svg onload="x()"></svg>
            <a href="javascript:parent.hacked = 1">a</a><style>*{display:none}</style><iframe src="/"></iframe></p>`);
        const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
        document.getElementById("editor").dispatchEvent(event);
    }""")

    expect(editor(page)).to_contain_text("Pasted")
    html = editor(page).inner_html()
    for part in ("script", "onerror", "onclick", "javascript", "position", "<style", "iframe", "svg", "Mso", "id="):
        assert part not in html
    assert page.evaluate("window.hacked") is None


def test_the_toolbar_is_one_stop_and_arrows_move_in_it(compose: Callable[..., Page]) -> None:
    page = compose()
    page.get_by_role("button", name="Bold").focus()

    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Italic")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("button", name="Remove formatting")).to_be_focused()
    assert page.locator("[data-toolbar] [tabindex='0']").count() == 1


def test_a_link_is_made_from_the_keyboard(compose: Callable[..., Page]) -> None:
    page = compose()
    write(page, "see ")
    page.keyboard.press("Control+k")
    expect(page.get_by_label("Address of the link")).to_be_focused()

    page.keyboard.type("javascript:alert(1)")
    page.keyboard.press("Enter")
    assert editor(page).locator("a").count() == 0
    page.get_by_label("Address of the link").fill("example.com/role")
    page.keyboard.press("Enter")

    expect(editor(page).locator("a")).to_have_attribute("href", "https://example.com/role")
    expect(page.locator(EDITOR)).to_be_focused()


def test_an_untouched_draft_is_discarded_at_once_and_a_written_one_after_a_question(
    compose: Callable[..., Page], user: Scope
) -> None:
    page = compose()
    write(page, "Precious.")
    wait_until_saved(page)
    page.locator("[data-discard-opener]").click()
    expect(page.get_by_text("What you wrote here will be lost.")).to_be_visible()
    page.get_by_role("button", name="Discard", exact=True).click()
    page.wait_for_url("**/inbox*")
    with reading() as s:
        assert list_drafts(s, user) == []

    page.goto("/compose")
    editor(page).wait_for()
    page.locator("[data-discard-opener]").click()
    page.wait_for_url("**/inbox*")


def test_without_the_editor_files_a_plain_textarea_is_the_editor(compose: Any, open_page: Any, user: Scope) -> None:
    page = open_page("/compose?to=ana@example.com&subject=Hello", blocks=r"/assets/(squire|purify)")
    body = page.get_by_label("Message")
    expect(body).to_be_editable()
    expect(body).to_have_value(re.compile("Rita Recruiter"))

    body.press("Control+Home")
    page.keyboard.type("Typed.")
    wait_until_saved(page)

    assert only_draft(user).is_plain
    assert only_draft(user).body_text.startswith("Typed.")


def test_without_javascript_a_mail_is_written_given_a_file_and_sent(
    open_page: Callable[..., Page], account: Account, user: Scope
) -> None:
    page = open_page("/compose", javascript=False, width=420)
    page.get_by_label("To", exact=True).fill("ana@example.com")
    page.get_by_label("Subject").fill("Plainly")
    body = page.get_by_label("Message")
    body.fill("Dear Ana," + body.input_value())
    page.set_input_files("#draft-files", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"})
    page.get_by_role("button", name="Attach", exact=True).click()
    expect(page.get_by_role("link", name="a.txt")).to_be_visible()

    page.get_by_role("button", name="Send", exact=True).click()

    page.wait_for_url("**/conversations/*")
    with reading() as s:
        (queued,) = unfinished(s, user)
    assert queued.body_text.startswith("Dear Ana,")
    assert [each.filename for each in queued.attachments] == ["a.txt"]


def test_at_420_px_everything_is_within_reach(compose: Callable[..., Page]) -> None:
    page = compose(width=420)

    assert page.evaluate("document.scrollingElement.scrollWidth") <= 420
    for name in ("Send", "Bold", "Plain text"):
        box = page.get_by_role("button", name=name, exact=True).bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 420
        assert box["y"] + box["height"] <= 900


def test_a_signature_is_written_previewed_saved_removed_and_brought_back(
    open_page: Callable[..., Page], account: Account
) -> None:
    page = open_page("/profileSettings?tab=connect")
    box = page.frame_locator("iframe[title='Signature']").get_by_role("textbox")
    box.click()
    expect(page.locator(".signature [data-state]")).to_have_text("")
    page.keyboard.press("Control+End")
    page.keyboard.type(", Berlin")
    expect(preview(page).locator("#signature")).to_contain_text("Acme, Berlin")
    expect(page.locator(".signature [data-state]")).to_have_text("Not saved yet")

    page.get_by_role("button", name="Save signature").click()
    expect(page.locator(".signature [data-state]")).to_have_text("Saved")

    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator(".signature [data-state]")).to_have_text("Removed")
    expect(box).not_to_contain_text("Berlin")
    page.get_by_role("button", name="Undo").click()
    expect(box).to_contain_text("Acme, Berlin")
    expect(page.locator(".signature [data-state]")).to_have_text("Saved")


def test_a_signature_is_written_without_javascript(open_page: Callable[..., Page], user: Scope) -> None:
    add_account(user)
    page = open_page("/profileSettings?tab=connect", javascript=False)

    page.get_by_label("Signature, as HTML or as lines of text").fill("Rita\nAcme")
    page.get_by_role("button", name="Save signature").click()

    expect(preview(page).locator("#signature div")).to_have_count(2)


def test_leaving_a_moment_after_typing_saves_what_was_typed(compose: Callable[..., Page], user: Scope) -> None:
    page = compose()
    write(page, "Last words")
    page.goto("/inbox")

    page.goto("/inbox?view=drafts")

    assert "Last words" in only_draft(user).body_html


def test_opening_another_conversation_saves_what_was_typed(
    open_page: Callable[..., Page], message: Message, account: Account, user: Scope
) -> None:
    add_message(account, build_mail(2, subject="Another one"))
    page = open_page(conversation_path(message) + "?view=all")
    page.get_by_role("button", name="Reply", exact=True).click()
    editor(page).wait_for()
    write(page, "Half a sen")

    page.get_by_role("link", name=re.compile("Another one")).click()

    expect(page.get_by_role("heading", name="Another one")).to_be_visible()
    expect(page.locator(".composer")).to_have_count(0)
    page.wait_for_timeout(300)
    assert "Half a sen" in only_draft(user).body_html


def test_asking_for_the_same_reply_again_shows_one_editor(
    open_page: Callable[..., Page], message: Message, user: Scope
) -> None:
    page = open_page(conversation_path(message))
    page.get_by_role("button", name="Reply", exact=True).click()
    write(page, "Tuesday.")
    wait_until_saved(page)

    page.locator("#conversation-scroll").focus()
    with page.expect_response("**/compose?**"):
        page.keyboard.press("r")
    page.wait_for_timeout(500)

    expect(page.locator(EDITOR)).to_have_count(1)
    expect(editor(page)).to_contain_text("Tuesday.")


def test_a_reply_is_there_after_a_reload_a_moment_after_typing(
    open_page: Callable[..., Page], message: Message, user: Scope
) -> None:
    page = open_page(conversation_path(message))
    page.get_by_role("button", name="Reply", exact=True).click()
    editor(page).wait_for()
    page.keyboard.type("Tuesday at ten, and then we talk about everything else.")
    page.reload()

    expect(editor(page)).to_contain_text("then we talk about everything else.")

    write(page, "Hello. ")
    wait_until_saved(page)
    expect(page.locator(".draft-conflict")).to_have_count(0)
    assert "Hello. Tuesday at ten, and then we talk about everything else." in only_draft(user).body_html


def test_what_is_typed_before_the_composer_is_there_presses_nothing(
    open_page: Callable[..., Page], message: Message
) -> None:
    held: list[Any] = []
    page = open_page(conversation_path(message))
    page.route("**/compose?**", lambda route: held.append(route))  # noqa: PLW0108  # playwright marks its handlers
    page.keyboard.press("r")

    page.keyboard.type("#ec")
    page.wait_for_timeout(300)

    expect(page.get_by_role("heading", name="Your role")).to_be_visible()
    expect(page.locator(".toast")).to_have_count(0)
    assert len(held) == 1
    held[0].continue_()
    editor(page).wait_for()
    expect(page.locator(EDITOR)).to_be_focused()
