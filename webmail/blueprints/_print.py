"""A message or a conversation on paper: heads and texts on one page, which runs as little as the frame of a message."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from webmail.blueprints._conversation import MessageView
from webmail.blueprints._frame import FrameContent, frame_policy, render_body
from webmail.store.conversations import body_facts, load_conversation
from webmail.store.messages import load_message
from webmail.store.scope import Scope
from webmail.store.session import Session, reading

_MOST_MESSAGES = 200


@dataclass(frozen=True)
class PrintedMessage:
    """A message with its text; `content` is None where it has not been fetched."""

    view: MessageView
    content: FrameContent | None


@dataclass(frozen=True)
class Printed:
    """What goes on paper."""

    subject: str
    messages: list[PrintedMessage]


def load_message_to_print(scope: Scope, uuid: UUID, reader: UUID) -> Printed:
    """Read one message.

    Args:
        reader: the user for whom its pictures are.

    Raises:
        NotFound: there is none, or it is another user's.
    """
    with reading() as s:
        message = _printed(s, scope, uuid, reader)
    return Printed(message.view.message.subject, [message])


def load_conversation_to_print(scope: Scope, uuid: UUID, reader: UUID) -> Printed:
    """Read a conversation's newest messages, oldest first; as `load_message_to_print()` otherwise."""
    with reading() as s:
        detail = load_conversation(s, scope, uuid, newest=_MOST_MESSAGES)
        messages = [_printed(s, scope, each.uuid, reader) for each in detail.messages]
        return Printed(detail.conversation.subject, messages)


def _printed(s: Session, scope: Scope, uuid: UUID, reader: UUID) -> PrintedMessage:
    message = load_message(s, scope, uuid)
    view = MessageView(message, body_facts(s, [message.id])[message.id], None, is_open=True)
    return PrintedMessage(view, render_body(message, reader) if message.body_state != "headers" else None)


def print_policy() -> str:
    """Give the policy of such a page: that of a message's frame, and the browser may ask how to print."""
    return f"{frame_policy()} allow-modals"
