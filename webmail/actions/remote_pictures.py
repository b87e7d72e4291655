"""Pictures that a mail names and somebody asked for: fetched by this server, so that the sender learns of nobody.

The sender sees that somebody opened the mail, for the address of a picture is theirs to choose; who, where and with
what they do not see. A picture is kept with its message, and goes with it.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

from webmail.errors import NotFound
from webmail.providers.pictures import fetch_picture
from webmail.store import cache
from webmail.store import trusted_senders as store
from webmail.store.accounts import find_account
from webmail.store.messages import load_message
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction


def open_remote_picture(scope: Scope, message_uuid: UUID, url: str) -> bytes:
    """Give a picture that a message names.

    Args:
        url: as it stands in the message; the caller vouches for that.

    Raises:
        NotFound: no such message, or there is no picture to be had.
    """
    with reading() as s:
        message = load_message(s, scope, message_uuid)
        account = find_account(s, message.account_id)
    if account is None:
        raise NotFound
    kind = hashlib.sha256(url.encode()).hexdigest()[:40]
    content = cache.read(account.uuid, message_uuid, kind)
    if content is None:
        content = fetch_picture(url)
        if content is None:
            raise NotFound("This picture cannot be had.")
        cache.write(account.uuid, message_uuid, content, kind)
    return content


def trust_sender(scope: Scope, message_uuid: UUID) -> str:
    """Show pictures from elsewhere in all mail of a message's sender from now on; gives the address.

    Raises:
        NotFound: no such message, or it names no sender.
    """
    with transaction() as s:
        email = load_message(s, scope, message_uuid).from_email
        if not email:
            raise NotFound("This message does not say who it is from.")
        store.add_trusted(s, scope, email)
        return email


def distrust_sender(scope: Scope, uuid: UUID) -> str:
    """Ask again before pictures of a sender are shown; gives the address, "" where it was so already."""
    with transaction() as s:
        return store.remove_trusted(s, scope, uuid)
