"""Lights in the three ways in which they announce themselves: plain topics, JSON, templates."""

import json

from devices.foreign.parts import JUST_SO, Builder, Part
from devices.foreign.switched import on_off, payloads, state

FULL = 255.0  # of brightness, unless the light says otherwise
COLDEST, WARMEST = 153.0, 500.0  # mired


def light(part: Part, out: Builder) -> None:
    """Add a light with brightness, colour temperature and effects, as far as it has them."""
    schema = part.text("schema", default="basic")
    {"json": _json, "template": _template}.get(schema, _plain)(part, out)


def _plain(part: Part, out: Builder) -> None:
    on, off = payloads(part)
    sensor = state(part, out, part.text("state_value_template", "value_template"), on, off)
    topic, template = _topic(part, "brightness", "command")
    if topic and part.text("on_command_type") == "brightness":
        target = _on_by_brightness(part, out, sensor, topic, template)
    else:
        target = on_off(part, out, sensor, on, off)
    scale = part.number("brightness_scale", FULL)
    _brightness(
        part, out, target, _topic(part, "brightness", "state"), (topic, template), scale=scale
    )
    _more(
        part,
        out,
        (_topic(part, "color_temp", "state"), _topic(part, "color_temp", "command")),
        (_topic(part, "effect", "state"), _topic(part, "effect", "command")),
    )


def _topic(part: Part, name: str, way: str) -> tuple[str, str]:
    template = f"{name}_value_template" if way == "state" else f"{name}_command_template"
    return part.text(f"{name}_{way}_topic"), part.text(template)


def _on_by_brightness(part: Part, out: Builder, sensor: str, topic: str, template: str) -> str:
    """Add On, which is full brightness, and Off."""
    target = out.target(part.label)
    full = f"{part.number('brightness_scale', FULL):.0f}"
    for name, asked, payload, filled, expected in (
        ("on", topic, full, template, 1.0),
        ("off", part.text("command_topic"), payloads(part)[1], "", 0.0),
    ):
        expects = (expected,) if sensor else ()
        out.action(
            part, target, name, asked, payload, template=filled, sensor=sensor, expects=expects
        )
    return target


def _json(part: Part, out: Builder) -> None:
    topics = part.text("state_topic"), part.text("command_topic")
    sensor = state(part, out, "state", "ON", "OFF")
    target = on_off(part, out, sensor, '{"state":"ON"}', '{"state":"OFF"}')
    modes = set(part.several("supported_color_modes"))
    if part.options.get("brightness") or modes - {"onoff"}:
        scale = part.number("brightness_scale", FULL)
        _brightness(
            part,
            out,
            target,
            (topics[0], "brightness"),
            (topics[1], '{"state":"ON","brightness":{{ value | int }}}'),
            scale=scale,
        )
    none = ("", "")
    warm = "color_temp" in modes or part.options.get("color_temp")
    warmth = (topics[0], "color_temp"), (topics[1], _wish("color_temp", "value | int"))
    effect = (topics[0], "effect"), (topics[1], _wish("effect", "value | tojson"))
    _more(
        part,
        out,
        warmth if warm else (none, none),
        effect if part.options.get("effect") else (none, none),
    )


def _wish(name: str, value: str) -> str:
    return f'{{"state":"ON","{name}":{{{{ {value} }}}}}}'


def _template(part: Part, out: Builder) -> None:
    sensor = state(part, out, part.text("state_template"), "on", "off")
    topic, target = part.text("command_topic"), out.target(part.label)
    for name, expected in (("on", 1.0), ("off", 0.0)):
        written = part.text(f"command_{name}_template")
        out.action(
            part,
            target,
            name,
            topic,
            name if written else None,
            template=_with_state(name, written),
            sensor=sensor,
            expects=(expected,) if sensor else (),
        )
    if part.text("brightness_template"):
        written = part.text("command_on_template")
        _brightness(
            part,
            out,
            target,
            (part.text("state_topic"), part.text("brightness_template")),
            (topic, f"{_with_state('on', '')}{{% set brightness = value %}}{written}"),
            scale=FULL,
        )


def _with_state(name: str, written: str) -> str:
    return f"{{% set state = {json.dumps(name)} %}}{written}"


def _brightness(
    part: Part,
    out: Builder,
    target: str,
    heard: tuple[str, str],
    asked: tuple[str, str],
    *,
    scale: float,
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
        high=scale,
        step=1.0,
        sensor=sensor,
        expects=(None,) if sensor else (),
    )


def _more(
    part: Part,
    out: Builder,
    warmth: tuple[tuple[str, str], tuple[str, str]],
    effect: tuple[tuple[str, str], tuple[str, str]],
) -> None:
    """Add colour temperature and effects; each given as what is heard and what is asked."""
    kelvin = bool(part.options.get("color_temp_kelvin"))
    low, high = ("min_kelvin", "max_kelvin") if kelvin else ("min_mireds", "max_mireds")
    out.settable(
        part.called("colour temperature"),
        heard=warmth[0],
        asked=warmth[1],
        unit="K" if kelvin else "mired",
        low=part.number(low, 2000.0 if kelvin else COLDEST),
        high=part.number(high, 6535.0 if kelvin else WARMEST),
        step=1.0,
    )
    options = part.several("effect_list")
    if options:
        out.settable(
            part.called("effect"), heard=effect[0], asked=effect[1], kind="text", options=options
        )
