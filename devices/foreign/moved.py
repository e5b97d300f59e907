"""Parts that move: locks, covers and valves."""

import json

from devices.foreign.parts import JUST_SO, PERCENT, Builder, Part, heard_as, words

OPEN, CLOSED = 100.0, 0.0  # percent


def lock(part: Part, out: Builder) -> None:
    """Add a lock."""
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
            words=words(part, ((word, word.upper()) for word in said)),
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


def cover(part: Part, out: Builder) -> None:
    """Add what opens and closes; positions are percent, 100 is open, whatever the device counts."""
    position = _position(part, out, part.text("position_topic"), part.text("position_template"))
    state = _state(part, out, position)
    target = out.target(part.label)
    _moves(part, out, target, state, part.text("command_topic"), stop="STOP")
    _to_position(
        part,
        out,
        target,
        position,
        part.text("set_position_topic"),
        part.text("set_position_template"),
    )
    out.settable(
        part.called("tilt"),
        heard=(part.text("tilt_status_topic"), part.text("tilt_status_template")),
        asked=(
            part.text("tilt_command_topic"),
            _named("tilt_position", part.text("tilt_command_template")),
        ),
        low=part.number("tilt_min", 0.0),
        high=part.number("tilt_max", 100.0),
        step=1.0,
    )


def valve(part: Part, out: Builder) -> None:
    """Add a valve; one that reports its position is told positions only."""
    topic, template = part.text("state_topic"), part.text("value_template")
    asked = part.text("command_topic")
    if not part.options.get("reports_position"):
        state = _state(part, out, "", "{{ data.state if data is mapping else said }}")
        _moves(part, out, out.target(part.label), state, asked)
        return
    then = "{{ data.position if data is mapping else data }}"
    position = _position(part, out, topic, heard_as(template, then))
    target = out.target(part.label)
    opened, closed = _ends(part)
    for name, end, expected in (("open", opened, OPEN), ("close", closed, CLOSED)):
        out.action(
            part,
            target,
            name,
            asked,
            f"{end:.0f}",
            template=part.text("command_template"),
            sensor=position,
            expects=(expected,) if position else (),
        )
    out.action(part, target, "stop", asked, part.text("payload_stop") or None)
    _to_position(part, out, target, position, asked, part.text("command_template"))


def _ends(part: Part) -> tuple[float, float]:
    return part.number("position_open", OPEN), part.number("position_closed", CLOSED)


def _moves(
    part: Part, out: Builder, target: str, state: str, topic: str, *, stop: str = ""
) -> None:
    """Add opening, closing and stopping."""
    for name, payload, expects in (
        ("open", part.word("payload_open", "OPEN"), ("open", "opening")),
        ("close", part.word("payload_close", "CLOSE"), ("closed", "closing")),
        ("stop", part.word("payload_stop", stop) or None, ()),
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


def _to_position(
    part: Part, out: Builder, target: str, position: str, topic: str, template: str
) -> None:
    """Add a way to any position; in a template, `value` is what the device counts."""
    opened, closed = _ends(part)
    written = _named("position", template or JUST_SO)
    if (opened, closed) != (OPEN, CLOSED):
        counted = f"({closed} + value * {(opened - closed) / 100}) | round(0) | int"
        ends = f"{{% set position_open = {opened:.0f} %}}{{% set position_closed = {closed:.0f} %}}"
        written = f"{{% set position = value %}}{ends}{{% set value = {counted} %}}"
        written += template or JUST_SO
    out.action(
        part,
        target,
        "position",
        topic,
        written,
        wants_value=True,
        low=CLOSED,
        high=OPEN,
        step=1.0,
        sensor=position,
        expects=(None,) if position else (),
    )


def _named(name: str, template: str) -> str:
    """Return a template in which the value has one more name, if it is used."""
    return f"{{% set {name} = value %}}{template}" if name in template else template


def _position(part: Part, out: Builder, topic: str, template: str) -> str:
    if not topic:
        return ""
    opened, closed = _ends(part)
    width = (opened - closed) or OPEN
    label = f"{part.label} position"
    sensor = out.sensor(label)
    out.source(
        topic,
        template,
        sensor,
        kind="number",
        label=label,
        unit=PERCENT,
        scale=OPEN / width,
        offset=-closed * OPEN / width,
    )
    return sensor


def _state(part: Part, out: Builder, position: str, then: str = "{{ said }}") -> str:
    """Add the state; one that stopped is open or closed, as its position says."""
    topic = part.text("state_topic")
    if not topic and not position:
        return ""
    sensor = out.sensor(part.label)
    known = words(part, ((word, word) for word in ("open", "closed", "opening", "closing")))
    known |= {"open": "open", "closed": "closed"}
    if position:
        rests = f"'closed' if before[{json.dumps(position)}] | float(100) <= 0 else 'open'"
    else:
        rests = f"'closed' if before[{json.dumps(sensor)}] == 'closing' else 'open'"
    template = f"{{{{ {rests} }}}}"
    if topic:
        stopped = json.dumps(part.text("state_stopped", default="stopped"))
        template = heard_as(
            part.text("value_template"),
            f"{{% if said == {stopped} %}}{template}{{% else %}}{then}{{% endif %}}",
        )
    out.source(
        topic or part.text("position_topic"),
        template,
        sensor,
        kind="text",
        label=part.label,
        words=known,
    )
    return sensor
