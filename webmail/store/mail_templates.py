"""Mail templates that a user may use: their own, and those that others of the tenant share."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select

from webmail.errors import NotFound
from webmail.store.models import MailTemplate, MailTemplateVersion, User
from webmail.store.scope import Scope
from webmail.store.session import Session

_MOST_VERSIONS = 50


def list_templates(s: Session, scope: Scope) -> list[MailTemplate]:
    """Give the templates that a user may use, by name: their own, and what is shared in the tenant."""
    query = select(MailTemplate).where(*_readable(scope)).order_by(MailTemplate.name, MailTemplate.id)
    return list(s.scalars(query))


def load_template(s: Session, scope: Scope, uuid: UUID) -> MailTemplate:
    """Give a template that the user may use.

    Raises:
        NotFound: there is none, or it is another's and not shared.
    """
    template = s.scalar(select(MailTemplate).where(MailTemplate.uuid == uuid, *_readable(scope)))
    if template is None:
        raise NotFound("This template is not here any more, or it is not shared with you.")
    return template


def load_own_template(s: Session, scope: Scope, uuid: UUID) -> MailTemplate:
    """Give one of the user's own templates, which they may change.

    Raises:
        NotFound: there is none, or it is another's.
    """
    template = load_template(s, scope, uuid)
    if template.user_id != scope.user_id:
        raise NotFound("Only its owner changes this template. Make a copy, and change that.")
    return template


def owner_names(s: Session, templates: Collection[MailTemplate]) -> dict[int, str]:
    """Say whose templates these are: names by the user's key."""
    query = select(User.id, User.name, User.email).where(User.id.in_({each.user_id for each in templates}))
    return {user_id: name or email for user_id, name, email in s.execute(query)}


def list_versions(s: Session, template: MailTemplate) -> list[MailTemplateVersion]:
    """Give what a template was before, the newest first."""
    query = select(MailTemplateVersion).where(MailTemplateVersion.template_id == template.id)
    return list(s.scalars(query.order_by(MailTemplateVersion.version.desc())))


def load_version(s: Session, template: MailTemplate, version: int) -> MailTemplateVersion:
    """Give one of a template's former versions.

    Raises:
        NotFound: there is none of that number.
    """
    found = s.get(MailTemplateVersion, (template.id, version))
    if found is None:
        raise NotFound("This version is not kept any more.")
    return found


def keep_version(s: Session, template: MailTemplate) -> None:
    """Keep what a template is now, before it is changed; of very many, the oldest go."""
    s.add(
        MailTemplateVersion(
            template_id=template.id,
            version=template.version,
            user_id=template.user_id,
            subject=template.subject,
            html=template.html,
            saved_at=template.updated_at,
        )
    )
    s.execute(
        delete(MailTemplateVersion).where(
            MailTemplateVersion.template_id == template.id,
            MailTemplateVersion.version <= template.version - _MOST_VERSIONS,
        )
    )


def _readable(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    is_theirs = or_(MailTemplate.user_id == scope.user_id, MailTemplate.is_shared.is_(True))
    return (MailTemplate.tenant_id == scope.tenant_id, is_theirs)
