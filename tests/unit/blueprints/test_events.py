"""The stream of events: whose they are, how many streams there may be, and when one ends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from tests.unit.blueprints.conftest import CheckedClient
from webmail import queue
from webmail.blueprints import events
from webmail.blueprints._event_hub import EventHub, TooManyStreams
from webmail.store.models import User
from webmail.store.scope import Scope
from webmail.store.session import transaction

LIMITS = {"most": 3, "most_per_user": 2}


def never_gone() -> bool:
    return False


@pytest.fixture
def hub(database: object) -> Iterator[EventHub]:
    hub = EventHub()
    yield hub
    hub.close()


@pytest.fixture(autouse=True)
def _fresh_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    fresh = EventHub()
    monkeypatch.setattr(events, "_hub", fresh)
    yield
    fresh.close()


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def is_subscribed() -> bool:
    return queue.connection().pubsub_numpat() > 0


def test_a_stream_gives_the_events_of_its_user_and_of_nobody_else(hub: EventHub) -> None:
    stream = hub.join(1, never_gone, **LIMITS)  # from here on nothing is missed, the first stream's first event neither

    queue.publish(2, "mail-new", count=5)
    queue.publish(1, "mail-new", count=1)

    event = stream.next_event(5)
    assert event is not None
    assert (event[0], json.loads(event[1])) == ("mail-new", {"count": 1})
    assert stream.next_event(0.05) is None


def test_all_streams_of_a_process_share_one_subscription(hub: EventHub) -> None:
    for user_id in (1, 2, 3):
        hub.join(user_id, never_gone, **LIMITS)
    wait_for(is_subscribed)

    assert queue.connection().pubsub_numpat() == 1


def test_there_are_only_so_many_streams_for_a_user_and_in_all(hub: EventHub) -> None:
    first = hub.join(1, never_gone, **LIMITS)
    hub.join(1, never_gone, **LIMITS)
    with pytest.raises(TooManyStreams):
        hub.join(1, never_gone, **LIMITS)
    hub.join(2, never_gone, **LIMITS)
    with pytest.raises(TooManyStreams):
        hub.join(3, never_gone, **LIMITS)

    first.close()
    first.close()

    hub.join(3, never_gone, **LIMITS)
    with pytest.raises(TooManyStreams):
        hub.join(4, never_gone, **LIMITS)


def test_the_streams_of_pages_that_have_left_make_room(hub: EventHub) -> None:
    gone = hub.join(1, lambda: True, **LIMITS)
    hub.join(1, never_gone, **LIMITS)

    hub.join(1, never_gone, **LIMITS)

    with pytest.raises(EOFError):
        gone.next_event(5)


def test_a_page_that_does_not_keep_up_is_let_go(hub: EventHub) -> None:
    stream = hub.join(1, never_gone, **LIMITS)

    for _ in range(200):
        stream.push(("mail-new", "{}"))

    with pytest.raises(EOFError):
        stream.next_event(1)


def test_a_stream_speaks_at_once_and_names_its_events(app: Flask, client: CheckedClient, user: Scope) -> None:
    answer = client.get("/events")
    lines = iter(answer.response)
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert next(lines) == b": open\n\n"

    queue.publish(user.user_id, "conversation-changed", uuid="abc")

    assert next(lines) == b'event: conversation-changed\ndata: {"uuid": "abc"}\n\n'
    answer.close()


def test_a_stream_shows_that_it_lives_and_ends_with_its_session(app: Flask, client: CheckedClient, user: Scope) -> None:
    app.config["HEARTBEAT_S"] = 0.05
    answer = client.get("/events")
    lines = iter(answer.response)
    next(lines)
    assert next(lines) == b": still here\n\n"

    with transaction() as s:
        row = s.get(User, user.user_id)
        assert row is not None
        row.session_epoch += 1

    assert list(lines) in ([], [b": still here\n\n"])


def test_beyond_the_last_stream_a_page_is_told_to_come_back(app: Flask, client: CheckedClient) -> None:
    app.config["MOST_STREAMS"] = 0

    answer = client.get("/events")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert answer.data == b""


def test_a_stream_that_was_never_read_gives_its_place_back(app: Flask, client: CheckedClient) -> None:
    app.config["MOST_STREAMS"] = 1

    for _ in range(3):
        answer = client.get("/events")
        assert answer.status_code == 200
        answer.close()


def test_nobody_listens_without_signing_in(stranger: CheckedClient) -> None:
    assert stranger.get("/events").status_code == 401


def test_streams_are_told_to_read_again_after_redis_was_away(hub: EventHub) -> None:
    stream = hub.join(1, never_gone, **LIMITS)
    wait_for(is_subscribed)

    threading.Thread(target=lambda: queue.connection().client_kill_filter(_type="pubsub")).start()

    event = stream.next_event(10)
    assert event is not None
    assert event[0] == "resumed"


def test_a_page_hears_that_something_happened_before_its_stream_began(client: CheckedClient, user: Scope) -> None:
    made_at_ms = time.time_ns() // 1_000_000 - 1
    queue.publish(user.user_id, "account-changed", uuid="x")

    answer = client.get(f"/events?since={made_at_ms}")
    lines = iter(answer.response)

    assert next(lines) == b": open\n\n"
    assert next(lines) == b"event: resumed\ndata: {}\n\n"
    assert not queue.was_told_since(user.user_id, time.time_ns() // 1_000_000)
    assert not queue.was_told_since(user.user_id + 1, made_at_ms)
    answer.close()
