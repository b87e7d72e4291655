"""Redis' only home: jobs by name, events to open pages, rate limits.

Nothing here is the truth. Every job can be found again in the database (`webmail.jobs.sweep` does so), so a Redis
that is away delays work and loses none: what cannot be enqueued now is logged and left to the sweep.

Jobs are named by dotted strings, so that `actions` and `sync` never import `jobs`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import redis
import structlog
from rq import Queue
from rq.exceptions import DuplicateJobError

log = structlog.get_logger(__name__)

SEND = "send"
"""What a user waits for: connecting, sending, fetching an attachment."""
NEWS = "news"
"""New mail and changes to be carried to the server."""
MASS = "mass"
"""Mailings, a turn of one account at a time."""
BACKFILL = "backfill"
"""First imports, a slice at a time."""

JOBS = {
    "connect": ("webmail.jobs.connect.run_attempt", SEND, 60),
    "discover": ("webmail.jobs.connect.discover", SEND, 20),
    "disconnect": ("webmail.jobs.connect.disconnect", SEND, 90),
    "send": ("webmail.jobs.send.send_submission", SEND, 300),
    "file_sent_copy": ("webmail.jobs.send.file_sent_copy", SEND, 120),
    "copy_draft": ("webmail.jobs.send.copy_draft", NEWS, 120),
    "fetch_forwarded": ("webmail.jobs.send.fetch_forwarded", SEND, 120),
    "fetch_body": ("webmail.jobs.sync.fetch_body", SEND, 60),
    "webhooks": ("webmail.jobs.webhooks.deliver", NEWS, 60),
    "erase_private": ("webmail.jobs.sync.erase_private", NEWS, 300),
    "sync": ("webmail.jobs.sync.sync_account", NEWS, 120),
    "renew_grants": ("webmail.jobs.sync.renew_grants", NEWS, 300),
    "pace": ("webmail.jobs.mailings.pace_account", MASS, 300),
    "backfill": ("webmail.jobs.sync.backfill_account", BACKFILL, 120),
    "verify": ("webmail.jobs.sync.verify_account", BACKFILL, 120),
}
"""Name -> function, queue, seconds that it may take."""

Unreachable = redis.RedisError
"""What `listen_events()` raises when the server goes away."""

_TOLD_S = 300
"""Longer than any page takes to open its stream."""
_SUBSCRIBED_WITHIN_S = 5.0

_connection: redis.Redis | None = None


def configure(redis_url: str) -> redis.Redis:
    """Point this process at its Redis-compatible server."""
    global _connection
    _connection = redis.Redis.from_url(redis_url, socket_timeout=30, socket_connect_timeout=3, health_check_interval=30)
    return _connection


def connection() -> redis.Redis:
    """Give this process's connection pool."""
    if _connection is None:
        raise RuntimeError("webmail.queue.configure() has not been called")
    return _connection


def is_reachable() -> bool:
    """Say whether the server answers."""
    try:
        return bool(connection().ping())
    except redis.RedisError:
        return False


def enqueue(name: str, *arguments: int | str, job_id: str) -> bool:
    """Put a job on its queue, once.

    Args:
        name: a key of `JOBS`.
        arguments: ids, as JSON values.
        job_id: letters, digits, `-` and `_`; a job of that id that waits or runs is left as it is. Where the same
            thing may be wanted again while it runs, the id carries a generation.

    Returns:
        False when it was there already, or when Redis is away (the sweep will find the work).
    """
    function, queue_name, timeout_s = JOBS[name]
    queue = Queue(queue_name, connection=connection(), serializer="json")
    try:
        queue.enqueue(
            function, args=arguments, job_id=job_id, unique=True, job_timeout=timeout_s, result_ttl=0, failure_ttl=1
        )
    except DuplicateJobError:
        return False
    except redis.RedisError as error:
        log.warning("enqueue_failed", job=name, job_id=job_id, error=str(error))
        return False
    return True


def has_waiting(queue_name: str) -> bool:
    """Say whether jobs wait on a queue; without Redis nobody can tell, and the answer is yes."""
    try:
        return Queue(queue_name, connection=connection(), serializer="json").count > 0
    except redis.RedisError:
        return True


def waiting_jobs() -> dict[str, int]:
    """Count the jobs that wait on each queue; {} without Redis."""
    try:
        return {
            name: Queue(name, connection=connection(), serializer="json").count for name in (SEND, NEWS, MASS, BACKFILL)
        }
    except redis.RedisError:
        return {}


def publish(user_id: int, event: str, **data: Any) -> None:
    """Tell the user's open pages that something happened; a page that misses it reads its state again anyway.

    Args:
        event: `account-changed`, `attempt-changed`, `mail-new`, `conversation-changed`, `submission-changed` or
            `mailing-changed`.
        data: JSON values, such as the uuid of what changed.
    """
    try:
        with connection().pipeline(transaction=False) as both:
            both.set(f"told:{user_id}", time.time_ns() // 1_000_000, ex=_TOLD_S)
            both.publish(f"events:{user_id}", json.dumps({"event": event, "data": data}))
            both.execute()
    except redis.RedisError as error:
        log.warning("publish_failed", event_name=event, error=str(error))


def was_told_since(user_id: int, since_ms: int) -> bool:
    """Say whether something was published for a user after a moment (ms since 1970) of the last minutes."""
    try:
        told_at = connection().get(f"told:{user_id}")
    except redis.RedisError:
        return False
    return told_at is not None and int(told_at) > since_ms


def listen_events(timeout_s: float = 5.0) -> Iterator[tuple[int, str, dict[str, Any]] | None]:
    """Yield (user_id, event, data) of all users as they come; None when nothing came for `timeout_s`.

    The first one is None, once the server has taken the subscription: what is published from then on is heard.

    Raises:
        Unreachable: the server went away; call again.
    """
    pubsub = connection().pubsub()  # type: ignore[no-untyped-call]  # redis-py has no types here
    try:
        pubsub.psubscribe("events:*")
        if pubsub.get_message(timeout=_SUBSCRIBED_WITHIN_S) is None:
            raise redis.TimeoutError("nobody answered to PSUBSCRIBE")
        yield None
        while True:
            message = pubsub.get_message(timeout=timeout_s)
            if message is None or message["type"] != "pmessage":
                yield None
                continue
            payload = json.loads(message["data"])
            yield int(message["channel"].split(b":")[1]), payload["event"], payload["data"]
    finally:
        pubsub.close()


def is_within_limit(key: str, *, limit: int, window_s: int) -> bool:
    """Count one use of `key` and say whether it is among the first `limit` of this window.

    Without Redis everything is within limits: a sign-in page that nobody can use is worse.
    """
    return count_use(key, window_s=window_s) <= limit


def count_use(key: str, *, window_s: int) -> int:
    """Count one use of `key` and say the how-manieth of this window it is; 0 without Redis."""
    name = f"limit:{key}:{int(time.time() // window_s)}"
    try:
        with connection().pipeline() as pipeline:
            pipeline.incr(name)
            pipeline.expire(name, window_s)
            count, _ = pipeline.execute()
        return int(count)
    except redis.RedisError as error:
        log.warning("limit_unknown", error=str(error))
        return 0


def call_roll(group: str, name: str, *, seconds: int) -> list[str]:
    """Say that `name` is at work for so many seconds, and give all of its group that are, in order.

    Without Redis nobody hears of anybody: everyone is alone then, and does all of the work.
    """
    now = time.time()
    try:
        with connection().pipeline() as pipeline:
            pipeline.zadd(f"roll:{group}", {name: now + seconds})
            pipeline.zremrangebyscore(f"roll:{group}", 0, now)
            pipeline.zrange(f"roll:{group}", 0, -1)
            names = pipeline.execute()[2]
    except redis.RedisError as error:
        log.warning("roll_unknown", group=group, error=str(error))
        return [name]
    return sorted(each.decode() for each in names)


def leave_roll(group: str, name: str) -> None:
    """Say that `name` goes, so that the others need not wait to find out."""
    try:
        connection().zrem(f"roll:{group}", name)
    except redis.RedisError as error:
        log.warning("roll_unknown", group=group, error=str(error))


def keep(key: str, value: dict[str, Any], *, seconds: int) -> None:
    """Keep a value that may get lost without harm: its owner begins again.

    Raises:
        Unreachable: Redis is away.
    """
    connection().set(f"kept:{key}", json.dumps(value), ex=seconds)


def peek(key: str) -> dict[str, Any] | None:
    """Give a kept value and leave it there; None when it is not there."""
    found = connection().get(f"kept:{key}")
    return None if found is None else dict(json.loads(found))


def take(key: str) -> dict[str, Any] | None:
    """Give a kept value and forget it, so that nobody can take it twice; None when it is not there."""
    found = connection().getdel(f"kept:{key}")
    return None if found is None else dict(json.loads(found))
