"""The signatures of an account: kept as they were cleaned, added to individual mails."""

from __future__ import annotations

import tempfile
from base64 import b64encode
from dataclasses import dataclass
from uuid import UUID

from webmail import drawing
from webmail.domain.html import clean_composed_html
from webmail.domain.signatures import FIELDS, fill_signature, unknown_fields, user_values
from webmail.domain.text import html_to_text
from webmail.errors import InputRefused
from webmail.store.accounts import load_account
from webmail.store.models import Account, Signature, User, utc_now
from webmail.store.scope import Scope
from webmail.store.session import transaction

MOST = 10
_MAX_HTML = 100_000
_PICTURE_BYTES, _PICTURE_PX = 50_000, 600
"""As large as a picture in a text may be: a base64 of it goes out with each mail."""
_MAX_PICTURE_FILE = 10 * 1024 * 1024


@dataclass(frozen=True)
class SignatureUse:
    """What a signature is called and what it is for; of an account's, one is for new mail, and one for replies."""

    name: str
    is_for_new: bool
    is_for_replies: bool


def save_signature(
    scope: Scope, account_uuid: UUID, html: str, *, uuid: UUID | None = None, use: SignatureUse | None = None
) -> str:
    """Store one of an account's signatures; mails that are being written keep the one that they have.

    Args:
        html: rich text; without any text or picture in it, the account has no such signature.
        uuid: which one; None for the first, which is made where there is none.
        use: None leaves it as it is.

    Returns:
        What was stored: cleaned HTML, "" for none.

    Raises:
        NotFound: no such account.
        InputRefused: it is too large, or asks for what nobody can fill in.
    """
    cleaned = _cleaned(html)
    with transaction() as s:
        account = load_account(s, scope, account_uuid)
        signature = _signature(account, uuid)
        if signature is None:
            is_first = not account.signatures
            signature = _new(account, is_for_new=is_first, is_for_replies=is_first)
            s.add(signature)
        signature.html, signature.updated_at = cleaned, utc_now()
        if use is not None:
            _put_to_use(account, signature, use)
    return cleaned


def _cleaned(html: str) -> str:
    if len(html) > _MAX_HTML:
        raise InputRefused(
            "signature",
            "This signature is larger than 100 KB, and it would go out with each mail. Use a smaller picture.",
        )
    cleaned = clean_composed_html(html).strip()
    unknown = unknown_fields(cleaned)
    if unknown:
        known = ", ".join(f"{{{{ user.{name} }}}}" for name in FIELDS)
        raise InputRefused("signature", f"Nobody can fill in {unknown[0]} here. What can be filled in: {known}.")
    return cleaned if html_to_text(cleaned) or "<img" in cleaned else ""


def _signature(account: Account, uuid: UUID | None) -> Signature | None:
    if uuid is None:
        return next(iter(account.signatures), None)
    return next((each for each in account.signatures if each.uuid == uuid), None)


def _new(account: Account, **columns: bool) -> Signature:
    return Signature(tenant_id=account.tenant_id, user_id=account.user_id, account_id=account.id, **columns)


def _put_to_use(account: Account, signature: Signature, use: SignatureUse) -> None:
    signature.name = " ".join(use.name.split())[:80]
    signature.is_for_new, signature.is_for_replies = use.is_for_new, use.is_for_replies
    for other in account.signatures:
        if other is not signature:
            other.is_for_new = other.is_for_new and not use.is_for_new
            other.is_for_replies = other.is_for_replies and not use.is_for_replies


def add_signature(scope: Scope, account_uuid: UUID) -> UUID:
    """Make a further, empty signature for an account, for nothing yet; gives its id.

    Raises:
        NotFound: no such account.
        InputRefused: it has too many.
    """
    with transaction() as s:
        account = load_account(s, scope, account_uuid)
        count = len(account.signatures)
        if count >= MOST:
            raise InputRefused("signature", f"A mailbox takes up to {MOST} signatures.")
        if not count:
            s.add(_new(account, is_for_new=True, is_for_replies=True))
            s.flush()
        signature = _new(account, is_for_new=False, is_for_replies=False)
        signature.name = f"Signature {max(count, 1) + 1}"
        s.add(signature)
        s.flush()
        return signature.uuid


def drop_signature(scope: Scope, account_uuid: UUID, uuid: UUID) -> None:
    """Delete a further signature; what it was for goes to the first. One that is gone already is fine.

    Raises:
        NotFound: no such account.
    """
    with transaction() as s:
        account = load_account(s, scope, account_uuid)
        signature = _signature(account, uuid)
        if signature is None or signature is account.signatures[0]:
            return
        first = account.signatures[0]
        first.is_for_new = first.is_for_new or signature.is_for_new
        first.is_for_replies = first.is_for_replies or signature.is_for_replies
        s.delete(signature)


def embed_picture(content: bytes) -> str:
    """Give a picture as a `data:` address that a signature can hold, scaled down where it is too large.

    Raises:
        InputRefused: field `picture`: it is none, too large, or cannot be made small enough.
    """
    if len(content) > _MAX_PICTURE_FILE:
        raise InputRefused("picture", "This picture is larger than 10 MB. Use a smaller one.")
    if drawing.kind_of(content[:1024]) != "picture":
        raise InputRefused("picture", "This is no picture that mail programs show.")
    with tempfile.TemporaryFile() as file:
        file.write(content)
        try:
            small = drawing.shrink(file, width=_PICTURE_PX, most_bytes=_PICTURE_BYTES)
        except TimeoutError:
            raise InputRefused("picture", "Too many pictures are being drawn just now. Try again.") from None
    if small is None:
        raise InputRefused("picture", "This picture could not be read. Use another one.")
    return f"data:{small.media_type};base64,{b64encode(small.content).decode()}"


def signature_for(account: Account | None, user: User, mode: str) -> str:
    """Give what a mail of this mode begins with, filled in: `new`, or an answer; "" for none."""
    if account is None:
        return ""
    return filled(account.signature if mode == "new" else account.reply_signature, account, user)


def signatures_of(account: Account | None, user: User) -> list[str]:
    """Give all signatures that a mail from this account may have, filled in."""
    found = [filled(each, account, user) for each in account.signatures] if account is not None else []
    return [each for each in found if each]


def filled(signature: Signature | None, account: Account, user: User) -> str:
    """Give a signature's HTML as it stands in a mail of this user from this account; "" where there is none."""
    if signature is None:
        return ""
    values = user_values(name=user.name, title=user.title, phone=user.phone, email=account.email)
    return fill_signature(signature.html, values)
