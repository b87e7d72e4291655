"""A frame that was launched: what works in it, by cookie and by token."""

from __future__ import annotations

import gzip
import re

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import OKPKey, RSAKey

from tests.servers.launches import Ats
from tests.unit.blueprints.embedding import BASE, HOST, MAIL, FramePage, post_launch, scope_of, user_of
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions import tenants


@pytest.fixture
def ats(app: Flask) -> Ats:
    return Ats("acme", HOST, BASE)


@pytest.fixture(params=[False, True], ids=["by cookie", "by token"])
def frame(request: pytest.FixtureRequest, app: Flask, ats: Ats) -> FramePage:
    """A frame that was launched, in a browser that takes its cookie and in one that refuses it."""
    return FramePage(app, ats, refuses_cookies=request.param)


# What works


def test_a_launch_makes_its_user_and_leads_to_the_page_that_it_names(app: Flask, ats: Ats) -> None:
    page = FramePage(app, ats, page="connect", theme="dark")

    user = user_of(ats)
    assert user is not None and (user.name, user.launch_email) == ("Rita Roth", "rita@acme.example")
    assert page.address.startswith("/profileSettings?tab=connect&frame=")
    assert 'data-theme="dark"' in page.get(page.address).get_data(as_text=True)


def test_a_second_launch_brings_the_user_up_to_date(app: Flask, ats: Ats) -> None:
    FramePage(app, ats)
    first = user_of(ats)

    FramePage(app, ats, name="Rita Rot", email="rr@acme.example")

    second = user_of(ats)
    assert first is not None and second is not None
    assert (second.id, second.name, second.launch_email) == (first.id, "Rita Rot", "rr@acme.example")


def test_the_cookie_is_partitioned_and_bound_to_this_host(app: Flask, ats: Ats) -> None:
    answer = post_launch(app.test_client(), ats.token(), HOST)

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-webmail-embed=") and "webmail_session" not in cookie
    for attribute in ("Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_a_page_of_the_frame_may_stand_at_the_tenants_origins_only(frame: FramePage) -> None:
    page = frame.get(frame.address)

    text = page.get_data(as_text=True)
    assert page.status_code == 200 and f"frame-ancestors {HOST}" in page.headers["Content-Security-Policy"]
    assert f'data-host="{HOST}"' in text and 'id="profile-menu"' not in text
    assert "*" not in page.headers["Content-Security-Policy"]


def test_mail_and_the_editor_stand_in_frames_within_that_page(frame: FramePage, ats: Ats) -> None:
    account = add_mailbox(scope_of(ats))
    message = receive(account, MAIL)[0]

    text = frame.get(f"/conversations/{conversation_of(message).uuid}?frame={frame.name}").get_data(as_text=True)
    source = re.search(r'<iframe class="message-frame" src="([^"]+)"', text)
    assert source is not None
    preview = f"/signatures/{account.uuid}/preview?frame={frame.name}"
    for address in (source[1].replace("&amp;", "&"), f"/editor?frame={frame.name}", preview):
        inner = frame.get(address)
        assert inner.status_code == 200
        assert f"frame-ancestors 'self' {HOST}" in inner.headers["Content-Security-Policy"]


def test_every_address_that_the_page_leads_to_names_its_session(frame: FramePage) -> None:
    text = frame.get(frame.address).get_data(as_text=True)

    addresses = re.findall(r'(?:href|action|hx-get|hx-sse:connect)="(/[^"#]*)"', text)
    named = [each for each in addresses if not each.startswith(("/static/", "/assets/"))]
    assert len(named) > 5 and [each for each in named if "frame=" not in each] == []


def test_a_change_goes_through_with_the_token_of_the_session(frame: FramePage) -> None:
    assert frame.submit("/embed/theme", {"theme": "dark"}).status_code == 204

    assert 'data-theme="dark"' in frame.get(frame.address).get_data(as_text=True)


def test_what_a_redirect_says_is_shown_after_it(frame: FramePage, ats: Ats) -> None:
    add_mailbox(scope_of(ats))
    draft = frame.get(f"/compose?frame={frame.name}").location

    answer = frame.submit(draft.partition("?")[0] + "/discard")

    assert answer.status_code == 303 and "frame=" in answer.location
    assert "Draft discarded." in frame.get(answer.location).get_data(as_text=True)


def test_a_session_is_renewed_while_its_page_is_open(frame: FramePage) -> None:
    answer = frame.submit("/embed/renew")

    assert answer.status_code == 200
    frame.name = answer.get_json()["frame"]
    assert frame.ask("/embed/state").status_code == 200


def test_the_host_is_told_of_unread_mail_and_mailboxes(frame: FramePage, ats: Ats) -> None:
    account = add_mailbox(scope_of(ats), "rita@acme.example")
    receive(account, MAIL, unread=True)

    state = frame.ask("/embed/state").get_json()

    assert state["unread"] == 1 and state["sent"] == []
    assert state["accounts"] == [{"id": str(account.uuid), "email": "rita@acme.example", "status": "connected"}]


def test_times_are_those_of_the_browser_although_no_cookie_can_tell(frame: FramePage, ats: Ats) -> None:
    account = add_mailbox(scope_of(ats))
    receive(account, MAIL)

    assert "11:00" in frame.get(f"/inbox?frame={frame.name}").get_data(as_text=True)


def test_times_are_written_as_the_launch_says_until_another_does(app: Flask, ats: Ats) -> None:
    FramePage(app, ats, locale="en_us")
    receive(add_mailbox(scope_of(ats)), MAIL)

    for claims, words in (
        ({}, "11:00 AM"),
        ({"locale": "en-GB"}, "Mon 5 January 2026, 11:00"),
        ({"locale": "de-CH"}, "Mo 5. Januar 2026, 11:00"),
        ({}, "Posteingang"),
    ):
        page = FramePage(app, ats, **claims)
        assert words in page.get(page.address).get_data(as_text=True)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_public_key_signs_as_well_as_a_secret(app: Flask, ats: Ats) -> None:
    for algorithm, key in (("EdDSA", OKPKey.generate_key("Ed25519")), ("RS256", RSAKey.generate_key(2048))):
        kid, secret = tenants.add_key("acme", algorithm, public_key=key.as_pem(private=False).decode())
        token = jwt.encode({"alg": algorithm, "kid": kid}, ats.claims(), key, algorithms=[algorithm])

        assert secret == "" and post_launch(app.test_client(), token, HOST).status_code == 303


def test_the_hosts_script_may_be_pinned_and_is_not_kept_for_long(app: Flask) -> None:
    with app.test_client().get("/static/embed.js") as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert len(gzip.compress(answer.get_data(), 9)) < 3 * 1024


def test_logout_ends_the_session_for_each_of_its_pages(frame: FramePage) -> None:
    user = frame.ask("/session").get_json()["user"]

    assert frame.submit("/embed/logout").status_code == 204

    answer = frame.ask("/inbox")
    assert (answer.status_code, answer.headers["X-Webmail-Frame"]) == (401, "ended")
    page = frame.get(frame.address)
    assert page.status_code == 401 and "Your session has ended" in page.get_data(as_text=True)
    assert f"frame-ancestors {HOST}" in page.headers["Content-Security-Policy"] and user not in page.get_data(True)
