"""Mail templates: the list, one of them written or read, and what it was before."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import mail_templates as templates
from webmail.blueprints._framed import inner_ancestors
from webmail.blueprints._htmx import VARY, is_partial, leave_for, page_or_partial
from webmail.blueprints._mailing_words import merge_field
from webmail.blueprints._session import current_scope, signed_in
from webmail.blueprints.forms.mail_template import TemplateForm, form_of_template, typed_form
from webmail.domain.merge import CONTACT_FIELDS, USER_FIELDS
from webmail.errors import InputRefused, NotFound
from webmail.store import mail_templates as store
from webmail.store.contacts import field_names_of
from webmail.store.scope import Scope
from webmail.store.session import Session, reading

blueprint = Blueprint("mail_templates", __name__)

_SAMPLE = {
    "first_name": "Ana",
    "last_name": "Silva",
    "name": "Ana Silva",
    "email": "ana.silva@example.com",
    "company": "Northwind",
}
_JOB_EXAMPLES = ("title", "place")


@blueprint.get("/mail-templates")
def show_list() -> Response:
    """Show the user's own templates, and those that others share."""
    scope = current_scope()
    with reading() as s:
        found = store.list_templates(s, scope)
        owners = store.owner_names(s, found)
    own = [each for each in found if each.user_id == scope.user_id]
    shared = [each for each in found if each.user_id != scope.user_id]
    return make_response(render_template("mail_templates/list.html", own=own, shared=shared, owners=owners))


@blueprint.get("/mail-templates/new")
def new() -> Response:
    return _edited(current_scope(), None, TemplateForm())


@blueprint.post("/mail-templates/new")
def add() -> BaseResponse:
    scope, form = current_scope(), typed_form(request.form)
    try:
        uuid = templates.add_template(scope, form.to_fields())
    except InputRefused as refusal:
        form.problems[refusal.field] = refusal.user_message
        return _edited(scope, None, form, 422)
    return leave_for(url_for(".show", template_uuid=uuid), "Template saved.")


@blueprint.get("/mail-templates/<uuid:template_uuid>")
def show(template_uuid: UUID) -> Response:
    """Show a template: the user's own to be changed, another's to be read and copied."""
    scope = current_scope()
    with reading() as s:
        template = store.load_template(s, scope, template_uuid)
        if template.user_id != scope.user_id:
            owner = store.owner_names(s, [template]).get(template.user_id, "")
            return make_response(render_template("mail_templates/read.html", template=template, owner=owner))
    return _edited(scope, template_uuid, form_of_template(template))


@blueprint.post("/mail-templates/<uuid:template_uuid>")
def save(template_uuid: UUID) -> BaseResponse:
    scope, form = current_scope(), typed_form(request.form)
    try:
        templates.save_template(scope, template_uuid, form.to_fields(), version=form.version)
    except InputRefused as refusal:
        form.problems[refusal.field] = refusal.user_message
        return _edited(scope, template_uuid, form, 409 if refusal.field == "version" else 422)
    if not is_partial():
        return leave_for(url_for(".show", template_uuid=template_uuid), "Template saved.")
    with reading() as s:
        saved = form_of_template(store.load_own_template(s, scope, template_uuid))
    return _edited(scope, template_uuid, saved, is_saved=True)


@blueprint.post("/mail-templates/<uuid:template_uuid>/copy")
def copy(template_uuid: UUID) -> BaseResponse:
    copied = templates.copy_template(current_scope(), template_uuid)
    return leave_for(url_for(".show", template_uuid=copied), "This is your copy.")


@blueprint.post("/mail-templates/<uuid:template_uuid>/delete")
def delete(template_uuid: UUID) -> BaseResponse:
    name = templates.delete_template(current_scope(), template_uuid)
    return leave_for(url_for(".show_list"), f"{name} is deleted.")


@blueprint.get("/mail-templates/<uuid:template_uuid>/version")
def version(template_uuid: UUID) -> Response:
    """Show what a template was; `number` says when."""
    scope, number = current_scope(), request.args.get("number", 0, int)
    with reading() as s:
        template = store.load_own_template(s, scope, template_uuid)
        former = store.load_version(s, template, number)
    return make_response(render_template("mail_templates/version.html", template=template, former=former))


@blueprint.post("/mail-templates/<uuid:template_uuid>/restore")
def restore(template_uuid: UUID) -> BaseResponse:
    number = request.form.get("number", 0, int)
    templates.restore_version(current_scope(), template_uuid, number)
    return leave_for(url_for(".show", template_uuid=template_uuid), f"Version {number} is back.")


@blueprint.get("/mail-templates/<uuid:template_uuid>/preview")
def preview(template_uuid: UUID) -> Response:
    """Show a template, or what it was at version `number`, with sample values, in a frame in which nothing can run."""
    number = request.args.get("number", type=int)
    with reading() as s:
        template = store.load_template(s, current_scope(), template_uuid)
        if number is None:
            return _previewed(s, template.subject, template.html)
        if template.user_id != current_scope().user_id:
            raise NotFound("Only its owner looks at what a template was.")
        former = store.load_version(s, template, number)
        return _previewed(s, former.subject, former.html)


@blueprint.post("/mail-templates/preview")
def preview_typed() -> Response:
    """Show what is typed with sample values, without storing it."""
    fields = typed_form(request.form).to_fields()
    templates.require_size(fields.html)
    with reading() as s:
        return _previewed(s, fields.subject, fields.html)


def _previewed(s: Session, subject: str, html: str) -> Response:
    values = templates.values_for(s, current_scope(), "")
    shown = templates.fill(subject, html, values | {"contact": _SAMPLE})
    body = Markup(shown.html)  # noqa: S704  # cleaned just now, and shown where nothing can run
    response = make_response(render_template("mail_templates/preview.html", subject=shown.subject, html=body))
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: https:; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {inner_ancestors()}"
    )
    return response


def _edited(
    scope: Scope, uuid: UUID | None, form: TemplateForm, status: int = 200, *, is_saved: bool = False
) -> Response:
    """Answer with the page of a template that is being written; htmx gets what stands beside the text."""
    with reading() as s:
        template = store.load_own_template(s, scope, uuid) if uuid else None
        contact = [
            *CONTACT_FIELDS,
            *(name for name in field_names_of(s, scope.tenant_id) if name not in CONTACT_FIELDS),
        ]
        warnings = templates.warnings_of(s, scope, template) if template else []
        versions = store.list_versions(s, template) if template else []
    groups = [
        (gettext("Recipient"), "contact", contact),
        (gettext("Job"), "job", _JOB_EXAMPLES),
        (gettext("You"), "user", USER_FIELDS),
    ]
    response = page_or_partial(
        "mail_templates/edit.html",
        "mail_templates/_after_save.html",
        status,
        template=template,
        form=form,
        warnings=warnings,
        versions=versions,
        merge_fields=[(label, [merge_field(group, name) for name in names]) for label, group, names in groups],
        is_saved=is_saved,
        who=signed_in().name,
    )
    response.headers["Vary"] = VARY
    return response
