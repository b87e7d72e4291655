"""Searches that a user keeps: saved beside what was found, opened from the rail, renamed and deleted."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest

from tests.unit.blueprints.conftest import CheckedClient
from webmail.actions.saved_searches import MOST, save_search
from webmail.store.saved_searches import list_saved
from webmail.store.scope import Scope
from webmail.store.session import reading

SEARCH = "/inbox?q=from:anna+%3Cb%3E"
TYPED = "from:anna <b>"


def saved(user: Scope) -> list[tuple[str, str, UUID]]:
    with reading() as s:
        return [(each.name, each.query, each.uuid) for each in list_saved(s, user)]


def test_a_search_is_saved_opened_renamed_and_deleted_by_plain_pages(client: CheckedClient, user: Scope) -> None:
    found = client.get(SEARCH).text
    offer = re.search(r'href="(/searches\?q=[^"]+)"', found)
    assert offer
    assert 'value="from:anna &lt;b&gt;"' in client.get(offer[1]).text

    answer = client.submit("/searches", {"query": f" {TYPED} ", "name": "  Anna’s\tmail "})

    assert (answer.status_code, answer.location) == (303, "/inbox?q=from:anna+%3Cb%3E")
    page = client.get(SEARCH).text
    assert re.search(r'href="/inbox\?q=from:anna\+%3Cb%3E"[^>]*aria-current="page".*?Anna’s mail', page)
    assert "/searches?q=" not in page  # it is saved already
    assert "Anna’s mail" in client.get("/profileSettings").text
    [(_, query, uuid)] = saved(user)
    assert query == TYPED
    client.submit(f"/searches/{uuid}", {"name": ""})
    assert [each[:2] for each in saved(user)] == [(TYPED, TYPED)]
    client.submit(f"/searches/{uuid}/delete")
    assert saved(user) == []


def test_one_that_is_kept_already_gets_the_new_name(user: Scope) -> None:
    first = save_search(user, "Anna", TYPED)

    assert save_search(user, "Anna B", TYPED) == first
    assert [each[0] for each in saved(user)] == ["Anna B"]


@pytest.mark.parametrize("query", ["", "  ", "in:nowhere"])
def test_what_looks_for_nothing_is_not_kept(client: CheckedClient, user: Scope, query: str) -> None:
    answer = client.submit("/searches", {"query": query, "name": "x"})

    assert answer.status_code == 422
    assert saved(user) == []


def test_there_is_a_limit_and_it_is_the_users_own(
    client: CheckedClient, user: Scope, make_user: Callable[..., Scope]
) -> None:
    colleague = make_user(tenant="other")
    for number in range(MOST):
        save_search(user, "x" * 200, f"word{number}")

    answer = client.submit("/searches", {"query": "another", "name": ""})

    assert answer.status_code == 422
    assert "up to 30 searches" in answer.text
    save_search(colleague, "", "another")
    assert len(saved(user)) == MOST
    assert len(saved(colleague)) == 1
