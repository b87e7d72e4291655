"""What a reader should know of a message's sender before they believe it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from webmail.domain.addresses import domain_of, normalise_email
from webmail.domain.hosts import is_same_owner, looks_like

_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


def notes_on_sender(
    from_name: str, from_email: str, reply_to: Sequence[Sequence[str]], *, is_first: bool = False
) -> list[str]:
    """Give what is worth noting, a sentence each, the most serious first.

    Args:
        reply_to: [[name, email], …].
        is_first: nothing has come from this address before, and nothing has gone there.
    """
    notes = []
    pretends = looks_like(domain_of(from_email))
    if pretends:
        notes.append(f"The address is written in letters that look like {pretends}.")
    named = _ADDRESS.search(from_name[:500])
    if named and normalise_email(named[0]) != normalise_email(from_email) and "@" in from_email:
        notes.append(f"The name says {named[0]}, but the mail is from {from_email}.")
    elsewhere = [email for _, email in reply_to if not is_same_owner(domain_of(email), domain_of(from_email))]
    if elsewhere and from_email:
        notes.append(f"Replies go elsewhere: to {', '.join(elsewhere[:3])}.")
    if is_first:
        notes.append("This is the first mail from this address.")
    return notes
