"""What the demo's pages show before anybody has done anything."""

from __future__ import annotations

from webmail.actions import api_contacts, mailings
from webmail.demo.desk import contact_facts, lay_out_desk
from webmail.demo.people import all_candidates
from webmail.demo.tenant import contact_id
from webmail.store import mailings as store
from webmail.store.contacts import tags_of
from webmail.store.mail_templates import list_templates
from webmail.store.models import User
from webmail.store.scope import Scope
from webmail.store.session import reading


def test_the_demo_begins_with_tagged_contacts_templates_and_a_draft_that_lacks_only_a_mailbox(user: Scope) -> None:
    with reading() as s:
        email = s.get_one(User, user.user_id).email
    for candidate in all_candidates():
        api_contacts.upsert(user.tenant_id, contact_id(candidate), contact_facts(candidate))

    lay_out_desk(email)

    with reading() as s:
        assert {"talent pool", "backend"} <= set(tags_of(s, user.tenant_id))
        assert len(list_templates(s, user)) == 2
        [row] = store.list_mailings(s, user)
    check = mailings.check(user, row.mailing.uuid)
    assert check.ready > 10
    assert check.left_out == {"invalid": 1}
    assert check.missing == []
    assert [field for field, _ in check.problems] == ["account"]
