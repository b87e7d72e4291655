"""Users: signing in, being made, changing their own name, password and theme."""

from __future__ import annotations

from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from email_validator import EmailNotValidError, validate_email

from webmail.actions.tenants import require_slug
from webmail.errors import InputRefused
from webmail.store import sessions, users
from webmail.store.models import User
from webmail.store.scope import Scope
from webmail.store.session import reading, transaction

THEMES = ("auto", "light", "dark")
LOCALES = {
    "en-GB": "English, 3 Nov, 14:05",
    "en-US": "English, Nov 3, 2:05 PM",
    "de": "Deutsch, 3. Nov., 14:05",
}
"""What users choose from, by how it looks; a launch may say any other."""
UNDO_CHOICES_S = (0, 5, 10, 20, 30)
MIN_PASSWORD_LENGTH = 8
_MAX_PASSWORD_LENGTH = 1000
"""Longer ones are refused before they are hashed: hashing is dear on purpose."""

_hasher = PasswordHasher()
_NOBODYS_HASH = _hasher.hash("nobody signs in with this")
"""Verified when the address is unknown, so that the answer takes as long as for a known one."""


def sign_in(email: str, password: str) -> User | None:
    """Check an address and a password.

    Takes about the same time whether the address is known or not.

    Returns:
        The user, or None when the two do not belong together.
    """
    with reading() as s:
        user = users.find_by_email(s, normalise_sign_in(email))
    stored = user.password_hash if user is not None and user.password_hash else _NOBODYS_HASH
    is_right = len(password) <= _MAX_PASSWORD_LENGTH and _verify(stored, password)
    if user is None or not user.password_hash or not is_right:
        return None
    if _hasher.check_needs_rehash(stored):
        with transaction() as s:
            users.update_password(s, user.id, _hasher.hash(password), ends_sessions=False)
    return user


def sign_out(session_uuid: UUID) -> None:
    """End one session, in each browser that holds its cookie; the user's other sessions go on."""
    with transaction() as s:
        sessions.end(s, session_uuid)


def add_user(*, tenant_slug: str, email: str, name: str, password: str) -> User:
    """Make a user, and the tenant if it is not there yet, for the operator: the password may be short.

    Args:
        tenant_slug: lower-case letters, digits and hyphens.

    Raises:
        InputRefused: the slug, the address or the password cannot be used, or the address is taken.
    """
    require_slug(tenant_slug)
    address = normalise_sign_in(email)
    try:
        # "Test environment" lets reserved names such as .test pass: the address is only a name to sign in with here.
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise InputRefused("email", f"{email!r} is not a mail address.") from None
    _require_password(password)
    password_hash = _hasher.hash(password)
    with transaction() as s:
        if users.find_by_email(s, address) is not None:
            raise InputRefused("email", f"There is a user {address} already.")
        tenant = users.find_tenant(s, tenant_slug) or users.add_tenant(s, tenant_slug)
        return users.add_user(s, tenant, email=address, name=name.strip() or address, password_hash=password_hash)


def set_password(email: str, password: str) -> None:
    """Give a user a new password, for the operator, and end all their sessions.

    Raises:
        InputRefused: there is no such user, or the password cannot be used.
    """
    _require_password(password)
    password_hash = _hasher.hash(password)
    with transaction() as s:
        user = users.find_by_email(s, normalise_sign_in(email))
        if user is None:
            raise InputRefused("email", f"There is no user {email}.")
        users.update_password(s, user.id, password_hash, ends_sessions=True)


def change_password(scope: Scope, *, current: str, new: str) -> User:
    """Change one's own password; every other session of the user ends.

    Returns:
        The user with the new session epoch, so that this session can be carried on.

    Raises:
        InputRefused: `current` is wrong, or `new` cannot be used.
    """
    with reading() as s:
        user = users.load_user(s, scope)
    if not user.password_hash or len(current) > _MAX_PASSWORD_LENGTH or not _verify(user.password_hash, current):
        raise InputRefused("current_password", "This is not your current password.")
    if len(new) < MIN_PASSWORD_LENGTH:
        raise InputRefused("new_password", f"A password takes at least {MIN_PASSWORD_LENGTH} characters.")
    _require_password(new, field="new_password")
    password_hash = _hasher.hash(new)
    with transaction() as s:
        users.update_password(s, user.id, password_hash, ends_sessions=True)
    with reading() as s:
        return users.load_user(s, scope)


def change_name(scope: Scope, name: str) -> None:
    """Change the name that stands in the profile menu and in the user's own mails.

    Raises:
        InputRefused: it is empty or longer than 200 characters.
    """
    name = " ".join(name.split())
    if not name:
        raise InputRefused("name", "Type your name.")
    if len(name) > 200:
        raise InputRefused("name", "A name takes up to 200 characters.")
    with transaction() as s:
        users.load_user(s, scope).name = name


def change_theme(scope: Scope, theme: str) -> None:
    """Change how the pages look: `auto` follows the system, `light` and `dark` do not.

    Raises:
        InputRefused: there is no such theme.
    """
    if theme not in THEMES:
        raise InputRefused("theme", "Choose auto, light or dark.")
    with transaction() as s:
        users.load_user(s, scope).theme = theme


def change_locale(scope: Scope, locale: str) -> None:
    """Change the language of the pages, and how dates and times are written.

    Raises:
        InputRefused: it is none of `LOCALES`.
    """
    if locale not in LOCALES:
        raise InputRefused("locale", "Choose one of these.")
    with transaction() as s:
        users.load_user(s, scope).locale = locale


def change_undo(scope: Scope, seconds: int) -> None:
    """Change for how long a mail that was sent off can be taken back.

    Raises:
        InputRefused: it is none of `UNDO_CHOICES_S`.
    """
    if seconds not in UNDO_CHOICES_S:
        raise InputRefused("undo", "Choose one of these times.")
    with transaction() as s:
        users.load_user(s, scope).undo_s = seconds


def change_details(scope: Scope, *, title: str, phone: str) -> None:
    """Change what signatures may say of the user besides the name.

    Raises:
        InputRefused: a field is too long.
    """
    title, phone = " ".join(title.split()), " ".join(phone.split())
    if len(title) > 120:
        raise InputRefused("title", "A title takes up to 120 characters.")
    if len(phone) > 60:
        raise InputRefused("phone", "A telephone number takes up to 60 characters.")
    with transaction() as s:
        user = users.load_user(s, scope)
        user.title, user.phone = title, phone


def normalise_sign_in(email: str) -> str:
    """Write an address the way users are looked up by: without spaces around, in lower case."""
    return email.strip().lower()


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _require_password(password: str, field: str = "password") -> None:
    if not 0 < len(password) <= _MAX_PASSWORD_LENGTH:
        raise InputRefused(field, f"A password takes from 1 to {_MAX_PASSWORD_LENGTH} characters.")
