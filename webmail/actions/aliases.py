"""Further addresses of a mailbox: it gets their mail, and mail can be sent from them."""

from __future__ import annotations

from uuid import UUID

from webmail.domain.addresses import normalise_email, parse_typed
from webmail.errors import InputRefused
from webmail.store.accounts import load_account
from webmail.store.scope import Scope
from webmail.store.session import transaction

MOST = 20


def save_aliases(scope: Scope, account_uuid: UUID, typed: str) -> None:
    """Keep the addresses that an account also sends as; drafts from one that is gone go out from its own.

    Args:
        typed: addresses, however separated; nothing for none.

    Raises:
        NotFound: no such account.
        InputRefused: field `aliases`: one of them is no address, or there are too many.
    """
    good, refused = parse_typed(typed)
    if refused:
        raise InputRefused("aliases", f"“{refused[0][:80]}” is not a complete address.")
    if len(good) > MOST:
        raise InputRefused("aliases", f"A mailbox takes up to {MOST} further addresses.")
    foreign = next((each.email for each in good if not each.email.rpartition("@")[0].isascii()), "")
    if foreign:
        raise InputRefused("aliases", f"{foreign} has letters before the @ that mail servers do not take.")
    with transaction() as s:
        account = load_account(s, scope, account_uuid)
        own = normalise_email(account.email)
        account.aliases = [email for each in good if (email := normalise_email(each.email)) != own]
