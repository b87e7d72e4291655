"""What the mail pages have in common: where the list stands, what it holds, and the rail beside it.

A `Place` is a view with its filters. It stands in the address of the list and of every conversation opened from it, so
that each page can show the list that it belongs to, also after a reload and without JavaScript.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask_babel import gettext, lazy_gettext
from markupsafe import Markup, escape

from webmail.blueprints._connect_tab import AccountRow
from webmail.blueprints._times import browser_zone
from webmail.domain.search import MAX_QUERY, Piece, SearchQuery, excerpt, marked, parse_query
from webmail.store.accounts import list_accounts
from webmail.store.contacts import conversations_with, find_by_uuid, load_contact
from webmail.store.conversations import VIEWS, ConversationPage, list_page, recipients_of, unread_counts
from webmail.store.models import Account, Contact, Conversation, SavedSearch, Submission
from webmail.store.outbox import count_outbox
from webmail.store.saved_searches import list_saved
from webmail.store.scope import Scope
from webmail.store.search import Hit, search_page
from webmail.store.session import Session, reading
from webmail.store.sharing import SharedConversation, shared_with
from webmail.store.submissions import count_drafts, list_drafts

PAGE_ROWS = 50
_HITS = 25
"""Of a page of hits, which are read while somebody types; the next page is there before it is scrolled to."""
_MAX_ROWS = 500
"""How deep a list is kept when it is read again; who has scrolled further gets the rest page by page."""
_COLOURS = 6

TITLES = {
    "inbox": lazy_gettext("Inbox"),
    "snoozed": lazy_gettext("Snoozed"),
    "starred": lazy_gettext("Starred"),
    "sent": lazy_gettext("Sent"),
    "all": lazy_gettext("All mail"),
    "trash": lazy_gettext("Trash"),
    "drafts": lazy_gettext("Drafts"),
}


@dataclass(frozen=True)
class Place:
    """A view of the list with its filters."""

    view: str = "inbox"
    is_unread: bool = False
    account: UUID | None = None
    typed: str = ""
    """What is searched for; then the view says nothing, the words themselves may (`in:sent`)."""
    contact: str = ""
    """The ATS's own id of a person, or ours where it has none: then only conversations with them are listed."""

    @property
    def args(self) -> dict[str, Any]:
        """The arguments that lead here, for `url_for`; the inbox needs none."""
        args: dict[str, Any] = {}
        if self.contact:
            return {"contact": self.contact}
        if self.typed:
            args["q"] = self.typed
        elif self.view != "inbox":
            args["view"] = self.view
        if self.is_unread and not self.typed:
            args["unread"] = 1
        if self.account:
            args["account"] = self.account
        return args

    @property
    def search(self) -> str:
        """The arguments as they stand in an address, with the question mark; "" for the inbox."""
        return f"?{urlencode(self.args)}" if self.args else ""

    @property
    def title(self) -> str:
        if self.contact:
            return str(gettext("Conversations"))
        if self.typed:
            return str(gettext("Search"))
        return str(gettext("Unread") if self.is_unread and self.view == "inbox" else TITLES[self.view])

    def but(self, **changes: Any) -> dict[str, Any]:
        """Give the arguments of the place that differs from this one in `changes`."""
        return Place(**{**vars(self), **changes}).args


def read_place(args: Mapping[str, str]) -> Place:
    """Read a place out of an address or a form; what makes no sense falls back to the inbox."""
    view = args.get("view", "")
    if args.get("contact"):
        return Place("all", contact=args["contact"][:200])
    try:
        account = UUID(args.get("account", ""))
    except ValueError:
        account = None
    typed = args.get("q", "").strip()[:MAX_QUERY]
    if typed:
        # A space at the end says that the last word is whole.
        return Place(account=account, typed=args["q"].lstrip()[:MAX_QUERY])
    return Place(view if view in (*VIEWS, "drafts") else "inbox", args.get("unread") == "1", account)


@dataclass(frozen=True)
class MailAccount:
    """An account as the mail pages show it: its state, its unread conversations and its colour."""

    row: AccountRow
    unread: int
    colour: int

    @property
    def account(self) -> Account:
        return self.row.account


@dataclass(frozen=True)
class Rail:
    """What stands beside every page: the views with their counts, and the accounts."""

    accounts: list[MailAccount]
    unread: int
    drafts: int
    outbox: int
    searches: Sequence[SavedSearch]

    @property
    def colours(self) -> dict[int, int]:
        """The colour of each account, by its key; empty where there is only one, which needs none."""
        return {each.account.id: each.colour for each in self.accounts} if len(self.accounts) > 1 else {}


@dataclass(frozen=True)
class Found:
    """What the list shows of a conversation that was found: the newest message in it that matches, marked."""

    sent_at: datetime
    subject: Markup
    text: Markup


@dataclass(frozen=True)
class MailList:
    """The list of one place. `drafts` is filled in the drafts' view, `page` in all others."""

    place: Place
    page: ConversationPage
    drafts: list[Submission]
    rail: Rail
    recipients: dict[int, list[str]]
    """To whom the user wrote in conversations in which nobody else did, by conversation."""
    found: dict[int, Found] = field(default_factory=dict)
    """Of a search: what is shown of each conversation that was found."""
    problems: tuple[str, ...] = ()
    """Of a search: what could not be understood, a sentence each."""
    write_to: str = ""
    """Of a contact: the address that new mail goes to."""
    contact_uuid: UUID | None = None
    timeline: Sequence[Conversation | SharedConversation] = ()
    """Of a contact: the user's own conversations, and what colleagues share, newest first."""

    @property
    def rows(self) -> Sequence[Conversation | SharedConversation]:
        """What is listed."""
        return self.timeline or self.page.rows

    @property
    def troubled(self) -> list[MailAccount]:
        """The accounts of this place that do not sync or send as they should."""
        wrong = ("error", "reconnect_needed")
        return [each for each in self._accounts if each.row.status in wrong or each.row.is_blocked]

    @property
    def importing(self) -> list[MailAccount]:
        """The accounts of this place whose first import is still under way."""
        return [each for each in self._accounts if each.row.status == "syncing"]

    @property
    def empty_state(self) -> str:
        """Why nothing is shown: `connect`, `importing`, or the view's own emptiness; "" when there are rows."""
        if self.rows or self.drafts:
            return ""
        if self.place.typed:
            return "search"
        if self.place.contact and self.rail.accounts:
            return "contact"
        if self.place.view != "drafts":
            if not any(each.row.is_live and each.account.reads_mail for each in self.rail.accounts):
                return "connect"
            if self.importing:
                return "importing"
        return "unread" if self.place.is_unread else self.place.view

    @property
    def _accounts(self) -> list[MailAccount]:
        wanted = self.place.account
        return [each for each in self.rail.accounts if wanted in (None, each.account.uuid)]


def load_rail(scope: Scope) -> Rail:
    """Read what stands in the rail."""
    with reading() as s:
        return _rail(s, scope)


def _rail(s: Session, scope: Scope) -> Rail:
    counts = unread_counts(s, scope)
    accounts = [
        MailAccount(AccountRow(account), counts.get(account.id, 0), at % _COLOURS + 1)
        for at, account in enumerate(list_accounts(s, scope))
    ]
    unread = sum(counts.values())
    return Rail(accounts, unread, count_drafts(s, scope), count_outbox(s, scope), list_saved(s, scope))


def load_list(
    scope: Scope, place: Place, *, open_uuid: UUID | None = None, cursor: str = "", rows: int = 0
) -> MailList:
    """Read the list of a place, with the rail.

    Args:
        open_uuid: the conversation that is open beside it, which stays in the list of the unread.
        cursor: where the page before ended.
        rows: how many conversations at most, for a list that is read again as deep as it has been scrolled.
    """
    if place.typed:
        return _search(scope, place, cursor, min(max(rows, _HITS), _MAX_ROWS))
    wanted_rows = min(max(rows, PAGE_ROWS), _MAX_ROWS)
    with reading() as s:
        if place.contact:
            contact = _contact_of(s, scope, place.contact)
            page = conversations_with(s, scope, contact.addresses)
            everything: list[Conversation | SharedConversation] = [*page.rows, *shared_with(s, scope, contact)]
            timeline = sorted(everything, key=lambda row: row.last_at, reverse=True)
            write_to = ", ".join(contact.addresses[:1])
            rail = _rail(s, scope)
            return MailList(place, page, [], rail, {}, write_to=write_to, contact_uuid=contact.uuid, timeline=timeline)
        if place.view == "drafts":
            return MailList(place, ConversationPage([], ""), list_drafts(s, scope), _rail(s, scope), {})
        page = list_page(
            s,
            scope,
            place.view,
            account_uuid=place.account,
            unread_only=place.is_unread,
            keep=open_uuid,
            cursor=cursor,
            limit=wanted_rows,
        )
        one_way = [row.id for row in page.rows if row.senders == ["me"]]
        return MailList(place, page, [], _rail(s, scope), recipients_of(s, one_way))


def _contact_of(s: Session, scope: Scope, name: str) -> Contact:
    """Give the contact of a place: by the ATS's own id, or by ours where it has none."""
    try:
        known = find_by_uuid(s, scope.tenant_id, UUID(name))
    except ValueError:
        known = None
    return known or load_contact(s, scope.tenant_id, name)


def _search(scope: Scope, place: Place, cursor: str, rows: int) -> MailList:
    query = parse_query(place.typed)
    zone = browser_zone()
    with reading() as s:
        page = search_page(s, scope, query, zone=zone, account_uuid=place.account, cursor=cursor, limit=rows)
        conversations = [hit.conversation for hit in page.hits]
        recipients = recipients_of(s, [each.id for each in conversations if each.senders == ["me"]])
        rail = _rail(s, scope)
    found = _found(page.hits, query)
    return MailList(
        place, ConversationPage(conversations, page.next_cursor), [], rail, recipients, found, query.problems
    )


def _found(hits: list[Hit], query: SearchQuery) -> dict[int, Found]:
    in_subject, in_text = query.pattern("subject"), query.pattern()
    return {
        hit.conversation.id: Found(
            hit.sent_at,
            _marked(marked(hit.subject, in_subject)),
            _marked(excerpt(hit.text, in_text) or marked(hit.snippet, in_text)),
        )
        for hit in hits
    }


def _marked(pieces: list[Piece]) -> Markup:
    """Write a text of which some was searched for; a macro for each would cost more than the page."""
    written = (f"<mark>{escape(piece.text)}</mark>" if piece.is_hit else escape(piece.text) for piece in pieces)
    return Markup("".join(written))  # noqa: S704  # every piece is escaped
