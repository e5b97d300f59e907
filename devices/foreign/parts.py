"""One announced part of a device, and what is put together from all of them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from devices.foreign.entities import Action, Foreign, LeftOut, Source, sensor_named
from devices.foreign.grammar import is_template, unsupported

PERCENT = "%"
JUST_SO = "{{ value }}"


@dataclass(frozen=True, slots=True)
class Part:
    """One announced part of a device; `options` have their long names."""

    component: str
    label: str
    options: dict[str, Any]

    def text(self, *names: str, default: str = "") -> str:
        """Return the first of several options that is there, as a text."""
        for name in names:
            value = self.options.get(name)
            if value is not None and not isinstance(value, dict | list):
                return str(value)
        return default

    def word(self, name: str, default: str) -> str | None:
        """Return a payload; None where the device says that it has none."""
        if name in self.options and self.options[name] is None:
            return None
        return self.text(name, default=default)

    def number(self, name: str, default: float) -> float:
        """Return a finite number."""
        try:
            value = float(self.options[name])
        except (KeyError, TypeError, ValueError, OverflowError):
            return default
        return value if isfinite(value) else default

    def several(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.options.get(name)
        return tuple(map(str, value)) if isinstance(value, list) else default

    def called(self, words: str) -> "Part":
        """Return the same part under a name for one thing of several that it does."""
        return Part(self.component, f"{self.label} {words}", self.options)


class Builder:
    """Adds parts to a device, each with names of its own."""

    def __init__(self, device: Foreign) -> None:
        self.device = device
        self._sensors: set[str] = set()
        self._targets: set[str] = set()

    def sensor(self, label: str) -> str:
        """Return a sensor's name that no other has."""
        return _fresh(sensor_named(label), self._sensors)

    def target(self, label: str) -> str:
        """Return the name of a part that no other has."""
        return _fresh(sensor_named(label).lower(), self._targets)

    def source(self, topic: str, template: str, sensor: str, **more: Any) -> None:
        """Add where a sensor's values come from."""
        if topic and self._usable(more.get("label", sensor), template):
            self.device.sources.append(Source(topic, template, sensor, **more))

    def action(
        self,
        part: Part,
        target: str,
        name: str,
        topic: str,
        payload: str | None,
        *,
        template: str = "",
        **more: Any,
    ) -> None:
        """Add what can be asked; `payload` None: it cannot."""
        if not topic or payload is None:
            return
        if template and not more.get("wants_value"):
            template = f"{{% set value = {json.dumps(payload)} %}}{template}"
        templated = bool(template) or bool(more.get("wants_value"))
        written = template or payload
        if templated and not self._usable(part.label, written):
            return
        self.device.actions.append(
            Action(
                target,
                part.label,
                part.component,
                name,
                topic,
                written,
                templated=templated,
                **more,
            )
        )

    def settable(
        self,
        part: Part,
        *,
        heard: tuple[str, str],
        asked: tuple[str, str],
        kind: str = "number",
        unit: str = "",
        **more: Any,
    ) -> None:
        """Add a value that can be set, and read where the device tells it.

        Args:
            part: what it belongs to.
            heard: topic and template of its value.
            asked: topic and template of what sets it.
            kind: number or text.
            unit: of a number.
            more: low, high, step, options of the action.
        """
        if not (heard[0] or asked[0]):
            return
        sensor = ""
        if heard[0]:
            sensor = self.sensor(part.label)
            self.source(*heard, sensor, kind=kind, label=part.label, unit=unit)
        self.action(
            part,
            self.target(part.label),
            "set",
            asked[0],
            asked[1] or JUST_SO,
            wants_value=True,
            sensor=sensor,
            expects=(None,) if sensor else (),
            **more,
        )

    def leave_out(self, label: str, reason: str, what: str = "") -> None:
        """Note what is not used, once."""
        left = LeftOut(label, reason, what)
        if left not in self.device.left_out:
            self.device.left_out.append(left)

    def _usable(self, label: str, template: str) -> bool:
        strange = unsupported(template) if is_template(template) else None
        if strange:
            self.leave_out(label, "template", strange)
        return strange is None


def words(part: Part, states: Iterable[tuple[str, str]]) -> dict[str, float | str]:
    """Return what the payloads of a state topic stand for; the first of two equal ones counts."""
    found: dict[str, float | str] = {}
    for word, default in states:
        found.setdefault(part.text(f"state_{word}", default=default), word)
    return found


def heard_as(template: str, then: str) -> str:
    """Return a template that goes on with what another one makes of a message.

    Args:
        template: of a device; empty: the whole payload.
        then: what follows; `said` in it is the text, `data` what it holds as JSON, or none.
    """
    return (
        f"{{% set said %}}{template or JUST_SO}{{% endset %}}"
        f"{{% set data = said | from_json(none) %}}{then}"
    )


def _fresh(name: str, taken: set[str]) -> str:
    found, number = name, 2
    while found in taken:
        found, number = f"{name[:60]}_{number}", number + 1
    taken.add(found)
    return found
