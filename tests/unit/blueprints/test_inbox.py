"""The list of conversations: its views, its pages, its states, and how it is read again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from tests.mails import BASE, build_mail
from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions import mail
from webmail.store import session
from webmail.store.models import Account, Submission
from webmail.store.scope import Scope
from webmail.store.session import transaction


@pytest.fixture
def account(user: Scope) -> Account:
    return add_mailbox(user)


def subjects(html: str) -> list[str]:
    return re.findall(r'class="row-subject" dir="auto">([^<]*)<', html)


def test_the_inbox_shows_conversations_newest_first_with_who_and_how_many(
    client: CheckedClient, account: Account
) -> None:
    receive(account, build_mail(1, subject="First role"), build_mail(2, subject="Second role"))
    receive(account, build_mail(3, subject="Re: First role", answers="1@mails.example"), unread=True)

    page = client.get("/inbox").text

    assert subjects(page) == ["First role", "Second role"]
    assert '<span class="row-count">2</span>' in page
    assert page.count("Cora Candidate</span>") == 2
    assert page.count("conversation-row is-unread") == 1
    assert "<title>(1) Inbox" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["New", "Old"]),
        ("?unread=1", ["New"]),
        ("?view=sent", ["Offer"]),
        ("?view=all", ["Offer", "New", "Old"]),
        ("?view=trash", ["Spam"]),
        ("?view=nonsense", ["New", "Old"]),
        ("?account=nonsense", ["New", "Old"]),
    ],
)
def test_a_view_shows_what_belongs_to_it(
    client: CheckedClient, account: Account, query: str, expected: list[str]
) -> None:
    receive(account, build_mail(1, subject="Old"))
    receive(account, build_mail(2, subject="New"), unread=True)
    receive(account, build_mail(3, subject="Offer"), role="sent")
    receive(account, build_mail(4, subject="Spam"), role="trash")

    assert subjects(client.get(f"/inbox{query}").text) == expected


def test_what_only_the_user_wrote_is_listed_by_its_recipient(client: CheckedClient, account: Account) -> None:
    receive(account, build_mail(1, recipient="Ana Lima <ana@candidates.example>"), role="sent")

    assert "To: Ana Lima" in client.get("/inbox?view=sent").text


def test_one_account_can_be_shown_alone(client: CheckedClient, user: Scope, account: Account) -> None:
    other = add_mailbox(user, "jobs@acme.example")
    receive(account, build_mail(1, subject="Mine"))
    receive(other, build_mail(2, subject="Theirs"))

    page = client.get(f"/inbox?account={other.uuid}").text

    assert subjects(page) == ["Theirs"]
    assert "Only jobs@acme.example" in page


def test_the_mail_of_another_user_is_never_listed(client: CheckedClient, make_user, account: Account) -> None:
    receive(add_mailbox(make_user()), build_mail(1, subject="Secret"))

    assert "Secret" not in client.get("/inbox?view=all").text


def test_pages_follow_each_other_without_gap_or_repeat(client: CheckedClient, account: Account) -> None:
    receive(account, *[build_mail(number, subject=f"Role {number}") for number in range(120)])

    seen: list[str] = []
    path = "/inbox"
    while path:
        page = client.get(path).text
        seen += subjects(page)
        found = re.search(r'href="(/inbox\?cursor=[^"]+)"', page)
        path = found[1].replace("&amp;", "&") if found else ""

    assert seen == [f"Role {number}" for number in reversed(range(120))]


def test_htmx_gets_only_the_rows_of_the_next_page(client: CheckedClient, account: Account) -> None:
    receive(account, *[build_mail(number) for number in range(60)])
    cursor = re.search(r"cursor=([^\"&]+)", client.get("/inbox").text)
    assert cursor is not None

    partial = client.get_partial(f"/inbox?cursor={cursor[1]}").text

    assert len(subjects(partial)) == 10
    assert "<html" not in partial
    assert "rail" not in partial


def test_the_list_is_read_again_as_deep_as_it_was_scrolled(client: CheckedClient, account: Account) -> None:
    receive(account, *[build_mail(number) for number in range(130)])

    assert len(subjects(client.get_partial("/inbox/list?rows=100").text)) == 100
    assert len(subjects(client.get_partial("/inbox/list?rows=999999").text)) == 130
    assert len(subjects(client.get_partial("/inbox/list?rows=no").text)) == 50


def test_the_refreshed_list_keeps_the_open_conversation_marked_and_brings_the_rail(
    client: CheckedClient, account: Account
) -> None:
    (message,) = receive(account, build_mail(1), unread=True)
    uuid = conversation_of(message).uuid

    answer = client.get_partial(f"/inbox/list?open={uuid}").text

    assert re.search(rf'id="conversation-{uuid}-row"[^>]*aria-current="true"', answer)
    assert 'hx-swap-oob="outerMorph:#rail-body"' in answer
    assert 'data-unread="1"' in answer


def test_a_refresh_that_is_opened_as_a_page_leads_to_the_list(client: CheckedClient, account: Account) -> None:
    assert client.get("/inbox/list?view=sent").location == "/inbox?view=sent"


def test_somebody_without_a_mailbox_is_offered_one(client: CheckedClient) -> None:
    page = client.get("/inbox").text

    assert 'href="/profileSettings?tab=connect">Connect a mailbox</a>' in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "Your inbox is empty"),
        ("?unread=1", "Nothing unread"),
        ("?view=sent", "Nothing sent yet"),
        ("?view=all", "No mail yet"),
        ("?view=trash", "The trash is empty"),
        ("?view=drafts", "No drafts"),
    ],
)
def test_an_empty_view_says_what_will_be_there(client: CheckedClient, account: Account, query: str, words: str) -> None:
    assert words in client.get(f"/inbox{query}").text


def test_a_first_import_shows_how_far_it_is(client: CheckedClient, user: Scope) -> None:
    account = add_mailbox(user, is_backfilled=False, last_synced_at=None, sync_done=1204, sync_total=4312)

    page = client.get("/inbox").text
    assert "skeleton-row" in page
    assert "1,204 of 4,312" in page
    assert '<progress value="1204" max="4312"' in page

    receive(account, build_mail(1, subject="The first"))
    page = client.get("/inbox").text
    assert subjects(page) == ["The first"]
    assert "skeleton-row" not in page
    assert "1,204 of 4,312" in page


def test_an_account_in_trouble_says_so_above_the_list_with_the_way_out(client: CheckedClient, user: Scope) -> None:
    account = add_mailbox(
        user, status="reconnect_needed", status_sentence="Outlook did not accept your password.", status_next_step=""
    )

    page = client.get("/inbox").text

    assert "Outlook did not accept your password." in page
    assert f'href="/accounts/{account.uuid}/edit">Reconnect</a>' in page


def test_drafts_are_listed_with_the_one_written_in_last_first(
    client: CheckedClient, user: Scope, account: Account
) -> None:
    begun = datetime(2026, 11, 1, tzinfo=UTC)
    with transaction() as s:
        for at, subject in enumerate(("Older", "Newer", "Untouched")):
            touched_at = begun + timedelta(hours=at + 1) if subject != "Untouched" else begun
            s.add(
                Submission(
                    tenant_id=user.tenant_id,
                    user_id=user.user_id,
                    account_id=account.id,
                    subject=subject,
                    created_at=begun,
                    updated_at=touched_at,
                )
            )

    page = client.get("/inbox?view=drafts").text

    assert subjects(page) == ["Newer", "Older"]
    assert '<span class="count">2<span class="visually-hidden"> drafts' in page


def test_what_a_mail_says_is_never_markup_in_the_list(client: CheckedClient, account: Account) -> None:
    receive(
        account,
        build_mail(1, subject="<script>alert(1)</script>", sender='"<img src=x>" <a@b.example>', body="<b>bold</b>"),
    )

    page = client.get("/inbox").text

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<b>bold" not in page
    assert "&lt;script&gt;" in page


def test_the_inbox_costs_the_same_queries_however_much_mail_there_is(client: CheckedClient, account: Account) -> None:
    statements: list[str] = []
    receive(account, *[build_mail(number) for number in range(3)])
    event.listen(session.engine(), "before_cursor_execute", lambda *args: statements.append(args[2]))

    client.get("/inbox")
    few = len(statements)
    receive(account, *[build_mail(number, date=BASE - timedelta(days=number)) for number in range(100, 400)])
    statements.clear()
    client.get("/inbox")

    assert len(statements) == few <= 12


def test_a_page_of_the_inbox_weighs_less_than_sixty_kilobytes(client: CheckedClient, account: Account) -> None:
    long_ago = BASE - timedelta(days=800)  # the longest dates, whatever day it is today
    subject, body = "A subject of a usual length", "Words. " * 60
    receive(account, *[build_mail(each, subject=subject, body=body, date=long_ago) for each in range(60)])

    assert len(client.get("/inbox").data) < 60 * 1024


def test_archived_mail_leaves_the_list(client: CheckedClient, user: Scope, account: Account) -> None:
    (message,) = receive(account, build_mail(1, subject="Done with"))
    mail.archive(user, conversation_of(message).uuid)

    assert subjects(client.get("/inbox").text) == []
    assert subjects(client.get("/inbox?view=all").text) == ["Done with"]


def test_what_is_being_read_stays_among_the_unread(client: CheckedClient, account: Account) -> None:
    first, _ = receive(account, build_mail(1, subject="Reading"), build_mail(2, subject="Later"), unread=True)
    uuid = conversation_of(first).uuid

    page = client.get(f"/conversations/{uuid}?unread=1").text

    assert subjects(page) == ["Later", "Reading"]
    assert subjects(client.get_partial(f"/inbox/list?unread=1&open={uuid}").text) == ["Later", "Reading"]
    assert subjects(client.get("/inbox?unread=1").text) == ["Later"]
