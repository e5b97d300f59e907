"""Parts that only say something: sensors, events, trackers, versions."""

import json

from devices.foreign.parts import Builder, Part, heard_as

LONGEST_OFF_DELAY = 31_622_400.0  # s, a leap year
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


def class_words(device_class: str) -> str:
    """Return what people call a device class."""
    return CLASS_WORDS.get(device_class) or device_class.replace("_", " ").capitalize()


def sensor(part: Part, out: Builder) -> None:
    """Add a number or a text."""
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


def binary_sensor(part: Part, out: Builder) -> None:
    """Add a state; it may be one that goes off by itself, as a motion detector's."""
    off_delay = part.number("off_delay", -1.0)
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
        off_delay=off_delay if 0.0 <= off_delay <= LONGEST_OFF_DELAY else None,
    )


def event(part: Part, out: Builder) -> None:
    """Add what happened last, such as `single` of a push-button."""
    _text(part, out, heard_as(part.text("value_template"), "{{ data.event_type }}"))


def tracker(part: Part, out: Builder) -> None:
    """Add where somebody is: home, not_home, or the name of a place."""
    known = json.dumps(
        {
            part.text("payload_home", default="home"): "home",
            part.text("payload_not_home", default="not_home"): "not_home",
        }
    )
    _text(part, out, heard_as(part.text("value_template"), f"{{{{ {known}.get(said, said) }}}}"))


def update(part: Part, out: Builder) -> None:
    """Add the version that is installed, and the wish for the newest."""
    _text(
        part,
        out,
        heard_as(
            part.text("value_template"),
            "{{ data.installed_version if data is mapping else said }}",
        ),
    )
    payload = part.text("payload_install") or None
    out.action(part, out.target(part.label), "press", part.text("command_topic"), payload)


def alarm_panel(part: Part, out: Builder) -> None:
    """Add the state of a burglar alarm; arming wants a code, which nobody shall store here."""
    _text(part, out, part.text("value_template"))
    if part.text("command_topic"):
        out.leave_out(part.label, "component", "alarm_control_panel")


def _text(part: Part, out: Builder, template: str) -> None:
    out.source(
        part.text("state_topic"), template, out.sensor(part.label), kind="text", label=part.label
    )
