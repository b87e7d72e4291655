"""The page of a conversation: what it shows, what opening it means, and what can be done with it."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event

from tests.mails import BASE, build_mail
from tests.unit.blueprints.conftest import PARTIAL, CheckedClient
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.store import session
from webmail.store.models import Account, Message, Submission
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction


@pytest.fixture
def account(user: Scope) -> Account:
    return add_mailbox(user)


def thread(count: int, *, subject: str = "Backend role") -> list[bytes]:
    """Build a conversation of mails from two people, each answering the one before."""
    return [
        build_mail(
            number,
            subject=("Re: " if number else "") + subject,
            answers=f"{number - 1}@mails.example" if number else "",
            body=f"Text number {number}.",
        )
        for number in range(count)
    ]


def path_of(message: Message) -> str:
    return f"/conversations/{conversation_of(message).uuid}"


def is_unread(message: Message) -> bool:
    with reading() as s:
        current = s.get(Message, message.id)
    assert current is not None
    return current.is_unread


def test_a_conversation_shows_its_subject_once_and_its_messages_in_order(
    client: CheckedClient, account: Account
) -> None:
    messages = receive(account, *thread(3))

    page = client.get(path_of(messages[0])).text

    assert re.findall(r'id="conversation-subject"[^>]*>([^<]+)<', page) == ["Backend role"]
    assert re.findall(r'id="message-([0-9a-f-]+)-section"', page) == [str(each.uuid) for each in messages]
    assert "<title>Backend role" in page


def test_the_newest_message_is_open_and_the_read_ones_are_folded(client: CheckedClient, account: Account) -> None:
    messages = receive(account, *thread(3))

    page = client.get(path_of(messages[0])).text

    states = re.findall(r'-section"\s+(open)?', page)
    assert states == ["", "", "open"]
    assert page.count('loading="lazy"') == 2


def test_an_unread_message_is_open_wherever_it_stands(client: CheckedClient, account: Account) -> None:
    first, *_ = receive(account, *thread(3))
    with transaction() as s:
        row = s.get(Message, first.id)
        assert row is not None
        row.is_unread = True

    page = client.get(path_of(first)).text

    assert re.findall(r'-section"\s+(open)?', page) == ["open", "", "open"]


@pytest.mark.parametrize("headers", [{}, PARTIAL])
def test_opening_a_conversation_marks_it_as_read(
    client: CheckedClient, account: Account, headers: dict[str, str]
) -> None:
    (message,) = receive(account, build_mail(1), unread=True)

    client.get(path_of(message), headers=headers)

    assert not is_unread(message)
    assert conversation_of(message).unread_count == 0


def test_looking_ahead_and_reading_again_mark_nothing(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, build_mail(1), unread=True)

    client.get(path_of(message), headers={"Sec-Purpose": "prefetch"})
    ahead = client.get(path_of(message), headers=PARTIAL | {"Purpose": "prefetch"}).text  # as reading.js does
    assert "data-unread" in ahead
    refreshed = client.get_partial(path_of(message) + "/messages").text

    assert is_unread(message)
    assert "data-unread" in refreshed


def test_what_arrives_in_an_open_conversation_can_be_marked_as_read(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, build_mail(1), unread=True)

    answer = client.submit(path_of(message) + "/read", htmx=True)

    assert answer.status_code == 204
    assert not is_unread(message)


def test_the_list_it_was_opened_from_stands_beside_it(client: CheckedClient, account: Account) -> None:
    receive(account, build_mail(1, subject="Only in the inbox"))
    (message,) = receive(account, build_mail(2, subject="Sent offer"), role="sent")

    page = client.get(path_of(message) + "?view=sent").text

    assert "Only in the inbox" not in page
    assert re.search(r'-row"\s+href="/conversations/[0-9a-f-]+\?view=sent" aria-current="true"', page)
    assert 'href="/inbox?view=sent#' in page


def test_htmx_gets_the_conversation_alone(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, build_mail(1, subject="Alone"))

    partial = client.get_partial(path_of(message)).text

    assert "<title>Alone" in partial
    assert 'id="list"' not in partial


@pytest.mark.parametrize("suffix", ["", "/messages"])
def test_a_conversation_of_somebody_else_does_not_exist(client: CheckedClient, make_user, suffix: str) -> None:
    (message,) = receive(add_mailbox(make_user()), build_mail(1))

    assert client.get_partial(path_of(message) + suffix).status_code == 404
    assert client.get(f"/conversations/{uuid4()}").status_code == 404


@pytest.mark.parametrize("verb", ["read", "unread", "archive", "archive/undo", "delete", "delete/undo"])
def test_nothing_can_be_done_with_a_conversation_of_somebody_else(client: CheckedClient, make_user, verb: str) -> None:
    (message,) = receive(add_mailbox(make_user()), build_mail(1), unread=True)

    assert client.submit(f"{path_of(message)}/{verb}").status_code == 404
    assert conversation_of(message).in_inbox
    assert is_unread(message)


@pytest.mark.parametrize(("verb", "words"), [("archive", "Archived."), ("delete", "Moved to the trash.")])
def test_moving_a_conversation_away_offers_to_undo_it(
    client: CheckedClient, account: Account, verb: str, words: str
) -> None:
    (message,) = receive(account, build_mail(1))

    answer = client.submit(f"{path_of(message)}/{verb}?view=all", htmx=True).text

    assert words in answer
    assert f'hx-post="{path_of(message)}/{verb}/undo?view=all"' in answer
    assert not conversation_of(message).in_inbox

    client.submit(f"{path_of(message)}/{verb}/undo", htmx=True)
    assert conversation_of(message).in_inbox


@pytest.mark.parametrize("verb", ["archive", "delete"])
def test_without_javascript_moving_leads_back_to_the_list_and_undo_to_the_conversation(
    client: CheckedClient, account: Account, verb: str
) -> None:
    (message,) = receive(account, build_mail(1))

    moved = client.submit(f"{path_of(message)}/{verb}?view=all")
    assert (moved.status_code, moved.location) == (303, "/inbox?view=all")
    page = client.get(moved.location).text
    assert f'action="{path_of(message)}/{verb}/undo?view=all"' in page

    undone = client.submit(f"{path_of(message)}/{verb}/undo?view=all")
    assert (undone.status_code, undone.location) == (303, f"{path_of(message)}?view=all")
    assert conversation_of(message).in_inbox


def test_archiving_twice_says_so(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, build_mail(1))
    client.submit(path_of(message) + "/archive")

    again = client.submit(path_of(message) + "/archive", htmx=True)

    assert again.status_code == 422
    assert "out of the inbox already" in again.text
    assert again.headers["HX-Reswap"] == "none"


def test_marking_as_unread_leads_back_to_the_list(client: CheckedClient, account: Account) -> None:
    (message,) = receive(account, build_mail(1))

    answer = client.submit(path_of(message) + "/unread")

    assert answer.location == "/inbox"
    assert is_unread(message)


def test_only_what_can_be_done_is_offered(client: CheckedClient, account: Account) -> None:
    (here,) = receive(account, build_mail(1))
    (gone,) = receive(account, build_mail(2), role="trash")

    assert {"Archive", "Delete", "Mark unread"} <= labels(client.get_partial(path_of(here)).text)
    assert labels(client.get_partial(path_of(gone)).text) & {"Archive", "Delete", "Mark unread"} == {"Mark unread"}


def labels(page: str) -> set[str]:
    return set(re.findall(r'<button[^>]*aria-label="([^"]+)"', page))


def test_reply_reply_all_and_forward_open_the_composer_for_the_newest_message(
    client: CheckedClient, account: Account
) -> None:
    *_, newest = receive(account, *thread(2))

    page = client.get(path_of(newest)).text

    answers = page.partition('class="conversation-answers"')[2]
    assert answers.count(f'name="message" value="{newest.uuid}"') == 3
    assert {"Reply", "Reply all", "Forward"} <= labels(page)


def test_a_draft_that_was_begun_is_open_at_the_foot(client: CheckedClient, user: Scope, account: Account) -> None:
    (message,) = receive(account, build_mail(1))
    with transaction() as s:
        s.add(
            Submission(
                tenant_id=user.tenant_id,
                user_id=user.user_id,
                account_id=account.id,
                mode="reply",
                source_message_id=message.id,
                subject="Re: half an answer",
                created_at=BASE,
                updated_at=BASE + timedelta(minutes=1),
            )
        )

    assert "Re: half an answer" in client.get(path_of(message)).text.partition('id="composer-slot"')[2]


@pytest.mark.parametrize(
    ("columns", "words", "buttons"),
    [
        ({"state": "queued"}, "Waiting to be sent", ["Edit"]),
        ({"state": "sending"}, "Sending", []),
        ({"state": "failed", "error_sentence": "Nobody of this name."}, "Nobody of this name.", ["Retry", "Edit"]),
        ({"state": "unsure"}, "Sent or not?", ["It was sent", "It was not sent"]),
        ({"state": "sent", "refusals": {"a@b.example": "550 <no>"}}, "a@b.example: 550 &lt;no&gt;", []),
        ({"state": "sent"}, "", []),
    ],
)
def test_a_mail_on_its_way_says_how_far_it_is(
    client: CheckedClient, user: Scope, account: Account, columns: dict[str, object], words: str, buttons: list[str]
) -> None:
    (message,) = receive(account, build_mail(1), role="sent")
    with transaction() as s:
        s.add(
            Submission(
                tenant_id=user.tenant_id, user_id=user.user_id, account_id=account.id, message_id=message.id, **columns
            )
        )

    page = client.get(path_of(message)).text

    assert words in page
    assert re.findall(r'button-small">([^<]+)<', page.partition('id="messages"')[2]) == buttons


def test_of_a_long_conversation_the_newest_are_shown_and_the_rest_is_one_step_away(
    client: CheckedClient, account: Account
) -> None:
    messages = receive(account, *thread(40))

    page = client.get(path_of(messages[0])).text
    assert "Show 15 earlier messages" in page
    assert page.count("-section") == 25

    earlier = client.get_partial(path_of(messages[0]) + "/messages?earlier=1").text
    assert earlier.count("-section") == 40
    assert client.get(path_of(messages[0]) + "/messages?earlier=1").location == path_of(messages[0]) + "?earlier=1"


def test_a_conversation_costs_the_same_queries_however_long_it_is(client: CheckedClient, account: Account) -> None:
    (short,) = receive(account, build_mail("alone", subject="Short"))
    messages = receive(account, *thread(20))
    statements: list[str] = []
    event.listen(session.engine(), "before_cursor_execute", lambda *args: statements.append(args[2]))

    client.get(path_of(short))
    few = len(statements)
    statements.clear()
    client.get(path_of(messages[0]))

    assert len(statements) <= few <= 22


def test_hostile_names_and_subjects_stay_text(client: CheckedClient, account: Account) -> None:
    (message,) = receive(
        account,
        build_mail(
            1,
            subject='"><script>alert(1)</script>',
            sender='"<b onmouseover=x>" <a@b.example>',
            recipient='"<i>Rita</i>" <rita@acme.example>',
        ),
    )

    page = client.get(path_of(message)).text

    assert "<script>alert" not in page
    assert "<b onmouseover" not in page
    assert "<i>Rita" not in page


def test_a_subject_of_three_hundred_characters_without_a_space_is_shown(
    client: CheckedClient, account: Account
) -> None:
    (message,) = receive(account, build_mail(1, subject="x" * 300))

    assert "x" * 300 in client.get(path_of(message)).text
