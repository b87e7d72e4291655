"""What comes back on mails of ours, from a real server to the rows that mailings and pages read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from tests.conftest import AccountMaker
from tests.mails import build_mail
from tests.servers.dovecot import Dovecot, Mailbox
from tests.unit.domain.reports.corpus import ME, ORIGINAL_ID, entries
from webmail.actions.unsubscribe import token_of
from webmail.store.models import (
    Account,
    Mailing,
    MailingRecipient,
    MailReport,
    Message,
    Submission,
    Suppression,
    utc_now,
)
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.sync import engine

CORA, CARL = "cora@candidates.example", "carl@elsewhere.example"
DORA, EDA, FINN = (f"{name}@candidates.example" for name in ("dora", "eda", "finn"))
SOLO = "solo@candidates.example"
NAMES = (
    "delivery_status: postfix: no such user",
    "delivery_status: postfix: still trying",
    "delivery_status: postfix: the mailbox is full",
    "delivery_status: feedback: abuse, with the recipient",
    "answers: exchange: automatic reply",
)


class World:
    """A mailbox from which a mailing went to five people, and a mail to one more."""

    def __init__(self, user: Scope, account: Account, mailbox: Mailbox, dovecot: Dovecot) -> None:
        self.user, self.account, self.mailbox, self.dovecot = user, account, mailbox, dovecot
        self.ids: dict[str, str] = {}
        with transaction() as s:
            mailing = Mailing(tenant_id=user.tenant_id, user_id=user.user_id, account_id=account.id, state="sending")
            s.add(mailing)
            s.flush()
            for email in (CORA, CARL, DORA, EDA, FINN):
                recipient = MailingRecipient(
                    tenant_id=user.tenant_id,
                    mailing_id=mailing.id,
                    email=email,
                    state="sent",
                    sent_at=utc_now() - timedelta(hours=1),
                    next_step_at=utc_now() + timedelta(days=3),
                )
                s.add(recipient)
                s.flush()
                s.add(self._submission(email, mailing_id=mailing.id, recipient_id=recipient.id, step=0))
            s.add(self._submission(SOLO))

    def _submission(self, email: str, **values: Any) -> Submission:
        self.ids[email] = f"{uuid4().hex}@acme.example"
        return Submission(
            tenant_id=self.user.tenant_id,
            user_id=self.user.user_id,
            account_id=self.account.id,
            state="sent",
            message_id_header=self.ids[email],
            envelope_to=[email],
            sent_at=utc_now() - timedelta(hours=1),
            **values,
        )

    def receive(self, *mails: bytes) -> None:
        for raw in mails:
            self.dovecot.deliver(self.mailbox.email, raw)
        engine.sync_account(self.account.id)

    def from_corpus(self, name: str, about: str = CORA, message_id: str | None = None) -> bytes:
        """Give a mail of the corpus, made to be about one of these mails."""
        raw = next(each.raw for each in entries() if each.name == name)
        made_up = f"Message-ID: <{uuid4().hex}@mx.example>\r\n".encode()
        raw = raw.replace(ORIGINAL_ID.encode(), (message_id or self.ids.get(about, "none@acme.example")).encode())
        return made_up + raw.replace(CORA.encode(), about.encode()).replace(ME.encode(), self.mailbox.email.encode())

    def recipient(self, email: str = CORA) -> MailingRecipient:
        with reading() as s:
            return s.scalars(select(MailingRecipient).where(MailingRecipient.email == email)).one()

    @property
    def reports(self) -> list[MailReport]:
        with reading() as s:
            return list(s.scalars(select(MailReport).order_by(MailReport.id)))

    @property
    def suppressed(self) -> list[tuple[str, str]]:
        with reading() as s:
            return [(each.email, each.reason) for each in s.scalars(select(Suppression).order_by(Suppression.id))]

    @property
    def newest(self) -> Message:
        with reading() as s:
            return list(s.scalars(select(Message).order_by(Message.id)))[-1]


@pytest.fixture
def world(user: Scope, make_account: AccountMaker, dovecot: Dovecot) -> World:
    mailbox = dovecot.account()
    made = World(user, make_account(mailbox, smtp_host="smtp.acme.example"), mailbox, dovecot)
    made.receive()
    return made


def test_a_bounce_ends_the_follow_ups_and_suppresses_a_dead_address_once(world: World) -> None:
    raw = world.from_corpus(NAMES[0])
    world.receive(raw)

    recipient, [report] = world.recipient(), world.reports
    assert (report.kind, report.email, report.is_permanent, report.status) == ("bounce", CORA, True, "5.1.1")
    assert report.recipient_id == recipient.id
    assert report.submission_id is not None
    assert recipient.next_step_at is None
    assert "User unknown" in recipient.answer
    assert world.suppressed == [(CORA, "bounced")]
    assert world.newest.automatic == "bounce"
    assert world.recipient(CARL).next_step_at is not None

    world.receive(raw, raw, world.from_corpus(NAMES[0], about=SOLO))

    assert world.recipient().bounced_at == recipient.bounced_at
    [_, single] = world.reports
    assert (single.email, single.recipient_id) == (SOLO, None)
    assert single.submission_id is not None
    assert world.suppressed == [(CORA, "bounced"), (SOLO, "bounced")]


def test_what_is_no_dead_address_is_told_and_no_more(world: World) -> None:
    abouts = (CORA, CARL, DORA, EDA)

    world.receive(*(world.from_corpus(name, about) for name, about in zip(NAMES[1:], abouts, strict=True)))

    delayed, full, complained, away = (world.recipient(each) for each in abouts)
    assert sorted(each.kind for each in world.reports) == ["auto_reply", "bounce", "complaint", "delay"]
    assert delayed.bounced_at is None
    assert delayed.next_step_at is not None
    assert full.bounced_at is not None
    assert full.next_step_at is None
    assert complained.complained_at is not None
    assert complained.next_step_at is None
    assert away.auto_replied_at is not None
    assert away.replied_at is None
    assert away.next_step_at is not None
    assert world.suppressed == [(DORA, "complained")]


def test_an_answer_stops_the_follow_ups_and_is_no_report(world: World) -> None:
    world.receive(
        build_mail(1, sender=f"Cora <{CORA}>", answers=world.ids[CORA]),
        build_mail(2, sender=f"Carl <{CARL}>"),
        build_mail(3, sender="Assistant <assistant@candidates.example>", answers=world.ids[DORA]),
        build_mail(4, sender=f"Eda <{EDA}>", extra="List-Id: <news.example>\r\n"),
    )

    for email in (CORA, CARL, DORA):
        assert world.recipient(email).replied_at is not None, email
        assert world.recipient(email).next_step_at is None
    for email in (EDA, FINN):
        assert world.recipient(email).replied_at is None, email
    assert world.reports == []
    assert world.newest.automatic == ""


def test_a_mail_unsubscribes_by_its_token_or_by_the_one_word(world: World) -> None:
    token = token_of(world.recipient().uuid)
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    later = token_of(world.recipient(DORA).uuid)

    world.receive(build_mail(1, sender="x@evil.example", subject=f"unsubscribe {forged}"))
    assert world.suppressed == []

    world.receive(
        build_mail(2, sender="phone@candidates.example", subject=f"unsubscribe {token}", body=""),
        build_mail(3, sender=CARL, subject="Re: Job", body="Unsubscribe"),
    )

    assert sorted(world.suppressed) == [(CARL, "unsubscribed"), (CORA, "unsubscribed")]
    for email in (CORA, CARL):
        assert world.recipient(email).unsubscribed_at is not None
        assert world.recipient(email).next_step_at is None

    with transaction() as s:
        s.delete(s.scalars(select(Mailing)).one())
    world.receive(build_mail(4, sender=DORA, subject=f"unsubscribe {later}"))
    assert (DORA, "unsubscribed") in world.suppressed, "a token outlives the mailing that it came with"


def test_forged_bounces_change_nothing(world: World) -> None:
    prose = world.from_corpus("prose: qmail: no mailbox here", EDA)
    nameless = prose.replace(b"Message-ID: <" + world.ids[EDA].encode(), b"X: <")

    world.receive(
        world.from_corpus(NAMES[0], message_id="never-was@acme.example"),
        world.from_corpus(NAMES[0], about="stranger@candidates.example", message_id=world.ids[CORA]),
        world.from_corpus(NAMES[0]).replace(CORA.encode(), CARL.encode()),
        nameless.replace(b"MAILER-DAEMON@mail.acme.example", b"MAILER-DAEMON@evil.example"),
        world.from_corpus("look_alikes: a candidate writes about a bounced mail", about="other@candidates.example"),
        world.from_corpus(NAMES[3], message_id="never-was@acme.example"),
    )

    assert world.reports == []
    assert world.suppressed == []
    for email in (CORA, CARL, EDA):
        recipient = world.recipient(email)
        assert (recipient.bounced_at, recipient.complained_at, recipient.replied_at) == (None, None, None)
        assert recipient.next_step_at is not None

    world.receive(b"X-Again: 1\r\n" + nameless.replace(b"@mx.example", b"@mx2.example"))
    assert world.recipient(EDA).bounced_at is not None, "the account's own server is believed"


def test_a_bounce_among_renumbered_mail_is_seen(world: World) -> None:
    world.receive(build_mail(1))
    world.dovecot.deliver(world.mailbox.email, world.from_corpus(NAMES[0]))
    world.dovecot.renumber(world.mailbox)

    world.receive()

    assert world.recipient().bounced_at is not None


def test_nothing_comes_back_to_a_mailbox_that_never_sent(
    make_account: AccountMaker, dovecot: Dovecot, world: World
) -> None:
    mailbox = dovecot.account()
    account = make_account(mailbox)
    dovecot.deliver(mailbox.email, world.from_corpus(NAMES[0]))

    engine.sync_account(account.id)

    assert world.reports == []
    assert world.suppressed == []
