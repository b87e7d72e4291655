"""The audit log says who took people's data out, who was forgotten, and which keys came and went."""

from __future__ import annotations

from webmail.actions import api_contacts, api_keys, api_privacy, exports, suppressions
from webmail.actions.tenants import audit_lines
from webmail.store.models import Tenant, User
from webmail.store.scope import Scope
from webmail.store.session import transaction


def test_exports_erasures_and_keys_are_told(user: Scope) -> None:
    api_contacts.upsert(user.tenant_id, "c1", {"name": "Ana", "addresses": ["ana@x.example"]})
    with transaction() as s:
        suppressions.suppress(s, user.tenant_id, "no@x.example", reason="unsubscribed")
        person = s.get_one(User, user.user_id)
        person.external_id, email = "u1", person.email
        slug = s.get_one(Tenant, user.tenant_id).slug

    exports.contact_lines(user)
    exports.suppression_lines(user)
    list(api_privacy.export_contact(user.tenant_id, "c1"))
    list(api_privacy.export_user(user.tenant_id, "u1"))
    api_contacts.delete(user.tenant_id, "c1")
    key = api_keys.add_key(slug, "ats", ["mail:read"])
    api_keys.remove_keys(slug, "ats")

    lines = [line.split("\t") for line in audit_lines(slug, 100)]
    assert [(who, action, details) for _, who, action, _, details in lines] == [
        ("(the system)", "suppression_added", 'email="no@x.example" reason="unsubscribed"'),
        (email, "contacts_exported", "count=1"),
        (email, "suppressions_exported", "count=1"),
        ("(the system)", "contact_exported", ""),
        ("(the system)", "user_exported", ""),
        ("(the system)", "contact_erased", ""),
        ("(the system)", "api_key_added", 'name="ats" scopes=["mail:read"]'),
        ("(the system)", "api_key_removed", 'name="ats" count=1'),
    ]
    assert key not in str(lines)
