"""What colleagues see of one another's mail: in the pane of a contact, by the sharing rule, and never a leak."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.servers.launches import Ats
from tests.unit.blueprints.embedding import BASE, HOST, FramePage, scope_of
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions import sharing
from webmail.errors import InputRefused
from webmail.store import cache
from webmail.store.models import Account, Attachment, AuditEntry, Contact, ContactAddress, Conversation, Message, Tenant
from webmail.store.search_index import index_messages
from webmail.store.session import reading, transaction

BEN = "ben@acme.example"


def mail(sender: str, to: str = BEN, *, subject: str, more: str = "", answers: str = "", text: str = "Hello") -> bytes:
    """A mail; each has its own Message-ID, `<subject>@x.example`."""
    names = f"In-Reply-To: <{answers}@x.example>\r\n" if answers else ""
    head = f"From: {sender}\r\nTo: {to}\r\n{more}{names}Subject: {subject}\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n"
    return f"{head}Message-ID: <{subject.replace(' ', '-')}@x.example>\r\n\r\n{text}\r\n".encode()


PDF = (
    b"From: cara@home.example\r\nTo: ben@acme.example\r\nSubject: cv\r\nMessage-ID: <cv@x.example>\r\n"
    b"Date: Mon, 5 Jan 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nMy CV\r\n--b\r\nContent-Type: application/pdf\r\n"
    b"Content-Disposition: attachment; filename=cv.pdf\r\n\r\npdf\r\n--b--\r\n"
)


def add_contact(tenant_id: int, external_id: str | None, *addresses: str, **columns: Any) -> Contact:
    with transaction() as s:
        contact = Contact(
            tenant_id=tenant_id, external_id=external_id, name=external_id or "", addresses=list(addresses)
        )
        for name, value in columns.items():
            setattr(contact, name, value)
        s.add(contact)
        s.flush()
        s.add_all(ContactAddress(tenant_id=tenant_id, address=each, contact_id=contact.id) for each in addresses)
        return contact


class Office:
    """Rita, who looks, and her colleague Ben, whose mailbox it is."""

    def __init__(self, app: Flask) -> None:
        self.ats = Ats("acme", HOST, BASE)
        self.app = app
        FramePage(app, self.ats)
        FramePage(app, self.ats, sub="ben", name="Ben Berg", email=BEN)
        self.rita, self.ben = scope_of(self.ats), scope_of(self.ats, "ben")
        self.mailbox = add_mailbox(self.ben, BEN)
        self.cara = add_contact(self.ben.tenant_id, "cara", "cara@home.example")

    def take_in(self, *mails: bytes, role: str = "inbox", **columns: Any) -> list[Message]:
        stored = receive(self.mailbox, *mails, role=role, **columns)
        with transaction() as s:
            index_messages(s, [message.id for message in stored])
        return stored

    def share(self, rule: str) -> None:
        sharing.share_account(self.ben, self.mailbox.uuid, rule)

    def pane(self, contact: str = "cara") -> tuple[FramePage, str]:
        page = FramePage(self.app, self.ats, contact=contact)
        return page, page.get(page.address).get_data(as_text=True)

    def address(self, message: Message, rest: str = "", contact: Contact | None = None) -> str:
        return f"/contacts/{(contact or self.cara).uuid}/shared/{conversation_of(message).uuid}{rest}"


@pytest.fixture
def office(app: Flask) -> Office:
    return Office(app)


def test_a_mailbox_shares_nothing_until_somebody_says_so(office: Office) -> None:
    message = office.take_in(mail("cara@home.example", subject="an offer"))[0]

    page, text = office.pane()

    assert "an offer" not in text
    assert page.get(f"{office.address(message)}?frame={page.name}").status_code == 404


def test_a_shared_mailbox_shows_in_the_pane_whose_it_is(office: Office) -> None:
    message = office.take_in(mail("cara@home.example", subject="an offer", text="the words"), unread=True)[0]
    office.take_in(mail("someone@else.example", subject="with nobody"))
    office.share("all")

    page, text = office.pane()
    link = re.search(r'href="(/contacts/[^"]+/shared/[^"]+)"', text)
    assert link is not None and "Ben Berg" in text and "an offer" in text and "with nobody" not in text
    assert 'class="conversation-row is-unread"' not in text
    opened = page.get(link[1].replace("&amp;", "&")).get_data(as_text=True)

    assert "Ben Berg" in opened and BEN in opened and 'name="mode"' not in opened
    for verb in ("archive", "delete", "star", "unread", "share", "read"):
        assert f"/conversations/{conversation_of(message).uuid}/{verb}" not in opened
    assert "/compose?to=cara" in opened
    body = page.get(f"{office.address(message)}/messages/{message.uuid}/body?frame={page.name}")
    assert body.status_code == 200 and "the words" in body.get_data(as_text=True)
    assert conversation_of(message).unread_count == 1


def test_the_timeline_has_ones_own_and_the_others_newest_first(office: Office) -> None:
    office.take_in(mail("cara@home.example", subject="theirs").replace(b"5 Jan", b"6 Jan"))
    own = add_mailbox(office.rita, "rita@acme.example")
    mails = [mail("cara@home.example", "rita@acme.example", subject=each) for each in ("first own", "last own")]
    stored = receive(own, mails[0], mails[1].replace(b"5 Jan", b"7 Jan"))
    with transaction() as s:
        index_messages(s, [message.id for message in stored])
    office.share("contacts")

    text = office.pane()[1]

    places = [text.index(f">{each}<") for each in ("last own", "theirs", "first own")]
    assert places == sorted(places)


def test_nothing_can_be_done_to_a_colleagues_conversation(office: Office) -> None:
    message = office.take_in(mail("cara@home.example", subject="an offer"))[0]
    office.share("all")
    add_mailbox(office.rita, "rita@acme.example")
    page, _ = office.pane()
    uuid = conversation_of(message).uuid

    for verb in ("archive", "delete", "star", "unread", "read", "share", "share/undo"):
        assert page.submit(f"/conversations/{uuid}/{verb}").status_code == 404
    for address in (
        f"/conversations/{uuid}",
        f"/messages/{message.uuid}/body",
        f"/compose?mode=reply&message={message.uuid}",
    ):
        assert page.ask(address).status_code == 404


def test_a_conversation_is_shared_or_kept_private_by_itself(office: Office) -> None:
    one = office.take_in(mail("cara@home.example", subject="one"), mail("cara@home.example", subject="two"))[0]
    sharing.share_conversation(office.ben, conversation_of(one).uuid)
    text = office.pane()[1]
    assert ">one<" in text and ">two<" not in text

    office.share("all")
    sharing.keep_private(office.ben, conversation_of(one).uuid)

    text = office.pane()[1]
    assert ">one<" not in text and ">two<" in text
    with reading() as s:
        entries = list(s.scalars(select(AuditEntry).where(AuditEntry.action == "sharing_changed")))
    assert [(entry.user_id, entry.details["to"]) for entry in entries] == [
        (office.ben.user_id, "shared"),
        (office.ben.user_id, "all"),
        (office.ben.user_id, "private"),
    ]


def test_what_went_among_colleagues_stays_out_with_its_files_and_words(office: Office) -> None:
    asked = office.take_in(mail("cara@home.example", subject="asked"))[0]
    among = office.take_in(
        mail(BEN, "rita@acme.example", subject="Re: asked", answers="asked", text="we will not hire her")
    )[0]
    office.share("all")

    page, text = office.pane()
    opened = page.get(f"{office.address(asked)}?frame={page.name}").get_data(as_text=True)

    assert conversation_of(asked).id == conversation_of(among).id
    assert "asked" in text and "hire" not in text + opened and str(among.uuid) not in opened
    assert page.ask(f"{office.address(asked)}/messages/{among.uuid}/body").status_code == 404
    owner = FramePage(office.app, office.ats, sub="ben", name="Ben Berg", email=BEN)
    own = owner.get(f"/conversations/{conversation_of(asked).uuid}?frame={owner.name}").get_data(as_text=True)
    assert "1 message that went among colleagues stays private." in own


def test_an_application_of_ones_own_staff_is_in_nobodys_pane(office: Office) -> None:
    insider = add_contact(office.ben.tenant_id, "insider", "rita@home.example", "rita@acme.example")
    message = office.take_in(mail("rita@home.example", subject="I apply"))[0]
    office.share("all")

    page, text = office.pane("insider")

    assert "I apply" not in text
    assert page.ask(office.address(message, contact=insider)).status_code == 404
    owner = FramePage(office.app, office.ats, sub="ben", name="Ben Berg", email=BEN)
    own = owner.get(f"/conversations/{conversation_of(message).uuid}?frame={owner.name}").get_data(as_text=True)
    assert "Stays private: it is with one of your own people." in own


def test_further_addresses_of_a_mailbox_are_its_owners(office: Office) -> None:
    add_mailbox(office.rita, "rita@acme.example", aliases=["Rita.Private@home.example"])
    office.take_in(mail("rita.private@home.example", subject="between us"))
    add_contact(office.ben.tenant_id, "rita", "rita.private@home.example")
    office.share("all")

    assert "between us" not in office.pane("rita")[1]


def test_own_domains_count_as_colleagues(office: Office) -> None:
    with transaction() as s:
        s.execute(update(Tenant).where(Tenant.id == office.ben.tenant_id).values(own_domains=["home.example"]))
    office.take_in(mail("cara@home.example", subject="an offer"))
    office.share("all")

    assert "an offer" not in office.pane()[1]


def test_mail_with_contacts_leaves_out_what_the_others_wrote_to_one_another(office: Office) -> None:
    office.take_in(mail("cara@home.example", subject="asked"))
    office.take_in(mail("boss@client.example", subject="Re: asked", answers="asked", text="our client says"))
    office.share("contacts")

    text = office.pane()[1]

    assert ">asked<" in text and "client" not in text
    office.share("all")
    assert "our client says" in office.pane()[1]


def test_only_the_contact_of_the_pane_opens_a_conversation(office: Office) -> None:
    other = add_contact(office.ben.tenant_id, "dan", "dan@home.example")
    message = office.take_in(mail("cara@home.example", subject="an offer"))[0]
    office.share("all")
    page, _ = office.pane()

    assert page.ask(office.address(message)).status_code == 200
    assert page.ask(office.address(message, contact=other)).status_code == 404
    assert page.ask(f"/contacts/{uuid4()}/shared/{conversation_of(message).uuid}").status_code == 404


def test_files_follow_the_same_rule(office: Office) -> None:
    message = office.take_in(PDF)[0]
    page, _ = office.pane()
    with reading() as s:
        file = s.scalars(select(Attachment).where(Attachment.message_id == message.id)).one()
    cache.write(office.mailbox.uuid, file.uuid, b"pdf")
    address = office.address(message, f"/attachments/{file.uuid}")
    assert page.ask(address).status_code == 404

    office.share("contacts")

    with page.ask(address) as answer:
        assert (answer.status_code, answer.get_data()) == (200, b"pdf")
        assert "attachment" in answer.headers["Content-Disposition"]
    assert page.ask(f"/messages/attachments/{file.uuid}").status_code == 404


def test_what_lies_in_the_trash_or_waits_to_go_out_is_not_shown(office: Office) -> None:
    office.take_in(mail("cara@home.example", subject="thrown away"), role="trash")
    office.share("all")

    assert "thrown away" not in office.pane()[1]


def test_another_tenant_sees_none_of_it(office: Office) -> None:
    message = office.take_in(mail("cara@home.example", subject="an offer"))[0]
    office.share("all")
    globex = Ats("globex", "https://ats.globex.example", BASE)
    page = FramePage(office.app, globex)
    theirs = add_contact(scope_of(globex).tenant_id, "cara", "cara@home.example")

    assert page.ask(office.address(message)).status_code == 404
    assert page.ask(office.address(message, contact=theirs)).status_code == 404
    pane = FramePage(office.app, globex, contact="cara")
    assert "an offer" not in pane.get(pane.address).get_data(as_text=True)


def test_the_owner_shares_from_the_conversation_with_and_without_htmx(office: Office) -> None:
    message = office.take_in(mail("cara@home.example", subject="an offer"))[0]
    uuid = conversation_of(message).uuid
    owner = FramePage(office.app, office.ats, sub="ben", name="Ben Berg", email=BEN)
    assert "Share with colleagues" in owner.get(f"/conversations/{uuid}?frame={owner.name}").get_data(as_text=True)

    plain = owner.submit(f"/conversations/{uuid}/share")
    by_htmx = owner.ask(
        f"/conversations/{uuid}/share/undo",
        "POST",
        **{"X-CSRFToken": owner.csrf, "HX-Request": "true", "HX-Request-Type": "partial"},
    )

    assert plain.status_code == 303 and plain.location.startswith(f"/conversations/{uuid}")
    assert "Share with colleagues" in by_htmx.get_data(as_text=True) and "hx-swap-oob" in by_htmx.get_data(as_text=True)
    with reading() as s:
        conversation = s.scalars(select(Conversation).where(Conversation.uuid == uuid)).one()
    assert conversation.sharing == ""


def test_an_unknown_rule_changes_nothing(office: Office) -> None:
    with pytest.raises(InputRefused):
        office.share("everything")
    with reading() as s:
        account = s.get(Account, office.mailbox.id)
    assert account is not None and account.sharing == "nothing"


def test_conversations_that_become_one_stay_private(office: Office) -> None:
    first, last = office.take_in(
        mail("cara@home.example", subject="first"), mail("cara@home.example", subject="last", answers="between")
    )
    sharing.share_conversation(office.ben, conversation_of(first).uuid)

    joining = mail(BEN, "cara@home.example", subject="between", answers="first")
    office.take_in(joining)

    assert conversation_of(first).id == conversation_of(last).id
    assert conversation_of(first).sharing == "" and "first" not in office.pane()[1]


def test_a_contact_whom_only_this_product_knows_has_a_pane_of_the_same_kind(office: Office) -> None:
    dan = add_contact(office.ben.tenant_id, None, "dan@home.example", name="Dan")
    message = office.take_in(mail("dan@home.example", subject="from dan"))[0]
    office.share("all")
    page, _ = office.pane()

    contact = page.ask(f"/contacts/{dan.uuid}").get_data(as_text=True)
    assert f"contact={dan.uuid}" in contact
    assert "from dan" in page.ask(f"/inbox?contact={dan.uuid}").get_data(as_text=True)
    opened = page.ask(office.address(message, contact=dan)).get_data(as_text=True)
    assert "Ben Berg" in opened and f"contact={dan.uuid}" in opened
