"""Contacts: the list, and one of them to be read and changed."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, make_response, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webmail.actions import contacts
from webmail.blueprints._htmx import leave_for, page_or_partial
from webmail.blueprints._mailing_words import zone_names
from webmail.blueprints._session import current_scope
from webmail.blueprints.forms.contact import ContactForm, form_of_contact, typed_form
from webmail.errors import InputRefused
from webmail.store.contacts import contact_page, count_contacts, find_by_uuid, load_by_uuid, tags_of
from webmail.store.models import Contact
from webmail.store.scope import Scope
from webmail.store.session import reading
from webmail.store.suppressions import suppressed_among

blueprint = Blueprint("contacts", __name__)


@blueprint.get("/contacts")
def show_list() -> Response:
    """Show the tenant's contacts: all, or those that are searched for; with `after`, a later page of them."""
    scope = current_scope()
    search, tag = request.args.get("q", "")[:200].strip(), request.args.get("tag", "")[:40]
    after = request.args.get("after", type=UUID)
    with reading() as s:
        page = contact_page(s, scope.tenant_id, search=search, tag=tag, after=after)
        count = count_contacts(s, scope.tenant_id, search=search, tag=tag)
        tags = tags_of(s, scope.tenant_id)
        addresses = [address for contact in page.rows for address in contact.addresses]
        suppressed = suppressed_among(s, scope.tenant_id, addresses)
    return page_or_partial(
        "contacts/list.html",
        "contacts/_more.html" if after else "contacts/_found.html",
        found=page,
        count=count,
        tags=tags,
        search=search,
        tag=tag,
        after=after,
        suppressed=suppressed,
    )


@blueprint.get("/contacts/new")
def new() -> Response:
    form = ContactForm(addresses=request.args.get("address", "")[:320])
    return _shown(current_scope(), None, form)


@blueprint.post("/contacts/new")
def add() -> BaseResponse:
    scope, form = current_scope(), typed_form(request.form)
    try:
        uuid = contacts.add_contact(scope, form.to_fields())
    except InputRefused as refusal:
        form.problems[refusal.field] = refusal.user_message
        return _shown(scope, None, form, 422)
    return leave_for(url_for(".show", contact_uuid=uuid), "Contact added.")


@blueprint.get("/contacts/<uuid:contact_uuid>")
def show(contact_uuid: UUID) -> Response:
    scope = current_scope()
    with reading() as s:
        contact = load_by_uuid(s, scope.tenant_id, contact_uuid)
    return _shown(scope, contact, form_of_contact(contact))


@blueprint.post("/contacts/<uuid:contact_uuid>")
def save(contact_uuid: UUID) -> BaseResponse:
    scope, form = current_scope(), typed_form(request.form)
    try:
        contacts.edit_contact(scope, contact_uuid, form.to_fields())
    except InputRefused as refusal:
        form.problems[refusal.field] = refusal.user_message
        with reading() as s:
            contact = find_by_uuid(s, scope.tenant_id, contact_uuid)
        return _shown(scope, contact, form, 422)
    return leave_for(url_for(".show", contact_uuid=contact_uuid), "Contact saved.")


@blueprint.post("/contacts/<uuid:contact_uuid>/delete")
def delete(contact_uuid: UUID) -> BaseResponse:
    name = contacts.erase_contact(current_scope(), contact_uuid)
    return leave_for(url_for(".show_list"), f"{name} is deleted.")


def _shown(scope: Scope, contact: Contact | None, form: ContactForm, status: int = 200) -> Response:
    with reading() as s:
        suppressed = suppressed_among(s, scope.tenant_id, contact.addresses) if contact else set()
    page = render_template(
        "contacts/edit.html", contact=contact, form=form, suppressed=sorted(suppressed), zones=zone_names()
    )
    return make_response(page, status)
