"""What the pages of mailings show: the draft in its steps, and the mailing under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import request

from webmail.actions.drafts import can_write_from
from webmail.actions.mailings import Plan, check, unsent_follow_ups
from webmail.blueprints._mailing_words import FILTERS
from webmail.blueprints.forms.mailing import MailingForm, form_of_mailing
from webmail.domain.merge import CONTACT_FIELDS, USER_FIELDS
from webmail.store import mailing_views as views
from webmail.store import mailings as store
from webmail.store.accounts import list_accounts
from webmail.store.contacts import field_names_of, tags_of
from webmail.store.mail_templates import list_templates
from webmail.store.models import Account, Contact, Mailing, MailingFile, MailingRecipient, MailTemplate
from webmail.store.scope import Scope
from webmail.store.session import Session, reading

PAGE_ROWS = 100
_DRAFT_ROWS = 50
"""A draft's recipients stand in a small box; who wants to see more of them goes on page by page."""


@dataclass(frozen=True)
class RecipientList:
    """A page of a mailing's recipients.

    `show` is what they are narrowed down to, "" for nothing; `after` the recipient that the page before ended with;
    `next_after` the same for the next page, None where this is the last.
    """

    rows: list[MailingRecipient]
    show: str
    after: UUID | None
    next_after: UUID | None
    conversations: dict[int, UUID] = field(default_factory=dict)

    @property
    def args(self) -> dict[str, Any]:
        """The arguments that lead here, for `url_for`."""
        return {name: value for name, value in (("show", self.show), ("after", self.after)) if value}


@dataclass(frozen=True)
class Correction:
    """A recipient whose values are being put right in place: as they are, or as they were typed with the problem."""

    uuid: UUID
    email: str
    name: str
    values: list[tuple[str, str]]
    problem: str = ""


@dataclass(frozen=True)
class MailingPage:
    """A mailing as its page shows it, draft or not.

    `told` is what the last addition of recipients came to: [(sentence, names)].
    """

    mailing: Mailing
    counts: store.Counts
    recipients: RecipientList
    is_switched_off: bool
    form: MailingForm
    accounts: list[Account] = field(default_factory=list)
    templates: list[MailTemplate] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    found: list[Contact] = field(default_factory=list)
    query: str = ""
    own_fields: list[str] = field(default_factory=list)
    told: list[tuple[str, list[str]]] = field(default_factory=list)
    correction: Correction | None = None
    plan: Plan | None = None
    steps_sent: dict[int, int] = field(default_factory=dict)
    can_edit_follow_ups: bool = False

    @property
    def account(self) -> Account | None:
        """The account that is chosen, None when none is, or when it is connected no more."""
        return next((each for each in self.accounts if each.uuid == self.form.account_uuid), None)

    @property
    def merge_fields(self) -> list[tuple[str, list[str]]]:
        """The merge fields that the text may name, in their groups."""
        contact = list(dict.fromkeys([*CONTACT_FIELDS, *self.own_fields]))
        job = [name for name, _ in self.form.job] or [name for name, _ in self.form.job_rows if name]
        return [("contact", contact), ("job", job), ("user", list(USER_FIELDS))]

    @property
    def is_over(self) -> bool:
        return self.mailing.state in ("done", "cancelled")

    @property
    def files(self) -> list[MailingFile]:
        return self.mailing.files

    @property
    def finished(self) -> int:
        """How many of the first mails need nothing more."""
        counts = self.counts
        return counts.sent + counts.failed + counts.unsure + counts.cancelled

    @property
    def shown_filters(self) -> list[tuple[str, str, int]]:
        """What the recipients can be narrowed down to: (key, words, how many); those that nobody is in are left out."""
        numbers = [(key, words, getattr(self.counts, key or "total")) for key, words in FILTERS]
        return [each for each in numbers if each[2] or each[0] in ("", self.recipients.show)]


def load_page(
    scope: Scope,
    uuid: UUID,
    *,
    form: MailingForm | None = None,
    told: list[tuple[str, list[str]]] | None = None,
    query: str = "",
    found: list[Contact] | None = None,
    correction: Correction | None = None,
) -> MailingPage:
    """Read what a mailing's page shows; which of its recipients, the request's address or form says.

    Args:
        form: what was typed, to be shown instead of what is stored.
        found: contacts that were searched for by `query`.

    Raises:
        NotFound: there is no such mailing, or it is another user's.
    """
    with reading() as s:
        is_under_way = store.load_mailing(s, scope, uuid).state in ("sending", "paused")
    plan = check(scope, uuid).plan if is_under_way else None
    with reading() as s:
        mailing = store.load_mailing(s, scope, uuid)
        is_draft = mailing.state == "draft"
        return MailingPage(
            mailing=mailing,
            counts=store.counts(s, mailing.id),
            recipients=load_recipients(s, mailing),
            is_switched_off=views.is_switched_off(s, scope.tenant_id),
            form=form or form_of_mailing(mailing),
            accounts=[each for each in list_accounts(s, scope) if can_write_from(each)] if is_draft else [],
            templates=list_templates(s, scope) if is_draft else [],
            tags=tags_of(s, scope.tenant_id) if is_draft else [],
            found=found or [],
            query=query,
            own_fields=[*views.field_names(s, mailing.id), *field_names_of(s, scope.tenant_id)] if is_draft else [],
            told=told or [],
            correction=correction,
            plan=plan,
            steps_sent=views.steps_sent(s, mailing.id) if len(mailing.steps) > 1 else {},
            can_edit_follow_ups=bool(unsent_follow_ups(s, mailing)),
        )


def load_head(scope: Scope, uuid: UUID, form: MailingForm | None = None) -> MailingPage:
    """Read only the mailing itself, for a part of the page that shows nothing of its recipients.

    Raises:
        NotFound: there is no such mailing, or it is another user's.
    """
    with reading() as s:
        mailing = store.load_mailing(s, scope, uuid)
    nobody = RecipientList([], "", None, None)
    return MailingPage(mailing, store.Counts(), nobody, is_switched_off=False, form=form or form_of_mailing(mailing))


def shown_state() -> str:
    """Give what the request narrows the recipients down to: what was pressed, else what was shown before."""
    wanted = request.values.get("show", request.values.get("showing", ""))
    return wanted if wanted in dict(FILTERS) else ""


def load_recipients(s: Session, mailing: Mailing) -> RecipientList:
    """Read the page of recipients that the request asks for."""
    show = shown_state()
    # A button that changes somebody says nothing of the page, which stays where it was.
    asked_for = "after" if "after" in request.values or "show" in request.values else "staying"
    after_uuid = request.values.get(asked_for, type=UUID)
    after = store.find_recipient(s, mailing.id, after_uuid) if after_uuid else None
    limit = _DRAFT_ROWS if mailing.state == "draft" else PAGE_ROWS
    rows = store.list_recipients(s, mailing.id, state=show, after=after.id if after else 0, limit=limit + 1)
    page = rows[:limit]
    conversations = views.conversation_uuids(s, [each.conversation_id for each in page if each.conversation_id])
    next_after = page[-1].uuid if len(rows) > limit else None
    return RecipientList(page, show, after.uuid if after else None, next_after, conversations)
