"""What is put into a draft at a press: another of the mailbox's signatures, or a mail template."""

from __future__ import annotations

from uuid import UUID

from webmail.actions import mail_templates
from webmail.actions._draft_copy import copy_later
from webmail.actions.drafts import open_to_change
from webmail.actions.signatures import filled, signatures_of
from webmail.domain.addresses import parse_typed
from webmail.domain.compose import add_signature_html, put_on_top
from webmail.domain.html import clean_composed_html
from webmail.domain.signatures import has_signature, swap_signature
from webmail.domain.text import html_to_text
from webmail.errors import NotFound
from webmail.store.models import Submission, utc_now
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction
from webmail.store.submissions import load_submission
from webmail.store.users import load_user


def use_signature(scope: Scope, uuid: UUID, signature_uuid: UUID | None) -> None:
    """Put one of its mailbox's signatures into a draft, in the place of the one that is there.

    Args:
        signature_uuid: None takes the present one out.

    Raises:
        NotFound: no such draft or signature.
        InputRefused: it is no draft any more.
    """
    with transaction() as s:
        draft = open_to_change(s, scope, uuid)
        user = load_user(s, scope)
        account = draft.account
        known = signatures_of(account, user)
        chosen = [each for each in account.signatures if each.uuid == signature_uuid] if account else []
        if signature_uuid is not None and not chosen:
            raise NotFound("This signature is not here any more.")
        new = filled(chosen[0], account, user) if chosen and account else ""
        html, text = swap_signature(draft.body_html, draft.body_text, new, known)
        _write(draft, html, text)


def use_template(scope: Scope, uuid: UUID, template_uuid: UUID) -> list[str]:
    """Put a mail template into a draft, filled in for whom it goes to, above what is there.

    The signature is the draft's own, as in every single mail: one that stands in the template is left out then.

    Returns:
        What could not be filled in, and stands in square brackets.

    Raises:
        NotFound: no such draft or template.
        InputRefused: it is no draft any more.
    """
    with reading() as s:
        draft = load_submission(s, scope, uuid)
    recipients = parse_typed(draft.to)[0]
    found = mail_templates.fill_for(scope, template_uuid, contact_address=recipients[0].email if recipients else "")
    with transaction() as s:
        draft = open_to_change(s, scope, uuid)
        known = signatures_of(draft.account, load_user(s, scope))
        html = found.html
        if has_signature(draft.body_html, draft.body_text, known):
            html = add_signature_html(html, "")
        if draft.is_plain:
            _write(draft, draft.body_html, f"{html_to_text(html)}\n\n{draft.body_text.lstrip()}")
        else:
            _write(draft, clean_composed_html(put_on_top(draft.body_html, html)), draft.body_text)
        if not draft.subject.strip():
            draft.subject = found.subject
    return found.missing


def _write(draft: Submission, html: str, text: str) -> None:
    draft.body_html, draft.body_text = html, text
    draft.revision += 1
    draft.updated_at = utc_now()
    copy_later(draft, draft.updated_at)
