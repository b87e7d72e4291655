"""The demo's mail: it reads well, hangs together, and is the same each time."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from webmail.demo.seed import FOLDERS, SeedMail, seed_mailbox, seed_mails
from webmail.domain.mime import ParsedMessage, parse_message, part_content
from webmail.domain.quotes import fold_quotes_html, split_quoted_text

NOW = datetime(2026, 11, 25, 14, 20, tzinfo=UTC)
OTHER_TIMES = [
    datetime(2026, 11, 23, 6, 5, tzinfo=UTC),  # a Monday, early
    datetime(2026, 12, 27, 23, 59, tzinfo=UTC),  # a Sunday, late
    datetime(2028, 2, 29, 12, 0, tzinfo=UTC),
]


@cache
def mails() -> list[tuple[SeedMail, ParsedMessage]]:
    return [(mail, parse_message(mail.content)) for mail in seed_mails(NOW)]


def parsed() -> list[ParsedMessage]:
    return [message for _, message in mails()]


def test_the_same_time_gives_the_same_mail() -> None:
    assert seed_mails(NOW) == [mail for mail, _ in mails()]


@pytest.mark.parametrize("now", [NOW, *OTHER_TIMES])
def test_a_few_hundred_mails_lie_in_the_past_oldest_first(now: datetime) -> None:
    found = seed_mails(now)
    dates = [mail.date for mail in found]

    assert 300 < len(found) < 450
    assert dates == sorted(dates)
    assert dates[-1] <= now
    assert now - dates[-1] < timedelta(hours=1)
    assert dates[0] > now - timedelta(days=125)
    assert {mail.folder for mail in found} == set(FOLDERS)


@pytest.mark.parametrize("now", [NOW, *OTHER_TIMES])
def test_some_of_the_newest_are_unread_and_none_of_the_older(now: datetime) -> None:
    inbox = [mail for mail in reversed(seed_mails(now)) if mail.folder == "INBOX"]
    unread = [number for number, mail in enumerate(inbox) if "S" not in mail.flags]

    assert 6 <= len(unread) <= 12
    assert max(unread) < 30
    assert len([mail for mail in inbox if "F" in mail.flags]) == 3


def test_message_ids_are_unique_and_answers_name_mails_that_are_there() -> None:
    ids = Counter(message.headers.message_id for message in parsed())

    assert "" not in ids
    assert max(ids.values()) == 1
    answers = [message for message in parsed() if message.headers.in_reply_to]
    assert len(answers) > 200
    for message in answers:
        headers = message.headers
        assert headers.references[-1] == headers.in_reply_to
        assert set(headers.references) <= set(ids)
        assert headers.subject.startswith("Re: ")


def test_an_answer_is_newer_than_what_it_answers() -> None:
    dates = {message.headers.message_id: mail.date for mail, message in mails()}

    for mail, message in mails():
        if message.headers.in_reply_to:
            assert mail.date > dates[message.headers.in_reply_to], message.headers.subject


def test_dates_and_people_are_as_they_should_be() -> None:
    for mail, message in mails():
        assert message.headers.date == mail.date
        addresses = [message.headers.from_, *message.headers.to]
        assert all(address.email.endswith(".example") for address in addresses)
        is_own = message.headers.from_.email == "recruiter@demo.example"
        assert is_own == (mail.folder in ("Sent", "Drafts"))


def test_no_slot_of_a_template_is_left_open() -> None:
    for message in parsed():
        whole = f"{message.headers.subject}\n{message.text}"
        assert not re.search(r"\{\w+\}|\$[a-z]\w*|\[\[", whole), message.headers.subject
        assert "None" not in whole


def test_every_mail_can_be_read() -> None:
    for mail, message in mails():
        assert message.headers.subject
        assert message.text.strip() or message.html.strip() or message.attachments
        assert message.problems == [], mail.content[:400]


def test_what_is_quoted_can_be_folded() -> None:
    answers = [message for message in parsed() if message.headers.in_reply_to]

    for message in answers:
        if message.html:
            assert fold_quotes_html(message.html).count("<details") == 1
        elif "wrote:" in message.text:
            assert split_quoted_text(message.text)[1]


def test_texts_are_not_repeated_word_by_word() -> None:
    first_lines = Counter(message.text.partition("\n\n-- ")[0][:400] for message in parsed() if message.text)

    assert max(first_lines.values()) == 1


def test_there_is_some_of_everything() -> None:
    texts = "\n".join(message.headers.subject + message.text for message in parsed())
    names = [part.filename for message in parsed() for part in message.attachments]

    for script in ("\u3042-\u3093", "\u0600-\u06ff", "\u0400-\u04ff", "\u0370-\u03ff", "\u4e00-\u9fff", "äöüß", "🥐"):
        assert re.search(f"[{script}]", texts)
    for ending in ("pdf", "png", "docx", "txt", "csv", "ics"):
        assert any(name.endswith(f".{ending}") for name in names), ending
    assert any(len(message.headers.subject) > 150 for message in parsed())
    assert any(message.headers.list_id.startswith("Recruiters") for message in parsed())
    assert any('dir="rtl"' in message.html for message in parsed())
    assert any("cid:" in message.html for message in parsed())
    assert any("<style>" in message.html and "https://img." in message.html for message in parsed())


def test_poor_mails_are_read_as_well_as_they_can_be() -> None:
    subjects = {message.headers.subject: message for message in parsed()}

    undeclared = subjects["Bestätigung für Herrn Oberholzer, geprüft und für gut befunden"]
    assert "Führungskräfte" in undeclared.text
    assert undeclared.headers.from_.name == "Zeugnisstelle Graubünden"


def test_attached_files_are_what_they_claim_to_be() -> None:
    starts = {"pdf": b"%PDF-1.4", "png": b"\x89PNG", "docx": b"PK", "ics": b"BEGIN:VCALENDAR"}

    for mail, message in mails():
        for part in message.attachments:
            content = part_content(mail.content, part.section)
            ending = part.filename.rpartition(".")[2]
            assert content.startswith(starts.get(ending, b"")), part.filename
            assert content


def test_the_mailbox_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "mail"

    assert seed_mailbox(folder, NOW)
    before = sorted(path.name for path in folder.rglob("*"))
    assert not seed_mailbox(folder, NOW + timedelta(days=3))

    assert sorted(path.name for path in folder.rglob("*")) == before
    lists = (folder / "dovecot-uidlist").read_text().splitlines()
    uids = [int(line.split()[0]) for line in lists[1:]]
    assert uids == list(range(1, len(uids) + 1))
    assert len(list((folder / "cur").iterdir())) == len(uids)


def test_what_an_earlier_attempt_has_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "mail.unfinished" / "cur").mkdir(parents=True)

    assert seed_mailbox(tmp_path / "mail", NOW)
    assert not (tmp_path / "mail.unfinished").exists()
