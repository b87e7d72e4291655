"""Writing mail through its pages: with and without JavaScript, in two tabs, with odd input."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from werkzeug.http import parse_options_header

from tests.mails import build_mail
from tests.unit.blueprints.conftest import PARTIAL, CheckedClient
from tests.unit.blueprints.written import (
    add_account,
    add_message,
    draft_uuid_in,
    fields_of,
    load,
    revision_in,
)
from webmail.store.models import Account, Message
from webmail.store.scope import Scope
from webmail.store.session import transaction


@pytest.fixture
def account(user: Scope) -> Account:
    return add_account(user, signature="<p>Rita, <b>Acme</b></p>")


@pytest.fixture
def message(account: Account) -> Message:
    return add_message(account, build_mail(1, subject="Your role", body="When can we talk?"))


@pytest.fixture
def draft(client: CheckedClient, account: Account) -> Any:
    """A new mail, opened."""
    return draft_uuid_in(client.get("/compose?to=ana@example.com&subject=Hello").location)


def fill(**changes: str) -> dict[str, str]:
    """Give what the composer sends with JavaScript."""
    fields = {"to": "ana@example.com", "cc": "", "bcc": "", "subject": "Hello", "revision": "0", "place": "slot"}
    return {**fields, "format": "rich", "body_html": "<div>Hi</div>", "body_text": "", **changes}


def test_without_a_mailbox_the_page_offers_to_connect_one(client: CheckedClient) -> None:
    answer = client.get("/compose")

    assert answer.status_code == 200
    assert "Connect a mailbox first" in answer.text


def test_opening_a_mail_leads_to_a_page_that_can_be_reloaded(client: CheckedClient, account: Account) -> None:
    answer = client.get("/compose?to=ana@example.com&subject=Hello")
    page = client.get(answer.location)

    assert answer.status_code == 303
    assert fields_of(page.text)["to"] == "ana@example.com"
    assert fields_of(page.text)["subject"] == "Hello"


def test_a_reply_opens_in_place_with_the_quote_and_the_signature(client: CheckedClient, message: Message) -> None:
    answer = client.get_partial(f"/compose?mode=reply&message={message.uuid}")

    fields = fields_of(answer.text)
    assert fields["to"] == "Cora Candidate <cora@candidates.example>"
    assert fields["subject"] == "Re: Your role"
    assert fields["place"] == "slot"
    assert fields["body_text"].strip().startswith("-- \nRita, Acme\n\nOn ")
    assert fields["body_text"].strip().endswith("wrote:\n> When can we talk?")
    assert 'data-focus="body"' in answer.text


def test_a_draft_of_somebody_else_is_not_found(client: CheckedClient, draft: Any, make_user: Any, app: Any) -> None:
    other = app.test_client().sign_in_as(make_user())

    assert other.get(f"/compose/{draft}").status_code == 404
    for path in ("", "/send", "/files", f"/files/{uuid4()}/remove", "/discard"):
        assert other.submit(f"/compose/{draft}{path}", fill()).status_code == 404
    for path in ("retry", "edit", "settle"):
        assert other.submit(f"/submissions/{draft}/{path}").status_code == 404


def test_an_unknown_mode_or_message_is_not_found(client: CheckedClient, account: Account) -> None:
    assert client.get("/compose?mode=odd").status_code == 404
    assert client.get(f"/compose?mode=reply&message={uuid4()}").status_code == 404
    assert client.get("/compose?mode=reply").status_code == 404


def test_autosave_answers_with_the_time_and_the_new_revision(client: CheckedClient, user: Scope, draft: Any) -> None:
    answer = client.submit(f"/compose/{draft}", fill(body_html="<div>Dear <b>Ana</b></div>"), htmx=True)

    assert answer.status_code == 200
    assert "Saved" in answer.text
    assert revision_in(answer.text) == "1"
    assert load(user, draft).body_html == "<div>Dear <b>Ana</b></div>"


def test_a_reload_shows_what_was_saved(client: CheckedClient, draft: Any) -> None:
    client.submit(f"/compose/{draft}", fill(cc="bo@example.com", body_html="<div>Dear Ana</div>"), htmx=True)

    page = client.get(f"/compose/{draft}")

    assert fields_of(page.text)["body_html"].strip() == "<div>Dear Ana</div>"
    assert fields_of(page.text)["cc"] == "bo@example.com"
    assert '<details class="draft-copies" open' in page.text


def test_a_second_tab_is_told_and_loses_nothing(client: CheckedClient, user: Scope, draft: Any) -> None:
    client.submit(f"/compose/{draft}", fill(body_html="<div>first tab</div>"), htmx=True)

    answer = client.submit(f"/compose/{draft}", fill(subject="second tab"), htmx=True)
    page = client.submit(f"/compose/{draft}", fill(body_html="<div>second tab</div>"))

    assert answer.status_code == page.status_code == 409
    assert answer.headers["HX-Retarget"] == f"#submission-{draft}-head"
    assert "Changed in another tab" in answer.text
    assert 'value="second tab"' in answer.text
    assert "second tab" in fields_of(page.text)["body_html"]
    assert "first tab" in load(user, draft).body_html


def test_keep_mine_replaces_the_newer_version(client: CheckedClient, user: Scope, draft: Any) -> None:
    client.submit(f"/compose/{draft}", fill(body_html="<div>first tab</div>"), htmx=True)

    answer = client.submit(f"/compose/{draft}", fill(body_html="<div>mine</div>", keep="1"))

    assert answer.status_code == 303
    assert "mine" in load(user, draft).body_html


def test_sending_from_a_conversation_takes_the_composer_away(
    client: CheckedClient, user: Scope, message: Message
) -> None:
    opened = client.get_partial(f"/compose?mode=reply&message={message.uuid}")
    uuid = opened.text.split('id="submission-')[1][:36]

    answer = client.submit(f"/compose/{uuid}/send", fill(), htmx=True)

    assert answer.status_code == 200
    assert "Sending" in answer.text
    assert f'hx-post="/submissions/{uuid}/edit"' in answer.text
    assert "composer" not in answer.text
    assert load(user, draft_uuid_in(uuid)).state == "queued"


def test_sending_a_new_mail_leads_to_its_conversation(client: CheckedClient, user: Scope, draft: Any) -> None:
    answer = client.submit(f"/compose/{draft}/send", fill(place="page"))

    assert answer.status_code == 303
    assert client.get(answer.location).status_code == 200
    assert client.get(f"/compose/{draft}").location == answer.location


def test_htmx_is_led_to_the_conversation_of_a_new_mail(client: CheckedClient, draft: Any) -> None:
    answer = client.submit(f"/compose/{draft}/send", fill(place="page"), htmx=True)

    assert answer.headers["HX-Redirect"].startswith("/conversations/")


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"to": ""}, "to"), ({"to": "ana@"}, "to"), ({"cc": "nobody"}, "cc"), ({"bcc": "x y"}, "bcc")],
)
def test_what_keeps_a_mail_from_going_stands_at_its_field(
    client: CheckedClient, user: Scope, draft: Any, changes: dict[str, str], field: str
) -> None:
    answer = client.submit(f"/compose/{draft}/send", fill(**changes), htmx=True)
    page = client.submit(f"/compose/{draft}/send", fill(revision=revision_in(answer.text), **changes))

    assert answer.status_code == page.status_code == 422
    for text in (answer.text, page.text):
        assert "Not sent yet" in text
        assert f'href="#draft-{field}"' in text
        assert f'aria-describedby="draft-{field}-note"' in text
    assert "iframe" not in answer.text
    assert "body_html" not in answer.text
    assert "Hi" in fields_of(page.text)["body_html"]
    assert load(user, draft).state == "draft"


def test_a_mail_taken_back_opens_again(client: CheckedClient, user: Scope, draft: Any) -> None:
    client.submit(f"/compose/{draft}/send", fill())

    plain = client.submit(f"/submissions/{draft}/edit")

    assert plain.location.endswith(f"/compose/{draft}")
    assert load(user, draft).state == "draft"
    assert "Hi" in client.get(plain.location).text


def test_a_reply_taken_back_opens_at_the_foot_of_its_conversation(
    client: CheckedClient, user: Scope, message: Message
) -> None:
    opened = client.get_partial(f"/compose?mode=reply&message={message.uuid}")
    uuid = opened.text.split('id="submission-')[1][:36]
    sent = client.submit(f"/compose/{uuid}/send", fill(place="page"))
    headers = PARTIAL | {"HX-Current-URL": f"http://localhost{sent.location}"}

    answer = client.post(f"/submissions/{uuid}/edit", data={"csrf_token": client.token}, headers=headers)

    assert answer.headers["HX-Retarget"] == "#composer-slot"
    assert "Hi" in answer.text


def test_a_failed_mail_can_be_tried_again_and_an_unsure_one_settled(
    client: CheckedClient, user: Scope, draft: Any
) -> None:
    client.submit(f"/compose/{draft}/send", fill())
    _set_state(user, draft, "failed")

    tried = client.submit(f"/submissions/{draft}/retry", htmx=True)
    assert "Trying again" in tried.text
    assert load(user, draft).state == "queued"

    _set_state(user, draft, "unsure")
    client.submit(f"/submissions/{draft}/settle", {"was_sent": "1"})
    assert load(user, draft).state == "sent"


def _set_state(scope: Scope, uuid: Any, state: str) -> None:
    from webmail.store.submissions import load_submission

    with transaction() as s:
        load_submission(s, scope, uuid).state = state


def test_discarding_a_draft_removes_it(client: CheckedClient, draft: Any) -> None:
    answer = client.submit(f"/compose/{draft}/discard", {"place": "slot"}, htmx=True)

    assert "Draft discarded" in answer.text
    assert client.get(f"/compose/{draft}").status_code == 404


def test_files_are_attached_listed_fetched_and_removed(client: CheckedClient, user: Scope, draft: Any) -> None:
    data = {"files": (BytesIO(b"%PDF"), "../Über <b>cv</b>.pdf"), "csrf_token": client.token}
    answer = client.post(f"/compose/{draft}/files", data=data, headers=PARTIAL)

    file = load(user, draft).attachments[0]
    assert answer.status_code == 200
    assert "<b>cv" not in answer.text
    assert "/" not in file.filename
    got = client.get(f"/compose/{draft}/files/{file.uuid}")
    assert got.data == b"%PDF"
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in got.headers["Content-Security-Policy"]

    removed = client.submit(f"/compose/{draft}/files/{file.uuid}/remove", htmx=True)
    assert removed.status_code == 200
    assert load(user, draft).attachments == []


@pytest.mark.parametrize("name", ["Lebenslauf Jörg.pdf", "السيرة الذاتية.pdf", "履歴書.pdf", 'a"b.pdf'])
def test_a_file_is_saved_under_its_own_name(client: CheckedClient, user: Scope, draft: Any, name: str) -> None:
    data = {"files": (BytesIO(b"%PDF"), name), "csrf_token": client.token}
    client.post(f"/compose/{draft}/files", data=data, headers=PARTIAL)
    file = load(user, draft).attachments[0]

    header = client.get(f"/compose/{draft}/files/{file.uuid}").headers["Content-Disposition"]

    assert header.isascii()
    parsed = parse_options_header(header)
    assert parsed == ("attachment", {"filename": file.filename})


def test_without_javascript_attaching_saves_the_text_and_sending_takes_the_chosen_file_along(
    client: CheckedClient, user: Scope, draft: Any
) -> None:
    fields = fill(format="text", body_html="", body_text="Dear Ana,\nInes", place="page")
    data = {**fields, "files": (BytesIO(b"a"), "a.txt"), "csrf_token": client.token}
    attached = client.post(f"/compose/{draft}/files", data=data)

    assert attached.status_code == 303
    assert load(user, draft).body_text == "Dear Ana,\nInes"

    fields = fields_of(client.get(f"/compose/{draft}").text)
    data = {**fields, "files": (BytesIO(b"b"), "b.txt"), "csrf_token": client.token}
    client.post(f"/compose/{draft}/send", data=data)

    assert [file.filename for file in load(user, draft).attachments] == ["a.txt", "b.txt"]
    assert load(user, draft).state == "queued"


def test_a_file_that_is_too_large_is_refused_in_place(client: CheckedClient, draft: Any) -> None:
    data = {"files": (BytesIO(bytes(26_000_000)), "film.mov"), "csrf_token": client.token}

    answer = client.post(f"/compose/{draft}/files", data=data, headers=PARTIAL)

    answer.request.environ["wsgi.input"].close()
    assert answer.status_code == 422
    assert "film.mov is 26 MB" in answer.text
    assert f'id="submission-{draft}-files"' in answer.text


def test_a_rich_draft_stays_rich_where_its_text_comes_back_unchanged(
    client: CheckedClient, user: Scope, draft: Any
) -> None:
    client.submit(f"/compose/{draft}", fill(body_html="<div>Dear <b>Ana</b></div>"), htmx=True)
    fields = fields_of(client.get(f"/compose/{draft}").text)
    assert fields["format"] == "text"

    client.submit(f"/compose/{draft}", fields | {"subject": "New subject"})
    assert load(user, draft).body_html == "<div>Dear <b>Ana</b></div>"
    assert not load(user, draft).is_plain

    fields = fields_of(client.get(f"/compose/{draft}").text)
    client.submit(f"/compose/{draft}", fields | {"body_text": "Dear Ana, plainly\r\n"})
    assert load(user, draft).is_plain
    assert load(user, draft).body_text.strip() == "Dear Ana, plainly"


def test_another_mailbox_brings_its_signature(client: CheckedClient, user: Scope, draft: Any) -> None:
    other = add_account(user, "rita@other.example", signature="<p>Rita, Other</p>")
    page = client.get(f"/compose/{draft}")
    assert "rita@other.example" in page.text

    client.submit(f"/compose/{draft}", fields_of(page.text) | {"account": str(other.uuid)}, htmx=True)

    body = load(user, draft).body_html
    assert "Rita, Other" in body
    assert "Acme" not in body


def test_hostile_fields_are_shown_as_text(client: CheckedClient, draft: Any) -> None:
    nasty = '"><script>alert(1)</script>'
    body = '<div onclick="x()">Hi<script>x()</script><style>p{}</style></div></textarea><img src=x onerror=x()>'
    client.submit(f"/compose/{draft}", fill(to=nasty, cc=nasty, subject=nasty, body_html=body), htmx=True)

    page = client.get(f"/compose/{draft}")

    assert "<script>alert" not in page.text
    assert "onerror" not in page.text
    assert "onclick" not in page.text


def test_the_editor_has_a_policy_of_its_own_and_loads_nothing_from_elsewhere(client: CheckedClient) -> None:
    policy = client.get("/editor").headers["Content-Security-Policy"]

    assert "style-src-attr 'unsafe-inline'" in policy
    assert "img-src 'self' data:;" in policy
    assert "frame-ancestors 'self'" in policy
    assert "connect-src" not in policy
    assert "unsafe-inline" not in client.get("/login").headers.get("Content-Security-Policy", "")


def test_rich_text_becomes_plain_and_plain_text_rich(client: CheckedClient) -> None:
    plain = client.submit("/editor/plain-text", {"body": "<div>Dear <b>Ana</b></div><div>x</div>"}, htmx=True)
    rich = client.submit("/editor/rich-text", {"body": "a <script>\n> b"}, htmx=True)

    assert plain.text == "Dear Ana\nx"
    assert plain.mimetype == rich.mimetype == "text/plain"
    assert rich.text == "<div>a &lt;script&gt;</div><blockquote><div>b</div></blockquote>"


def test_addresses_pasted_one_below_the_other_stay_apart(client: CheckedClient, user: Scope, draft: Any) -> None:
    client.submit(f"/compose/{draft}", fill(to="ana@example.com\r\nbo@example.com,\r\n"), htmx=True)

    assert load(user, draft).to == "ana@example.com, bo@example.com"
