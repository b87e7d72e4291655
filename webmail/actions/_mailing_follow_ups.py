"""Follow-ups of a mailing that is paused: those that nobody has got yet may be written anew."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from webmail.actions._mailing_checks import unknown_fields
from webmail.actions._mailing_drafts import require_revision, require_size, touch
from webmail.domain.html import clean_composed_html
from webmail.errors import InputRefused
from webmail.store import mailings as store
from webmail.store.models import Mailing, MailingStep
from webmail.store.scope import Scope
from webmail.store.session import Session, transaction
from webmail.store.users import load_user


def unsent_follow_ups(s: Session, mailing: Mailing) -> list[MailingStep]:
    """Give the follow-ups that nobody has got, or is about to get; none where the mailing is not paused."""
    if mailing.state != "paused":
        return []
    last = store.last_step(s, mailing.id) or 0
    return [step for step in mailing.steps if step.number > last]


def save_follow_ups(scope: Scope, uuid: UUID, texts: Mapping[int, str], *, revision: int) -> None:
    """Store other texts for follow-ups of a paused mailing.

    Args:
        texts: {number: HTML}.
        revision: the one that the page knows.

    Raises:
        NotFound: no such mailing.
        InputRefused: field `revision` when it was changed elsewhere meanwhile; `step-N` for a text that cannot go out;
            "" when the mailing is not paused, or the follow-up has begun to go.
    """
    with transaction() as s:
        mailing = store.load_mailing(s, scope, uuid)
        require_revision(mailing, revision)
        unsent = {step.number: step for step in unsent_follow_ups(s, mailing)}
        user = load_user(s, scope)
        for number, html in texts.items():
            if number not in unsent:
                raise InputRefused("", "This follow-up cannot be changed: pause the mailing before anybody gets it.")
            unsent[number].html = _cleaned(number, html)
            for problem in unknown_fields(mailing, user, number):
                raise InputRefused(f"step-{number}", problem)
        touch(mailing)


def _cleaned(number: int, html: str) -> str:
    require_size(f"step-{number}", html)
    cleaned = clean_composed_html(html)
    if not cleaned.strip():
        raise InputRefused(f"step-{number}", "Write a text for this follow-up.")
    return cleaned
