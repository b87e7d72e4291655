"""Requests that are sent again: the same Idempotency-Key and the same request get the same answer, for a day.

A row is written before the work begins. Where the process ended in between, the request is taken over after a minute;
what it makes is named after the row, so it is not made a second time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from webmail.errors import WebmailError
from webmail.store import api_keys
from webmail.store.models import utc_now
from webmail.store.secrets import seal, unseal
from webmail.store.session import transaction

_PATIENCE = timedelta(minutes=1)


class KeyReused(WebmailError):
    """The idempotency key belongs to another request."""


class StillWorking(WebmailError):
    """The first request of this idempotency key has not been answered yet."""


@dataclass(frozen=True)
class Attempt:
    """A request with an idempotency key: `answer` is (status, body) where it was answered before."""

    row_id: int
    uuid: UUID
    answer: tuple[int, str] | None = None


def begin(tenant_id: int, key: str, request: bytes) -> Attempt:
    """Begin a request, or find its answer.

    Args:
        request: method, path and body.

    Raises:
        KeyReused: it was another request that had this key.
        StillWorking: the same one is being worked on.
    """
    key_hash, request_hash = (hashlib.sha256(each).hexdigest() for each in (key.encode(), request))
    now = utc_now()
    with transaction() as s:
        row, is_new = api_keys.begin_answer(s, tenant_id, key_hash, request_hash, now)
        if row.request_hash != request_hash:
            raise KeyReused("This Idempotency-Key was used for another request. Each needs one of its own.")
        if row.status is not None:
            return Attempt(row.id, row.uuid, (row.status, unseal(row.secret)["body"]))
        if not is_new and not api_keys.take_over(s, row, now, _PATIENCE):
            raise StillWorking("This request is being worked on. Ask again in a moment.")
        return Attempt(row.id, row.uuid)


def finish(attempt: Attempt, status: int, body: str) -> None:
    """Keep an answer for whoever asks again; a request that was refused, or has failed, may be tried again at once."""
    with transaction() as s:
        if status >= 400:
            api_keys.release_answer(s, attempt.row_id, utc_now() - _PATIENCE)
        else:
            api_keys.finish_answer(s, attempt.row_id, status, seal({"body": body}))
