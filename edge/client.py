"""A device's side of the conversation: says readings, hears commands, loses neither."""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from edge import clock, commands
from edge.buffer import Buffer
from edge.commands import Command, Refused
from edge.connection import Connection, Events
from edge.journal import Journal
from edge.login import Login
from edge.packing import pack

Status = Literal["done", "refused", "failed"]
IN_FLIGHT = 8  # messages that may wait for the broker's word at once
REFUSED = 128  # reason codes from here on are refusals
UNUSABLE = {0x95, 0x99}  # too large, wrong format: sending it again would not help
MAX_BODY = 16_384  # bytes of one reading's JSON
log = logging.getLogger("gatehouse.edge")


@dataclass(slots=True)
class Counters:
    """What happened since the start."""

    sent: int = 0  # messages that the broker took
    refused: int = 0  # messages that it did not take, for example for want of a right
    undated: int = 0  # readings given up because the clock was not set and nobody was there
    commands: dict[str, int] = field(default_factory=dict)  # "accepted" or why not -> how many


class DeviceClient:
    """One device's connection, with its buffer and its memory.

    Readings go through the buffer: written down first, sent in order, removed when the broker
    has them.  Whatever came together while the broker was away leaves as batches.
    """

    def __init__(
        self,
        login: Login,
        *,
        on_command: Callable[[Command], None],
        buffer: Buffer | None = None,
        journal: Journal | None = None,
        attributes: Mapping[str, object] | None = None,
        now_ms: Callable[[], int] = clock.now_ms,
    ) -> None:
        """Prepare; nothing is sent before `start`.

        Args:
            login: who the device is.
            on_command: called from the network thread with each command that may be carried
                out; it must return at once and call `answer` when the command is done.
            buffer: where readings wait; None: in memory.
            journal: what outlives a restart; None: in memory.
            attributes: firmware and the like, told at each connect.
            now_ms: the clock, ms since 1970.
        """
        self.login = login
        self.counters = Counters()
        self.buffer = buffer or Buffer()
        self._journal = journal or Journal()
        self._attributes = dict(attributes or {})
        self._on_command = on_command
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._generation = 0  # of the connection
        self._sending = self._asked_to_send = False
        self._waiting: dict[int, list[int]] = {}  # message number -> rows of the buffer
        self._early: dict[int, int] = {}  # message number -> code, before it is in `_waiting`
        self._sent_up_to = {True: 0, False: 0}  # urgent or not -> id of the last row sent
        events = Events(self._up, self._down, self._message, self._taken)
        self._connection = Connection(login, events, subscriptions=("commands",))

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._connection.connected

    @property
    def problem(self) -> str:
        """Why there is no connection, in words; empty if nothing is known to be wrong."""
        return self._connection.problem

    def start(self) -> None:
        """Connect in the background and keep at it."""
        self._connection.start()

    def stop(self) -> None:
        """Tell the broker that the device goes, and go; what is not sent stays in the buffer."""
        self.say("status", "offline", retain=True)
        self._connection.stop()
        self._down()

    def cut(self) -> None:
        """Vanish as in a power cut."""
        self._connection.cut()
        self._down()

    def publish(self, values: Mapping[str, Any], *, at_ms: int | None = None) -> None:
        """Say what sensors read: numbers, booleans, short texts, or mappings of these.

        Args:
            values: the readings by name.
            at_ms: when they were taken, ms since 1970; None: now.

        Raises:
            ValueError: the values cannot be written as JSON, or are too many for one message.
        """
        body = _body(values)
        if at_ms is None and not clock.is_set(self._now_ms(), self._journal):
            # Without a date, the time of arrival counts; later it would be a lie.
            if not self.say("telemetry", body):
                self.counters.undated += 1
            return
        self.buffer.append("telemetry", self._now_ms() if at_ms is None else at_ms, body)
        self._send()

    def publish_past(self, readings: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Say what was read earlier, (ms since 1970, values), in as few messages as possible.

        Raises:
            ValueError: as for `publish`; nothing is said then.
        """
        self.buffer.extend("telemetry", [(at_ms, _body(values)) for at_ms, values in readings])
        self._send()

    def say(self, rest: str, payload: str, *, retain: bool = False) -> bool:
        """Send text to one of the device's topics now or never; returns whether it went out."""
        topic = self.login.topic(rest)
        return self._connection.publish(topic, payload.encode(), retain=retain) is not None

    def report(self, **attributes: object) -> None:
        """Change what the device says of itself on `status`, which the broker keeps."""
        self._attributes.update(attributes)
        self._say_status()

    def answer(self, command: Command, status: Status, detail: str = "") -> None:
        """Say what came of a command; waits in the buffer if the connection is gone."""
        self._answer(command.id, status, detail)

    def _answer(self, command_id: str, status: Status, detail: str) -> None:
        ack = {"id": command_id, "status": status, "detail": detail}
        self.buffer.append("commands/ack", None, json.dumps(ack), urgent=True)
        self._send()

    def _say_status(self) -> None:
        if self._attributes:
            status = {"status": "online", **self._attributes}
            self.say("status", json.dumps(status, ensure_ascii=False), retain=True)

    def _up(self) -> None:
        self.say("status", "online", retain=True)
        self._say_status()
        self._send()

    def _down(self) -> None:
        """Forget what was under way; the rows are still in the buffer and go again."""
        with self._lock:
            self._generation += 1
            self._waiting.clear()
            self._early.clear()
            self._sent_up_to = {True: 0, False: 0}

    def _send(self) -> None:
        """Send what waits in the buffer, as far as the window allows.

        Only one thread sends, or the order would be lost.  None calls the library with the lock
        held: the library holds a lock of its own while it calls `_taken`.
        """
        with self._lock:
            self._asked_to_send = True
            if self._sending:
                return
            self._sending = True
        try:
            while self._still_asked():
                for urgent in (True, False):
                    while self._sent_next(urgent=urgent):
                        pass
        finally:
            with self._lock:
                self._sending = False
                self._early.clear()

    def _still_asked(self) -> bool:
        with self._lock:
            asked, self._asked_to_send = self._asked_to_send, False
            self._sending = asked
        return asked

    def _sent_next(self, *, urgent: bool) -> bool:
        with self._lock:
            generation, last_id = self._generation, self._sent_up_to[urgent]
            if not self.connected or len(self._waiting) >= IN_FLIGHT:
                return False
        packed = pack(self.buffer, last_id, urgent=urgent)
        if packed is None:
            return False
        number = self._connection.publish(self.login.topic(packed.rest), packed.payload)
        if number is None:
            return False
        with self._lock:
            if generation != self._generation:
                return False
            self._waiting[number] = packed.ids
            self._sent_up_to[urgent] = packed.ids[-1]
            code = self._early.pop(number, None)
        if code is not None:
            self._taken(number, code)
        return True

    def _taken(self, number: int, code: int) -> None:
        with self._lock:
            ids = self._waiting.get(number)
            if ids is None:
                if self._sending:  # the broker was faster than our own bookkeeping
                    self._early[number] = code
                return
            if code >= REFUSED:
                self.counters.refused += 1
                log.warning("%s: the broker refuses a message (%d)", self.login.controller_id, code)
            if code >= REFUSED and code not in UNUSABLE:
                return  # it keeps its place in the window and goes again with the next connection
            self.counters.sent += code < REFUSED
            del self._waiting[number]
            self.buffer.remove(ids)
        self._send()

    def _message(self, _topic: str, payload: bytes, retained: bool) -> None:
        try:
            command = commands.read(
                payload, key=self.login.command_key, now_ms=self._now_ms(), retained=retained
            )
        except Refused as refused:
            self._count(refused.code)
            log.warning("%s: command refused: %s", self.login.controller_id, refused)
            if refused.command_id:
                self._answer(refused.command_id, "refused", str(refused))
            return
        if not self._journal.first_time(command.id):
            self._count("replayed")
            return
        self._count("accepted")
        self._on_command(command)

    def _count(self, what: str) -> None:
        self.counters.commands[what] = self.counters.commands.get(what, 0) + 1


def _body(values: Mapping[str, Any]) -> str:
    body = json.dumps(values, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    if len(body.encode()) > MAX_BODY:
        raise ValueError(f"more than {MAX_BODY} bytes in one reading")
    return body
