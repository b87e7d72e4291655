"""The outbox, sending later, and the questions before a mail goes out, through their pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.mails import build_mail
from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from tests.unit.blueprints.test_compose import fill
from tests.unit.blueprints.written import add_account, add_message, draft_uuid_in, fields_of, load
from webmail.store.models import Account, Message, Submission
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction

ZONE = "Europe/Paris"


@pytest.fixture
def account(user: Scope) -> Account:
    return add_account(user, signature="<p>Rita</p>")


@pytest.fixture
def browser(client: CheckedClient) -> CheckedClient:
    """A browser in Paris."""
    client.set_cookie("zone", ZONE)
    return client


@pytest.fixture
def draft(browser: CheckedClient, account: Account) -> UUID:
    return draft_uuid_in(browser.get("/compose?to=ana@example.com&subject=Hello").location)


def in_days(days: int, hour: int = 9) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}T{hour:02}:00"


def put(user: Scope, uuid: UUID, **columns: Any) -> None:
    with transaction() as s:
        submission = s.get(Submission, load(user, uuid).id)
        for name, value in columns.items():
            setattr(submission, name, value)


def test_an_empty_outbox_says_what_will_be_there(browser: CheckedClient, account: Account) -> None:
    page = browser.get("/outbox")

    assert "Nothing is on its way" in page.text
    assert 'aria-current="page"' in page.text


def test_a_mail_sent_later_waits_in_the_outbox_until_its_time(browser: CheckedClient, user: Scope, draft: UUID) -> None:
    when = in_days(2)
    answer = browser.submit(f"/compose/{draft}/send", fill(at="chosen", at_chosen=when))

    submission = load(user, draft)
    assert answer.status_code == 303
    assert (submission.state, submission.held_reason) == ("queued", "scheduled")
    assert submission.not_before is not None
    assert submission.not_before.hour == 9 - (1 if submission.not_before.month in (11, 12, 1, 2) else 2)
    page = browser.get("/outbox")
    assert "Scheduled" in page.text
    assert "Europe/Paris" in page.text
    assert 'value="' + when + '"' in page.text
    assert ">1<" in page.text


def test_until_then_it_stands_in_its_conversation_where_it_was_written(
    browser: CheckedClient, user: Scope, draft: UUID
) -> None:
    browser.submit(f"/compose/{draft}/send", fill(at=in_days(5)))

    submission = load(user, draft)
    with reading() as s:
        message = s.get(Message, submission.message_id)
    assert message is not None
    assert message.date_header_at == submission.not_before
    assert message.sent_at < datetime.now(UTC) + timedelta(seconds=5)


@pytest.mark.parametrize("when", ["chosen", "2020-01-01T08:00", "2099-01-01T08:00", "soon"])
def test_a_time_that_cannot_be_kept_is_said_and_nothing_is_sent(
    browser: CheckedClient, user: Scope, draft: UUID, when: str
) -> None:
    answer = browser.submit(f"/compose/{draft}/send", fill(at=when, body_html="<div>kept</div>"))

    assert answer.status_code == 422
    assert "Not sent yet" in answer.text
    assert load(user, draft).state == "draft"


def test_a_scheduled_mail_is_put_off_sent_now_or_taken_back(browser: CheckedClient, user: Scope, draft: UUID) -> None:
    browser.submit(f"/compose/{draft}/send", fill(at=in_days(2)))
    first = load(user, draft)

    browser.submit(f"/submissions/{draft}/schedule", {"at": in_days(3)}, htmx=True)
    later = load(user, draft)
    assert later.not_before is not None
    assert first.not_before is not None
    assert later.not_before - first.not_before == timedelta(days=1)
    assert browser.submit(f"/submissions/{draft}/schedule", {"at": "2020-01-01T08:00"}).status_code == 422
    assert load(user, draft).held_reason == "scheduled"

    assert "Sending" in browser.submit(f"/submissions/{draft}/send-now", htmx=True).text
    now = load(user, draft)
    assert (now.state, now.held_reason) == ("queued", "")
    assert browser.submit(f"/submissions/{draft}/send-now").status_code == 422

    assert browser.submit(f"/submissions/{draft}/edit").location == f"/compose/{draft}"
    assert load(user, draft).body_html.count("Hi") == 1


def test_the_outbox_says_what_went_wrong_and_what_can_be_done(browser: CheckedClient, user: Scope, draft: UUID) -> None:
    browser.submit(f"/compose/{draft}/send", fill())
    put(user, draft, state="failed", error_sentence="Refused for good.", server_answer="550 5.7.1 no thanks")
    failed = browser.get_partial("/outbox").text
    put(user, draft, state="unsure", error_sentence="Nobody knows.")
    unsure = browser.get("/outbox").text
    put(user, draft, state="queued", held_reason="retry", error_sentence="Try later.")
    waiting = browser.get("/outbox").text

    assert "Refused for good." in failed
    assert "550 5.7.1 no thanks" in failed
    assert f"/submissions/{draft}/retry" in failed
    assert "It was sent" in unsure
    assert f"/submissions/{draft}/discard" not in unsure
    assert "Waits to be tried again" in waiting


def test_discarding_takes_it_out_for_good(browser: CheckedClient, draft: UUID) -> None:
    browser.submit(f"/compose/{draft}/send", fill(at=in_days(2)))

    answer = browser.submit(f"/submissions/{draft}/discard")

    assert answer.location == "/outbox"
    assert "Nothing is on its way" in browser.get("/outbox").text
    assert browser.get(f"/compose/{draft}").status_code == 404


def test_another_users_outbox_stays_closed(browser: CheckedClient, draft: UUID, make_user: Any, app: Any) -> None:
    browser.submit(f"/compose/{draft}/send", fill(at=in_days(2)))
    other = app.test_client().sign_in_as(make_user())

    assert "Nothing is on its way" in other.get("/outbox").text
    for path in ("send-now", "schedule", "discard"):
        assert other.submit(f"/submissions/{draft}/{path}", {"at": in_days(3)}).status_code == 404


def test_a_mail_that_speaks_of_a_file_is_asked_about_once(browser: CheckedClient, user: Scope, draft: UUID) -> None:
    fields = fill(subject="", body_html="<div>My CV is attached.</div>", place="page")
    asked = browser.submit(f"/compose/{draft}/send", fields, htmx=True)

    assert asked.status_code == 422
    assert "no file is attached" in asked.text
    assert "no subject" in asked.text
    assert load(user, draft).state == "draft"
    assert load(user, draft).body_html == "<div>My CV is attached.</div>"

    path = asked.text.split('formaction="')[1].partition('"')[0].replace("&amp;", "&")
    assert browser.submit(path, fields | {"revision": "1"}).status_code == 303
    assert load(user, draft).state == "queued"


def test_sure_of_one_thing_is_not_sure_of_another(browser: CheckedClient, user: Scope, draft: UUID) -> None:
    many = ", ".join(f"p{number}@example.com" for number in range(12))
    answer = browser.submit(f"/compose/{draft}/send?sure=subject", fill(to=many, subject=""))

    assert answer.status_code == 422
    assert "12 people" in answer.text
    assert "no subject" not in answer.text


def test_an_address_like_a_known_one_is_asked_about(
    browser: CheckedClient, user: Scope, account: Account, draft: UUID
) -> None:
    sent = build_mail(1, sender=f"Rita <{account.email}>", recipient="Ana <ana.kovac@acme-client.example>")
    add_message(account, sent)

    asked = browser.submit(f"/compose/{draft}/send", fill(to="ana.kovac@acrne-client.example"))
    again = browser.submit(f"/compose/{draft}/send", fill(to="ana.kovac@acme-client.example", revision="1"))

    assert asked.status_code == 422
    assert "looks like ana.kovac@acme-client.example" in asked.text
    assert again.status_code == 303


def test_a_reply_can_be_sent_and_its_conversation_archived(browser: CheckedClient, user: Scope) -> None:
    message = receive(add_mailbox(user, "rita@branch.example"), build_mail(1, subject="Your role"))[0]
    page = browser.get(f"/compose?mode=reply&message={message.uuid}", follow_redirects=True)
    draft = UUID(page.request.path.rpartition("/")[2])
    assert "Send and archive" in page.text

    answer = browser.submit(f"/compose/{draft}/send", fields_of(page.text) | {"then": "archive"})

    assert answer.location == "/inbox"
    assert "archived" in browser.get("/inbox").text
    assert load(user, draft).state == "queued"
    assert not conversation_of(message).in_inbox


@pytest.mark.parametrize(("seconds", "reason"), [(0, ""), (10, "undo"), (30, "undo")])
def test_each_user_has_their_own_time_for_undo(
    browser: CheckedClient, user: Scope, draft: UUID, seconds: int, reason: str
) -> None:
    assert browser.submit("/profile-settings/undo", {"seconds": str(seconds)}).status_code == 303

    browser.submit(f"/compose/{draft}/send", fill())

    submission = load(user, draft)
    assert submission.held_reason == reason
    assert submission.not_before is not None
    assert (submission.not_before - submission.updated_at).total_seconds() == seconds
    assert browser.submit("/profile-settings/undo", {"seconds": "7"}).status_code == 422
