"""The first sync of a mailbox."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from webmail.store.models import Message
from webmail.store.session import reading
from webmail.sync.requests import enqueue_sync

pytestmark = pytest.mark.integration


def test_x(dovecot, make_account, run_jobs) -> None:
    mailbox = dovecot.account()
    dovecot.seed(mailbox, "INBOX", [b"Subject: %d\r\nMessage-ID: <%d@x>\r\n\r\nhi\r\n" % (n, n) for n in range(120)])
    account = make_account(mailbox)
    enqueue_sync(account)
    print(run_jobs())
    with reading() as s:
        assert len(list(s.scalars(select(Message.id)))) == 120
