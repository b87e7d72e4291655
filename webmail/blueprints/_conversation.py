"""What the page of a conversation shows: its messages, folded or open, and what can be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_babel import gettext

from webmail.domain.addresses import normalise_email
from webmail.domain.heads import notes_on_sender
from webmail.domain.quotes import split_quoted_text
from webmail.store.conversations import BodyFacts, ConversationDetail, body_facts, load_conversation
from webmail.store.correspondents import strangers_among
from webmail.store.models import Attachment, MailReport, Message, Submission
from webmail.store.reports import returns_of
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.sharing import Standing, standing_of
from webmail.store.submissions import draft_of_conversation, submissions_by_message

NEWEST_SHOWN = 25
_ALL_SHOWN = 2000
_LINE_PX, _LINE_CHARACTERS, _LEAST_PX, _MOST_PX = 21, 88, 84, 640


@dataclass(frozen=True)
class MessageView:
    """A message as its section of the page shows it."""

    message: Message
    facts: BodyFacts
    submission: Submission | None
    is_open: bool
    owner: str = ""
    """Whose it is, where it is not the reader's own: then it is only read."""
    returned: Sequence[MailReport] = ()
    """What servers reported because it did not reach somebody."""
    is_first: bool = False
    """It is the first mail from its sender."""

    @property
    def notes(self) -> list[str]:
        """What should be known of its sender; nothing of what the reader has written."""
        message = self.message
        if message.is_outgoing:
            return []
        return notes_on_sender(message.from_name, message.from_email, message.reply_to, is_first=self.is_first)

    @property
    def attachments(self) -> list[Attachment]:
        """What is listed below the text: pictures that the HTML shows itself are not."""
        return [each for each in self.message.attachments if not (each.is_inline and self.facts.shows_own_images)]

    @property
    def invitations(self) -> list[Attachment]:
        """The calendar files that are shown as cards: the first one, and only to whom they were sent."""
        found = [each for each in self.message.attachments if each.media_type in ("text/calendar", "application/ics")]
        return [] if self.owner or self.message.is_outgoing else found[:1]

    @property
    def recipients(self) -> list[tuple[str, list[list[str]]]]:
        """The rows of its recipients: label and [[name, email], …]."""
        message = self.message
        blind = [] if self.owner else message.bcc
        rows = [
            (gettext("To"), message.to),
            (gettext("Cc"), message.cc),
            (gettext("Bcc"), blind),
            (gettext("Reply to"), message.reply_to),
        ]
        return [(label, addresses) for label, addresses in rows if addresses]

    @property
    def frame_height(self) -> int:
        """About how tall its text will be, in pixels: room that is kept while the frame loads."""
        own, _ = split_quoted_text(self.facts.beginning)
        lines = sum(len(line) // _LINE_CHARACTERS + 1 for line in own.splitlines())
        return min(max(lines * _LINE_PX, _LEAST_PX), _MOST_PX)


@dataclass(frozen=True)
class ConversationView:
    """A conversation as its page shows it; `hidden_count` older messages are one step away."""

    detail: ConversationDetail
    messages: list[MessageView]
    hidden_count: int
    shows_earlier: bool
    draft_uuid: UUID | None
    standing: Standing
    """How it stands with colleagues."""

    @property
    def newest(self) -> Message:
        """The message that Reply answers."""
        return self.messages[-1].message

    @property
    def has_unread(self) -> bool:
        return any(each.message.is_unread for each in self.messages)


def load_view(scope: Scope, uuid: UUID, *, shows_earlier: bool = False) -> ConversationView:
    """Read a conversation for its page: the newest messages, or all of them.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    with reading() as s:
        detail = load_conversation(s, scope, uuid, newest=_ALL_SHOWN if shows_earlier else NEWEST_SHOWN)
        ids = [message.id for message in detail.messages]
        facts = body_facts(s, ids)
        submissions = submissions_by_message(s, ids)
        returned = returns_of(s, [each.id for each in submissions.values()])
        draft = draft_of_conversation(s, scope, detail.conversation.id)
        standing = standing_of(s, scope, detail.conversation)
        strangers = strangers_among(s, scope, [each.from_email for each in detail.messages if not each.is_outgoing])
    return ConversationView(
        detail=detail,
        messages=_views(detail.messages, facts, submissions, returned, strangers),
        hidden_count=max(detail.conversation.message_count - len(ids), 0),
        shows_earlier=shows_earlier,
        draft_uuid=draft.uuid if draft else None,
        standing=standing,
    )


def _views(
    messages: Sequence[Message],
    facts: dict[int, BodyFacts],
    submissions: dict[int, Submission],
    returned: dict[int, list[MailReport]],
    strangers: set[str],
) -> list[MessageView]:
    newest = messages[-1:] and messages[-1]
    views = []
    for message in messages:
        submission = submissions.get(message.id)
        came_back = returned.get(submission.id, []) if submission else []
        is_open = message is newest or message.is_unread or bool(came_back) or _needs_attention(submission)
        is_first = normalise_email(message.from_email) in strangers
        views.append(
            MessageView(message, facts[message.id], submission, is_open, returned=came_back, is_first=is_first)
        )
    return views


def _needs_attention(submission: Submission | None) -> bool:
    return submission is not None and submission.state in ("failed", "unsure")


def conversation_context(view: ConversationView) -> dict[str, Any]:
    """Give what the conversation's partial takes."""
    conversation = view.detail.conversation
    return {"view": view, "conversation": conversation, "messages": view.messages, "open_uuid": conversation.uuid}
