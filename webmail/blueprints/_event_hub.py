"""From Redis to the open pages: one subscriber thread a process, one queue for each stream.

A page that misses an event loses nothing: it reads its state again when its stream begins anew, or if something
happened between its making and the beginning of its stream. So a stream that cannot keep up is ended, and after Redis
was away every stream is told `resumed`.
"""

from __future__ import annotations

import json
import queue as queues
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from webmail import queue

log = structlog.get_logger(__name__)

_WAITING_EVENTS = 100
"""A stream that lets so many events wait is ended."""
_RETRY_S = 1.0
_SUBSCRIBED_WITHIN_S = 2.0
"""A stream waits so long to be heard; after that it opens anyway, and is told `resumed` later."""
_LOOK_S = 0.5
"""How often the thread looks whether anybody still listens."""
Event = tuple[str, str]
"""Name, and data as JSON."""


class TooManyStreams(Exception):
    """No further stream is taken; the page polls instead."""


class Stream:
    """The events of one open page, until somebody closes it."""

    def __init__(self, hub: EventHub, user_id: int, is_gone: Callable[[], bool]) -> None:
        self.user_id = user_id
        self.is_gone = is_gone
        self._hub = hub
        self._events: queues.Queue[Event | None] = queues.Queue(_WAITING_EVENTS)

    def push(self, event: Event) -> None:
        try:
            self._events.put_nowait(event)
        except queues.Full:
            self.close()

    def next_event(self, timeout_s: float) -> Event | None:
        """Wait for an event; None when none came in time.

        Raises:
            EOFError: the stream is over.
        """
        try:
            event = self._events.get(timeout=timeout_s)
        except queues.Empty:
            event = None
        if not self._hub.has(self):
            raise EOFError
        return event

    def close(self) -> None:
        self._hub.leave(self)
        try:
            self._events.put_nowait(None)
        except queues.Full:
            return


class EventHub:
    """All streams of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: dict[int, set[Stream]] = {}
        self._count = 0
        self._thread: threading.Thread | None = None
        self._is_heard = threading.Event()
        """The thread's subscription stands: what is published from now on comes."""
        self._is_closed = False

    def join(self, user_id: int, is_gone: Callable[[], bool], *, most: int, most_per_user: int) -> Stream:
        """Open a stream for a user's events: what is published after this has returned is in it.

        Args:
            is_gone: tells whether the page has left; asked before somebody else is refused.
            most_per_user: a browser keeps six connections to a server that speaks HTTP/1.1, so streams must leave some.

        Raises:
            TooManyStreams: this process, or this user, has as many as it may have.
        """
        stream = Stream(self, user_id, is_gone)
        with self._lock:
            is_full = self._is_full(user_id, most, most_per_user)
        if is_full:
            self._drop_gone()
        with self._lock:
            if self._is_full(user_id, most, most_per_user):
                raise TooManyStreams
            self._streams.setdefault(user_id, set()).add(stream)
            self._count += 1
            if self._thread is None or not self._thread.is_alive():
                self._is_heard = threading.Event()
                self._thread = threading.Thread(target=self._listen, args=(self._is_heard,), name="events", daemon=True)
                self._thread.start()
            is_heard = self._is_heard
        is_heard.wait(_SUBSCRIBED_WITHIN_S)
        return stream

    def _is_full(self, user_id: int, most: int, most_per_user: int) -> bool:
        return self._count >= most or len(self._streams.get(user_id, ())) >= most_per_user

    def _drop_gone(self) -> None:
        """Close the streams of pages that have left, which would be noticed only when something is written to them."""
        for stream in self._all():
            if stream.is_gone():
                stream.close()

    def _all(self) -> list[Stream]:
        with self._lock:
            return [stream for of_user in self._streams.values() for stream in of_user]

    def close(self) -> None:
        """End all streams, and the thread with them."""
        self._is_closed = True
        for stream in self._all():
            stream.close()
        thread = self._thread
        if thread is not None:
            thread.join(timeout=2 * _LOOK_S)

    def leave(self, stream: Stream) -> None:
        with self._lock:
            streams = self._streams.get(stream.user_id, set())
            if stream in streams:
                streams.discard(stream)
                self._count -= 1
            if not streams:
                self._streams.pop(stream.user_id, None)

    def has(self, stream: Stream) -> bool:
        with self._lock:
            return stream in self._streams.get(stream.user_id, ())

    def _listen(self, is_heard: threading.Event) -> None:
        """Hand out events until no stream is left; the next stream starts a new thread."""
        was_away = False
        while True:
            try:
                for news in queue.listen_events(_LOOK_S):
                    if not is_heard.is_set():
                        is_heard.set()
                        if was_away:
                            self._tell_all(("resumed", "{}"))
                    if news is not None:
                        self._hand_out(*news)
                    elif self._is_done():
                        return
            except queue.Unreachable as error:
                log.warning("events_interrupted", error=str(error))
            except ValueError as error:
                log.warning("event_unreadable", error=str(error))
            is_heard.clear()
            was_away = True
            if self._is_closed:
                return
            time.sleep(_RETRY_S)

    def _is_done(self) -> bool:
        with self._lock:
            if self._count == 0:
                self._thread = None
            return self._thread is None

    def _hand_out(self, user_id: int, name: str, data: dict[str, Any]) -> None:
        with self._lock:
            streams = list(self._streams.get(user_id, ()))
        for stream in streams:
            stream.push((name, json.dumps(data)))

    def _tell_all(self, event: Event) -> None:
        for stream in self._all():
            stream.push(event)
