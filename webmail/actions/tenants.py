"""Tenants, for the operator: making them, their keys and where their pages live."""

from __future__ import annotations

import base64
import json
import re
import secrets

from webmail.domain.launches import ALGORITHMS, LaunchKey, load_key
from webmail.domain.origins import normalise_origin
from webmail.errors import InputRefused
from webmail.providers import presets
from webmail.store import audit, tenants, users
from webmail.store.models import AuditEntry, Tenant
from webmail.store.session import Session, reading, transaction


def add_tenant(slug: str, name: str = "") -> None:
    """Make a tenant.

    Raises:
        InputRefused: the slug cannot be used or is taken.
    """
    require_slug(slug)
    with transaction() as s:
        if users.find_tenant(s, slug) is not None:
            raise InputRefused("tenant", f"There is a tenant {slug} already.")
        users.add_tenant(s, slug).name = name.strip() or slug


def add_key(slug: str, algorithm: str, *, kid: str = "", public_key: str = "") -> tuple[str, str]:
    """Register a key for a tenant's launches.

    Args:
        algorithm: `HS256` makes a secret here; `EdDSA` and `RS256` take the tenant's public key.
        kid: the key's name; made up when "".
        public_key: PEM or JWK.

    Returns:
        The key's name, and the secret to be shown once; "" where there is none.

    Raises:
        InputRefused: no such tenant, or the key cannot be used.
    """
    if algorithm not in ALGORITHMS:
        raise InputRefused("algorithm", f"A key is for {', '.join(ALGORITHMS)}.")
    kid = kid or f"key-{secrets.token_hex(4)}"
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", kid):
        raise InputRefused("kid", "A key's name takes up to 64 letters, digits, dots, hyphens and underscores.")
    secret = ""
    if algorithm == "HS256":
        secret = secrets.token_urlsafe(48)
        jwk = _jwk_of(secret)
    else:
        try:
            jwk = load_key(algorithm, public_key)
        except ValueError as error:
            raise InputRefused("public_key", str(error)) from None
    with transaction() as s:
        tenant = _load(s, slug)
        if any(each.kid == kid for each in tenants.keys_of(s, tenant.id)):
            raise InputRefused("kid", f"The tenant has a key {kid} already.")
        tenants.add_key(s, tenant.id, LaunchKey(kid, algorithm, jwk))
    return kid, secret


def keep_secret(slug: str, kid: str, secret: str) -> None:
    """See that a tenant has a key of that name and secret, in place of another of that name.

    Raises:
        InputRefused: no such tenant.
    """
    with transaction() as s:
        tenant = _load(s, slug)
        tenants.remove_key(s, tenant.id, kid)
        tenants.add_key(s, tenant.id, LaunchKey(kid, "HS256", _jwk_of(secret)))


def remove_key(slug: str, kid: str) -> None:
    """Forget a key: launches signed by it are refused from now on.

    Raises:
        InputRefused: no such tenant or key.
    """
    with transaction() as s:
        if not tenants.remove_key(s, _load(s, slug).id, kid):
            raise InputRefused("kid", f"The tenant has no key {kid}.")


def list_keys(slug: str) -> list[LaunchKey]:
    """Give a tenant's keys.

    Raises:
        InputRefused: no such tenant.
    """
    with reading() as s:
        return tenants.keys_of(s, _load(s, slug).id)


def list_origins(slug: str) -> list[str]:
    """Give where a tenant's frames may stand.

    Raises:
        InputRefused: no such tenant.
    """
    with reading() as s:
        return list(_load(s, slug).origins)


def add_origin(slug: str, origin: str) -> str:
    """Allow a tenant's pages at an origin to hold frames; gives it as it is kept.

    Raises:
        InputRefused: no such tenant, or it is no origin.
    """
    normal = normalise_origin(origin)
    if normal is None:
        raise InputRefused(
            "origin", "An origin is https://, a host and perhaps a port, such as https://ats.acme.example; no pattern."
        )
    with transaction() as s:
        tenant = _load(s, slug)
        tenant.origins = sorted({*tenant.origins, normal})
    return normal


def remove_origin(slug: str, origin: str) -> None:
    """Take an origin off a tenant's list: frames there stop with their next request.

    Raises:
        InputRefused: no such tenant, or it has no such origin.
    """
    with transaction() as s:
        tenant = _load(s, slug)
        kept = [each for each in tenant.origins if each != (normalise_origin(origin) or origin)]
        if len(kept) == len(tenant.origins):
            raise InputRefused("origin", f"The tenant has no origin {origin}.")
        tenant.origins = kept


def list_domains(slug: str) -> list[str]:
    """Give the domains of a tenant's own people.

    Raises:
        InputRefused: no such tenant.
    """
    with reading() as s:
        return list(_load(s, slug).own_domains)


def add_domain(slug: str, domain: str) -> str:
    """Count everybody who writes from a domain, or from one below it, as a colleague; gives it as it is kept.

    Raises:
        InputRefused: no such tenant, it is no domain, or it is one where anybody gets an address.
    """
    normal = domain.strip().removeprefix("@").rstrip(".").casefold()
    if not re.fullmatch(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_](?:[\w-]{0,61}[^\W_])?", normal):
        raise InputRefused("domain", "A domain is what follows the @ of an address, such as acme.example.")
    preset = presets.preset_for_email(f"somebody@{normal}")
    if preset is not None:
        raise InputRefused("domain", f"{normal} belongs to {preset.name}: not everybody there is a colleague.")
    with transaction() as s:
        tenant = _load(s, slug)
        tenant.own_domains = sorted({*tenant.own_domains, normal})
    return normal


def remove_domain(slug: str, domain: str) -> None:
    """Take a domain off the list of a tenant's own.

    Raises:
        InputRefused: no such tenant, or it has no such domain.
    """
    normal = domain.strip().removeprefix("@").rstrip(".").casefold()
    with transaction() as s:
        tenant = _load(s, slug)
        if normal not in tenant.own_domains:
            raise InputRefused("domain", f"The tenant has no domain {normal}.")
        tenant.own_domains = [each for each in tenant.own_domains if each != normal]


def require_slug(slug: str) -> None:
    """Check a tenant's slug.

    Raises:
        InputRefused: it takes other characters than it may.
    """
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", slug):
        raise InputRefused("tenant", "A tenant's name takes lower-case letters, digits and hyphens.")


def _jwk_of(secret: str) -> dict[str, str]:
    return {"kty": "oct", "k": base64.urlsafe_b64encode(secret.encode()).rstrip(b"=").decode()}


def _load(s: Session, slug: str) -> Tenant:
    tenant = users.find_tenant(s, slug)
    if tenant is None:
        raise InputRefused("tenant", f"There is no tenant {slug}.")
    return tenant


def set_mass_mail_cap(slug: str, cap: int | None) -> None:
    """Cap the mails of mailings that each account of a tenant may send in 24 hours.

    Args:
        cap: 0 switches mass mail off, None takes the cap away.

    Raises:
        InputRefused: no such tenant.
    """
    with transaction() as s:
        tenant = _load(s, slug)
        tenant.mass_mail_cap = cap
        audit.add_entry(s, tenant.id, None, "mass_mail_capped", cap=cap)


def mass_mail_words(slug: str) -> str:
    """Say in a sentence what mass mail a tenant may send.

    Raises:
        InputRefused: no such tenant.
    """
    with reading() as s:
        cap = _load(s, slug).mass_mail_cap
    if cap is None:
        return f"Mass mail of {slug} is limited by its mailboxes' providers alone."
    return f"Mass mail of {slug} is {f'capped at {cap:,} mails a day for each mailbox' if cap else 'switched off'}."


def audit_lines(slug: str, limit: int) -> list[str]:
    """Give the tenant's audit log as lines of text, the oldest first: when, who, what, and its names and counts.

    Args:
        limit: the newest so many.

    Raises:
        InputRefused: no such tenant.
    """
    with reading() as s:
        entries = audit.entries_of(s, _load(s, slug).id, limit)
    return ["\t".join(_audit_columns(entry, who)) for entry, who in entries]


def _audit_columns(entry: AuditEntry, who: str) -> list[str]:
    details = " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in entry.details.items())
    when = entry.at.isoformat(timespec="seconds")
    return [when, who or "(the system)", entry.action, str(entry.subject_uuid or "-"), details]
