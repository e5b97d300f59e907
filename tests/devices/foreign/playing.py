"""Plays a recorded conversation of a foreign device, message by message."""

from dataclasses import dataclass, field
from typing import Any

from devices.foreign import announcements
from devices.foreign.discovery import PREFIX
from devices.foreign.entities import Action, Foreign
from devices.foreign.reader import Reader
from devices.foreign.template import fill


@dataclass
class Heard:
    """One device while it is played."""

    configs: dict[str, str] = field(default_factory=dict)
    known: Foreign | None = None
    reader: Reader = field(default_factory=lambda: Reader(()))
    online: bool | None = None

    def learn(self) -> None:
        self.known = announcements.understand(self.configs)
        fresh = Reader(())
        if self.known:
            fresh = Reader(self.known.sources, self.known.availability)
        fresh.remember(self.reader)
        self.reader = fresh


@dataclass
class House:
    """All devices that were announced so far."""

    heard: dict[str, Heard] = field(default_factory=dict)

    def take(self, message: dict[str, Any]) -> None:
        topic, payload = message["topic"], message["payload"]
        if announcements.kept_as(topic, PREFIX):
            self._announce(topic, payload)
        for one in self.heard.values():
            said = one.reader.take(topic, payload.encode())
            one.online = one.online if said.online is None else said.online

    def _announce(self, topic: str, payload: str) -> None:
        identity = announcements.identity(topic, payload)
        for one in self.heard.values():
            if topic in one.configs and not payload:
                del one.configs[topic]
                if topic.endswith("/config") and "tasmota/" in topic:
                    one.configs.clear()
                one.learn()
        if identity:
            one = self.heard.setdefault(identity, Heard())
            one.configs[topic] = payload
            one.learn()

    def device(self, name: str) -> Heard | None:
        return next(
            (one for one in self.heard.values() if one.known and one.known.name == name), None
        )


def current(one: Heard | None, label: str) -> tuple[Any, str | None, bool]:
    """The value and unit of a sensor by its label, and whether there is such a sensor."""
    sources = one.known.sources if one and one.known else []
    source = next((source for source in sources if source.label == label), None)
    if one is None or source is None:
        return None, None, False
    return one.reader.before.get(source.sensor), source.unit or None, True


def sent(action: Action, value: Any = None) -> str | None:
    """What is published for an action."""
    return fill(action.payload, value) if action.templated else action.payload
