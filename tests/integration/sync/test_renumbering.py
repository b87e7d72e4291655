"""A folder whose UIDVALIDITY changes is read again without doubles and without losing what was done here."""

from __future__ import annotations

import pytest

from tests.integration.sync.conftest import ids_there, sync
from tests.mails import build_mail, build_mailbox
from tests.servers.dovecot import Dovecot
from webmail.actions import mail
from webmail.actions.attachments import open_attachment
from webmail.errors import NotFound
from webmail.store.conversations import list_page
from webmail.store.session import reading

pytestmark = pytest.mark.integration


def test_nothing_shows_twice_and_what_was_read_stays_read(dovecot: Dovecot, make_account, rows, user, run_jobs) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(160))
    account = make_account(mailbox)
    sync(account)
    run_jobs()
    before = {message.uuid for message in rows(account).messages}
    for conversation in rows(account).conversations[:10]:
        mail.mark_read(user, conversation.uuid)
    unread = sum(message.is_unread for message in rows(account).messages)
    dovecot.renumber(mailbox)
    ids_there(dovecot, mailbox)  # numbers what is there before the next one comes
    dovecot.deliver(mailbox.email, build_mail("meanwhile"))

    sync(account)
    with reading() as s:
        assert len(list_page(s, user, "inbox", limit=500).rows) == 41
    run_jobs()

    assert rows(account).message_ids() == ids_there(dovecot, mailbox)
    assert before < {message.uuid for message in rows(account).messages}
    assert sum(message.is_unread for message in rows(account).messages) == unread + 1
    assert all(placement.uid > 0 for placement in rows(account).placements())
    assert rows(account).account.is_backfilled is True


@pytest.mark.parametrize("count", [3, 120])
def test_what_is_gone_after_renumbering_is_dropped(dovecot: Dovecot, make_account, rows, run_jobs, count: int) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(count))
    account = make_account(mailbox)
    sync(account)
    run_jobs()
    with dovecot.open(mailbox) as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search("ALL")[:2])
        client.expunge()
    dovecot.renumber(mailbox)

    sync(account)
    run_jobs()

    assert rows(account).message_ids() == ids_there(dovecot, mailbox)


@pytest.mark.parametrize("which", ["newest", "oldest"])
def test_an_archive_that_waits_is_carried_out_after_renumbering(
    dovecot: Dovecot, make_account, rows, user, run_jobs, which: str
) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", build_mailbox(400))
    account = make_account(mailbox)
    sync(account)
    run_jobs()
    target = max(rows(account).conversations, key=lambda each: each.last_at)
    if which == "oldest":
        target = min(rows(account).conversations, key=lambda each: each.last_at)
    dovecot.renumber(mailbox)

    mail.archive(user, target.uuid)
    run_jobs()

    assert len(ids_there(dovecot, mailbox, "Archive")) == target.message_count
    assert len(ids_there(dovecot, mailbox)) == 400 - target.message_count
    assert rows(account).message_ids() == ids_there(dovecot, mailbox)


def test_an_attachment_is_not_fetched_by_a_number_that_means_another_mail(
    dovecot: Dovecot, make_account, rows, user, run_jobs
) -> None:
    mailbox = dovecot.account()
    dovecot.deliver(mailbox.email, with_attachment("mine"))
    account = make_account(mailbox)
    sync(account)
    run_jobs()
    attachment = rows(account).attachments[0]
    assert open_attachment(user, attachment.uuid).content == b"content of mine"

    dovecot.renumber(mailbox)
    rows(account).forget_cache()

    with pytest.raises(NotFound):
        open_attachment(user, attachment.uuid)
    sync(account)
    run_jobs()
    assert open_attachment(user, attachment.uuid).content == b"content of mine"


def with_attachment(name: str) -> bytes:
    return build_mail(
        name,
        extra='MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n',
        body=(
            "--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--b\r\nContent-Type: application/pdf\r\n"
            f'Content-Disposition: attachment; filename="{name}.pdf"\r\n\r\ncontent of {name}\r\n--b--'
        ),
    )
