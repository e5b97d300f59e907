"""Reads the messages of one foreign device: what its sensors say, and whether it is there."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from devices.foreign.bounded import MISSING
from devices.foreign.entities import Availability, Signal, Source
from devices.foreign.grammar import is_template
from devices.foreign.paths import pick
from devices.foreign.template import Message, render
from devices.parsing import GREATEST

NOTHING = {"", "None", "null", "nan", "NaN", "unknown", "unavailable"}  # payloads without a value
STATES = {"ON": 1.0, "OFF": 0.0, "TRUE": 1.0, "FALSE": 0.0, "1": 1.0, "0": 0.0}
LONGEST_TEXT = 256


class Value(NamedTuple):
    """What a sensor says."""

    source: Source
    kind: str
    value: float | str


class Unusable(NamedTuple):
    """What was said and cannot be used; the reason is one of those of `devices.payloads`."""

    reason: str
    sample: str


@dataclass(slots=True)
class Said:
    """What one message comes to; `online` is None where it does not say."""

    values: list[Value] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)
    online: bool | None = None


class Reader:
    """Takes the messages of one device, in order."""

    def __init__(
        self, sources: Iterable[Source], availability: Iterable[Availability] = ()
    ) -> None:
        self._sources = tuple(sources)
        self._availability = tuple(availability)
        self.off_delays = {
            one.sensor: round(one.off_delay * 1000)
            for one in self._sources
            if one.off_delay is not None
        }  # ms after which a sensor that is on goes off by itself
        self._signals = {signal for part in self._availability for signal in part.signals}
        self.before: dict[str, float | str] = {}  # the last value of each sensor
        self._here: dict[Signal, bool] = {}  # in the order in which they spoke last

    @property
    def topics(self) -> set[str]:
        """The topic filters that the device is heard on."""
        return {one.topic for one in self._sources} | {one.topic for one in self._signals}

    def remember(self, other: "Reader") -> None:
        """Know what another reader of the same device knew."""
        self.before = other.before
        self._here = {
            signal: here for signal, here in other._here.items() if signal in self._signals
        }

    def take(self, topic: str, payload: bytes) -> Said:
        """Return what a message says; never raises."""
        said = Said()
        try:
            message = Message(payload.decode())
        except UnicodeDecodeError:
            shown = payload[:100].decode("utf-8", "backslashreplace")
            return Said(unusable=[Unusable("not_utf8", shown)])
        for source in self._sources:
            if matches(source.topic, topic):
                self._read(source, message, said)
        for signal in self._signals:
            if signal.topic == topic and self._look(signal, message):
                said.online = self._there()
        return said

    def _read(self, source: Source, message: Message, said: Said) -> None:
        text = self._text(source, message)
        if text is None or text in NOTHING:
            return
        kind, value = read(source, text)
        if value is None:
            if not source.words:
                said.unusable.append(Unusable("bad_value", f"{source.sensor}: {text[:100]}"))
            return
        self.before[source.sensor] = value
        said.values.append(Value(source, kind, value))

    def _text(self, source: Source, message: Message) -> str | None:
        if not source.template or is_template(source.template):
            return render(source.template, message, before=self.before)
        found = pick(message.document, source.template)
        return None if found is MISSING or isinstance(found, dict | list) else str(found)

    def _look(self, signal: Signal, message: Message) -> bool:
        """Take down what a signal says; returns whether it says anything."""
        word = render(signal.template, message)
        if word not in {signal.here, signal.away}:
            return False
        self._here.pop(signal, None)  # the latest stands last
        self._here[signal] = word == signal.here
        return True

    def _there(self) -> bool:
        return any(self._is_there(part) for part in self._availability)

    def _is_there(self, part: Availability) -> bool:
        said = [here for signal, here in self._here.items() if signal in part.signals]
        if part.mode == "all":
            return len(said) == len(part.signals) and all(said)
        return any(said) if part.mode == "any" else bool(said) and said[-1]


def read(source: Source, text: str) -> tuple[str, float | str | None]:
    """Return the kind and the value of what a sensor says; None: it cannot be used."""
    if source.words:
        return source.kind or "text", source.words.get(text)
    if source.kind == "state":
        return "state", STATES.get(text.upper())
    if source.kind != "text":
        number = _number(text, source)
        if number is not None:
            return "number", number
        if source.kind == "number":
            return "number", None
        if text in {"True", "False"}:
            return "state", float(text == "True")
    plain = "".join(mark if mark.isprintable() else " " for mark in text[:LONGEST_TEXT])
    return "text", plain.strip()


def _number(text: str, source: Source) -> float | None:
    try:
        number = float(text) * source.scale + source.offset
    except ValueError:
        return None
    return number if abs(number) <= GREATEST else None


def matches(wanted: str, topic: str) -> bool:
    """Return whether a topic is one of those that a filter stands for."""
    if wanted == topic:
        return True
    levels, given = wanted.split("/"), topic.split("/")
    for at, level in enumerate(levels):
        if level == "#":
            return True
        if at >= len(given) or level not in {"+", given[at]}:
            return False
    return len(levels) == len(given)
