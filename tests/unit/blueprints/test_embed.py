"""Launches and the session of a frame, with a table of attacks on them: each is refused, and changes nothing."""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey, RSAKey

from tests.servers.launches import Ats, encoded
from tests.unit.blueprints.conftest import PARTIAL, CheckedClient
from tests.unit.blueprints.embedding import BASE, WITHIN, FramePage, post_launch
from tests.unit.blueprints.received import add_mailbox, conversation_of, receive
from webmail.actions import tenants
from webmail.store import frames, users
from webmail.store.models import User
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction

HOST = "https://ats.acme.example"
MAIL = b"""From: a@b.example
Subject: Hi
Date: Mon, 5 Jan 2026 10:00:00 +0000
Message-ID: <1@b>

Hello
""".replace(b"\n", b"\r\n")


@pytest.fixture
def ats(app: Flask) -> Ats:
    return Ats("acme", HOST, BASE)


def user_of(ats: Ats, external_id: str = "rita") -> User | None:
    with reading() as s:
        tenant = users.find_tenant(s, ats.slug)
        assert tenant is not None
        return frames.find_launched_user(s, tenant.id, external_id)


def scope_of(ats: Ats, external_id: str = "rita") -> Scope:
    user = user_of(ats, external_id)
    assert user is not None
    return Scope(user.tenant_id, user.id)


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
    for address in (source[1].replace("&amp;", "&"), f"/editor?frame={frame.name}"):
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


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_public_key_signs_as_well_as_a_secret(app: Flask, ats: Ats) -> None:
    for algorithm, key in (("EdDSA", OKPKey.generate_key("Ed25519")), ("RS256", RSAKey.generate_key(2048))):
        kid, secret = tenants.add_key("acme", algorithm, public_key=key.as_pem(private=False).decode())
        token = jwt.encode({"alg": algorithm, "kid": kid}, ats.claims(), key, algorithms=[algorithm])

        assert secret == "" and post_launch(app.test_client(), token, HOST).status_code == 303


def test_logout_ends_the_session_for_each_of_its_pages(frame: FramePage) -> None:
    user = frame.ask("/session").get_json()["user"]

    assert frame.submit("/embed/logout").status_code == 204

    answer = frame.ask("/inbox")
    assert (answer.status_code, answer.headers["X-Webmail-Frame"]) == (401, "ended")
    page = frame.get(frame.address)
    assert page.status_code == 401 and "Your session has ended" in page.get_data(as_text=True)
    assert f"frame-ancestors {HOST}" in page.headers["Content-Security-Policy"] and user not in page.get_data(True)


# Attacks on the launch. Each entry makes a token, or headers, that must not open a session.

OTHER_SECRET = "another secret, long enough to be taken for one"


def unsigned(ats: Ats) -> str:
    return f"{encoded({'alg': 'none', 'kid': ats.kid})}.{encoded(ats.claims())}."


def signed_by(secret: str | bytes, ats: Ats, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    algorithm = (header or {}).get("alg", "HS256")
    key = OctKey.import_key(secret)
    return jwt.encode({"alg": "HS256", **(header or {})}, ats.claims(**claims), key, algorithms=[algorithm])


def by_public_key_as_secret(ats: Ats) -> str:
    pem = RSAKey.generate_key(2048).as_pem(private=False)
    kid, _ = tenants.add_key("acme", "RS256", public_key=pem.decode())
    head, body = encoded({"alg": "HS256", "kid": kid}), encoded(ats.claims())
    digest = hmac.new(pem, f"{head}.{body}".encode(), "sha256").digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def by_key_in_header(ats: Ats) -> str:
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, ats.claims(), key, algorithms=["RS256"])


def with_changed_claims(ats: Ats) -> str:
    head, _, signature = ats.token().split(".")
    return f"{head}.{encoded(ats.claims(sub='boss'))}.{signature}"


def of_another_tenant(ats: Ats) -> str:
    other = Ats("globex", "https://ats.globex.example", BASE)
    return signed_by(other.secret, ats, {"kid": other.kid})


def by_removed_key(ats: Ats) -> str:
    token = ats.token()
    tenants.remove_key("acme", ats.kid)
    return token


UNSIGNED: dict[str, Callable[[Ats], str]] = {
    "no token at all": lambda ats: "",
    "no token but words": lambda ats: "let me in",
    "a token of a million dots": lambda ats: "." * 1_000_000,
    "a token whose claims are a list": lambda ats: f"{encoded({'alg': 'HS256'})}.{encoded({'a': 1})[:4]}.x",
    "alg none": unsigned,
    "signed by another secret": lambda ats: signed_by(OTHER_SECRET, ats),
    "signed by the empty secret": lambda ats: f"{encoded({'alg': 'HS256'})}.{encoded(ats.claims())}.",
    "the public key used as a secret": by_public_key_as_secret,
    "a stronger algorithm than the key's": lambda ats: signed_by(ats.secret, ats, {"alg": "HS512"}),
    "a key brought along in the header": by_key_in_header,
    "claims changed after signing": with_changed_claims,
    "another tenant's key": of_another_tenant,
    "a kid that names a file": lambda ats: signed_by(ats.secret, ats, {"kid": "../../../dev/null"}),
    "a kid that is SQL": lambda ats: signed_by(ats.secret, ats, {"kid": "' OR 1=1 --"}),
    "a tenant that is not there": lambda ats: signed_by(ats.secret, ats, iss="nobody"),
    "a tenant that is no text": lambda ats: signed_by(ats.secret, ats, iss=["acme"]),
    "a key that was removed": by_removed_key,
}


@pytest.mark.parametrize("attack", UNSIGNED)
def test_what_no_key_of_the_tenant_has_signed_is_refused_in_the_same_words(app: Flask, ats: Ats, attack: str) -> None:
    answer = post_launch(app.test_client(), UNSIGNED[attack](ats), HOST)

    text = answer.get_data(as_text=True)
    assert answer.status_code == 403 and "not signed by a key of the tenant" in text
    assert re.search(r"Reference [0-9a-f]{8}", text)
    # Neither the page nor its policy tells whether there is such a tenant.
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"] and "acme" not in text
    assert "Set-Cookie" not in answer.headers and user_of(ats) is None


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another installation": ({"aud": "https://mail.other.example"}, "aud is"),
    "several audiences": ({"aud": [BASE, "https://mail.other.example"]}, "aud is"),
    "no audience": ({"aud": None}, "aud is"),
    "no end": ({"exp": None}, "exp is missing"),
    "an end in words": ({"exp": "tomorrow"}, "exp is missing"),
    "an end that is true": ({"exp": True}, "exp is missing"),
    "good for a day": ({"exp": int(time.time()) + 86400}, "seconds ahead"),
    "long over": ({"exp": int(time.time()) - 3600}, "seconds ago"),
    "not yet begun": ({"nbf": int(time.time()) + 3600}, "nbf is in the future"),
    "made in the future": ({"iat": int(time.time()) + 3600}, "iat is in the future"),
    "nobody": ({"sub": None}, "sub is missing"),
    "a user that is no text": ({"sub": 7}, "sub has to be text"),
    "no jti": ({"jti": None}, "jti is missing"),
    "no name": ({"name": ""}, "name is missing"),
    "line breaks in the name": ({"name": "Rita\r\nBcc: x@evil.example"}, "name has to be text"),
    "no address": ({"email": "rita"}, "no mail address"),
    "a page elsewhere": ({"page": "//evil.example"}, "page takes"),
    "a theme that is markup": ({"theme": '"><script>'}, "theme takes"),
}


@pytest.mark.parametrize("attack", WRONG)
def test_a_signed_launch_with_a_wrong_claim_is_told_what_to_mend(app: Flask, ats: Ats, attack: str) -> None:
    claims, words = WRONG[attack]

    answer = post_launch(app.test_client(), ats.token(**claims), HOST)

    assert answer.status_code == 403 and words in answer.get_data(as_text=True)
    assert f"frame-ancestors {HOST}" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers and user_of(ats) is None


@pytest.mark.parametrize("seconds", [-9, 69])
def test_clocks_may_differ_a_little(app: Flask, ats: Ats, seconds: int) -> None:
    assert post_launch(app.test_client(), ats.token(exp=int(time.time()) + seconds), HOST).status_code == 303


def test_a_launch_is_good_once(app: Flask, ats: Ats) -> None:
    token = ats.token()
    assert post_launch(app.test_client(), token, HOST).status_code == 303

    for client in (app.test_client(), app.test_client()):
        answer = post_launch(client, token, HOST)
        assert answer.status_code == 403 and "used before" in answer.get_data(as_text=True)
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [None, "null", "", "https://evil.example", "http://ats.acme.example", "https://ats.acme.example.evil.example"],
)
def test_a_launch_from_a_page_that_is_not_on_the_list_is_refused(app: Flask, ats: Ats, origin: str | None) -> None:
    answer = post_launch(app.test_client(), ats.token(), origin)

    assert answer.status_code == 403 and "not among the tenant&#39;s origins" in answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers
    assert "evil" not in answer.headers["Content-Security-Policy"]


def test_a_launch_that_would_take_over_the_whole_window_is_refused(app: Flask, ats: Ats) -> None:
    answer = post_launch(app.test_client(), ats.token(), HOST, **{"Sec-Fetch-Dest": "document"})

    assert answer.status_code == 403 and "posted into a frame" in answer.get_data(as_text=True)


def test_a_launch_is_never_taken_from_an_address(app: Flask, ats: Ats) -> None:
    assert app.test_client().get(f"/embed/launch?token={ats.token()}", headers=WITHIN).status_code == 405


def test_an_address_is_no_proof_of_who_somebody_is(app: Flask, ats: Ats, make_user: Callable[..., Scope]) -> None:
    victims = [make_user("boss@acme.example", tenant="acme"), make_user("ceo@globex.example", tenant="globex")]

    for email in ("boss@acme.example", "ceo@globex.example"):
        page = FramePage(app, ats, sub=f"mallory-{email}", email=email)
        assert page.ask("/session").get_json()["user"] not in [str(load(each).uuid) for each in victims]

    assert [load(each).launch_email for each in victims] == ["", ""]


def load(scope: Scope) -> User:
    with reading() as s:
        return users.load_user(s, scope)


def test_the_same_external_id_of_another_tenant_is_another_user(app: Flask, ats: Ats) -> None:
    other = Ats("globex", "https://ats.globex.example", BASE)
    account = add_mailbox(scope_of_launch(app, ats))
    message = receive(account, MAIL)[0]

    page = FramePage(app, other)

    assert page.get(f"/conversations/{conversation_of(message).uuid}?frame={page.name}").status_code == 404
    assert page.ask("/embed/state").get_json()["accounts"] == []


def scope_of_launch(app: Flask, ats: Ats) -> Scope:
    FramePage(app, ats)
    return scope_of(ats)


# Attacks on the session


def test_an_entry_is_good_for_a_minute_and_is_no_guess(app: Flask, ats: Ats) -> None:
    client = app.test_client()
    for entry in ("", "x", str(uuid4()), FramePage(app, ats).name + "x"):
        assert client.get(f"/embed/enter?entry={entry}", headers=WITHIN).status_code == 404


@pytest.mark.parametrize(
    "forge", [lambda name: str(uuid4()), lambda name: name[:-2] + "xx", lambda name: "", str.upper]
)
def test_a_name_that_was_made_up_opens_nothing(app: Flask, ats: Ats, forge: Callable[[str], str]) -> None:
    page = FramePage(app, ats, refuses_cookies=True)

    answer = page.ask("/inbox", **{"X-Webmail-Frame": forge(page.name) or "-"})

    assert (answer.status_code, answer.headers["X-Webmail-Frame"]) == (401, "ended")


def test_the_public_name_of_a_session_is_worth_nothing_without_its_cookie(app: Flask, ats: Ats) -> None:
    name = FramePage(app, ats).name
    assert UUID(name)
    thief: Any = app.test_client()

    for path in ("/inbox", "/session", "/events", "/compose", "/embed/state", "/profileSettings"):
        answer = thief.get(f"{path}?frame={name}", headers=WITHIN)
        assert answer.status_code == 401 and "X-CSRFToken" not in answer.get_data(as_text=True), path


def test_a_token_that_is_old_opens_nothing(app: Flask, ats: Ats, monkeypatch: pytest.MonkeyPatch) -> None:
    page = FramePage(app, ats, refuses_cookies=True)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 700)

    assert page.ask("/inbox").status_code == 401
    assert page.get(page.address).status_code == 401


def test_a_cookie_that_was_made_up_opens_nothing(app: Flask, ats: Ats) -> None:
    name = FramePage(app, ats).name
    thief: Any = app.test_client()
    for value in (name, json.dumps(name), f"{name}.xx", ""):
        thief.set_cookie("__Host-webmail-embed", value, domain="mail.example", secure=True)
        answer = thief.get(f"/inbox?frame={name}", base_url="https://mail.example", headers=WITHIN)
        assert answer.status_code == 401


def test_a_launch_for_another_user_never_changes_an_open_tab(app: Flask, ats: Ats) -> None:
    first = FramePage(app, ats)
    token = first.csrf
    second = FramePage(app, ats, client=first.client, sub="ben", name="Ben", email="ben@acme.example")

    page = first.get(first.address)
    assert page.status_code == 409 and "This tab belongs to another session" in page.get_data(as_text=True)
    for method, path in (("GET", "/inbox"), ("GET", "/events"), ("POST", "/embed/theme")):
        answer = first.ask(path, method, {"theme": "dark"}, **{"X-CSRFToken": token})
        assert (answer.status_code, answer.headers["X-Webmail-Frame"]) == (409, "other"), path
    assert second.ask("/session").status_code == 200
    assert 'data-theme="dark"' not in second.get(second.address).get_data(as_text=True)


def test_two_tenants_in_one_browser_do_not_meet(app: Flask, ats: Ats) -> None:
    other = Ats("globex", "https://ats.globex.example", BASE)
    first = FramePage(app, ats)
    second = FramePage(app, other, client=first.client)

    answer = first.get(first.address)

    assert answer.status_code == 409 and "globex" not in str(answer.headers) + answer.get_data(as_text=True)
    assert f"frame-ancestors {HOST}" in answer.headers["Content-Security-Policy"]
    page = second.get(second.address)
    assert "frame-ancestors https://ats.globex.example" in page.headers["Content-Security-Policy"]


def test_the_token_of_one_session_changes_nothing_in_another(app: Flask, ats: Ats) -> None:
    mine, other = FramePage(app, ats), FramePage(app, ats, sub="ben", email="ben@acme.example")

    for token in ("", "x", other.csrf):
        assert mine.ask("/embed/theme", "POST", {"theme": "dark"}, **{"X-CSRFToken": token}).status_code == 400
    form = mine.ask("/embed/logout", "POST", {"csrf_token": other.csrf})
    assert form.status_code == 400 and mine.ask("/inbox").status_code == 200


def test_a_frames_session_and_the_stand_alone_one_stay_apart(app: Flask, ats: Ats, user: Scope) -> None:
    page = FramePage(app, ats, client=app.test_client())
    with page.client.session_transaction(base_url="https://mail.example") as session:
        session["_user_id"] = f"{load(user).uuid}.0"

    alone = page.client.get("/session", base_url="https://mail.example").get_json()
    framed = page.ask("/session").get_json()

    assert alone["user"] != framed["user"]
    answer = page.ask("/embed/theme", "POST", {"theme": "dark"}, **{"X-CSRFToken": alone["csrf_token"]})
    assert answer.status_code == 400


def test_without_a_frame_the_frames_cookie_is_nothing(app: Flask, ats: Ats) -> None:
    page = FramePage(app, ats)

    answer = page.client.get("/inbox", base_url="https://mail.example", headers={"Sec-Fetch-Dest": "document"})

    assert answer.status_code == 303 and answer.location.startswith("/login")


def test_pages_outside_of_a_frame_may_stand_nowhere(client: CheckedClient, ats: Ats) -> None:
    for address in ("/inbox", "/profileSettings", "/login", "/compose"):
        assert "frame-ancestors 'none'" in client.get(address).headers["Content-Security-Policy"]
    inner = client.get("/editor").headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in inner and HOST not in inner


def test_a_frame_stops_when_its_origin_is_taken_off_the_list(frame: FramePage, ats: Ats) -> None:
    tenants.remove_origin("acme", HOST)

    answer = frame.get(frame.address)

    assert answer.status_code == 401 and "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_frame_stops_when_its_user_is_signed_out_everywhere(frame: FramePage, ats: Ats) -> None:
    with transaction() as s:
        users.load_user(s, scope_of(ats)).session_epoch += 1

    assert frame.ask("/inbox").status_code == 401
    assert frame.get(frame.address).headers["X-Webmail-Frame"] == "ended"


def test_where_a_frame_goes_no_answer_can_lead_elsewhere(app: Flask, ats: Ats) -> None:
    client = app.test_client()
    launched = post_launch(client, ats.token(), HOST).location

    for page in ("//evil.example", "https://evil.example", "javascript:alert(1)"):
        answer = client.get(f"{launched}&page={page}", base_url="https://mail.example", headers=WITHIN)
        assert answer.location.startswith("/inbox?frame=")


@pytest.mark.parametrize(
    "origin", ["*", "https://*.acme.example", "http://ats.acme.example", "https://a/b", "null", ""]
)
def test_no_pattern_becomes_an_origin(ats: Ats, origin: str) -> None:
    with pytest.raises(Exception, match="An origin is"):
        tenants.add_origin("acme", origin)


def test_a_partial_of_another_session_is_no_page(app: Flask, ats: Ats) -> None:
    first = FramePage(app, ats)
    FramePage(app, ats, client=first.client, sub="ben", email="ben@acme.example")

    answer = first.ask("/inbox", **PARTIAL)

    assert answer.status_code == 409 and answer.get_data() == b""
