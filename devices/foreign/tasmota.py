"""Understands Tasmota: what it announces by itself, and what its plain topics give away."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from devices.foreign.entities import Availability, Foreign, Signal
from devices.foreign.parts import Builder, Part

ANNOUNCED = re.compile(r"tasmota/discovery/(?P<mac>[0-9A-Fa-f]+)/(?P<what>config|sensors)")
PLAIN = re.compile(
    r"(?P<prefix>tele|stat)/(?P<topic>[^/]+)/(?P<what>LWT|STATE|SENSOR|RESULT|POWER\d?)"
)
FILTERS = (
    "tasmota/discovery/+/config",
    "tasmota/discovery/+/sensors",
    *(f"tele/+/{word}" for word in ("LWT", "STATE", "SENSOR")),
    *(f"stat/+/{word}" for word in ("RESULT", "POWER")),
)
COMMAND, STATE, TELEMETRY = range(3)  # places in `tp`
RELAY, LIGHT, SHUTTER = 1, 2, 3  # in `rl`
REPORTS = ("STATUS8", "STATUS10")  # answers to a question for the sensors
DEEPEST = 4
MOST = 200  # sensors
UNITS = {
    "Total": "kWh",
    "Today": "kWh",
    "Yesterday": "kWh",
    "TotalTariff": "kWh",
    "ExportTariff": "kWh",
    "ImportActive": "kWh",
    "ExportActive": "kWh",
    "ImportReactive": "kvarh",
    "ExportReactive": "kvarh",
    "Period": "Wh",
    "Power": "W",
    "ActivePower": "W",
    "ApparentPower": "VA",
    "ReactivePower": "var",
    "Voltage": "V",
    "Current": "A",
    "Frequency": "Hz",
    "PhaseAngle": "°",
    "Humidity": "%",
    "Moisture": "%",
    "Battery": "%",
    "Illuminance": "lx",
    "CarbonDioxide": "ppm",
    "CarbonMonoxide": "ppm",
    "eCO2": "ppm",
    "TVOC": "ppb",
    "Gas": "kΩ",
    "Noise": "dB",
    "Distance": "cm",
    "Weight": "kg",
    "PM1": "µg/m³",
    "PM2.5": "µg/m³",
    "PM10": "µg/m³",
    "Deg": "°",
    "Position": "%",
}


def is_ours(topic: str) -> bool:
    """Return whether a topic is one on which a device gives itself away."""
    return bool(ANNOUNCED.fullmatch(topic) or PLAIN.fullmatch(topic))


def is_plain(topic: str) -> bool:
    """Return whether a topic is one of those without an announcement."""
    return PLAIN.fullmatch(topic) is not None


def identity(topic: str, payload: str) -> str | None:
    """Return what tells the device from others; None: this announces nothing."""
    if found := ANNOUNCED.fullmatch(topic):
        return f"tasmota:{found['mac'].upper()}" if _object(payload) is not None else None
    found = PLAIN.fullmatch(topic)
    if found is None:
        return None
    what = found["what"]
    sure = payload in {"Online", "Offline"} if what == "LWT" else _object(payload) is not None
    if what in {"STATE", "RESULT"}:
        sure = bool(_powers({topic: payload}))
    return f"tasmota-topic:{found['topic']}" if sure or what.startswith("POWER") else None


def understand(configs: Mapping[str, str]) -> Foreign | None:
    """Return the device that these messages announce or give away."""
    config: dict[str, Any] = {}
    sensors: dict[str, Any] = {}
    for topic, payload in configs.items():
        found = ANNOUNCED.fullmatch(topic)
        if found and found["what"] == "config":
            config = _object(payload) or {}
        elif found:
            sensors = (_object(payload) or {}).get("sn") or {}
    if config:
        return _announced(config, sensors if isinstance(sensors, dict) else {})
    return _plain({topic: text for topic, text in configs.items() if PLAIN.fullmatch(topic)})


def ends_device(topic: str) -> bool:
    """Return whether an empty message on a topic takes back the whole device."""
    found = ANNOUNCED.fullmatch(topic)
    return found is not None and found["what"] == "config"


def merged(topic: str, before: str, payload: str, *, shape: bool = False) -> str:
    """Return what plain messages on a topic gave away so far.

    Args:
        topic: of plain messages.
        before: what this function returned last.
        payload: of a further message.
        shape: leave the values out.
    """
    said = _object(payload)
    if said is None:
        return ""
    if not topic.endswith("/SENSOR"):
        said = {key: "" for key in said if re.fullmatch(r"POWER\d?", key)}
    known = {**(_object(before) or {}), **said}
    if shape:
        return json.dumps(sorted(map(str, (path for path, _ in _values(known)))))
    return json.dumps(known)


def _announced(config: dict[str, Any], sensors: dict[str, Any]) -> Foreign | None:
    name, mac = _text(config.get("t")), _text(config.get("mac"))
    prefixes = config.get("tp")
    if not name or not isinstance(prefixes, list) or len(prefixes) != 3:
        return None
    full = (
        _text(config.get("ft"))
        .replace("%topic%", name)
        .replace("%hostname%", _text(config.get("hn")))
        .replace("%id%", mac[-6:])
    )
    base = [f"{full.replace('%prefix%', _text(one)).rstrip('/')}/" for one in prefixes]
    device = Foreign(
        _text(config.get("dn")) or name, _text(config.get("md")), _text(config.get("sw"))
    )
    here, away = _text(config.get("onln")) or "Online", _text(config.get("ofln")) or "Offline"
    device.availability.append(Availability((Signal(f"{base[TELEMETRY]}LWT", "", here, away),)))
    builder = Builder(device)
    _outputs(config, base, builder)
    _sensors(sensors, base, builder)
    return device


def _outputs(config: dict[str, Any], base: list[str], out: Builder) -> None:
    """Add relays, lights and shutters."""
    outputs = config.get("rl")
    kinds = [one for one in outputs if isinstance(one, int)] if isinstance(outputs, list) else []
    words = config.get("state")
    said = [_text(word) for word in words] if isinstance(words, list) else []
    off, on = said[:2] if len(said) >= 2 and all(said[:2]) else ("OFF", "ON")
    options = config.get("so") if isinstance(config.get("so"), dict) else {}
    shown = [at for at, kind in enumerate(kinds) if kind in {RELAY, LIGHT}]
    names = config.get("fn")
    for at, kind in enumerate(kinds):
        if kind not in {RELAY, LIGHT}:
            continue
        friendly = names[at] if isinstance(names, list) and at < len(names) else None
        label = _text(friendly) or (
            out.device.name if len(shown) == 1 else f"{out.device.name} {at + 1}"
        )
        light = kind == LIGHT or (options or {}).get("30") == 1
        part = Part("light" if light else "switch", label, {})
        _power(part, at + 1, base, out, on, off, alone=len(shown) == 1)
        if kind == LIGHT and config.get("lt_st"):
            _dimmer(part, base, out)
    for number in range(1, kinds.count(SHUTTER) // 2 + 1):  # each takes two outputs
        _shutter(number, base, out)


def _power(
    part: Part, number: int, base: list[str], out: Builder, on: str, off: str, *, alone: bool
) -> None:
    sensor, target = out.sensor(part.label), out.target(part.label)
    key = f"value_json.POWER{number}"
    template = f"{{{{ {key} | default(value_json.POWER) }}}}" if alone else f"{{{{ {key} }}}}"
    for topic in (f"{base[TELEMETRY]}STATE", f"{base[STATE]}RESULT", f"{base[STATE]}STATUS11"):
        inside = template.replace("value_json.", "value_json.StatusSTS.")
        out.source(
            topic,
            inside if topic.endswith("STATUS11") else template,
            sensor,
            kind="state",
            label=part.label,
            words={on: 1.0, off: 0.0},
        )
    for name, expected in (("on", 1.0), ("off", 0.0)):
        out.action(
            part,
            target,
            name,
            f"{base[COMMAND]}Power{number}",
            name.upper(),
            sensor=sensor,
            expects=(expected,),
        )


def _dimmer(part: Part, base: list[str], out: Builder) -> None:
    label = f"{part.label} brightness"
    sensor = out.sensor(label)
    for topic in (f"{base[TELEMETRY]}STATE", f"{base[STATE]}RESULT"):
        out.source(topic, "Dimmer", sensor, kind="number", label=label, unit="%")
    out.action(
        part,
        out.target(label),
        "brightness",
        f"{base[COMMAND]}Dimmer",
        "{{ value | int }}",
        wants_value=True,
        low=0.0,
        high=100.0,
        step=1.0,
        sensor=sensor,
        expects=(None,),
    )


def _shutter(number: int, base: list[str], out: Builder) -> None:
    part = Part("cover", f"cover {number}", {})
    label = f"{part.label} position"
    position, state = out.sensor(label), out.sensor(part.label)
    heard = (
        (f"{base[TELEMETRY]}SENSOR", "value_json"),
        (f"{base[STATE]}RESULT", "value_json"),
        *((f"{base[STATE]}{word}", "value_json.StatusSNS") for word in REPORTS),
    )
    for topic, root in heard:
        said = f"{root}.Shutter{number}"
        out.source(
            topic,
            f"{{{{ {said}.Position }}}}",
            position,
            kind="number",
            label=label,
            unit="%",
        )
        out.source(
            topic,
            f"{{{{ 'closing' if {said}.Direction < 0 else 'opening' if {said}.Direction > 0"
            f" else 'closed' if {said}.Position == 0 else 'open' }}}}",
            state,
            kind="text",
            label=part.label,
        )
    target = out.target(part.label)
    asked = f"{base[COMMAND]}Shutter"
    for name, word, expects in (
        ("open", "Open", ("open", "opening")),
        ("close", "Close", ("closed", "closing")),
        ("stop", "Stop", ()),
    ):
        out.action(
            part,
            target,
            name,
            f"{asked}{word}{number}",
            "",
            sensor=state if expects else "",
            expects=expects,
        )
    out.action(
        part,
        target,
        "position",
        f"{asked}Position{number}",
        "{{ value | int }}",
        wants_value=True,
        low=0.0,
        high=100.0,
        step=1.0,
        sensor=position,
        expects=(None,),
    )


def _sensors(sample: dict[str, Any], base: list[str], out: Builder) -> None:
    """Add a sensor for each value in an example of what the device reports."""
    for path, value in list(_values(sample))[:MOST]:
        if _text(path[0]).startswith("Shutter"):
            continue
        label, unit = " ".join(map(str, path)), _unit(path, sample)
        sensor = out.sensor(".".join(map(str, path)))
        way = "".join(f"[{json.dumps(step)}]" for step in path)
        for topic, root in (
            (f"{base[TELEMETRY]}SENSOR", ""),
            *((f"{base[STATE]}{word}", ".StatusSNS") for word in REPORTS),
        ):
            out.source(
                topic,
                f"{{{{ value_json{root}{way} }}}}",
                sensor,
                kind="text" if isinstance(value, str) else "number",
                label=label,
                unit=unit,
            )


def _values(
    data: dict[str, Any], path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    for key, value in data.items():
        if not path and (key == "Time" or key.endswith("Unit")):
            continue
        here = (*path, key)
        if isinstance(value, dict) and len(path) < DEEPEST:
            yield from _values(value, here)
        elif isinstance(value, list):
            yield from (
                ((*here, at), one) for at, one in enumerate(value) if isinstance(one, int | float)
            )
        elif isinstance(value, str | int | float):
            yield here, value


def _unit(path: tuple[str | int, ...], sample: dict[str, Any]) -> str:
    """Return the unit of a value, by its own name or by that of what it is part of."""
    for step in reversed(path):
        name = re.sub(r"\d+$", "", step) if isinstance(step, str) else ""
        if name in {"Temperature", "DewPoint"}:
            return f"°{_text(sample.get('TempUnit')) or 'C'}"
        if name.endswith("Pressure"):
            return _text(sample.get("PressureUnit")) or "hPa"
        if name == "Speed":
            return _text(sample.get("SpeedUnit"))
        for known in (step, name):
            if isinstance(known, str) and known in UNITS:
                return UNITS[known]
        if name in {"Dir", "Id", "Factor"}:
            return ""
    return ""


def _plain(heard: Mapping[str, str]) -> Foreign | None:
    """Return what a device's plain topics, in their usual order, give away."""
    found = next((PLAIN.fullmatch(topic) for topic in heard), None)
    if found is None:
        return None
    name = found["topic"]
    device = Foreign(name)
    base = [f"{prefix}/{name}/" for prefix in ("cmnd", "stat", "tele")]
    said = Signal(f"{base[TELEMETRY]}LWT", "", "Online", "Offline")
    device.availability.append(Availability((said,)))
    builder = Builder(device)
    for word in sorted(_powers(heard)):
        part = Part("switch", word, {})
        sensor, target = builder.sensor(word), builder.target(word)
        for topic, template in (
            (f"{base[TELEMETRY]}STATE", word),
            (f"{base[STATE]}RESULT", word),
            (f"{base[STATE]}{word}", ""),
        ):
            builder.source(
                topic, template, sensor, kind="state", label=word, words={"ON": 1.0, "OFF": 0.0}
            )
        for action, expected in (("on", 1.0), ("off", 0.0)):
            builder.action(
                part,
                target,
                action,
                base[COMMAND] + word,
                action.upper(),
                sensor=sensor,
                expects=(expected,),
            )
    for topic, payload in heard.items():
        if topic.endswith("/SENSOR"):
            _sensors(_object(payload) or {}, base, builder)
    return device


def _powers(heard: Mapping[str, str]) -> set[str]:
    """Return the names of the relays that were heard of."""
    found = set()
    for topic, payload in heard.items():
        what = topic.rpartition("/")[2]
        if what.startswith("POWER"):
            found.add(what)
        elif what in {"STATE", "RESULT"}:
            found |= {key for key in _object(payload) or {} if re.fullmatch(r"POWER\d?", key)}
    return found


def _object(payload: str) -> dict[str, Any] | None:
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else ""
