"""Search finds the same on both databases, and nobody else's mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, text

from webmail.domain.search import parse_query
from webmail.store import departures
from webmail.store.conversations import refresh_conversations
from webmail.store.folders import save_folders
from webmail.store.messages import Arrival, NewAttachment, save_bodies, take_in
from webmail.store.models import Account, Message
from webmail.store.scope import Scope
from webmail.store.search import HitPage, search_page
from webmail.store.search_index import index_missing
from webmail.store.session import Session, reading, transaction

START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
FILE = NewAttachment("2", "cv.pdf", "application/pdf", 1000, "", is_inline=False, encoding="base64")


class Mailbox:
    """An account of a user, into which mail is put as a sync would."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        with transaction() as s:
            self.account = Account(
                tenant_id=scope.tenant_id,
                user_id=scope.user_id,
                email=f"{uuid4().hex}@x.example",
                user_name="r",
                smtp_host="h",
                smtp_port=1,
            )
            s.add(self.account)
            s.flush()
            roles = {"INBOX": "inbox", "Trash": "trash"}
            self.folders = {folder.name: folder for folder in save_folders(s, self.account.id, roles, {"INBOX"})}
        self._uid = 0

    def put(
        self,
        subject: str = "Hello",
        body: str | None = "",
        *,
        html: str = "",
        thread: str = "",
        at: datetime | None = None,
        folder: str = "INBOX",
        flags: frozenset[str] = frozenset(),
        files: tuple[NewAttachment, ...] = (),
        **columns: Any,
    ) -> int:
        self._uid += 1
        name = uuid4().hex
        values = {
            "subject": subject,
            "sent_at": at or START + timedelta(minutes=self._uid),
            "from_name": "Cora Candidate",
            "from_email": "cora@candidates.example",
            "is_unread": True,
            "is_flagged": "\\Flagged" in flags,
            **columns,
        }
        arrival = Arrival(name, [thread or name], values, attachments=files, uid=self._uid, flags=flags)
        with transaction() as s:
            taken = take_in(s, self.account, self.folders[folder], [arrival])
            [message_id] = taken.new_message_ids
            if body is not None:
                save_bodies(
                    s, [{"id": message_id, "text": body, "html": html, "snippet": body[:200], "body_state": "stored"}]
                )
            refresh_conversations(s, self.account, taken.conversation_ids)
        return message_id

    def page(self, typed: str, **more: Any) -> HitPage:
        with reading() as s:
            return search_page(s, self.scope, parse_query(typed), **{"zone": UTC, **more})

    def find(self, typed: str, **more: Any) -> list[str]:
        """Give the subjects of what is found, newest first."""
        return [hit.subject for hit in self.page(typed, **more).hits]


@pytest.fixture
def box(user: Scope) -> Mailbox:
    return Mailbox(user)


def entries(s: Session) -> int:
    return int(s.scalar(text("SELECT count(*) FROM message_index")) or 0)


@pytest.mark.parametrize(
    "typed",
    [
        "interview",
        "INTERVIEW",
        "interv",
        "resume",
        "Résumé",
        "strasse",
        "Straße",
        "müller",
        "muller",
        "Mueller-Lüdenscheid",
        '"next tuesday"',
        "“next tuesday”",
        "tuesday interview",
        "from:cora",
        "from:candidates.example",
        "from:cora@candidates.example",
        'from:"cora candidate"',
        "to:jobs",
        "to:jobs@acme.example",
        "to:ferdinand",
        "subject:unterlagen",
        "subject:unter",
        "has:attachment",
        "has:attachment interview",
        "is:unread interview",
        "in:inbox interview",
        "after:2026-11-01 before:2026-11-02 interview",
        "北京",
        "京大",
        "İstanbul istanbul",
        "हिन्दी",
        "c++",
        "привет мир",
        "12345",
        "12e5",
        "x_y",
    ],
)
def test_words_are_found_wherever_and_however_they_are_written(box: Mailbox, typed: str) -> None:
    box.put(
        "Ihre Unterlagen",
        "Interview next Tuesday. Resume, re\u0301sume\u0301, Strasse Müller, Mueller-Lüdenscheid 北京大学 "
        "İstanbul हिन्दी C++ Привет, мир 12345 12e5 x_y",
        files=(FILE,),
        to=[["Jobs", "jobs@acme.example"]],
        cc=[["Ferdinand", "f@acme.example"]],
    )

    assert box.find(typed) == ["Ihre Unterlagen"]


@pytest.mark.parametrize(
    "typed",
    [
        "interviews",
        "from:acme",
        "to:cora",
        "subject:interview",
        '"tuesday next"',
        '"unterlagen cora"',
        "is:starred interview",
        "in:trash interview",
        "in:sent interview",
        "after:2026-11-02 interview",
        "before:2026-11-01 interview",
        "has:attachment",
        "u1",
        "a1",
        "attachment",
        "interview absent",
    ],
)
def test_what_does_not_match_is_not_found(box: Mailbox, typed: str) -> None:
    box.put("Ihre Unterlagen", "Interview next Tuesday", to=[["Jobs", "jobs@acme.example"]])

    assert box.find(typed) == []


def test_a_word_is_the_beginning_of_one_only_while_it_is_typed(box: Mailbox) -> None:
    box.put("Interview", "at noon")

    assert box.find("inter") == ["Interview"]
    assert box.find("inter ") == []
    assert box.find("inter noon") == []


def test_headers_are_found_before_the_body_is_here_and_the_body_afterwards(box: Mailbox) -> None:
    message_id = box.put("Offer", None)
    assert box.find("offer from:cora") == ["Offer"]

    with transaction() as s:
        save_bodies(
            s,
            [{"id": message_id, "text": "", "html": "<p>the <b>zebra</b></p>", "snippet": "", "body_state": "stored"}],
        )

    assert box.find("offer zebra") == ["Offer"]
    with reading() as s:
        assert entries(s) == 1


def test_each_conversation_is_found_once_and_by_its_newest_message_that_matches(box: Mailbox) -> None:
    box.put("Offer", "zebra", thread="one")
    box.put("Re: Offer", "zebra again", thread="one")
    box.put("Re: Re: Offer", "thanks", thread="one")
    box.put("Other", "zebra")

    assert box.find("zebra") == ["Other", "Re: Offer"]


def test_pages_follow_each_other_without_gap_or_repetition(box: Mailbox) -> None:
    for number in range(30):
        box.put(f"Mail {number}", "zebra", thread=f"thread {number % 11}")

    found, cursor = [], ""
    while True:
        page = box.page("zebra", cursor=cursor, limit=3)
        found += [hit.subject for hit in page.hits]
        cursor = page.next_cursor
        if not cursor:
            break

    assert found == [f"Mail {number}" for number in range(29, 18, -1)]


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 30, "١٢", "0"])
def test_a_cursor_that_makes_no_sense_does_no_harm(box: Mailbox, cursor: str) -> None:
    box.put("Offer", "zebra")

    assert box.find("zebra", cursor=cursor) in (["Offer"], [])


def test_flags_and_places_narrow_what_is_found(box: Mailbox) -> None:
    for number in range(400):
        box.put(f"Mail {number}", None, is_unread=False, flags=frozenset({"\\Flagged"}) if number == 3 else frozenset())
    box.put("Thrown away", "mail", folder="Trash", is_unread=False)
    box.put("New mail", "mail")

    assert box.find("mail is:starred") == ["Mail 3"]
    assert box.find("mail is:unread") == ["New mail"]
    assert box.find("is:unread") == ["New mail"]
    assert box.find("in:trash") == ["Thrown away"]
    assert "Thrown away" not in box.find("mail", limit=500)


def test_days_begin_and_end_in_the_users_zone(box: Mailbox) -> None:
    from zoneinfo import ZoneInfo

    box.put("Late", "zebra", at=datetime(2026, 11, 1, 23, 30, tzinfo=UTC))

    assert box.find("zebra after:2026-11-02", zone=ZoneInfo("Europe/Berlin")) == ["Late"]
    assert box.find("zebra before:2026-11-02", zone=ZoneInfo("Europe/Berlin")) == []
    assert box.find("zebra before:2026-11-02") == ["Late"]


def test_nobody_finds_anothers_mail(make_user: Callable[..., Scope]) -> None:
    mine, theirs = Mailbox(make_user(tenant="acme")), Mailbox(make_user(tenant="acme"))
    mine.put("Mine", "zebra")
    theirs.put("Theirs", "zebra")

    assert mine.find("zebra") == ["Mine"]
    assert mine.find("zebra", account_uuid=theirs.account.uuid) == []
    assert mine.find("zebra", account_uuid=UUID(int=0)) == []
    assert mine.find("zebra", account_uuid=mine.account.uuid) == ["Mine"]


def test_entries_go_with_their_messages(box: Mailbox) -> None:
    message_id = box.put("One", "zebra", at=datetime(2026, 11, 1, 9, 0, 0, 999_999, tzinfo=UTC))
    box.put("Two", "zebra", at=datetime(1950, 1, 1, tzinfo=UTC))
    box.put("Three", "zebra")
    with transaction() as s:
        s.execute(delete(Message).where(Message.id == message_id))
    assert box.find("zebra") == ["Three", "Two"]

    departures.erase_mail(box.account.id)

    with reading() as s:
        assert entries(s) == 0


def test_mail_that_is_older_than_the_index_gets_into_it(box: Mailbox) -> None:
    for number in range(450):
        box.put(f"Mail {number}", None)
    with transaction() as s:
        s.execute(text("DELETE FROM message_index"))

    assert index_missing() == 450
    assert index_missing() == 0
    assert len(box.find("mail", limit=500)) == 450


@pytest.mark.parametrize(
    "body", ["a" * 500_000, "word " * 60_000, " ".join(map(str, range(50_000))), "字" * 90_000, "'\\\x01\u2028"]
)
def test_no_body_is_too_much(box: Mailbox, body: str) -> None:
    box.put("Offer", body)

    assert box.find("offer") == ["Offer"]
