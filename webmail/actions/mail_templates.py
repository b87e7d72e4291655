"""Mail templates: written, shared, copied, brought back to what they were, and filled in for one person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from webmail.actions._mailing_mail import contact_values, user_values
from webmail.domain.addresses import normalise_email
from webmail.domain.html import clean_composed_html
from webmail.domain.merge import CONTACT_FIELDS, USER_FIELDS, MergeField, Values, fields_in, render_html, render_text
from webmail.domain.merge import unknown_in as broken_or_unknown_in
from webmail.errors import InputRefused
from webmail.store import mail_templates as store
from webmail.store.contacts import contacts_by_address, field_names_of
from webmail.store.models import MailTemplate, utc_now
from webmail.store.scope import Scope
from webmail.store.session import Session, reading, transaction
from webmail.store.users import load_user

_MAX_NAME = 120
_MAX_SUBJECT = 900
_MAX_HTML = 500_000


@dataclass(frozen=True)
class TemplateFields:
    """A template as it is typed; `html` is rich text with merge fields."""

    name: str
    subject: str = ""
    html: str = ""
    is_shared: bool = False


@dataclass(frozen=True)
class Filled:
    """A template for one person: what has no value stands in square brackets, to be seen and typed over.

    `missing`: such as "job.title".
    """

    subject: str
    html: str
    missing: list[str]


def add_template(scope: Scope, typed: TemplateFields) -> UUID:
    """Keep a new template, and give its uuid.

    Raises:
        InputRefused: it has no name, or is too large.
    """
    kept = _checked(typed)
    template = MailTemplate(
        tenant_id=scope.tenant_id,
        user_id=scope.user_id,
        name=kept.name,
        subject=kept.subject,
        html=kept.html,
        is_shared=kept.is_shared,
    )
    with transaction() as s:
        s.add(template)
    return template.uuid


def save_template(scope: Scope, uuid: UUID, typed: TemplateFields, *, version: int) -> int:
    """Store a template as it was typed, and give its version; what the text was before is kept.

    Args:
        version: on which the change is based.

    Raises:
        NotFound: there is none, or it is another's.
        InputRefused: it has no name, is too large, or was changed elsewhere since (field `version`).
    """
    kept = _checked(typed)
    with transaction() as s:
        template = store.load_own_template(s, scope, uuid)
        is_changed = (template.subject, template.html) != (kept.subject, kept.html)
        if template.version != version and is_changed:
            raise InputRefused("version", "This template was changed in another tab since you opened it here.")
        if is_changed:
            _replace_text(s, template, kept.subject, kept.html)
        template.name, template.is_shared = kept.name, kept.is_shared
    return template.version


def restore_version(scope: Scope, uuid: UUID, version: int) -> None:
    """Make a former version the present one; what is replaced is kept as well.

    Raises:
        NotFound: there is none, or the template is another's.
    """
    with transaction() as s:
        template = store.load_own_template(s, scope, uuid)
        former = store.load_version(s, template, version)
        if (former.subject, former.html) != (template.subject, template.html):
            _replace_text(s, template, former.subject, former.html)


def copy_template(scope: Scope, uuid: UUID) -> UUID:
    """Make a private copy of a template that the user may use, and give its uuid.

    Raises:
        NotFound: there is none, or it is not shared.
    """
    with transaction() as s:
        source = store.load_template(s, scope, uuid)
        name = f"Copy of {source.name}"[:_MAX_NAME]
        copy = MailTemplate(
            tenant_id=scope.tenant_id, user_id=scope.user_id, name=name, subject=source.subject, html=source.html
        )
        s.add(copy)
    return copy.uuid


def delete_template(scope: Scope, uuid: UUID) -> str:
    """Delete a template with all its versions, and give its name; mailings keep the text that they took from it.

    Raises:
        NotFound: there is none, or it is another's.
    """
    with transaction() as s:
        template = store.load_own_template(s, scope, uuid)
        name = template.name
        s.delete(template)
    return name


def fill_for(scope: Scope, template_uuid: UUID, *, contact_address: str) -> Filled:
    """Fill in a template for a single mail.

    Args:
        contact_address: whom the mail goes to, "" when that is not known yet.

    Raises:
        NotFound: there is no such template, or it is not shared.
    """
    with reading() as s:
        template = store.load_template(s, scope, template_uuid)
        values = values_for(s, scope, contact_address)
    return fill(template.subject, template.html, values)


def require_size(html: str) -> None:
    """See that a text is no larger than a template may be.

    Raises:
        InputRefused: it is; field `html`.
    """
    if len(html) > _MAX_HTML:
        raise InputRefused("html", "This text is larger than 500 KB. Use smaller pictures.")


def values_for(s: Session, scope: Scope, contact_address: str) -> dict[str, dict[str, str]]:
    """Give what the merge fields hold for a mail of this user to this address."""
    address = normalise_email(contact_address)
    contact = contacts_by_address(s, scope.tenant_id, [address]).get(address)
    user = load_user(s, scope)
    person = contact_values(contact, "", contact_address.strip(), {})
    own = user_values(user, None) | {"email": user.launch_email or user.email}
    return {"contact": person, "user": own, "job": {}}


def fill(subject: str, html: str, values: Values) -> Filled:
    """Fill in a text, and put what has no value into square brackets."""
    filled_subject, filled_html = render_text(subject, values), render_html(html, values)
    missing = list(dict.fromkeys([*filled_subject.missing, *filled_html.missing]))
    if missing:
        wanted = [*fields_in(subject, is_html=False), *fields_in(html)]
        shown = _with_brackets(values, [each for each in wanted if each.label in missing])
        filled_subject, filled_html = render_text(subject, shown), render_html(html, shown)
    return Filled(filled_subject.text, clean_composed_html(filled_html.text), missing)


def warnings_of(s: Session, scope: Scope, template: MailTemplate) -> list[str]:
    """Say what of a template cannot be filled in, a sentence each."""
    known = {f"contact.{name.casefold()}" for name in (*CONTACT_FIELDS, *field_names_of(s, scope.tenant_id))}
    known |= {f"user.{name}" for name in USER_FIELDS}
    return list(_warnings(template, known))


def _warnings(template: MailTemplate, known: set[str]) -> Iterator[str]:
    found = broken_or_unknown_in(template.subject, known, is_html=False) + broken_or_unknown_in(template.html, known)
    for each in dict.fromkeys(found):
        if "{" in each or "}" in each:
            yield f"{each} is no merge field, and would stop a mailing. Insert it from the menu instead."
        elif each.startswith("user."):
            yield f"There is no {each}. You have a name, a first_name and an email."
        elif each.startswith("contact."):
            yield f"No contact has a value for {each} yet."


def _with_brackets(values: Values, missing: list[MergeField]) -> Mapping[str, Mapping[str, str]]:
    shown = {group: dict(own) for group, own in values.items()}
    for each in missing:
        own = shown.setdefault(each.group, {})
        for name in [name for name in own if name.casefold() == each.name]:
            del own[name]
        own[each.name] = f"[{each.name.replace('_', ' ')}]"
    return shown


def _replace_text(s: Session, template: MailTemplate, subject: str, html: str) -> None:
    store.keep_version(s, template)
    template.subject, template.html = subject, html
    template.version += 1
    template.updated_at = utc_now()


def _checked(typed: TemplateFields) -> TemplateFields:
    name = " ".join(typed.name.split())
    if not name:
        raise InputRefused("name", "Give the template a name, to find it by.")
    if len(name) > _MAX_NAME:
        raise InputRefused("name", f"A name takes up to {_MAX_NAME} characters.")
    require_size(typed.html)
    subject = " ".join(typed.subject.split())[:_MAX_SUBJECT]
    return TemplateFields(name, subject, clean_composed_html(typed.html).strip(), typed.is_shared)
