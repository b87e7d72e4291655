"""What somebody tries who has a browser, a session of their own, or a link: each attempt is refused.

Rita is attacked. Ben is her colleague, Gil works for another tenant, Eve has no session. Attacks on launches and on the
API have tables of their own (`test_embed_launches.py`, `test_api_attacks.py`); docs/security.md lists all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from itsdangerous import URLSafeSerializer
from werkzeug.test import TestResponse

from tests.conftest import USER_PASSWORD
from tests.servers.launches import Ats
from tests.unit.blueprints.conftest import load_user
from tests.unit.blueprints.embedding import BASE, HOST, WITHIN, FramePage, post_launch, scope_of
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from tests.unit.blueprints.test_shared import PDF, add_contact
from webmail.actions import mailings
from webmail.blueprints import _signed
from webmail.store.models import Attachment, Contact, Conversation, Mailing, Submission
from webmail.store.scope import Scope
from webmail.store.session import reading

MARKUP = '"><img src=x onerror=alert(1)>'
SECRET = PDF.replace(b"My CV", b"secret-word").replace(b"Subject: cv", b"Subject: secret-word")


class World:
    """Rita with all that there is to be had of her, and those who want it."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch, alone: Scope) -> None:
        self.app, self.monkeypatch, self.alone = app, monkeypatch, alone
        self.acme = Ats("acme", HOST, BASE)
        self.globex = Ats("globex", "https://ats.globex.example", BASE)
        self.rita = FramePage(app, self.acme)
        self.ben = FramePage(app, self.acme, sub="ben", email="ben@acme.example", refuses_cookies=True)
        self.gil = FramePage(app, self.globex, sub="gil", email="gil@globex.example", refuses_cookies=True)
        self.eve: Any = app.test_client()
        scope = scope_of(self.acme)
        account = add_mailbox(scope)
        [message] = receive(account, SECRET, unread=True)
        contact = add_contact(scope.tenant_id, "cara", "cara@home.example", name="secret-word")
        draft = self.rita.get(f"/compose?frame={self.rita.name}").location.partition("?")[0].rpartition("/")[2]
        with reading() as s:
            attachment = s.query(Attachment).filter_by(message_id=message.id).one()
        self.user = load_user(scope).uuid
        self.attachment = attachment.uuid
        self.places = {
            "account": account.uuid,
            "attachment": attachment.uuid,
            "contact": contact.uuid,
            "conversation": conversation_of(message).uuid,
            "draft": draft,
            "mailing": mailings.create_mailing(scope),
            "message": message.uuid,
        }
        self.before = self.state()

    def state(self) -> tuple[object, ...]:
        """Give what no attack may change."""
        with reading() as s:
            drafts = s.query(Submission.state, Submission.revision).all()
            found = s.query(Conversation).filter_by(uuid=self.places["conversation"]).one()
            people = s.query(Contact).count(), s.query(Mailing).count()
            kept = (found.in_inbox, found.unread_count, found.sharing)
        inbox = self.rita.ask("/embed/state")
        theme = 'data-theme="dark"' in self.rita.get(self.rita.address).get_data(as_text=True)
        return (inbox.status_code, inbox.get_json(), kept, people, [tuple(each) for each in drafts], theme)

    def by(self, who: FramePage, path: str, method: str = "GET") -> TestResponse:
        """Have somebody ask for something of Rita's, with their own session and their own token."""
        address = path.format(**self.places)
        return who.ask(address) if method == "GET" else who.submit(address)

    def without_session(self, path: str, **headers: str) -> TestResponse:
        answer = self.eve.get(path.format(**self.places), base_url="https://mail.example", headers=WITHIN | headers)
        assert isinstance(answer, TestResponse)
        return answer

    def later(self, seconds: int) -> None:
        now = time.time()
        self.monkeypatch.setattr(time, "time", lambda: now + seconds)


Attack = tuple[Callable[[World], TestResponse], int]


def made_up_cookie(world: World) -> TestResponse:
    forged = URLSafeSerializer("another key", salt="frame-cookie").dumps(UUID(world.rita.name).hex)
    world.eve.set_cookie("__Host-webmail-embed", forged, domain="mail.example", secure=True)
    return world.without_session(f"/inbox?frame={world.rita.name}")


def old_token(world: World) -> TestResponse:
    world.later(700)
    answer = world.ben.ask("/inbox")
    world.monkeypatch.undo()
    return answer


def old_entry(world: World) -> TestResponse:
    entry = post_launch(world.app.test_client(), world.acme.token(), HOST).location
    world.later(90)
    answer = world.without_session(entry)
    world.monkeypatch.undo()
    return answer


def session_after_logout(world: World) -> TestResponse:
    assert world.ben.submit("/embed/logout").status_code == 204
    return world.ben.ask("/inbox")


def copied_cookie_after_sign_out(world: World) -> TestResponse:
    owner: Any = world.app.test_client()
    owner.submit("/login", {"email": load_user(world.alone).email, "password": USER_PASSWORD})
    world.eve.set_cookie("webmail_session", owner.get_cookie("webmail_session").value)
    assert world.eve.get("/session").status_code == 200
    owner.submit("/logout")
    answer = world.eve.get("/inbox")
    assert answer.location.startswith("/login")
    return answer


def name_of_rita_with_own_cookie(world: World, ats: Ats) -> TestResponse:
    own = FramePage(world.app, ats, sub="eve", email="eve@acme.example")
    own.name = world.rita.name
    return own.ask("/inbox")


def form_of_another_site(world: World) -> TestResponse:
    address = f"/conversations/{world.places['conversation']}/archive?frame={world.rita.name}"
    return world.rita.ask(address, "POST", Origin="https://evil.example", Referer="https://evil.example/")


def with_token_of(world: World, who: FramePage) -> TestResponse:
    return world.rita.ask("/embed/theme", "POST", {"theme": "dark"}, **{"X-CSRFToken": who.csrf})


def picture(world: World, **claims: Any) -> TestResponse:
    parts = {"attachment": world.attachment.hex, "user": world.user.hex, "end": int(time.time()) + 60} | claims
    key = claims.pop("key", "another key")
    token = URLSafeSerializer(key, salt="message-part").dumps([parts["attachment"], parts["user"], parts["end"]])
    return world.without_session(f"/messages/parts/{token}")


def picture_of_another(world: World) -> TestResponse:
    ben = load_user(scope_of(world.acme, "ben")).uuid
    with world.app.test_request_context():
        token = _signed.part_token(world.attachment, ben)
    return world.without_session(f"/messages/parts/{token}")


def picture_too_late(world: World) -> TestResponse:
    with world.app.test_request_context():
        token = _signed.part_token(world.attachment, world.user)
    world.later(3 * _signed.PART_SECONDS)
    answer = world.without_session(f"/messages/parts/{token}")
    world.monkeypatch.undo()
    return answer


def launched_as_markup(world: World, **claims: str) -> TestResponse:
    page = FramePage(world.app, world.acme, sub="ben", refuses_cookies=True, **claims)
    return page.get(page.address)


def popup(world: World, **headers: str) -> TestResponse:
    answer = world.eve.post("/oauth/popup", data={"ticket": "x"}, base_url="https://mail.example", headers=headers)
    assert isinstance(answer, TestResponse)
    return answer


SESSION: dict[str, Attack] = {
    "the public name of a session, without its cookie": (
        lambda w: w.without_session(f"/inbox?frame={w.rita.name}"),
        401,
    ),
    "its event stream, without its cookie": (lambda w: w.without_session(f"/events?frame={w.rita.name}"), 401),
    "its state, without its cookie": (lambda w: w.without_session(f"/embed/state?frame={w.rita.name}"), 401),
    "its token for changes, without its cookie": (lambda w: w.without_session(f"/session?frame={w.rita.name}"), 401),
    "a name that was guessed": (lambda w: w.without_session(f"/inbox?frame={uuid4()}"), 401),
    "a cookie signed by another key": (made_up_cookie, 401),
    "a token of which a letter was changed": (lambda w: w.without_session(f"/inbox?frame={w.ben.name[:-2]}AA"), 401),
    "a token that is eleven minutes old": (old_token, 401),
    "an entry that is a minute and a half old": (old_entry, 404),
    "an entry that was guessed": (lambda w: w.without_session(f"/embed/enter?entry={uuid4()}"), 404),
    "a session after its logout": (session_after_logout, 401),
    "a cookie copied before Sign out": (copied_cookie_after_sign_out, 303),
    "a colleague's session by one's own cookie": (lambda w: name_of_rita_with_own_cookie(w, w.acme), 409),
    "a session of another tenant by one's own cookie": (lambda w: name_of_rita_with_own_cookie(w, w.globex), 409),
    "the frame's cookie in a tab of its own": (
        lambda w: w.rita.client.get(
            "/inbox", base_url="https://mail.example", headers={"Sec-Fetch-Dest": "document", "Cookie": ""}
        ),
        303,
    ),
    "a form of another site, with the cookie": (form_of_another_site, 400),
    "a change with a colleague's token": (lambda w: with_token_of(w, w.ben), 400),
    "a change with a token of another tenant": (lambda w: with_token_of(w, w.gil), 400),
    "a change without a token": (lambda w: w.rita.ask("/embed/theme", "POST", {"theme": "dark"}), 400),
    "a change by a link": (lambda w: w.by(w.rita, "/conversations/{conversation}/archive"), 405),
    "a logout by a link": (lambda w: w.rita.get(f"/embed/logout?frame={w.rita.name}"), 405),
    "a launch of one's own in somebody's whole window": (
        lambda w: post_launch(w.app.test_client(), w.globex.token(), w.globex.origin, **{"Sec-Fetch-Dest": "document"}),
        403,
    ),
    "a sign-in's ticket from another site": (lambda w: popup(w, Origin="https://evil.example"), 400),
    "a sign-in's ticket from a site that hides its name": (lambda w: popup(w, Origin="null"), 400),
    "a sign-in's ticket that was guessed": (lambda w: popup(w, Origin=BASE), 400),
}
PLACES: dict[str, tuple[str, str]] = {
    "a conversation": ("GET", "/conversations/{conversation}"),
    "archiving a conversation": ("POST", "/conversations/{conversation}/archive"),
    "deleting a conversation": ("POST", "/conversations/{conversation}/delete"),
    "marking a conversation": ("POST", "/conversations/{conversation}/unread"),
    "sharing a conversation": ("POST", "/conversations/{conversation}/share"),
    "the text of a message": ("GET", "/messages/{message}/body"),
    "fetching the text of a message": ("POST", "/messages/{message}/fetch"),
    "an attachment": ("GET", "/messages/attachments/{attachment}"),
    "a conversation that is not shared, by the pane": ("GET", "/contacts/{contact}/shared/{conversation}"),
    "a text that is not shared, by the pane": (
        "GET",
        "/contacts/{contact}/shared/{conversation}/messages/{message}/body",
    ),
    "an attachment that is not shared, by the pane": (
        "GET",
        "/contacts/{contact}/shared/{conversation}/attachments/{attachment}",
    ),
    "a draft": ("GET", "/compose/{draft}"),
    "sending a draft": ("POST", "/compose/{draft}/send"),
    "discarding a draft": ("POST", "/compose/{draft}/discard"),
    "the settings of a mailbox": ("GET", "/accounts/{account}/edit"),
    "syncing a mailbox": ("POST", "/accounts/{account}/sync"),
    "the sharing of a mailbox": ("GET", "/accounts/{account}/sharing"),
    "the signature of a mailbox": ("GET", "/signatures/{account}/preview"),
    "a mailing": ("GET", "/mailings/{mailing}"),
    "starting a mailing": ("POST", "/mailings/{mailing}/start"),
    "deleting a mailing": ("POST", "/mailings/{mailing}/delete"),
}


def place(who: str, path: str, method: str) -> Callable[[World], TestResponse]:
    return lambda world: world.by(getattr(world, who), path, method)


TENANTS: dict[str, Attack] = {
    f"{name}, of {whose}": (place(who, path, method), 404)
    for name, (method, path) in PLACES.items()
    for who, whose in (("ben", "a colleague"), ("gil", "another tenant"))
} | {
    "a contact of another tenant": (lambda w: w.by(w.gil, "/contacts/{contact}"), 404),
    "deleting a contact of another tenant": (lambda w: w.by(w.gil, "/contacts/{contact}/delete", "POST"), 404),
    "the pane of another tenant's contact": (lambda w: w.gil.ask("/embed/contact/cara"), 404),
    "searching for another tenant's mail": (lambda w: w.gil.ask("/inbox?q=secret-word"), 200),
    "searching for a colleague's mail": (lambda w: w.ben.ask("/inbox?q=from:cara"), 200),
    "a picture's address signed by another key": (picture, 404),
    "a picture's address for a user who may not see it": (picture_of_another, 404),
    "a picture's address that is too old": (picture_too_late, 404),
}
WORDS: dict[str, Attack] = {
    "a page that leads elsewhere": (
        lambda w: w.without_session(
            post_launch(w.app.test_client(), w.acme.token(sub="ben"), HOST).location + "&page=//evil.example"
        ),
        303,
    ),
    "a contact's id that is a path": (lambda w: w.ben.ask("/embed/contact/..%2f..%2fetc%2fpasswd"), 404),
    "a contact's id that is markup": (lambda w: launched_as_markup(w, contact=MARKUP), 404),
    "a user's name that is markup": (lambda w: launched_as_markup(w, name=MARKUP, page="connect"), 200),
    "an address that is markup": (lambda w: launched_as_markup(w, email="<script>alert(1)</script>@x.example"), 200),
    "a search that is markup": (lambda w: w.ben.get(f"/inbox?q=%22%3E%3Cscript%3Ealert(1)&frame={w.ben.name}"), 200),
    "a conversation's id that is SQL": (lambda w: w.ben.ask("/conversations/' OR 1=1 --"), 404),
    "a line break in an address": (lambda w: w.ben.ask("/embed/contact/x%0d%0aSet-Cookie:%20a=b"), 404),
    "a sign-in that leads elsewhere": (
        lambda w: w.app.test_client().submit(
            "/login?next=//evil.example", {"email": load_user(w.alone).email, "password": USER_PASSWORD}
        ),
        303,
    ),
}
ATTACKS = SESSION | TENANTS | WORDS
"""What is tried, and the status that it gets."""


@pytest.fixture
def world(app: Flask, monkeypatch: pytest.MonkeyPatch, user: Scope) -> World:
    return World(app, monkeypatch, user)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(world: World, name: str) -> None:
    attack, status = ATTACKS[name]

    answer = attack(world)

    text = answer.get_data(as_text=True)
    assert answer.status_code == status, text
    assert "secret-word" not in text.replace("q=secret-word", "").replace('value="secret-word"', "")
    assert "<script>alert" not in text and "<img src=x" not in text
    assert answer.headers.get("Location", "/").startswith("/") and "//" not in answer.headers.get("Location", "/")
    assert "evil" not in answer.headers.get("Content-Security-Policy", "") and "*" not in str(answer.headers)
    assert world.state() == world.before


def test_an_address_that_names_a_session_is_told_to_no_other_site(world: World) -> None:
    page = world.ben.get(world.ben.address)

    assert page.headers["Referrer-Policy"] == "same-origin" and page.headers["Cache-Control"] == "no-store"
