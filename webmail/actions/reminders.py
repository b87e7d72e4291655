"""Questions before a mail goes out. Each can be answered with *Send anyway*; none of them changes anything."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from webmail.actions.drafts import listed_files
from webmail.actions.outgoing import read_recipients
from webmail.domain.addresses import normalise_email
from webmail.domain.reminders import left_open, look_alike, spoken_of_file
from webmail.store.contacts import contacts_by_address
from webmail.store.correspondents import known_addresses
from webmail.store.models import Submission
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.submissions import load_submission

MANY = 10
"""More in To and Cc see each other's addresses without, perhaps, being meant to."""


@dataclass(frozen=True)
class Question:
    """Something to be sure of: `key` names it, so that an answer holds for it and nothing else."""

    key: str
    sentence: str
    field: str = ""
    """Where it can be mended."""


def questions_before(scope: Scope, uuid: UUID, *, sure_of: Collection[str] = ()) -> list[Question]:
    """Give what is worth a question before this draft goes out.

    Args:
        sure_of: keys of questions that were answered already.

    Raises:
        NotFound: no such draft.
        InputRefused: a recipient cannot be written to, or there is none.
    """
    with reading() as s:
        draft = load_submission(s, scope, uuid)
    if draft.state != "draft":
        return []
    found = [*_about_the_mail(draft), *_about_recipients(scope, draft)]
    return [each for each in found if each.key not in sure_of]


def _about_the_mail(draft: Submission) -> list[Question]:
    questions = []
    if not draft.subject.strip():
        questions.append(Question("subject", "This mail has no subject.", "subject"))
    word = spoken_of_file("" if draft.is_plain else draft.body_html, draft.body_text)
    if word and not listed_files(draft.attachments):
        questions.append(Question("file", f"You wrote “{word}”, and no file is attached.", "files"))
    gap = left_open("" if draft.is_plain else draft.body_html, draft.body_text) or left_open("", draft.subject)
    if gap:
        questions.append(Question("gap", f"“{gap}” still stands in the text, and nobody has filled it in.", "body"))
    return questions


def _about_recipients(scope: Scope, draft: Submission) -> list[Question]:
    recipients = read_recipients(draft)
    seen = len(recipients.to) + len(recipients.cc)
    questions = []
    if seen > MANY:
        sentence = f"{seen} people stand in To and Cc and see each other’s addresses. In Bcc they would not."
        questions.append(Question("many", sentence, "to"))
    emails = {normalise_email(each): each for each in recipients.envelope}
    with reading() as s:
        known = known_addresses(s, scope)
        contacts = set(contacts_by_address(s, scope.tenant_id, emails))
    people = {email for email, is_written_to in known.items() if is_written_to} | contacts
    for email, shown in emails.items():
        alike = look_alike(email, people) if email not in people and people else ""
        # Two colleagues may have much the same name; one who wrote first is no slip of the fingers.
        if alike and not (email in known and alike.rpartition("@")[2] == email.rpartition("@")[2]):
            sentence = f"You have never written to {shown}. It looks like {alike}, whom you know."
            questions.append(Question(f"alike:{email}", sentence, "to"))
    return questions
