"""A device's side of the conversation: says readings, hears commands, loses neither."""

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from edge import clock, settings
from edge.buffer import Buffer
from edge.commands import Command, Refused
from edge.connection import Connection
from edge.files import FileOffer
from edge.hearing import Doings, Hearing
from edge.journal import Journal
from edge.login import Login
from edge.packing import pack
from edge.settings import Settings
from edge.wire import wire_of

Status = Literal["done", "refused", "failed"]
IN_FLIGHT = 8  # messages that may wait for the broker's word at once
REFUSED = 128  # reason codes from here on are refusals
UNUSABLE = {0x95, 0x99}  # too large, wrong format: sending it again would not help
WRONG_TOPIC = "are controller id and namespace right?"
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
        on_settings: Callable[[Settings], None] | None = None,
        on_file: Callable[[FileOffer], None] | None = None,
        buffer: Buffer | None = None,
        journal: Journal | None = None,
        attributes: Mapping[str, object] | None = None,
        sealed: bool = False,
        now_ms: Callable[[], int] = clock.now_ms,
    ) -> None:
        """Prepare; nothing is sent before `start`.

        Args:
            login: who the device is.
            on_command: called from the network thread with each command that may be carried
                out; it must return at once and call `answer` when the command is done.
            on_settings: called from there too, with each configuration that the server sends;
                it must return at once and call `settled`.  None: the device takes none.
            on_file: called from there too, with each file that the server sends or asks for; it
                must return at once and call `answer`.  None: the device takes none.
            buffer: where readings wait; None: in memory.
            journal: what outlives a restart; None: in memory.
            attributes: firmware and the like, told at each connect.
            sealed: whether everything but online and offline travels in sealed envelopes.
            now_ms: the clock, ms since 1970.
        """
        self.login = login
        self.counters = Counters()
        self.buffer = Buffer() if buffer is None else buffer
        self._journal = Journal() if journal is None else journal
        self._attributes = dict(attributes or {})
        self._on_command = on_command
        self._now_ms = now_ms
        self.wire = wire_of(login, self._journal, sealed=sealed)
        doings = Doings(self._accept, on_settings, on_file)
        self._hearing = Hearing(login, self.wire, self._journal, doings, now_ms)
        self._connection = Connection(login, self, subscriptions=self._hearing.topics)
        self._lock = threading.Lock()  # of the next two
        self._open = False  # whether the broker is there
        self._words: deque[tuple[str, str]] = deque()  # to be said now or never
        self._codes: deque[tuple[int, int]] = deque()  # what the broker answered: number, code
        self._waiting: dict[int, list[int]] = {}  # number of a message -> rows of the buffer
        self._sent_up_to = {True: 0, False: 0}  # urgent or not -> the last row under way

    def _accept(self, command: Command) -> None:
        self._count("accepted")
        self._on_command(command)

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._open

    @property
    def problem(self) -> str:
        """Why there is no connection, in words; empty if nothing is known to be wrong."""
        return self._connection.problem

    def start(self) -> None:
        """Connect in the background and keep at it."""
        self._connection.start()

    def stop(self) -> None:
        """Tell the broker that the device goes, and go; what is not sent stays in the buffer."""
        self._connection.stop()

    def cut(self) -> None:
        """Vanish as in a power cut."""
        self._connection.cut()

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
        self._connection.wake()

    def publish_past(self, readings: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Say what was read earlier, (ms since 1970, values), in as few messages as possible.

        Raises:
            ValueError: as for `publish`; nothing is said then.
        """
        self.buffer.extend("telemetry", [(at_ms, _body(values)) for at_ms, values in readings])
        self._connection.wake()

    def say(self, rest: str, payload: str) -> bool:
        """Send text to one of the device's topics now or never; returns whether it goes out."""
        with self._lock:
            if not self._open:
                return False
            self._words.append((rest, payload))
        self._connection.wake()
        return True

    def report(self, **attributes: object) -> None:
        """Change what the device says of itself on `status`, which the broker keeps."""
        self._attributes.update(attributes)
        self._say_status()

    def answer(self, asked: Command | FileOffer, status: Status, detail: str = "") -> None:
        """Say what came of a command or a file; waits in the buffer if the connection is gone."""
        self._answer(asked.id, status, detail)

    def settled(self, taken: Settings, result: str = "applied") -> None:
        """Say what became of a configuration: `applied`, or in words why not."""
        self.report(config_version=taken.version, config_result=result)

    def _answer(self, asked: str, status: Status, detail: str) -> None:
        ack = {"id": asked, "status": status, "detail": detail}
        self.buffer.append("commands/ack", None, json.dumps(ack), urgent=True)
        self._connection.wake()

    def _say_status(self) -> None:
        if self._attributes:
            status = {"online": True, **self._attributes}
            self.say("status", json.dumps(status, ensure_ascii=False))

    # What the connection tells (edge.connection.Device)

    def up(self) -> None:
        """Begin a connection with nothing under way."""
        self._codes.clear()
        self._waiting.clear()
        self._sent_up_to = {True: 0, False: 0}
        with self._lock:
            self._open = True
        self._presence("online")
        self._say_status()

    def down(self) -> None:
        """Take the broker's last words in, and forget what was meant for this connection only."""
        self._settle_all()
        with self._lock:
            self._open = False
            self._words.clear()

    def farewell(self) -> None:
        """Say in words what the last will would have said."""
        self.work()
        self._presence("offline")

    def work(self) -> None:
        """Send what waits, as far as the window allows."""
        self._settle_all()
        while self._words:
            rest, text = self._words.popleft()
            self._publish(rest, text.encode(), retain=rest == "status")
        for urgent in (True, False):
            while len(self._waiting) < IN_FLIGHT and self._send_next(urgent=urgent):
                pass

    def heard(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Do what a message asks for, or say why not where the sender can be told."""
        try:
            self._hearing.take(topic, payload, retained=retained)
        except Refused as refused:
            self._count(refused.code)
            log.warning("%s: %s refused: %s", self.login.controller_id, topic, refused)
            if refused.command_id:
                self._answer(refused.command_id, "refused", str(refused))
            if refused.code == "not_sealed" and (found := settings.read(payload)):
                self.settled(found, str(refused))

    def taken(self, number: int, code: int) -> None:
        """Note what the broker says of a message."""
        self._codes.append((number, code))
        self._connection.wake()

    def _presence(self, word: str) -> None:
        """Say online or offline in the clear, as the last will does too."""
        self._connection.publish(self.login.topic("status"), word.encode(), retain=True)

    def _publish(self, rest: str, payload: bytes, *, retain: bool = False) -> int:
        topic, message = self.wire.outgoing(rest, payload)
        return self._connection.publish(topic, message, retain=retain and message == payload)

    def _send_next(self, *, urgent: bool) -> bool:
        packed = pack(
            self.buffer, self._sent_up_to[urgent], urgent=urgent, max_bytes=self.wire.max_bytes
        )
        if packed is None:
            return False
        self._waiting[self._publish(packed.rest, packed.payload)] = packed.ids
        self._sent_up_to[urgent] = packed.ids[-1]
        return True

    def _settle_all(self) -> None:
        while self._codes:
            self._settle(*self._codes.popleft())

    def _settle(self, number: int, code: int) -> None:
        if code >= REFUSED:
            self.counters.refused += 1
            self._connection.problem = f"the broker refuses to publish ({code}): {WRONG_TOPIC}"
            if code not in UNUSABLE:
                return  # it keeps its place in the window and goes again with the next connection
        else:
            self.counters.sent += 1
        if number in self._waiting:
            self.buffer.remove(self._waiting.pop(number))

    def _count(self, what: str) -> None:
        self.counters.commands[what] = self.counters.commands.get(what, 0) + 1


def _body(values: Mapping[str, Any]) -> str:
    body = json.dumps(values, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    if len(body.encode()) > MAX_BODY:
        raise ValueError(f"more than {MAX_BODY} bytes in one reading")
    return body
