"""What a device may say: turns a topic and bytes into readings; pure, and never raises.

The forms are those of `docs/protocol.md`.  What cannot be used is refused with a stable reason,
value by value where the rest of a message makes sense:

    too_large too_many too_deep      more than a message may hold
    not_utf8 bad_json                not text, not JSON
    not_finite bad_value bad_name    a value or a sensor's name that cannot be kept
    bad_time future too_old          a time that cannot be read, or cannot be true
    unknown_topic                    nothing is expected there
"""

import reprlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from devices.parsing import GREATEST, Plain, Refuse, document, flat, moment, plain, sensor_name

MAX_LOG = 16 * 1024
MAX_DETAIL = 200
MAX_ID = 64
MAX_ATTRIBUTES = 64
SAMPLE = 200
CELSIUS = "°C"
SHORT = reprlib.Repr()  # never deep, never long
STATUS, ACK = "status", "commands/ack"  # topics on which a device may answer a command
ANSWERS = {"done", "refused", "failed"}
SWITCH = {b"ON": 1.0, b"1": 1.0, b"TRUE": 1.0, b"OFF": 0.0, b"0": 0.0, b"FALSE": 0.0}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one message may hold."""

    payload: int = 65_536  # bytes
    readings: int = 5_000
    ahead_ms: int = 300_000  # how far a device's clock may be ahead


class Reading(msgspec.Struct, gc=False):
    """One value of one sensor."""

    sensor: str
    kind: str  # number, state, text
    ts: int  # ms
    value: float | str  # text is str; states are 0.0 and 1.0
    unit: str = ""


class Refused(NamedTuple):
    """A value or a message that cannot be used."""

    reason: str
    sample: str  # at most 200 printable characters
    item: int = 0  # which element of a batch


class Status(msgspec.Struct):
    """What a device says of itself."""

    online: bool
    attributes: dict[str, Plain] = {}


class Decoded(msgspec.Struct):
    """What a message holds."""

    readings: list[Reading] = []
    refusals: list[Refused] = []
    status: Status | None = None
    ack: dict[str, str] | None = None  # id, status (done, refused, failed), detail
    log: str | None = None
    timed: bool = True  # whether the device itself said when each reading was taken


def decode(rest: str, payload: bytes, *, arrived_ms: int, limits: Limits) -> Decoded:
    """Return what a device said below its own topic, e.g. with `rest` "telemetry/kitchen"."""
    out = Decoded()
    try:
        if len(payload) > limits.payload:
            raise Refuse("too_large")
        head, _, name = rest.partition("/")
        if head == "telemetry":
            _Telemetry(out, arrived_ms, limits).read(name, document(payload))
        elif head == "led":
            _led(out, sensor_name(f"led.{name}"), payload, arrived_ms)
        elif head == "temperature":
            sensor = f"temperature.{name}" if name else "temperature"
            _Telemetry(out, arrived_ms, limits).read(sensor, document(payload))
            _only_degrees(out)
        elif rest == STATUS:
            _status(out, payload)
        elif rest == ACK:
            out.ack = _answer(document(payload), "id")
        elif rest == "log":
            out.log = _log(payload)
        else:
            raise Refuse("unknown_topic")
    except Refuse as refusal:
        return Decoded(refusals=[Refused(refusal.reason, sample(payload))])
    return out


def sample(payload: bytes) -> str:
    """Return the beginning of a payload, with everything unprintable escaped."""
    return _printable(payload[: 2 * SAMPLE].decode("utf-8", "backslashreplace"))


def _printable(text: str) -> str:
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:SAMPLE]
    )[:SAMPLE]


class _Telemetry:
    """Reads one reading, an object of readings, or a list of such objects."""

    def __init__(self, out: Decoded, arrived_ms: int, limits: Limits) -> None:
        self.out = out
        self.arrived_ms = arrived_ms
        self.limits = limits
        self.item = 0

    def read(self, sensor: str, data: Any) -> None:
        """Read a whole message; `sensor` is empty where the message names its sensors."""
        if sensor:
            sensor = sensor_name(sensor)
        if isinstance(data, list):
            self._batch(sensor, data)
        elif isinstance(data, dict):
            self._object(sensor, data)
        else:
            self.out.timed = False
            self._value(sensor or "value", self.arrived_ms, data)
        if len(self.out.readings) > self.limits.readings:
            raise Refuse("too_many")

    def _batch(self, sensor: str, items: list[Any]) -> None:
        if len(items) > self.limits.readings:
            raise Refuse("too_many")
        for self.item, item in enumerate(items):
            try:
                if not isinstance(item, dict):
                    raise Refuse("bad_value")
                self._object(sensor, item)
            except Refuse as refusal:
                self._refused(refusal.reason, SHORT.repr(item))

    def _object(self, sensor: str, data: dict[str, Any]) -> None:
        key = "value" if sensor else "values"
        if key not in data or not ("ts" in data or len(data) == 1):
            self.out.timed = False
            self._values(f"{sensor}." if sensor else "", self.arrived_ms, data)
            return
        said, inner = data.get("ts"), data[key]
        ts = moment(said, self.arrived_ms, self.limits.ahead_ms)
        if said is None:
            self.out.timed = False
        if sensor:
            self._value(sensor, ts, inner)
        elif isinstance(inner, dict):
            self._values("", ts, inner)
        else:
            raise Refuse("bad_value")

    def _values(self, prefix: str, ts: int, values: dict[str, Any]) -> None:
        try:  # nearly every message is numbers only
            quick = [
                Reading(sensor_name(prefix + name), "number", ts, float(value))
                for name, value in values.items()
                if (type(value) is float or type(value) is int) and abs(value) <= GREATEST
            ]
        except Refuse:
            quick = []
        if len(quick) == len(values):
            self.out.readings += quick
            return
        for name, value, sent in flat(values, prefix):
            if isinstance(value, Refuse):
                self._refused(value.reason, f"{name}: {SHORT.repr(sent)}")
            else:
                self._keep(name, ts, value)

    def _value(self, sensor: str, ts: int, value: Any) -> None:
        if value is not None:
            self._keep(sensor, ts, plain(value))

    def _keep(self, sensor: str, ts: int, value: Plain) -> None:
        if isinstance(value, bool):
            reading = Reading(sensor, "state", ts, float(value))
        else:
            reading = Reading(sensor, "text" if isinstance(value, str) else "number", ts, value)
        self.out.readings.append(reading)

    def _refused(self, reason: str, shown: str) -> None:
        self.out.refusals.append(Refused(reason, _printable(shown), self.item))


def _led(out: Decoded, sensor: str, payload: bytes, arrived_ms: int) -> None:
    _text(payload)
    value = SWITCH.get(payload.strip().upper())
    if value is None:
        raise Refuse("bad_value")
    out.timed = False
    out.readings.append(Reading(sensor, "state", arrived_ms, value))


def _only_degrees(out: Decoded) -> None:
    for reading in out.readings:
        if reading.kind != "number":
            raise Refuse("bad_value")
        reading.unit = CELSIUS


def _status(out: Decoded, payload: bytes) -> None:
    """Read "online", "offline", or an object of attributes that may answer a command too."""
    word = payload.strip().strip(b'"').lower()
    if word in {b"online", b"offline"}:
        out.status = Status(word == b"online")
        return
    data = document(payload)
    if not isinstance(data, dict):
        raise Refuse("bad_value")
    offline = data.get("state") == "offline" or data.get("online") is False
    attributes: dict[str, Plain] = {}
    for name, value, sent in flat(data):
        if isinstance(value, Refuse):
            out.refusals.append(Refused(value.reason, _printable(f"{name}: {SHORT.repr(sent)}")))
        else:
            attributes[name] = value
    if len(attributes) > MAX_ATTRIBUTES:
        raise Refuse("too_many")
    if "command_id" in data:
        out.ack = _answer(data, "command_id")
    out.status = Status(not offline, attributes)


def _answer(data: Any, key: str) -> dict[str, str]:
    """Read a device's answer to a command."""
    if not isinstance(data, dict):
        raise Refuse("bad_value")
    command_id, status, detail = data.get(key), data.get("status"), data.get("detail") or ""
    if not isinstance(command_id, str) or not 0 < len(command_id) <= MAX_ID:
        raise Refuse("bad_value")
    if not isinstance(status, str) or status not in ANSWERS or not isinstance(detail, str):
        raise Refuse("bad_value")
    return {"id": command_id, "status": status, "detail": _printable(detail)}


def _log(payload: bytes) -> str:
    if len(payload) > MAX_LOG:
        raise Refuse("too_large")
    return _text(payload).replace("\0", "\ufffd").rstrip()


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Refuse("not_utf8") from None
