"""Drafts in the mailbox's own folder: one copy of each, replaced, gone once it is sent or discarded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.parser import BytesParser
from typing import Any
from uuid import UUID

import pytest

from tests.integration.sending.conftest import Desk
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot
from webmail.actions import draft_copies, drafts
from webmail.store.changes import record_change
from webmail.store.folders import folder_by_role
from webmail.store.models import Account, utc_now
from webmail.store.scope import Scope
from webmail.store.session import transaction

FOREIGN = build_mail(900, subject="Written elsewhere")


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """A desk whose folders are known, with a draft of somebody else's in the folder for drafts."""
    desk.dovecot.seed(desk.mailbox, "Drafts", [FOREIGN])
    desk.sync()
    return desk


def rest(desk: Desk, uuid: UUID) -> None:
    """Let a draft rest for long enough, and the sweep and the jobs go on."""
    if desk.submission(uuid).draft_due_at is not None:
        desk.change(uuid, draft_due_at=utc_now() - timedelta(seconds=1))
    draft_copies.recover_lost()
    desk.run_jobs()


def copies(desk: Desk) -> list[str]:
    """Give the subjects of what lies in the folder for drafts, the foreign one aside."""
    found = desk.dovecot.messages(desk.mailbox, "Drafts")
    assert FOREIGN in [raw for raw, _ in found]
    ours = [(raw, flags) for raw, flags in found if raw != FOREIGN]
    assert all("\\Draft" in flags for _, flags in ours)
    return [str(BytesParser().parsebytes(raw)["Subject"]) for raw, _ in ours]


def test_a_draft_is_copied_once_it_rests_and_replaced_when_it_is_changed(desk: Desk) -> None:
    uuid = desk.write(subject="First", to="cora@candidates.example, half an addr")
    draft_copies.recover_lost()
    desk.run_jobs()
    assert copies(desk) == []

    rest(desk, uuid)
    assert copies(desk) == ["First"]
    rest(desk, uuid)
    assert copies(desk) == ["First"]

    desk.save(uuid, subject="Second", to="")
    due = desk.submission(uuid).draft_due_at
    assert due is not None
    assert due > utc_now() + timedelta(minutes=2)
    rest(desk, uuid)
    assert copies(desk) == ["Second"]
    done = [(each.kind, each.state) for each in desk.changes if each.reason == "draft"]
    assert done == [("append", "done"), ("append", "done"), ("delete", "done")]


def test_it_is_gone_once_the_mail_is_sent_or_the_draft_discarded(desk: Desk) -> None:
    sent, discarded = desk.write(subject="Sent"), desk.write(subject="Discarded")
    for uuid in (sent, discarded):
        rest(desk, uuid)
    assert copies(desk) == ["Sent", "Discarded"]

    desk.send(sent)
    drafts.discard(desk.user, discarded)
    desk.sync()

    assert copies(desk) == []
    assert desk.submission(sent).state == "sent"
    assert len(desk.sent_folder) == 1


def test_what_a_crash_left_behind_is_removed_before_the_next_copy(desk: Desk) -> None:
    uuid = desk.write(subject="Crash")
    lost = build_mail(901, subject="Crash", message_id="lost@acme.example")
    with desk.dovecot.open(desk.mailbox) as client:
        client.append("Drafts", lost, ["\\Draft"])
    with transaction() as s:
        payload = {"draft": desk.submission(uuid).id, "message_id": "lost@acme.example"}
        folder = folder_by_role(s, desk.account_id, "drafts")
        record_change(s, desk.account, kind="append", reason="draft", folder=folder, payload=payload)
    assert copies(desk) == ["Crash"]

    rest(desk, uuid)

    assert copies(desk) == ["Crash"]
    assert [each.state for each in desk.changes if each.reason == "draft"] == ["undone", "done"]


def test_a_server_that_expunges_all_or_nothing_gets_no_copies(
    simple_dovecot: Dovecot, user: Scope, make_account: Callable[..., Account], run_jobs: Any
) -> None:
    mailbox = simple_dovecot.account()
    desk = Desk(user, make_account(mailbox), mailbox, simple_dovecot, None, run_jobs)  # type: ignore[arg-type]
    simple_dovecot.seed(mailbox, "Drafts", [FOREIGN])
    desk.sync()
    uuid = desk.write(subject="Nowhere")

    rest(desk, uuid)

    assert copies(desk) == []
    assert desk.submission(uuid).draft_due_at is None
