"""Parts that are on or off: switches, sirens, fans, humidifiers; and what else those can do."""

import json

from devices.foreign.parts import PERCENT, Builder, Part, heard_as


def switch(part: Part, out: Builder) -> None:
    """Add a state with On and Off."""
    template = part.text("state_value_template", "value_template")
    if part.component == "switch":
        template = part.text("value_template", "state_value_template")
    on, off = payloads(part)
    sensor = state(part, out, template, part.text("state_on") or on, part.text("state_off") or off)
    on_off(part, out, sensor, on, off, part.text("command_template"))


def siren(part: Part, out: Builder) -> None:
    """Add a siren; without a template of its own it takes and may send a JSON object."""
    on, off = payloads(part)
    sensor = state(
        part,
        out,
        heard_as(
            part.text("state_value_template", "value_template"),
            "{{ data.state if data is mapping else said }}",
        ),
        part.text("state_on") or on,
        part.text("state_off") or off,
    )
    template = part.text("command_template")
    if not template:
        on, off = (json.dumps({"state": word}, separators=(",", ":")) for word in (on, off))
    on_off(part, out, sensor, on, off, template)


def fan(part: Part, out: Builder) -> None:
    """Add a fan with its speed, direction, oscillation and presets, as far as it has them."""
    switch(part, out)
    out.settable(
        part.called("speed"),
        heard=(part.text("percentage_state_topic"), part.text("percentage_value_template")),
        asked=(part.text("percentage_command_topic"), part.text("percentage_command_template")),
        low=0.0,
        high=part.number("speed_range_max", 100.0),
        step=1.0,
    )
    choice(part, out, "preset_mode", part.several("preset_modes"))
    forward = part.text("payload_direction_forward", default="forward")
    reverse = part.text("payload_direction_reverse", default="reverse")
    choice(part, out, "direction", (forward, reverse))
    swings = part.text("payload_oscillation_on", default="oscillate_on")
    rests = part.text("payload_oscillation_off", default="oscillate_off")
    choice(part, out, "oscillation", (swings, rests))


def humidifier(part: Part, out: Builder) -> None:
    """Add a humidifier with what it measures and shall reach."""
    switch(part, out)
    humidity(part, out, 0.0, 100.0)
    choice(part, out, "mode", part.several("modes"))


def humidity(part: Part, out: Builder, low: float, high: float) -> None:
    """Add the humidity that is measured, and the one that is wanted."""
    label = f"{part.label} humidity"
    topic = part.text("current_humidity_topic")
    if topic:
        template = part.text("current_humidity_template")
        sensor = out.sensor(label)
        out.source(topic, template, sensor, kind="number", label=label, unit=PERCENT)
    name = "target_humidity"
    out.settable(
        part.called("target humidity"),
        heard=(part.text(f"{name}_state_topic"), part.text(f"{name}_state_template")),
        asked=(part.text(f"{name}_command_topic"), part.text(f"{name}_command_template")),
        unit=PERCENT,
        low=part.number("min_humidity", low),
        high=part.number("max_humidity", high),
        step=1.0,
    )


def choice(part: Part, out: Builder, name: str, options: tuple[str, ...]) -> None:
    """Add one of several words that can be set."""
    out.settable(
        part.called(name.replace("_", " ")),
        heard=(
            part.text(f"{name}_state_topic"),
            part.text(f"{name}_state_template", f"{name}_value_template"),
        ),
        asked=(part.text(f"{name}_command_topic"), part.text(f"{name}_command_template")),
        kind="text",
        options=options,
    )


def payloads(part: Part) -> tuple[str, str]:
    """Return what turns it on and off."""
    return part.text("payload_on", default="ON"), part.text("payload_off", default="OFF")


def state(part: Part, out: Builder, template: str, on: str, off: str) -> str:
    """Add whether it is on; returns the sensor's name, empty if the device does not say."""
    topic = part.text("state_topic")
    if not topic:
        return ""
    sensor = out.sensor(part.label)
    out.source(topic, template, sensor, kind="state", label=part.label, words={on: 1.0, off: 0.0})
    return sensor


def on_off(part: Part, out: Builder, sensor: str, on: str, off: str, template: str = "") -> str:
    """Add On and Off; returns the target's name."""
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
