"""Searches that a user keeps: under a name, one press away."""

from __future__ import annotations

from uuid import UUID

from webmail.domain.search import MAX_QUERY, parse_query
from webmail.errors import InputRefused
from webmail.store.models import SavedSearch
from webmail.store.saved_searches import add_saved, list_saved, load_saved
from webmail.store.scope import Scope
from webmail.store.session import transaction

MOST = 30
MAX_NAME = 80


def save_search(scope: Scope, name: str, query: str) -> UUID:
    """Keep a search under a name; one that is kept already only gets the name.

    Args:
        name: "" for the words of the search themselves.

    Raises:
        InputRefused: field `query`: there is nothing to look for, or the user keeps too many.
    """
    query = query.strip()[:MAX_QUERY]
    if parse_query(query).is_empty:
        raise InputRefused("query", "Search for something first: this looks for nothing.")
    with transaction() as s:
        known = list_saved(s, scope)
        saved = next((each for each in known if each.query == query), None)
        if saved is None and len(known) >= MOST:
            raise InputRefused("query", f"You can keep up to {MOST} searches. Delete one that you no longer need.")
        if saved is None:
            saved = add_saved(s, scope, "", query)
        _rename(saved, name)
        return saved.uuid


def rename_search(scope: Scope, uuid: UUID, name: str) -> None:
    """Call a search something else; "" for its own words.

    Raises:
        NotFound: there is none.
    """
    with transaction() as s:
        _rename(load_saved(s, scope, uuid), name)


def delete_search(scope: Scope, uuid: UUID) -> str:
    """Keep a search no longer; gives what it was called.

    Raises:
        NotFound: there is none.
    """
    with transaction() as s:
        saved = load_saved(s, scope, uuid)
        name = saved.name
        s.delete(saved)
        return name


def _rename(saved: SavedSearch, name: str) -> None:
    saved.name = " ".join(name.split())[:MAX_NAME] or saved.query[:MAX_NAME]
