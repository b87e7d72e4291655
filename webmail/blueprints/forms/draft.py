"""The composer's form: as a draft fills it, and as it comes back.

`format` says what the body is: `rich`, written in the editor; `plain`, chosen by the writer; or `text`, the plain
rendering of a rich draft that a textarea shows where the editor cannot be loaded. As long as that text comes back as it
was given, the rich draft stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from webmail.actions.drafts import DraftFields
from webmail.actions.reminders import Question
from webmail.domain.plain import written_to_text
from webmail.store.models import Submission

FORMATS = ("rich", "plain", "text")
_MAX_ROW = 20_000


@dataclass
class DraftForm:
    """What the composer's fields hold, and what is wrong with them.

    `questions` wait for an answer before it goes out, as it was asked to in `again`: {"at": …, "then": …, "sure": …}.
    """

    account_uuid: UUID | None
    to: str
    cc: str
    bcc: str
    subject: str
    format: str
    body_html: str
    body_text: str
    revision: int
    from_email: str | None = None
    place: str = "page"
    is_sending: bool = False
    questions: list[Question] = field(default_factory=list)
    again: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def to_fields(self) -> DraftFields:
        """Give what is stored of it."""
        is_untouched = self.format == "text" and _same_text(self.body_text, written_to_text(self.body_html))
        is_plain = self.format != "rich" and not is_untouched
        return DraftFields(
            account_uuid=self.account_uuid,
            to=self.to,
            cc=self.cc,
            bcc=self.bcc,
            subject=self.subject,
            is_plain=is_plain,
            body_html="" if is_plain else self.body_html,
            body_text=self.body_text if is_plain else "",
            from_email=self.from_email,
        )


def form_of_draft(draft: Submission, place: str = "page") -> DraftForm:
    """Build the form as a stored draft fills it; a rich one also as the text that a plain textarea shows."""
    return DraftForm(
        account_uuid=draft.account.uuid if draft.account else None,
        to=draft.to,
        cc=draft.cc,
        bcc=draft.bcc,
        subject=draft.subject,
        format="plain" if draft.is_plain else "text",
        body_html="" if draft.is_plain else draft.body_html,
        body_text=draft.body_text if draft.is_plain else written_to_text(draft.body_html),
        revision=draft.revision,
        from_email=draft.from_email,
        place=place,
    )


def typed_form(data: Mapping[str, str]) -> DraftForm:
    """Read the form as it was sent; `keep` is the newer revision that the writer chose to replace."""
    chosen = data.get("format", "")
    account, _, from_email = data.get("account", "").partition(" ")
    return DraftForm(
        account_uuid=_uuid(account),
        to=_one_list(data.get("to", "")),
        cc=_one_list(data.get("cc", "")),
        bcc=_one_list(data.get("bcc", "")),
        subject=_one_line(data.get("subject", "")),
        format=chosen if chosen in FORMATS else "plain",
        body_html=data.get("body_html", ""),
        body_text=data.get("body_text", "").replace("\r\n", "\n"),
        revision=_number(data.get("keep") or data.get("revision", "")),
        from_email=from_email if account else None,
        place="slot" if data.get("place") == "slot" else "page",
    )


def _same_text(one: str, other: str) -> bool:
    # Browsers send CRLF, and drop the first line break of a textarea.
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


def _one_line(text: str) -> str:
    return " ".join(text[:_MAX_ROW].split())


def _one_list(text: str) -> str:
    """Bring addresses that were typed or pasted one below the other into one line."""
    lines = (_one_line(line) for line in text[:_MAX_ROW].splitlines())
    return ", ".join(line.rstrip(",; ") if at else line for at, line in enumerate(filter(None, lines)))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
