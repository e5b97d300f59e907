"""What is fed with bytes of any kind: each function must return, and what it promises must hold."""

import json
import math

from devices.foreign import announcements
from devices.foreign.bounded import LONGEST
from devices.foreign.grammar import unsupported
from devices.foreign.reader import LONGEST_TEXT, Reader
from devices.foreign.template import Message, fill, render
from devices.parsing import MAX_TEXT, NAME
from devices.payloads import ANSWERS, SAMPLE, Limits, decode

NOON_MS = 1_770_000_000_000
LIMITS = Limits(readings=50)
RESTS = (
    "telemetry",
    "telemetry/kitchen",
    "status",
    "led/garage",
    "temperature",
    "temperature/cellar",
    "commands/ack",
    "log",
)
TOPICS = (
    "homeassistant/device/one/config",
    "homeassistant/light/node/one/config",
    "homeassistant/cover/one/config",
    "homeassistant/sensor/one/config",
    "tasmota/discovery/5CCF7F00AA77/config",
    "tasmota/discovery/5CCF7F00AA77/sensors",
    "tele/plug/SENSOR",
    "stat/plug/RESULT",
)
MESSAGE = Message('{"a": {"b": 2.5}, "l": [1, "x", null], "s": "ON", "t": 1700000000}')


def decoder(data: bytes) -> None:
    """Read what a device of our own sends; the first byte chooses the topic."""
    rest, payload = RESTS[data[0] % len(RESTS)] if data else "", data[1:]
    said = decode(rest, payload, arrived_ms=NOON_MS, limits=LIMITS)
    assert len(said.readings) <= LIMITS.readings
    for reading in said.readings:
        assert NAME.fullmatch(reading.sensor)
        if isinstance(reading.value, str):
            assert len(reading.value) <= MAX_TEXT
            assert "\0" not in reading.value
        else:
            assert math.isfinite(reading.value)
    for refused in said.refusals:
        assert refused.reason
        assert len(refused.sample) <= SAMPLE
    assert said.ack is None or said.ack["status"] in ANSWERS


def template(data: bytes) -> None:
    """Evaluate what a device calls a template."""
    text = data.decode("utf-8", "replace")
    strange = unsupported(text)
    rendered = render(text, MESSAGE, before={"x": 1.0})
    assert rendered is None or len(rendered) <= LONGEST
    if strange is None:
        filled = fill(text, 21.5)
        assert filled is None or len(filled) <= LONGEST


def discovery(data: bytes) -> None:
    """Understand an announcement and read a message with it; the first byte chooses the topic."""
    topic = TOPICS[data[0] % len(TOPICS)] if data else TOPICS[0]
    payload = data[1:].decode("utf-8", "replace")
    announcements.identity(topic, payload)
    announcements.merged(topic, announcements.merged(topic, "", payload), payload)
    found = announcements.understand({topic: payload})
    if found is None:
        return
    reader = Reader(found.sources, found.availability)
    for heard in sorted(found.topics())[:3]:
        for value in reader.take(heard, json.dumps({"state": "ON", "a": 1}).encode()).values:
            assert isinstance(value.value, float) or len(value.value) <= LONGEST_TEXT


TARGETS = {one.__name__: one for one in (decoder, template, discovery)}
