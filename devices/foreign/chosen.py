"""Parts that are pressed or set to a value: buttons, numbers, choices, texts, heating."""

from devices.foreign.parts import Builder, Part
from devices.foreign.switched import choice, humidity

MODES = ("auto", "off", "cool", "heat", "dry", "fan_only")
WATER_MODES = ("off", "eco", "electric", "gas", "heat_pump", "high_demand", "performance")
SPEEDS = ("auto", "low", "medium", "high")


def button(part: Part, out: Builder) -> None:
    """Add something to press."""
    out.action(
        part,
        out.target(part.label),
        "press",
        part.text("command_topic"),
        part.text("payload_press", "payload_on", default="PRESS"),
        template=part.text("command_template"),
    )


def scene(part: Part, out: Builder) -> None:
    """Add a scene, which is pressed like a button."""
    payload = part.text("payload_on", default="ON")
    out.action(part, out.target(part.label), "press", part.text("command_topic"), payload)


def number(part: Part, out: Builder) -> None:
    """Add a number within bounds."""
    out.settable(
        part,
        heard=(part.text("state_topic"), part.text("value_template")),
        asked=(part.text("command_topic"), part.text("command_template")),
        unit=part.text("unit_of_measurement"),
        low=part.number("min", 1.0),
        high=part.number("max", 100.0),
        step=part.number("step", 1.0),
    )


def select(part: Part, out: Builder) -> None:
    """Add one of several words, or any text."""
    out.settable(
        part,
        heard=(part.text("state_topic"), part.text("value_template")),
        asked=(part.text("command_topic"), part.text("command_template")),
        kind="text",
        options=part.several("options"),
    )


def climate(part: Part, out: Builder) -> None:
    """Add heating or cooling: what is measured, what is wanted, and how."""
    _temperatures(part, out, 7.0, 35.0)
    humidity(part, out, 30.0, 99.0)
    choice(part, out, "mode", part.several("modes", MODES))
    choice(part, out, "fan_mode", part.several("fan_modes", SPEEDS))
    choice(part, out, "swing_mode", part.several("swing_modes", ("on", "off")))
    choice(part, out, "preset_mode", part.several("preset_modes"))
    topic, label = part.text("action_topic"), f"{part.label} action"
    if topic:
        sensor = out.sensor(label)
        out.source(topic, part.text("action_template"), sensor, kind="text", label=label)


def water_heater(part: Part, out: Builder) -> None:
    """Add a boiler."""
    _temperatures(part, out, 43.0, 60.0)
    choice(part, out, "mode", part.several("modes", WATER_MODES))


def _temperatures(part: Part, out: Builder, low: float, high: float) -> None:
    unit = f"°{part.text('temperature_unit', default='C')}"
    topic, label = part.text("current_temperature_topic"), f"{part.label} temperature"
    if topic:
        template = part.text("current_temperature_template")
        out.source(topic, template, out.sensor(label), kind="number", label=label, unit=unit)
    for name, words in (
        ("temperature", "set point"),
        ("temperature_high", "upper set point"),
        ("temperature_low", "lower set point"),
    ):
        out.settable(
            part.called(words),
            heard=(part.text(f"{name}_state_topic"), part.text(f"{name}_state_template")),
            asked=(part.text(f"{name}_command_topic"), part.text(f"{name}_command_template")),
            unit=unit,
            low=part.number("min_temp", low),
            high=part.number("max_temp", high),
            step=part.number("temp_step", 1.0),
        )
