"""Erasing a mailbox leaves nothing of it: not in any table, not in the index, not in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from tests.conftest import JobRunner
from tests.integration.connect.conftest import FormMaker, Presser
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from webmail.actions import departures, drafts, signatures
from webmail.actions.attachments import open_attachment
from webmail.actions.drafts import DraftFields
from webmail.config import Config
from webmail.store import session
from webmail.store.accounts import list_accounts
from webmail.store.models import Attachment, Message
from webmail.store.scope import Scope
from webmail.store.session import reading

pytestmark = pytest.mark.integration

MARKER = "qvxzkjwerasedmarker"
"""Of letters that no other word begins with: an index keeps only what a word does not share with the one before."""
TAIL = "rasedmarker"
FILE = "SGVsbG8gcXZ4emtqd2VyYXNlZG1hcmtlcg=="


def tables_with(word: str) -> set[str]:
    """Give the tables in which any column of any row has the word, however it is stored."""
    engine = session.engine()
    found = set()
    with engine.connect() as connection:
        for name in inspect(engine).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{name}"')):
                values = [bytes(each) if isinstance(each, bytes | memoryview) else str(each).encode() for each in row]
                if any(word.encode() in value.lower() for value in values):
                    found.add(name)
    return found


def files_with(word: str, folder: Path) -> list[str]:
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and word.encode() in path.read_bytes().lower()
    ]


def test_nothing_of_an_erased_mailbox_is_left(
    database: Config,
    form: FormMaker,
    press: Presser,
    dovecot: Dovecot,
    mailbox: Mailbox,
    user: Scope,
    run_jobs: JobRunner,
    database_kind: str,
) -> None:
    for number in range(30):
        dovecot.deliver(mailbox.email, build_mail(number, subject=f"About {MARKER} {number}", body=f"{MARKER} " * 400))
    dovecot.deliver(mailbox.email, build_mail(40, body=_with_file(), extra=_MIXED))
    press(form())
    with reading() as s:
        [account] = list_accounts(s, user)
        message = s.query(Message).order_by(Message.id.desc()).first()
        attachment = s.query(Attachment).one()
    open_attachment(user, attachment.uuid)
    signatures.save_signature(user, account.uuid, f"<p>{MARKER}</p>")
    draft = drafts.open_draft(user, mode="reply", message_uuid=message.uuid)
    typed = DraftFields(account.uuid, "a@b.example", "", "", "Re", True, "", f"{MARKER} is what they wrote")
    drafts.save_draft(user, draft, typed, revision=0)
    assert {"messages", "conversations", "submissions", "signatures"} <= tables_with(MARKER)
    assert files_with(MARKER, database.data / "cache")

    departures.disconnect(user, account.uuid, erase=True, put_back_marks=False)
    run_jobs()

    assert tables_with(MARKER) == tables_with(TAIL) == set()
    assert tables_with(mailbox.email) == set()
    assert files_with(MARKER, database.data) == files_with(TAIL, database.data) == []


_MIXED = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n'


def _with_file() -> str:
    return (
        "--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n"
        '--b\r\nContent-Type: application/pdf; name="cv.pdf"\r\nContent-Disposition: attachment; filename="cv.pdf"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{FILE}\r\n--b--"
    )
