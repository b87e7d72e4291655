"""What the composer shows of a draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from flask import url_for
from flask_babel import lazy_gettext

from webmail.actions.sizes import files_limit
from webmail.blueprints._times import browser_zone, short_day, zone_name
from webmail.blueprints.forms.draft import DraftForm, form_of_draft
from webmail.domain.schedule import Choice, choices, moment_of, wall_of
from webmail.store.accounts import list_accounts
from webmail.store.mail_templates import list_templates
from webmail.store.models import Account, MailTemplate, Signature, Submission, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.submissions import conversation_uuid_of, is_touched, load_submission

LIVE = ("connected", "reconnect_needed", "error")
_TITLES = {
    "new": lazy_gettext("New mail"),
    "reply": lazy_gettext("Reply"),
    "reply_all": lazy_gettext("Reply all"),
    "forward": lazy_gettext("Forward"),
}
_TIMES = {
    "Later today": lazy_gettext("Later today"),
    "Tomorrow morning": lazy_gettext("Tomorrow morning"),
    "Monday morning": lazy_gettext("Monday morning"),
}


@dataclass(frozen=True)
class OfferedTime:
    """A time that is offered: what it is called, as forms carry it, and as people read it."""

    label: str
    wall: str
    shown: str


def offered(times: Sequence[Choice], zone: tzinfo) -> list[OfferedTime]:
    """Name times as people read them."""
    return [OfferedTime(str(_TIMES[each.label]), each.wall, short_day(moment_of(each.wall, zone))) for each in times]


@dataclass(frozen=True)
class Composer:
    """A draft as the composer shows it.

    `form` is what was typed where that differs from what is stored; `focus` is where to stand when it opens: `to`,
    `body`, or "" to leave the focus alone.
    """

    draft: Submission
    form: DraftForm
    accounts: list[Account]
    source_uuid: str
    focus: str = ""
    mail_templates: Sequence[MailTemplate] = ()

    @property
    def title(self) -> str:
        return str(_TITLES.get(self.draft.mode, _TITLES["new"]))

    @property
    def account(self) -> Account | None:
        """The account that is chosen, None when it is connected no more."""
        return next((each for each in self.accounts if each.uuid == self.form.account_uuid), None)

    @property
    def signatures(self) -> list[Signature]:
        """What the mailbox has to choose from; nothing where there is no choice."""
        written = [each for each in self.account.signatures if each.html] if self.account else []
        return written if len(written) > 1 else []

    @property
    def files_bytes(self) -> int:
        """How large all its files are together."""
        return sum(each.size_bytes for each in self.draft.attachments)

    @property
    def files_limit(self) -> int:
        """How large they may be together, by what the mailbox's server has said."""
        return files_limit(self.account)

    @property
    def can_archive(self) -> bool:
        """Whether it answers something that could be archived with it."""
        return self.draft.mode in ("reply", "reply_all") and bool(self.source_uuid)

    @property
    def times(self) -> list[OfferedTime]:
        """When it can be sent later, at a press."""
        zone = browser_zone()
        return offered(choices(utc_now(), zone), zone)

    @property
    def soonest(self) -> str:
        """The present moment as the wall shows it."""
        return wall_of(utc_now().astimezone(browser_zone()))

    @property
    def zone(self) -> str:
        return zone_name()

    @property
    def saved_at(self) -> datetime | None:
        return self.draft.updated_at if is_touched(self.draft) else None

    @property
    def back_path(self) -> str:
        return f"/conversations/{self.source_uuid}" if self.source_uuid else "/inbox"

    @property
    def cid_paths(self) -> dict[str, str]:
        """Where the pictures inside the mail are to be had while it is written, by Content-ID."""
        files = [each for each in self.draft.attachments if each.content_id]
        return {
            each.content_id: url_for("compose.file", draft_uuid=self.draft.uuid, file_uuid=each.uuid) for each in files
        }


def composer_context(
    scope: Scope, draft_uuid: UUID, *, place: str = "slot", form: DraftForm | None = None, focus: str = ""
) -> dict[str, Any]:
    """Give what `compose/_composer.html` takes.

    Args:
        place: `slot` at the foot of a conversation, `page` where it has a page to itself.
        form: what was typed, to be shown instead of what is stored.
        focus: `to`, `body` or "".

    Raises:
        NotFound: there is no such draft, or it is another user's.
    """
    with reading() as s:
        draft = load_submission(s, scope, draft_uuid)
        accounts = [account for account in list_accounts(s, scope) if account.status in LIVE]
        source_uuid = conversation_uuid_of(s, draft.source_message_id)
        templates = list_templates(s, scope)
    form = form or form_of_draft(draft, place)
    return {"composer": Composer(draft, form, accounts, source_uuid, focus, templates)}
