"""Stores what the listener receives: one transaction a batch, then the acknowledgements.

While the database is away nothing is acknowledged and the same batch is tried again; the inbox
fills, and the broker keeps the rest.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Protocol, TypeVar

from clock import now_ms
from db.telemetry.records import Written
from db.telemetry.store import TelemetryStore
from devices.directory import Directory, KnownDevice
from devices.intake import Arrival, Intake, Outcome, refuse
from devices.ports import LiveBus, LiveEvent
from errors import Unavailable
from mqtt import topics
from mqtt.foreign import ForeignTopics
from mqtt.inbox import Inbox, Message
from mqtt.receipts import Receipts

log = logging.getLogger(__name__)

BATCH = 2000  # messages a transaction
LINGER_S = 0.020  # how long a busy writer collects at most before it stores
LINGER_S_EACH = 0.0002  # for each message of the last batch, ...
LINGER_FROM = 5  # ... if it had that many; else it stores at once
TICK_S = 1.0
RETRY_S = (0.1, 3.0)  # the first and the longest wait for a database that is away

Result = TypeVar("Result")
Answer = Callable[[KnownDevice, Mapping[str, str]], None]


class Source(Protocol):
    """What the writer needs of the listener."""

    session_since: int

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Tell the broker that these messages are stored."""

    def revive(self) -> None:
        """See to it that messages can come in; called once a second."""


@dataclass(slots=True)
class Counters:
    """What was done since the start."""

    messages: int = 0
    batches: int = 0
    stored: int = 0  # readings
    repeated: int = 0
    replaced: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # by reason
    failed: int = 0  # rows that the database would not take, messages that broke the intake
    waiting_since: float | None = None  # monotonic; the database is away since


@dataclass(frozen=True, slots=True)
class Parts:
    """What the writer works with."""

    namespace: str
    store: TelemetryStore
    bus: LiveBus
    inbox: Inbox
    listener: Source
    directory: Directory
    intake: Intake
    receipts: Receipts
    answer: Answer  # raises Unavailable if it cannot be kept just now
    foreign: ForeignTopics


class _GivenUp(Exception):
    """The server ends while the database is away; the broker keeps what is not acknowledged."""


class Writer:
    """The thread that stores."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._parse = lru_cache(maxsize=65_536)(topics.parse)
        self._stopping = threading.Event()
        self._changed: deque[str] = deque()  # public ids of devices that were changed
        self._session = 0
        self._overheard = 0  # messages put into the inbox whose answers were handed on early
        self._generation = 0
        self._last_arrival_ms = 0
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.counters = Counters()

    def start(self) -> None:
        """Begin to store."""
        self._thread.start()

    def stop(self) -> None:
        """Store what was received, if the database is there, and end."""
        self._stopping.set()
        self._parts.inbox.close()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def device_changed(self, events: list[LiveEvent]) -> None:
        """Look devices up again that were created, changed or deleted; for the bus."""
        for event in events:
            if event.kind == "device" and event.data.get("change") != "sensors":
                self._changed.append(event.device)
                self._parts.foreign.changed()
                if event.data.get("change") == "mappings":
                    self._parts.inbox.wake()  # nothing comes on topics nobody has subscribed to

    def _run(self) -> None:
        inbox = self._parts.inbox
        try:
            self._patiently(self._load)
            self._patiently(self._parts.foreign.refresh)
            due, size = 0.0, 0
            while not inbox.closed or len(inbox):
                if size >= LINGER_FROM:
                    self._stopping.wait(min(LINGER_S, size * LINGER_S_EACH))
                messages = inbox.take(BATCH, max(0.0, due - time.monotonic()))
                size = len(messages)
                if self._changed:
                    self._patiently(self._parts.foreign.refresh)
                if messages:
                    self._handle(messages)
                if time.monotonic() >= due:
                    due = time.monotonic() + TICK_S
                    self._parts.listener.revive()
                    self._patiently(self._parts.foreign.refresh)
                    self._fall_back()
                    self._parts.bus.publish(self._parts.intake.tick(now_ms()))
        except _GivenUp:
            log.warning("ended while the database was away; the broker keeps what is not stored")

    def _load(self) -> None:
        parts = self._parts
        parts.receipts.load(parts.store)
        self._last_arrival_ms = parts.intake.load(parts.directory.everyone(), now_ms=now_ms())

    def _handle(self, messages: list[Message]) -> None:
        """Store a batch and acknowledge it; what breaks it is logged, and comes again later."""
        try:
            self._store(messages)
        except _GivenUp:
            raise
        except Exception:
            log.exception("a batch of %d messages could not be handled", len(messages))
            self.counters.failed += len(messages)

    def _store(self, messages: list[Message]) -> None:
        parts = self._parts
        self._prepare(messages[0])
        out = Outcome()
        self._patiently(partial(self._take_all, deque(messages), out))
        for device, said in out.answers:
            self._patiently(partial(parts.answer, device, said))
        self._patiently(parts.foreign.settle)
        batch = out.close()
        if not out.repeatable:
            batch.receipt = parts.receipts.issue(messages)
        written = self._patiently(partial(parts.store.write, batch), self._overhear)
        parts.listener.acknowledge(messages)
        parts.bus.publish(out.events)
        self._last_arrival_ms = messages[-1].arrived_ms
        self._count(messages, out, written)

    def _fall_back(self) -> None:
        """Store which sensors went off by themselves since last asked."""
        parts, out = self._parts, Outcome()
        self._patiently(partial(parts.foreign.fall_back, parts.intake, now_ms(), out))
        if out.batch.values:
            written = self._patiently(partial(parts.store.write, out.close()))
            parts.bus.publish(out.events)
            self._count([], out, written)

    def _prepare(self, first: Message) -> None:
        """Notice what changed since the last batch: devices, the connection, the session."""
        parts = self._parts
        while self._changed:
            public_id = self._changed.popleft()
            parts.directory.forget(public_id)
            parts.intake.forget(public_id)
        if parts.listener.session_since != self._session:
            self._session = parts.listener.session_since
            parts.receipts.clear()
        if first.generation != self._generation:
            self._generation = first.generation
            if self._last_arrival_ms:
                self._catch_up(first.arrived_ms - self._last_arrival_ms)

    def _catch_up(self, away_ms: int) -> None:
        self._parts.intake.catch_up(max(0, away_ms), now_ms=now_ms())

    def _take_all(self, messages: deque[Message], out: Outcome) -> None:
        while messages:
            try:
                self._take(messages[0], out)
            except Unavailable:
                raise
            except Exception:  # one message must not take the others of the batch with it
                log.exception("a message on %r could not be handled", messages[0].topic)
                self._refuse(messages[0], out)
            messages.popleft()

    def _refuse(self, message: Message, out: Outcome) -> None:
        """Count a message that broke the intake like any other that cannot be used."""
        self.counters.failed += 1
        _topic, device, arrival = self._addressed(message)
        refuse(out, "bad_value", arrival, device=device)

    def _take(self, message: Message, out: Outcome) -> None:
        parts = self._parts
        if parts.receipts.has(message):
            self.counters.repeated += 1
            return
        topic, device, arrival = self._addressed(message)
        if topic is None:
            parts.foreign.take(arrival, parts.intake, out)
            return
        if device is None:
            refuse(out, "unknown_device", arrival)
            return
        parts.intake.take(device, arrival, out)

    def _addressed(
        self, message: Message
    ) -> tuple[topics.DeviceTopic | None, KnownDevice | None, Arrival]:
        """Return the device's topic of a message, the device if it is known, and what came."""
        topic = self._parse(self._parts.namespace, message.topic)
        device = self._parts.directory.find(topic.controller_id) if topic else None
        rest = topic.rest if topic else ""
        arrival = Arrival(
            message.topic, rest, message.payload, message.arrived_ms, message.retained
        )
        return topic, device, arrival

    def _overhear(self) -> None:
        """Hand on what devices answer to commands while readings wait to be stored.

        A full disk, or a telemetry database that is away, shall not hide that a door has opened.
        The answers stay in the inbox; in their turn they change nothing any more.
        """
        parts = self._parts
        messages, seen = parts.inbox.waiting(self._overheard)
        try:
            for message in messages:
                _topic, device, arrival = self._addressed(message)
                if device and (said := parts.intake.overhear(device, arrival)):
                    parts.answer(device, said)
        except Unavailable:
            return  # all of them are asked again with the next try
        self._overheard = seen

    def _patiently(
        self, action: Callable[[], Result], meanwhile: Callable[[], None] = lambda: None
    ) -> Result:
        """Return what an action returns; wait for a database that is away.

        `meanwhile` is called after each try in vain.

        Raises:
            _GivenUp: the server ends meanwhile.
        """
        wait_s, longest_s = RETRY_S
        began = time.monotonic()
        while True:
            try:
                result = action()
            except Unavailable:
                if self.counters.waiting_since is None:
                    self.counters.waiting_since = began
                    log.warning("the database is away; nothing is acknowledged until it is back")
                meanwhile()
                if self._stopping.wait(wait_s):
                    raise _GivenUp from None
                wait_s = min(2 * wait_s, longest_s)
                continue
            if self.counters.waiting_since is not None:
                self.counters.waiting_since = None
                log.warning("the database is back after %.1f s", time.monotonic() - began)
                self._catch_up(int((time.monotonic() - began) * 1000))
            return result

    def _count(self, messages: list[Message], out: Outcome, written: Written) -> None:
        counters = self.counters
        counters.messages += len(messages)
        counters.batches += 1
        counters.stored += written.stored
        counters.repeated += written.repeated
        counters.replaced += written.replaced
        counters.failed += len(written.failed)
        for row in written.failed:
            log.error("the database would not take a row: %s", row)
        for (_, reason), refusal in out.batch.refusals.items():
            counters.refused[reason] = counters.refused.get(reason, 0) + refusal.count
