"""Addresses that no mailing of the tenant writes to: put on the list by who asks for it, by machines, and by hand.

Once an address is on the list, nothing takes it off but a person who says so: no import, no edit of a contact, no API.
Individual mails are not concerned.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from webmail.domain.addresses import normalise_email, parse_typed
from webmail.domain.tables import Problem, Table
from webmail.errors import InputRefused
from webmail.store import audit, suppressions
from webmail.store.scope import Scope
from webmail.store.session import Session, transaction

_MOST_DETAIL = 1000


@dataclass(frozen=True)
class Listed:
    """What became of addresses that were to be put on the list."""

    added: int
    known: int
    problems: list[Problem] = field(default_factory=list)


def suppress(
    s: Session, tenant_id: int, email: str, *, reason: str, detail: str = "", mailing_id: int | None = None
) -> bool:
    """Put an address on the tenant's list, in a transaction that is under way; the first reason stays.

    Args:
        reason: see `Suppression`.
        detail: the server's words, or who put it in.

    Returns:
        Whether it is new there.
    """
    normal = normalise_email(email)
    added = suppressions.add_suppressions(
        s, tenant_id, [normal], reason=reason, detail=detail[:_MOST_DETAIL], mailing_id=mailing_id
    )
    if added:
        audit.add_entry(s, tenant_id, None, "suppression_added", email=normal, reason=reason)
    return added > 0


def suppress_typed(scope: Scope, text: str, *, note: str = "") -> Listed:
    """Put addresses on the list that a user typed, however separated.

    Args:
        note: why, in the user's words.

    Raises:
        InputRefused: a piece is no address, or there is none; nothing was put on the list.
    """
    found, refused = parse_typed(text)
    if refused:
        raise InputRefused("emails", f"“{refused[0][:80]}” is no mail address.")
    if not found:
        raise InputRefused("emails", "Write at least one mail address.")
    emails = [normalise_email(each.email) for each in found]
    return _add(scope, emails, "by_hand", " ".join(note.split())[:_MOST_DETAIL], [])


def import_suppressions(scope: Scope, table: Table, *, name: str = "") -> Listed:
    """Put all addresses of a list on the tenant's list, whichever column they stand in.

    Args:
        name: the file's.
    """
    emails: list[str] = []
    problems = list(table.problems)
    for row in table.rows:
        cells = [cell for cell in row.cells if "@" in cell]
        found = [each for cell in cells for each in parse_typed(re.sub(r"\s+", " ", cell))[0]]
        emails += [normalise_email(each.email) for each in found]
        if not found:
            problems.append(Problem(row.line, "There is no mail address in this line."))
    return _add(scope, emails, "imported", name[:200], problems)


def _add(scope: Scope, emails: Sequence[str], reason: str, detail: str, problems: list[Problem]) -> Listed:
    wanted = list(dict.fromkeys(emails))
    with transaction() as s:
        added = suppressions.add_suppressions(s, scope.tenant_id, wanted, reason=reason, detail=detail)
        if added:
            audit.add_entry(
                s, scope.tenant_id, scope.user_id, "suppression_added", count=added, reason=reason, emails=wanted[:20]
            )
    return Listed(added, len(wanted) - added, problems)


def lift(scope: Scope, uuid: UUID) -> str:
    """Take an address off the list, so that mailings may write to it again; gives the address.

    Raises:
        NotFound: it is not on the list.
    """
    with transaction() as s:
        found = suppressions.load_suppression(s, scope.tenant_id, uuid)
        email = found.email
        audit.add_entry(
            s, scope.tenant_id, scope.user_id, "suppression_removed", subject=uuid, email=email, reason=found.reason
        )
        s.delete(found)
    return email
