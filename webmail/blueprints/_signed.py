"""Signed addresses of the pictures in a mail, which work for an hour or two and without a cookie."""

from __future__ import annotations

import time
from uuid import UUID

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from webmail.errors import NotFound

PART_SECONDS = 3600


def part_token(attachment_uuid: UUID, user_uuid: UUID) -> str:
    """Make the key of one picture for one user. It stays for an hour, so that browsers can keep the picture."""
    expires_at = (int(time.time()) // PART_SECONDS + 2) * PART_SECONDS
    return str(_serializer().dumps([attachment_uuid.hex, user_uuid.hex, expires_at]))


def read_part_token(token: str) -> tuple[UUID, UUID]:
    """Give the attachment and the user that a key is for.

    Raises:
        NotFound: it was not made here, or its time is over.
    """
    try:
        attachment, user, expires_at = _serializer().loads(token)
    except BadSignature:
        raise NotFound from None
    if expires_at < time.time():
        raise NotFound("This picture's address has expired. Open the message again.")
    return UUID(attachment), UUID(user)


def image_token(url: str, message_uuid: UUID, user_uuid: UUID) -> str:
    """Make the key of a picture elsewhere that a message of a user names; good for as long as `part_token()`'s."""
    expires_at = (int(time.time()) // PART_SECONDS + 2) * PART_SECONDS
    return str(_serializer("message-image").dumps([message_uuid.hex, user_uuid.hex, expires_at, url]))


def read_image_token(token: str) -> tuple[str, UUID, UUID]:
    """Give address, message and user that a key is for; raises as `read_part_token()` does."""
    try:
        message, user, expires_at, url = _serializer("message-image").loads(token)
    except BadSignature:
        raise NotFound from None
    if expires_at < time.time():
        raise NotFound("This picture's address has expired. Open the message again.")
    return str(url), UUID(message), UUID(user)


def _serializer(salt: str = "message-part") -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=salt)
