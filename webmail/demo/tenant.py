"""The demo's tenant as its ATS and the product both know it: its key, its origin, its people."""

from __future__ import annotations

import base64
import hmac
import re

from webmail.actions import api_contacts, tenants
from webmail.config import Config
from webmail.demo.desk import contact_facts
from webmail.demo.people import Candidate, all_candidates
from webmail.errors import NotFound
from webmail.store import users
from webmail.store.contacts import load_contact
from webmail.store.session import reading, transaction

TENANT = "demo"
RECRUITER_ID = "robin"
"""What the ATS calls the demo's recruiter."""
KEY = "demo-ats"


def secret_of(config: Config) -> str:
    """Give the secret that signs the demo's launches: made from the installation's own, so that it need not be kept."""
    digest = hmac.new(config.secret_key.encode(), b"demo-ats", "sha256").digest()
    return base64.urlsafe_b64encode(digest).decode()


def origin_of(config: Config) -> str:
    """Give where the demo's ATS is: on another site than the product, as browsers see it."""
    return f"http://localhost:{config.demo_ats_port}"


def contact_id(candidate: Candidate) -> str:
    """Give what the ATS calls a candidate."""
    return re.sub(r"[^a-z0-9]+", "-", candidate.email.lower())


def prepare_tenant(config: Config, email: str) -> None:
    """Let the demo's ATS open the product for its recruiter, and tell of its candidates.

    Args:
        email: the recruiter's address, with which the user was made.
    """
    tenants.keep_secret(TENANT, KEY, secret_of(config))
    tenants.add_origin(TENANT, origin_of(config))
    with transaction() as s:
        user = users.find_by_email(s, email)
        assert user is not None  # it was made before
        user.external_id = RECRUITER_ID
        tenant_id = user.tenant_id
    for candidate in all_candidates():
        try:
            with reading() as s:
                load_contact(s, tenant_id, contact_id(candidate))
        except NotFound:
            api_contacts.upsert(tenant_id, contact_id(candidate), contact_facts(candidate))
