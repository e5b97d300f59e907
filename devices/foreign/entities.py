"""What a foreign device turns out to be, in Gatehouse's words."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

NOT_IN_NAMES = re.compile(r"[^\w.-]+")
LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Source:
    """Where one sensor of a device gets its values from.

    Attributes:
        topic: an MQTT topic filter.
        template: a Jinja template or a path in a JSON document; empty: the whole payload.
        sensor: name of the sensor, as it stands in the store.
        kind: number, state or text; empty: what the first value is.
        label: what people call it.
        words: what a payload stands for, such as "ON" for 1.0; empty: itself.  Other payloads
            of a sensor with words have no value.
        scale: a number is multiplied by it, ...
        offset: ... then this is added.
        off_delay: seconds after which a state that is on goes off by itself; None: it stays.
    """

    topic: str
    template: str
    sensor: str
    kind: str = ""
    label: str = ""
    unit: str = ""
    words: Mapping[str, float | str] = field(default_factory=dict)
    scale: float = 1.0
    offset: float = 0.0
    off_delay: float | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a device can be asked.

    Attributes:
        target: which part of the device, where it has several.
        label: what people call that part.
        part: switch, light, lock, cover, button, number, select ...
        name: on, off, lock, unlock, open, close, stop, press, set ...
        topic: where the payload goes.
        payload: what is sent, or a template with `value` in it.
        templated: whether `payload` is a template.
        wants_value: whether the asker gives a value.
        low, high, step: what a number may be.
        options: what a text may be; empty: anything.
        sensor: whose value says that it is done; empty: nothing does.
        expects: the values that say so; None among them stands for the value that was asked.
    """

    target: str
    label: str
    part: str
    name: str
    topic: str
    payload: str
    templated: bool = False
    wants_value: bool = False
    low: float | None = None
    high: float | None = None
    step: float | None = None
    options: tuple[str, ...] = ()
    sensor: str = ""
    expects: tuple[float | str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Signal:
    """A topic on which a device, or what stands before it, says whether it is there."""

    topic: str
    template: str = ""
    here: str = "online"
    away: str = "offline"


@dataclass(frozen=True, slots=True)
class Availability:
    """The signals of one part of a device, and which of them count: all, any or latest."""

    signals: tuple[Signal, ...]
    mode: str = "latest"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of an announcement that is not used.

    Attributes:
        label: what people call the part.
        reason: component (parts of this kind are not supported), template (it has something in
            it that is not) or number (there are too many parts).
        what: the name of what is not supported.
    """

    label: str
    reason: str
    what: str = ""


@dataclass(slots=True)
class Foreign:
    """A device as its announcements describe it; it is there if any part of it is."""

    name: str
    model: str = ""
    firmware: str = ""
    sources: list[Source] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    availability: list[Availability] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def sensors(self) -> list[Source]:
        """Return one source of each sensor, in order; a sensor may be told on several topics."""
        return list({one.sensor: one for one in reversed(self.sources)}.values())[::-1]

    def topics(self) -> set[str]:
        """Return every topic that the device is heard on or asked on."""
        signals = {signal.topic for part in self.availability for signal in part.signals}
        return signals | {one.topic for several in (self.sources, self.actions) for one in several}


def sensor_named(text: str) -> str:
    """Return a name for people as the name of a sensor."""
    plain = NOT_IN_NAMES.sub("_", unicodedata.normalize("NFC", text)).strip("_")
    return plain[:LONGEST_NAME] or "value"
