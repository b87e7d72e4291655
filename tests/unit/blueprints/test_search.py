"""The search box and what it finds, with and without JavaScript."""

from __future__ import annotations

import re

import pytest

from tests.mails import build_mail
from tests.unit.blueprints.conftest import PARTIAL, CheckedClient
from tests.unit.blueprints.received import add_mailbox, receive
from webmail.store.models import Account
from webmail.store.scope import Scope


@pytest.fixture
def account(user: Scope) -> Account:
    return add_mailbox(user)


def subjects(html: str) -> list[str]:
    found = re.findall(r'class="row-subject" dir="auto">(.*?)</span>', html)
    return [re.sub(r"</?mark>", "", each) for each in found]


def test_every_page_has_the_search_box(client: CheckedClient) -> None:
    for path in ("/inbox", "/profileSettings"):
        assert 'role="search" method="get" action="/inbox"' in client.get(path).text


def test_a_search_gives_a_page_with_what_was_found_marked(client: CheckedClient, account: Account) -> None:
    receive(
        account,
        build_mail(1, subject="Offer <b>", body="The salary is & stays " + "x " * 200 + "high. Résumé, please."),
    )
    receive(account, build_mail(2, subject="Other", body="Nothing"))

    page = client.get("/inbox?q=offer+resume").text

    assert subjects(page) == ["Offer &lt;b&gt;"]
    assert "<mark>Offer</mark> &lt;b&gt;" in page
    assert "<mark>Résumé</mark>" in page
    assert 'value="offer resume"' in page
    assert "<title>Search" in page
    assert re.search(r'href="/conversations/[^"?]+\?q=offer(\+|%20)resume"', page)
    assert 'href="/inbox">Clear</a>' in page


def test_typing_swaps_the_list_and_stays_one_step_of_the_history(client: CheckedClient, account: Account) -> None:
    receive(account, build_mail(1, subject="Offer"))

    first = client.get("/inbox?q=off", headers={**PARTIAL, "HX-Current-URL": "http://localhost/inbox"})
    next_one = client.get("/inbox?q=offer", headers={**PARTIAL, "HX-Current-URL": "http://localhost/inbox?q=off"})
    cleared = client.get("/inbox?q=", headers={**PARTIAL, "HX-Current-URL": "http://localhost/inbox?q=offer"})

    assert first.headers["HX-Push-Url"] == "/inbox?q=off"
    assert next_one.headers["HX-Replace-Url"] == "/inbox?q=offer"
    assert "HX-Push-Url" not in next_one.headers
    assert cleared.headers["HX-Replace-Url"] == "/inbox"
    assert subjects(next_one.text) == subjects(cleared.text) == ["Offer"]
    assert '<h1 id="list-title">Inbox</h1>' in cleared.text


def test_nothing_found_tells_what_a_search_understands(client: CheckedClient, account: Account) -> None:
    page = client.get("/inbox?q=absent").text

    assert "Nothing found" in page
    assert "has:attachment" in page
    assert "from:anna" in page


def test_what_makes_no_sense_is_explained_above_the_rest(client: CheckedClient, account: Account) -> None:
    receive(account, build_mail(1, subject="Offer"))

    page = client.get("/inbox?q=offer+before:soon").text

    assert "“before:” takes a day, written as before:2026-11-30." in page
    assert subjects(page) == ["Offer"]


@pytest.mark.parametrize(
    "typed", ["'", '"', "*", "a*", "NEAR(a b)", "a OR b", "-a", "%", "<script>", "(", "\\", "x" * 5000]
)
def test_whatever_is_typed_gives_a_page(client: CheckedClient, account: Account, typed: str) -> None:
    answer = client.get("/inbox", query_string={"q": typed})

    assert answer.status_code == 200
    assert "<script>" not in answer.text


def test_a_search_goes_on_page_by_page(client: CheckedClient, account: Account) -> None:
    for start in range(0, 120, 40):
        receive(account, *(build_mail(number, subject=f"Offer {number}") for number in range(start, start + 40)))

    first = client.get("/inbox?q=offer").text
    link = re.search(r'href="(/inbox\?[^"]*cursor=[^"]*)"', first)
    assert link is not None
    second = client.get_partial(link[1].replace("&amp;", "&")).text

    assert len(subjects(first)) == 25
    assert len(subjects(second)) == 25
    assert not {*subjects(first)} & {*subjects(second)}


def test_the_list_of_a_search_is_read_again_and_stands_beside_a_conversation(
    client: CheckedClient, account: Account
) -> None:
    receive(account, build_mail(1, subject="Offer"))
    receive(account, build_mail(2, subject="Other"))
    again = client.get_partial("/inbox/list?q=offer").text
    link = re.search(r'href="(/conversations/[^"]+)"', again)
    assert link is not None

    page = client.get(link[1]).text

    assert subjects(again) == ["Offer"]
    assert subjects(page) == ["Offer"]
    assert 'data-search="?q=offer"' in page


def test_nobody_finds_another_users_mail(client: CheckedClient, account: Account, make_user) -> None:
    receive(add_mailbox(make_user(), "other@acme.example"), build_mail(1, subject="Offer"))

    assert "Nothing found" in client.get("/inbox?q=offer").text
