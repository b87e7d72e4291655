"""Signatures on the Connect tab."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from tests.unit.blueprints.conftest import CheckedClient
from tests.unit.blueprints.written import add_account
from webmail.store.accounts import load_account
from webmail.store.models import Account
from webmail.store.scope import Scope
from webmail.store.session import reading

TAB = "/profileSettings?tab=connect"


@pytest.fixture
def account(user: Scope) -> Account:
    return add_account(user)


def stored(scope: Scope, account: Account) -> str:
    with reading() as s:
        signature = load_account(s, scope, account.uuid).signature
    return signature.html if signature else ""


def test_without_a_mailbox_the_section_says_what_will_be_there(client: CheckedClient) -> None:
    page = client.get(TAB)

    assert "Email Signature" in page.text
    assert "Once a mailbox is connected" in page.text
    assert "data-editor" not in page.text


def test_a_signature_is_cleaned_and_saved(client: CheckedClient, user: Scope, account: Account) -> None:
    html = "<p>Rita <b>R</b><script>x()</script></p>"
    answer = client.submit(f"/signatures/{account.uuid}", {"html": html, "format": "rich"}, htmx=True)

    assert "Saved" in answer.text
    assert stored(user, account) == "<p>Rita <b>R</b></p>"
    assert "Rita &lt;b&gt;" in client.get(TAB).text


def test_lines_of_text_keep_their_ends(client: CheckedClient, user: Scope, account: Account) -> None:
    answer = client.submit(f"/signatures/{account.uuid}", {"html": "Rita & Co\r\n\r\nAcme", "format": "source"})

    assert answer.status_code == 303
    assert stored(user, account) == "<div>Rita &amp; Co</div><div><br></div><div>Acme</div>"


def test_a_signature_can_be_removed_and_brought_back(client: CheckedClient, user: Scope, account: Account) -> None:
    client.submit(f"/signatures/{account.uuid}", {"html": '<p title="&quot;">Rita</p>', "format": "rich"})
    before = stored(user, account)

    removed = client.submit(f"/signatures/{account.uuid}", {"html": before, "remove": "1"}, htmx=True)
    assert stored(user, account) == ""
    assert "Removed" in removed.text

    client.submit(f"/signatures/{account.uuid}", {"html": "", "undo": before}, htmx=True)
    assert stored(user, account) == before


def test_a_signature_that_is_too_large_is_refused_in_place(client: CheckedClient, account: Account) -> None:
    data = {"html": "<p>" + "x" * 120_000 + "</p>", "format": "rich"}

    answer = client.submit(f"/signatures/{account.uuid}", data, htmx=True)
    page = client.submit(f"/signatures/{account.uuid}", data)

    assert answer.status_code == page.status_code == 422
    assert "larger than 100 KB" in answer.text
    assert "larger than 100 KB" in page.text
    assert "x" * 120_000 in page.text


def test_only_the_owner_may_change_a_signature(app, make_user, account: Account) -> None:  # type: ignore[no-untyped-def]
    other = app.test_client().sign_in_as(make_user())

    assert other.submit(f"/signatures/{account.uuid}", {"html": "x"}).status_code == 404
    assert other.get(f"/signatures/{account.uuid}/preview").status_code == 404


def test_the_section_comes_anew_only_when_the_accounts_are_others(
    client: CheckedClient, user: Scope, account: Account
) -> None:
    assert client.get_partial(f"/signatures?known={account.uuid}").status_code == 204

    other = add_account(user, "other@acme.example")
    answer = client.get_partial(f"/signatures?known={account.uuid}")

    assert f"account-{other.uuid}-signature" in answer.text


def test_an_account_that_is_not_connected_has_no_editor(client: CheckedClient, user: Scope) -> None:
    add_account(user, status="not_connected")

    assert "data-editor" not in client.get(TAB).text


def test_the_preview_runs_nothing(client: CheckedClient, account: Account) -> None:
    client.submit(f"/signatures/{account.uuid}", {"html": "<p style='color:red'>Rita</p>", "format": "rich"})

    answer = client.get(f"/signatures/{account.uuid}/preview")

    assert "Rita" in answer.text
    assert "script-src" not in answer.headers["Content-Security-Policy"]


def test_a_large_picture_is_given_back_small_and_what_is_none_is_refused(client: CheckedClient) -> None:
    target = BytesIO()
    Image.effect_noise((500, 400), 90).save(target, "PNG")

    answer = client.submit("/signatures/pictures", {"picture": (BytesIO(target.getvalue()), "me.png")}, htmx=True)
    refused = client.submit("/signatures/pictures", {"picture": (BytesIO(b"<svg/>"), "me.png")}, htmx=True)

    assert answer.get_json()["source"].startswith("data:image/")
    assert len(target.getvalue()) > 100_000 and len(answer.data) < 70_000
    assert (refused.status_code, refused.get_json()["problem"]) == (422, "This is no picture that mail programs show.")
