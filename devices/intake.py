"""Decides what becomes of a message: readings, presence, answers, or a counted refusal."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from db.telemetry.records import Batch, Refusal
from db.telemetry.store import TelemetryStore
from devices import heard as memory
from devices import units
from devices.directory import KnownDevice
from devices.foreign.reader import Reader
from devices.heard import Heard, Sensor
from devices.payloads import ACK, STATUS, Decoded, Limits, Reading, Status, decode, sample
from devices.ports import LiveEvent
from devices.presence import MISSED, State
from mqtt.sealing import UP, Seal, SealError

NOBODY = 0  # refusals of messages that belong to no known device
BULK = 100  # of a message with more readings, browsers are sent the newest of each sensor
SEAL_REASONS = {"forged": "not_authentic", "malformed": "bad_seal"}  # others as they are
PRESENCE = frozenset({b"online", b"offline"})
CATCH_UP_MS = 60_000  # after a pause, the broker may send at once what it held back


class Arrival(NamedTuple):
    """A message below a device's topic."""

    topic: str
    rest: str  # what follows the controller id
    payload: bytes
    arrived_ms: int
    retained: bool = False  # an old message that the broker kept


@dataclass(slots=True)
class Outcome:
    """What a run of messages comes to.

    Attributes:
        batch: what is to be stored, in one transaction.
        answers: what devices said to commands.
        events: what browsers are told once it is stored.
        repeatable: whether storing all of it a second time would change nothing.
        heard: the devices that gave a sign of life, by id.
    """

    batch: Batch = field(default_factory=Batch)
    answers: list[tuple[KnownDevice, dict[str, str]]] = field(default_factory=list)
    events: list[LiveEvent] = field(default_factory=list)
    repeatable: bool = True
    heard: dict[int, Heard] = field(default_factory=dict)

    def close(self) -> Batch:
        """Return the batch, with the presence of each device as it came to be."""
        self.batch.presence = {device_id: one.row() for device_id, one in self.heard.items()}
        return self.batch


class Intake:
    """Takes in the messages of all devices, in order; for one thread."""

    def __init__(
        self,
        store: TelemetryStore,
        *,
        limits: Limits,
        max_sensors: int,
        rate: float,
        key_of: Callable[[KnownDevice], str],
    ) -> None:
        """Begin with nothing known.

        Args:
            store: of readings.
            limits: of one message.
            max_sensors: of one device.
            rate: messages a second that a device may send.
            key_of: returns the command key of a device, with which it seals.
        """
        self._store = store
        self._limits = limits
        self._max_sensors = max_sensors
        self._rate = rate
        self._key_of = key_of
        self._heard: dict[int, Heard] = {}

    def load(self, devices: Iterable[KnownDevice], *, now_ms: int) -> int:
        """Learn what the store knows of devices; return when one was heard last, in ms.

        Raises:
            Unavailable: the store cannot be reached just now.
        """
        self._heard.update(memory.load(self._store, devices, rate=self._rate, now_ms=now_ms))
        return max((one.last_seen for one in self._heard.values()), default=0)

    def forget(self, public_id: str) -> None:
        """Learn anew of a device that was changed or deleted."""
        for device_id, heard in list(self._heard.items()):
            if heard.device.public_id == public_id:
                del self._heard[device_id]

    def catch_up(self, away_ms: int, *, now_ms: int) -> None:
        """Let devices' messages of a time when nobody listened come in all at once."""
        for heard in self._heard.values():
            heard.bucket.grant(away_ms, now_ms + CATCH_UP_MS)

    def take(self, device: KnownDevice, arrival: Arrival, out: Outcome) -> None:
        """Add what a device's message comes to.

        Raises:
            Unavailable: the store cannot be reached just now; the message can be given again.
        """
        heard = self._find(device, arrival.arrived_ms)
        if not arrival.retained and not heard.bucket.take(arrival.arrived_ms):
            refuse(out, "flood", arrival, device=device)
            return
        if arrival.rest == UP:
            self._take_sealed(heard, arrival, out)
        elif device.sealed and not _is_presence(arrival):
            if not arrival.retained:  # the broker may have kept it since before it had to be sealed
                refuse(out, "not_sealed", arrival, device=device)
        else:
            self._take_plain(heard, arrival, out)

    def overhear(self, device: KnownDevice, arrival: Arrival) -> dict[str, str]:
        """Return what a message says to a command, if that is what it does; takes nothing in.

        It is still to be taken in its turn: nothing is counted or remembered here, so it may say
        the same again.
        """
        rest, payload = arrival.rest, arrival.payload
        heard = self._heard.get(device.id)
        if arrival.retained or heard is None or len(payload) > self._limits.payload:
            return {}
        if rest == UP:
            try:
                opened = self._seal(heard, arrival).open_(payload, above=heard.counted)
            except SealError:
                return {}
            rest, payload = opened.topic, opened.payload
        elif device.sealed:
            return {}
        if rest not in (ACK, STATUS):
            return {}
        said = decode(rest, payload, arrived_ms=arrival.arrived_ms, limits=self._limits)
        return said.ack or {}

    def _seal(self, heard: Heard, arrival: Arrival) -> Seal:
        if heard.seal is None:
            heard.seal = Seal(self._key_of(heard.device), arrival.topic)
        return heard.seal

    def _find(self, device: KnownDevice, now_ms: int) -> Heard:
        if device.id not in self._heard:
            self.load([device], now_ms=now_ms)
        return self._heard[device.id]

    def _take_sealed(self, heard: Heard, arrival: Arrival, out: Outcome) -> None:
        """Take in what is in an envelope, once."""
        device = heard.device
        try:
            if len(arrival.payload) > self._limits.payload:
                raise SealError("too_large")
            opened = self._seal(heard, arrival).open_(arrival.payload, above=heard.counted)
        except SealError as error:
            if not (arrival.retained and error.code == "replayed"):  # the broker kept an old one
                refuse(out, SEAL_REASONS.get(error.code, error.code), arrival, device=device)
            return
        inner = arrival._replace(rest=opened.topic, payload=opened.payload)
        self._take_plain(heard, inner, out)
        heard.counted = out.batch.counters[device.id] = opened.n
        out.repeatable = False

    def _take_plain(self, heard: Heard, arrival: Arrival, out: Outcome) -> None:
        device = heard.device
        said = decode(
            arrival.rest, arrival.payload, arrived_ms=arrival.arrived_ms, limits=self._limits
        )
        if arrival.retained:
            self._take_retained(heard, said, arrival, out)
            return
        self._take_readings(heard, said, arrival, out)
        for refusal in said.refusals:
            refuse(out, refusal.reason, arrival, device=device, shown=refusal.sample)
        if said.log:
            out.batch.logs.append((device.id, arrival.arrived_ms, said.log))
        if said.ack:
            out.answers.append((device, said.ack))
        if said.log or said.refusals or not said.timed:
            out.repeatable = False
        _life_sign(heard, said.status, arrival.arrived_ms, out)

    def take_foreign(
        self, device: KnownDevice, reader: Reader, arrival: Arrival, out: Outcome
    ) -> list[Reading]:
        """Add what a message on a mapped topic comes to; return what it said.

        Raises:
            Unavailable: the store cannot be reached just now; the message can be given again.
        """
        self.fall_back(device, reader, arrival.arrived_ms - 1, out)
        heard = self._find(device, arrival.arrived_ms)
        if not arrival.retained and not heard.bucket.take(arrival.arrived_ms):
            refuse(out, "flood", arrival, device=device)
            return []
        if len(arrival.payload) > self._limits.payload:
            refuse(out, "too_large", arrival, device=device)
            return []
        told = reader.take(arrival.topic, arrival.payload)
        readings = [
            Reading(one.source.sensor, one.kind, arrival.arrived_ms, one.value, one.source.unit)
            for one in told.values
            if not arrival.retained or heard.is_new(one.source.sensor)
        ]
        status = None if told.online is None else Status(told.online)
        self._take_readings(heard, Decoded(readings=readings, timed=False), arrival, out)
        for unusable in told.unusable:
            refuse(out, unusable.reason, arrival, device=device, shown=unusable.sample)
        if status or (readings and not arrival.retained):
            _life_sign(heard, status, arrival.arrived_ms, out)
        out.repeatable = False
        return readings

    def fall_back(self, device: KnownDevice, reader: Reader, now_ms: int, out: Outcome) -> None:
        """Add that sensors went off by themselves, each at the time that its delay was over.

        The time follows from the newest reading, so it is known after a restart as well.

        Raises:
            Unavailable: the store cannot be reached just now; calling again goes on.
        """
        for name, delay_ms in reader.off_delays.items():
            heard = self._find(device, now_ms)
            sensor = heard.sensors.get(name)
            if sensor is None or not sensor.on or sensor.newest_ms + delay_ms > now_ms:
                continue
            due_ms = sensor.newest_ms + delay_ms
            off = Decoded(readings=[Reading(name, "state", due_ms, 0.0)], timed=False)
            self._take_readings(heard, off, Arrival("", "", b"", due_ms), out)
            reader.before[name] = 0.0

    def tick(self, now_ms: int) -> list[LiveEvent]:
        """Return the events of devices that have been silent for too long since last asked."""
        return [
            event
            for heard in self._heard.values()
            if now_ms - heard.last_seen > MISSED * heard.device.expected_interval_s * 1000
            for event in _change(heard, now_ms)
        ]

    def _take_readings(self, heard: Heard, said: Decoded, arrival: Arrival, out: Outcome) -> None:
        found = [(self._sensor(heard, reading, out), reading) for reading in said.readings]
        moved: dict[str, LiveEvent] = {}
        for sensor, reading in found:
            if sensor is None:
                refuse(out, "too_many_sensors", arrival, device=heard.device)
                continue
            value = fitting(sensor.kind, reading)
            if value is None:
                shown = f"{reading.sensor}: {reading.value!r:.150} is no {sensor.kind}"
                refuse(out, "wrong_kind", arrival, device=heard.device, shown=shown)
                continue
            ts = reading.ts
            if ts == arrival.arrived_ms and not said.timed:
                ts = sensor.arrived(ts)
            if isinstance(value, str):
                out.batch.texts.append((sensor.id, ts, value))
            else:
                out.batch.values.append((sensor.id, ts, value))
            if ts >= sensor.newest_ms:
                sensor.newest_ms = ts
                sensor.on = sensor.kind == "state" and value == 1.0
                event = LiveEvent(
                    heard.device.public_id,
                    "reading",
                    {"s": reading.sensor, "t": ts, "v": value, "k": sensor.kind},
                )
                if len(found) <= BULK:
                    out.events.append(event)
                else:
                    moved[reading.sensor] = event
        out.events.extend(moved.values())

    def _sensor(self, heard: Heard, reading: Reading, out: Outcome) -> Sensor | None:
        """Return the sensor of a reading; None if the device has too many."""
        sensor = heard.sensors.get(reading.sensor)
        if sensor is None and len(heard.sensors) < self._max_sensors:
            unit = reading.unit or units.usual(reading.sensor, reading.kind)
            series = self._store.add_series(heard.device.id, reading.sensor, reading.kind, unit)
            sensor = heard.sensors[reading.sensor] = Sensor(series.id, series.kind, 0)
            out.events.append(LiveEvent(heard.device.public_id, "device", {"change": "sensors"}))
        return sensor

    def _take_retained(self, heard: Heard, said: Decoded, arrival: Arrival, out: Outcome) -> None:
        """Take in what the broker kept from earlier: no life sign, and old unless it has a time.

        Its status counts only of a device that was silent since: another may never say "online"
        and yet be there.
        """
        if said.timed and said.readings:
            self._take_readings(heard, said, arrival, out)
        if said.status is None:
            return
        heard.attributes |= said.status.attributes
        if heard.state(arrival.arrived_ms) != State.ONLINE:
            heard.say("online" if said.status.online else "offline", arrival.arrived_ms)
        out.heard[heard.device.id] = heard
        out.events.extend(_change(heard, arrival.arrived_ms))


def _is_presence(arrival: Arrival) -> bool:
    """Return whether a message only says online or offline, as a last will in the clear does."""
    return arrival.rest == "status" and arrival.payload.strip().lower() in PRESENCE


def fitting(kind: str, reading: Reading) -> float | str | None:
    """Return the value of a reading as its series keeps it, None if it cannot."""
    value = reading.value
    if kind == reading.kind:
        return value
    if kind == "text":
        if reading.kind == "state":
            return "true" if value else "false"
        return repr(value).removesuffix(".0")
    if kind == "state" and value in {0.0, 1.0}:
        return value
    return None


def refuse(
    out: Outcome,
    reason: str,
    arrival: Arrival,
    *,
    device: KnownDevice | None = None,
    shown: str | None = None,
) -> None:
    """Count something that was refused, and keep it as the example."""
    device_id = device.id if device else NOBODY
    text = sample(arrival.payload) if shown is None else shown
    before = out.batch.refusals.get((device_id, reason))
    count = before.count + 1 if before else 1
    out.batch.refusals[device_id, reason] = Refusal(
        reason, count, arrival.arrived_ms, arrival.topic, text
    )
    out.repeatable = False
    if device and not before:
        data = {"reason": reason, "sample": text, "topic": arrival.topic, "at": arrival.arrived_ms}
        out.events.append(LiveEvent(device.public_id, "refused", data))


def _life_sign(heard: Heard, status: Status | None, now_ms: int, out: Outcome) -> None:
    """Take down that a device was heard; its last will is not a sign of life."""
    if status is None or status.online:
        heard.say("online", now_ms)
        heard.last_seen = max(heard.last_seen, now_ms)
    else:
        heard.say("offline", now_ms)
        heard.last_seen = heard.last_seen or now_ms
    if status:
        heard.attributes |= status.attributes
    out.heard[heard.device.id] = heard
    out.events.extend(_change(heard, now_ms))


def _change(heard: Heard, now_ms: int) -> list[LiveEvent]:
    """Return the event that tells browsers of another state, if it is another."""
    state = heard.state(now_ms)
    if state == heard.shown:
        return []
    heard.shown = state
    data: dict[str, Any] = {"state": state.value, "seen": heard.last_seen or None}
    return [LiveEvent(heard.device.public_id, "presence", data)]
