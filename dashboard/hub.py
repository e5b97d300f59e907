"""Who is watching, and what they have missed: events go from the bus to every open stream.

The bus calls `Hub.receive` in the thread that stored the readings, so nothing here waits: a
stream that does not keep up loses what waits for it and is told so (`gap`).

Ids count up from the microsecond at which the hub began.  One of another hub, from before a
restart or from another process, lies outside of what this hub has handed out: whoever comes back
with such an id gets a `gap` instead of a wrong replay.
"""

import threading
import time
from collections import deque
from collections.abc import Collection, Iterable
from queue import Empty, SimpleQueue
from typing import Any

import orjson

from devices.ports import LiveEvent

KEPT_EVENTS = 5_000  # for browsers that come back; who missed more asks the store
WAITING_BATCHES = 500  # for one slow browser
STREAMS_PER_SESSION = 6  # a browser opens no more connections to one host over HTTP/1.1


class Full(Exception):
    """As many streams are open as this process can carry."""


class Stream:
    """One open stream: what waits for it, and of which devices it may hear."""

    def __init__(self, session_id: int, devices: frozenset[str]) -> None:
        self.session_id = session_id
        self.devices = devices
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()

    def put(self, frames: bytes) -> bool:
        """Add frames; returns False when so much waits that they are left out."""
        if self._waiting.qsize() >= WAITING_BATCHES:
            return False
        self._waiting.put(frames)
        return True

    def clear(self) -> None:
        """Forget what waits."""
        while not self._waiting.empty():
            try:
                self._waiting.get_nowait()
            except Empty:
                return

    def end(self, reason: str) -> None:
        """Say good-bye after what waits already, for the given reason."""
        self._waiting.put(frame("bye", {"why": reason}))
        self._waiting.put(None)

    def next(self, timeout_s: float) -> bytes | None:
        """Return what came, everything at once, or None at the end.

        Raises:
            Empty: nothing came within so many seconds.
        """
        first = self._waiting.get(timeout=timeout_s)
        if first is None:
            return None
        parts = [first]
        while not self._waiting.empty():
            more = self._waiting.get_nowait()
            if more is None:
                self._waiting.put(None)
                break
            parts.append(more)
        return b"".join(parts)


class Hub:
    """All open streams of this process, and the newest events for those that come back."""

    def __init__(self, capacity: int, kept: int = KEPT_EVENTS) -> None:
        self.capacity = capacity
        self._lock = threading.Lock()
        self._streams: dict[Stream, None] = {}  # the oldest first
        self._watchers: dict[str, set[Stream]] = {}
        self._kept: deque[tuple[int, LiveEvent]] = deque(maxlen=kept)
        self._last = self._floor = time.time_ns() // 1000
        self._stopped = False

    def receive(self, events: Iterable[LiveEvent]) -> None:
        """Number the events, keep them, and hand each to the streams that may hear it."""
        with self._lock:
            batches: dict[Stream, list[bytes]] = {}
            for event in events:
                self._last += 1
                if len(self._kept) == self._kept.maxlen:
                    self._floor = self._kept[0][0]
                self._kept.append((self._last, event))
                if watchers := self._watchers.get(event.device):
                    encoded = of_event(self._last, event)
                    for stream in watchers:
                        batches.setdefault(stream, []).append(encoded)
            for stream, frames in batches.items():
                self._send(stream, b"".join(frames))

    def join(self, session_id: int, devices: frozenset[str], after: int | None) -> Stream:
        """Open a stream that goes on after an event id, or begins now with None.

        Nothing falls between the replay and what comes live.

        Raises:
            Full: there is no room.
        """
        stream = Stream(session_id, devices)
        with self._lock:
            if self._stopped or len(self._streams) >= self.capacity:
                raise Full
            own = [other for other in self._streams if other.session_id == session_id]
            if len(own) >= STREAMS_PER_SESSION:
                self._drop(own[0], "replaced")
            stream.put(self._greeting(devices, after))
            self._streams[stream] = None
            self._watch(stream, devices)
        return stream

    def leave(self, stream: Stream) -> None:
        """Forget a stream; doing it twice is harmless."""
        with self._lock:
            self._unwatch(stream)
            self._streams.pop(stream, None)

    def streams(self) -> list[Stream]:
        """Return the streams that are open now."""
        return list(self._streams)  # one step of the interpreter: safe without the lock

    def allow(self, asked: Collection[int], seen: dict[int, frozenset[str]]) -> None:
        """Apply what each session that was asked about may see now; a missing one has ended."""
        with self._lock:
            for stream in list(self._streams):
                if (devices := seen.get(stream.session_id)) is not None:
                    self._change(stream, devices)
                elif stream.session_id in asked:
                    self._drop(stream, "session")

    def end_all(self, reason: str) -> None:
        """End every stream; new ones may be opened."""
        with self._lock:
            for stream in list(self._streams):
                self._drop(stream, reason)

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """Tell every stream something that concerns no device and is not replayed."""
        with self._lock:
            for stream in self._streams:
                self._send(stream, frame(kind, data))

    def stop(self) -> None:
        """End every stream and open no more; takes no lock, so a signal handler may call it."""
        self._stopped = True
        for stream in self.streams():
            stream.end("restart")

    def _greeting(self, devices: frozenset[str], after: int | None) -> bytes:
        hello = frame("hello", {"now": time.time_ns() // 1_000_000}, self._last)
        if after is None:
            return hello
        if not self._floor <= after <= self._last:
            return hello + frame("gap", {}, self._last)
        missed = [
            of_event(number, event)
            for number, event in self._kept
            if number > after and event.device in devices
        ]
        return b"".join([*missed, hello])

    def _send(self, stream: Stream, frames: bytes) -> None:
        if not stream.put(frames):
            stream.clear()
            stream.put(frame("gap", {}, self._last))

    def _change(self, stream: Stream, devices: frozenset[str]) -> None:
        if devices == stream.devices:
            return
        for device in sorted(devices ^ stream.devices):
            change = {"d": device, "change": "access"}
            self._send(stream, frame("device", change, self._last))
        self._unwatch(stream)
        stream.devices = devices
        self._watch(stream, devices)

    def _drop(self, stream: Stream, reason: str) -> None:
        self._unwatch(stream)
        self._streams.pop(stream, None)
        stream.clear()
        stream.end(reason)

    def _watch(self, stream: Stream, devices: frozenset[str]) -> None:
        for device in devices:
            self._watchers.setdefault(device, set()).add(stream)

    def _unwatch(self, stream: Stream) -> None:
        for device in stream.devices:
            if watchers := self._watchers.get(device):
                watchers.discard(stream)
                if not watchers:
                    del self._watchers[device]


def of_event(number: int, event: LiveEvent) -> bytes:
    """Return an event of a device as it goes over the wire."""
    return frame(event.kind, {"d": event.device, **event.data}, number)


def frame(kind: str, data: dict[str, Any], number: int | None = None) -> bytes:
    """Return one server-sent event; with a number the browser comes back to it."""
    head = b"" if number is None else b"id: %d\n" % number
    return b"%sevent: %s\ndata: %s\n\n" % (head, kind.encode(), orjson.dumps(data))
