"""What each kind of part that Home Assistant's discovery knows says and understands."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from devices.foreign.entities import Action, Foreign, Source, sensor_named

PERCENT = "%"
JUST_SO = "{{ value }}"
TEXTUAL = {"enum", "timestamp", "date"}  # device classes whose values are no numbers
CLASS_WORDS = {
    "aqi": "Air quality index",
    "atmospheric_pressure": "Pressure",
    "pm1": "PM1",
    "pm10": "PM10",
    "pm25": "PM2.5",
    "volatile_organic_compounds": "VOCs",
    "ph": "pH",
}


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
        if topic:
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
        self.device.actions.append(
            Action(
                target,
                part.label,
                part.component,
                name,
                topic,
                template or payload,
                templated=bool(template) or bool(more.get("wants_value")),
                **more,
            )
        )


def _fresh(name: str, taken: set[str]) -> str:
    found, number = name, 2
    while found in taken:
        found, number = f"{name[:60]}_{number}", number + 1
    taken.add(found)
    return found


def class_words(device_class: str) -> str:
    """Return what people call a device class."""
    return CLASS_WORDS.get(device_class) or device_class.replace("_", " ").capitalize()


def _sensor(part: Part, out: Builder) -> None:
    unit = part.text("unit_of_measurement")
    numeric = bool(unit or part.text("state_class"))
    textual = part.text("device_class") in TEXTUAL or bool(part.options.get("options"))
    out.source(
        part.text("state_topic"),
        part.text("value_template"),
        out.sensor(part.label),
        kind="number" if numeric else "text" if textual else "",
        label=part.label,
        unit=unit,
    )


def _binary_sensor(part: Part, out: Builder) -> None:
    out.source(
        part.text("state_topic"),
        part.text("value_template"),
        out.sensor(part.label),
        kind="state",
        label=part.label,
        words={
            part.text("payload_on", default="ON"): 1.0,
            part.text("payload_off", default="OFF"): 0.0,
        },
    )


def _switch(part: Part, out: Builder) -> None:
    on, off = part.text("payload_on", default="ON"), part.text("payload_off", default="OFF")
    sensor = _on_off_state(
        part,
        out,
        part.text("value_template", "state_value_template"),
        part.text("state_on", default=on),
        part.text("state_off", default=off),
    )
    _on_off(part, out, sensor, on, off, part.text("command_template"))


def _on_off_state(part: Part, out: Builder, template: str, on: str, off: str) -> str:
    topic = part.text("state_topic")
    if not topic:
        return ""
    sensor = out.sensor(part.label)
    out.source(topic, template, sensor, kind="state", label=part.label, words={on: 1.0, off: 0.0})
    return sensor


def _on_off(part: Part, out: Builder, sensor: str, on: str, off: str, template: str = "") -> str:
    topic, target = part.text("command_topic"), out.target(part.label)
    for name, payload, expected in (("on", on, 1.0), ("off", off, 0.0)):
        out.action(
            part,
            target,
            name,
            topic,
            payload,
            template=template,
            sensor=sensor,
            expects=(expected,) if sensor else (),
        )
    return target


def _light(part: Part, out: Builder) -> None:
    schema = part.text("schema", default="basic")
    {"json": _json_light, "template": _template_light}.get(schema, _basic_light)(part, out)


def _basic_light(part: Part, out: Builder) -> None:
    on, off = part.text("payload_on", default="ON"), part.text("payload_off", default="OFF")
    sensor = _on_off_state(part, out, part.text("state_value_template", "value_template"), on, off)
    target = _on_off(part, out, sensor, on, off)
    _brightness(
        part,
        out,
        target,
        heard=(part.text("brightness_state_topic"), part.text("brightness_value_template")),
        asked=(part.text("brightness_command_topic"), part.text("brightness_command_template")),
    )


def _json_light(part: Part, out: Builder) -> None:
    sensor = _on_off_state(part, out, "state", "ON", "OFF")
    target = _on_off(part, out, sensor, '{"state":"ON"}', '{"state":"OFF"}')
    modes = part.options.get("supported_color_modes")
    dims = part.options.get("brightness") or (isinstance(modes, list) and set(modes) - {"onoff"})
    if dims:
        _brightness(
            part,
            out,
            target,
            heard=(part.text("state_topic"), "brightness"),
            asked=(
                part.text("command_topic"),
                '{"state":"ON","brightness":{{ value | int }}}',
            ),
        )


def _template_light(part: Part, out: Builder) -> None:
    sensor = _on_off_state(part, out, part.text("state_template"), "on", "off")
    topic, target = part.text("command_topic"), out.target(part.label)
    for name, expected in (("on", 1.0), ("off", 0.0)):
        template = part.text(f"command_{name}_template")
        expects = (expected,) if sensor else ()
        out.action(
            part,
            target,
            name,
            topic,
            name if template else None,
            template=template,
            sensor=sensor,
            expects=expects,
        )


def _brightness(
    part: Part, out: Builder, target: str, *, heard: tuple[str, str], asked: tuple[str, str]
) -> None:
    sensor = ""
    if heard[0]:
        label = f"{part.label} brightness"
        sensor = out.sensor(label)
        out.source(*heard, sensor, kind="number", label=label)
    out.action(
        part,
        target,
        "brightness",
        asked[0],
        asked[1] or JUST_SO,
        wants_value=True,
        low=0.0,
        high=part.number("brightness_scale", 255.0),
        step=1.0,
        sensor=sensor,
        expects=(None,) if sensor else (),
    )


def _lock(part: Part, out: Builder) -> None:
    topic, sensor = part.text("state_topic"), ""
    if topic:
        sensor = out.sensor(part.label)
        said = ("locked", "unlocked", "locking", "unlocking", "jammed", "open", "opening")
        out.source(
            topic,
            part.text("value_template"),
            sensor,
            kind="text",
            label=part.label,
            words=_words(part, ((word, word.upper()) for word in said)),
        )
    target = out.target(part.label)
    for name, expected, payload in (
        ("lock", "locked", part.word("payload_lock", "LOCK")),
        ("unlock", "unlocked", part.word("payload_unlock", "UNLOCK")),
        ("open", "open", part.text("payload_open") or None),
    ):
        out.action(
            part,
            target,
            name,
            part.text("command_topic"),
            payload,
            template=part.text("command_template"),
            sensor=sensor,
            expects=(expected,) if sensor else (),
        )


def _words(part: Part, states: Iterable[tuple[str, str]]) -> dict[str, float | str]:
    """Return what the payloads of a state topic stand for; the first of two equal ones counts."""
    found: dict[str, float | str] = {}
    for word, default in states:
        found.setdefault(part.text(f"state_{word}", default=default), word)
    return found


def _cover(part: Part, out: Builder) -> None:
    position = _position(part, out)
    state = _cover_state(part, out, position)
    target, topic = out.target(part.label), part.text("command_topic")
    for name, payload, expects in (
        ("open", part.word("payload_open", "OPEN"), ("open", "opening")),
        ("close", part.word("payload_close", "CLOSE"), ("closed", "closing")),
        ("stop", part.word("payload_stop", "STOP"), ()),
    ):
        if not (
            part.component == "valve" and name == "stop" and "payload_stop" not in part.options
        ):
            out.action(
                part,
                target,
                name,
                topic,
                payload,
                template=part.text("command_template"),
                sensor=state if expects else "",
                expects=expects if state else (),
            )
    if part.text("set_position_topic"):
        opened, closed = part.number("position_open", 100.0), part.number("position_closed", 0.0)
        out.action(
            part,
            target,
            "position",
            part.text("set_position_topic"),
            part.text("set_position_template", default=JUST_SO),
            wants_value=True,
            low=min(opened, closed),
            high=max(opened, closed),
            step=1.0,
            sensor=position if (opened, closed) == (100.0, 0.0) else "",
            expects=(None,) if position and (opened, closed) == (100.0, 0.0) else (),
        )


def _position(part: Part, out: Builder) -> str:
    topic = part.text("position_topic")
    if not topic:
        return ""
    opened, closed = part.number("position_open", 100.0), part.number("position_closed", 0.0)
    width = (opened - closed) or 100.0
    label = f"{part.label} position"
    sensor = out.sensor(label)
    out.source(
        topic,
        part.text("position_template"),
        sensor,
        kind="number",
        label=label,
        unit=PERCENT,
        scale=100.0 / width,
        offset=-closed * 100.0 / width,
    )
    return sensor


def _cover_state(part: Part, out: Builder, position: str) -> str:
    """Add the state; one that stopped is open or closed, as its position says."""
    topic = part.text("state_topic")
    if not topic and not position:
        return ""
    sensor = out.sensor(part.label)
    words = _words(part, ((word, word) for word in ("open", "closed", "opening", "closing")))
    words |= {"open": "open", "closed": "closed"}
    if position:
        rests = f"'closed' if before[{json.dumps(position)}] | float(100) <= 0 else 'open'"
    else:
        rests = f"'closed' if before[{json.dumps(sensor)}] == 'closing' else 'open'"
    template = f"{{{{ {rests} }}}}"
    if topic:
        said = part.text("value_template", default=JUST_SO)
        stopped = json.dumps(part.text("state_stopped", default="stopped"))
        template = (
            f"{{% set said %}}{said}{{% endset %}}"
            f"{{% if said == {stopped} %}}{template}{{% else %}}{{{{ said }}}}{{% endif %}}"
        )
    out.source(
        topic or part.text("position_topic"),
        template,
        sensor,
        kind="text",
        label=part.label,
        words=words,
    )
    return sensor


def _button(part: Part, out: Builder) -> None:
    out.action(
        part,
        out.target(part.label),
        "press",
        part.text("command_topic"),
        part.text("payload_press", "payload_on", default="PRESS"),
        template=part.text("command_template"),
    )


def _number(part: Part, out: Builder) -> None:
    _set(
        part,
        out,
        heard=(part.text("state_topic"), part.text("value_template")),
        asked=(part.text("command_topic"), part.text("command_template")),
        kind="number",
        unit=part.text("unit_of_measurement"),
        low=part.number("min", 1.0),
        high=part.number("max", 100.0),
        step=part.number("step", 1.0),
    )


def _choice(part: Part, out: Builder) -> None:
    options = part.options.get("options")
    _set(
        part,
        out,
        heard=(part.text("state_topic"), part.text("value_template")),
        asked=(part.text("command_topic"), part.text("command_template")),
        kind="text",
        options=tuple(map(str, options)) if isinstance(options, list) else (),
    )


def _climate(part: Part, out: Builder) -> None:
    unit = f"°{part.text('temperature_unit', default='C')}"
    label = f"{part.label} temperature"
    out.source(
        part.text("current_temperature_topic"),
        part.text("current_temperature_template"),
        out.sensor(label),
        kind="number",
        label=label,
        unit=unit,
    )
    modes = part.options.get("modes")
    for name, more in (
        (
            "temperature",
            {
                "kind": "number",
                "unit": unit,
                "low": part.number("min_temp", 7.0),
                "high": part.number("max_temp", 35.0),
                "step": part.number("temp_step", 1.0),
            },
        ),
        (
            "mode",
            {
                "kind": "text",
                "options": tuple(map(str, modes)) if isinstance(modes, list) else (),
            },
        ),
    ):
        words = "set point" if name == "temperature" else name
        _set(
            Part(part.component, f"{part.label} {words}", part.options),
            out,
            heard=(part.text(f"{name}_state_topic"), part.text(f"{name}_state_template")),
            asked=(part.text(f"{name}_command_topic"), part.text(f"{name}_command_template")),
            **more,
        )


def _set(
    part: Part,
    out: Builder,
    *,
    heard: tuple[str, str],
    asked: tuple[str, str],
    kind: str,
    unit: str = "",
    **more: Any,
) -> None:
    """Add a value that can be set, and read where the device tells it."""
    sensor = ""
    if heard[0]:
        sensor = out.sensor(part.label)
        out.source(*heard, sensor, kind=kind, label=part.label, unit=unit)
    out.action(
        part,
        out.target(part.label),
        "set",
        asked[0],
        asked[1] or JUST_SO,
        wants_value=True,
        sensor=sensor,
        expects=(None,) if sensor else (),
        **more,
    )


COMPONENTS: dict[str, Callable[[Part, Builder], None]] = {
    "sensor": _sensor,
    "binary_sensor": _binary_sensor,
    "switch": _switch,
    "fan": _switch,
    "siren": _switch,
    "light": _light,
    "lock": _lock,
    "cover": _cover,
    "valve": _cover,
    "button": _button,
    "scene": _button,
    "number": _number,
    "select": _choice,
    "text": _choice,
    "climate": _climate,
}
