"""Understands Home Assistant's MQTT discovery: one message a part, or one a device."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from devices.foreign.abbreviations import DEVICE, OPTIONS
from devices.foreign.components import COMPONENTS, LEFT_OUT
from devices.foreign.entities import Availability, Foreign, Signal
from devices.foreign.measured import class_words
from devices.foreign.parts import Builder, Part

PREFIX = "homeassistant"  # what announcements are kept under, whatever they came under
TOPIC = re.compile(rf"{PREFIX}/(?P<component>[^/]+)/(?:(?P<node>[^/]+)/)?(?P<object>[^/]+)/config")
WHOLE = "device"  # the component of a message that announces several parts at once
NOT_SHARED = {"device", "origin", "components", "unique_id", "name", "~", "platform"}
MIGRATES = "migrate_discovery"  # a part that will be announced with the whole device
MOST_PARTS = 200


class _Announced(NamedTuple):
    component: str
    object_id: str
    options: dict[str, Any]


def filters(prefix: str) -> tuple[str, ...]:
    """Return the filters of the topics on which parts are announced below a prefix."""
    return f"{prefix}/+/+/config", f"{prefix}/+/+/+/config"


def kept_as(topic: str, prefix: str) -> str | None:
    """Return the topic with the usual prefix; None: nothing is announced on it."""
    if not topic.startswith(f"{prefix}/"):
        return None
    usual = PREFIX + topic.removeprefix(prefix)
    return usual if TOPIC.fullmatch(usual) else None


def identity(topic: str, payload: str) -> str | None:
    """Return what tells the announced device from others; None: this announces nothing."""
    found, config = TOPIC.fullmatch(topic), _config(payload)
    if found is None or config is None or config.get(MIGRATES):
        return None
    if found["component"] not in {WHOLE, *COMPONENTS, *LEFT_OUT}:
        return None
    return f"ha:{_identifier(config) or found['node'] or found['object']}"


def understand(configs: Mapping[str, str]) -> Foreign | None:
    """Return the device that announced itself by these messages.

    Args:
        configs: payload by topic, all of one device.
    """
    device = Foreign("")
    parts: list[_Announced] = []
    for topic, payload in sorted(configs.items()):
        found, config = TOPIC.fullmatch(topic), _config(payload)
        if found is None or config is None:
            continue
        _describe(device, config, found["node"] or found["object"])
        parts += _parts(found, config)
    if not parts:
        return None
    device.name = device.name or next(iter(_fallback_names(configs)))
    builder = Builder(device)
    for number, announced in enumerate(_once(parts)):
        label = _label(announced, device)
        if announced.component in LEFT_OUT:
            builder.leave_out(label, "component", announced.component)
        elif number >= MOST_PARTS:
            builder.leave_out(label, "number", str(MOST_PARTS))
        else:
            COMPONENTS[announced.component](
                Part(announced.component, label, announced.options), builder
            )
            _add_availability(device, announced.options)
    return device


def _once(parts: list[_Announced]) -> list[_Announced]:
    """Return each part once; one that was announced twice, as while it migrates, counts as last."""
    found = {
        (part.component, _text(part.options.get("unique_id")) or number): part
        for number, part in enumerate(parts)
    }
    return list(found.values())


def _config(payload: str) -> dict[str, Any] | None:
    try:
        config = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return _long(config) if isinstance(config, dict) else None


def _long(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with long names, and with the base topic filled in."""
    whole = {OPTIONS.get(name, name): value for name, value in config.items()}
    base = whole.get("~")
    if isinstance(base, str):
        whole = {name: _based(str(name), value, base) for name, value in whole.items()}
    if isinstance(whole.get("device"), dict):
        whole["device"] = {DEVICE.get(name, name): v for name, v in whole["device"].items()}
    return whole


def _based(name: str, value: Any, base: str) -> Any:
    """Return an option with the base topic in place of a leading or trailing `~`."""
    if isinstance(value, str) and name.endswith("topic") and value:
        if value[0] == "~":
            value = base + value[1:]
        return value[:-1] + base if value.endswith("~") else value
    if name != "availability":
        return value
    found = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            long = {OPTIONS.get(key, str(key)): inner for key, inner in one.items()}
            found.append({key: _based(key, inner, base) for key, inner in long.items()})
    return found


def _identifier(config: dict[str, Any]) -> str:
    """Return the first identifier of the device, or what it is connected by."""
    device = config.get("device")
    if not isinstance(device, dict):
        return ""
    identifiers = device.get("identifiers")
    for one in identifiers if isinstance(identifiers, list) else [identifiers]:
        if isinstance(one, str | int) and str(one):
            return str(one)
    connections = device.get("connections")
    for one in connections if isinstance(connections, list) else []:
        if isinstance(one, list) and len(one) == 2:
            return f"{one[0]}-{one[1]}"
    return ""


def _describe(device: Foreign, config: dict[str, Any], fallback: str) -> None:
    said = config.get("device")
    said = said if isinstance(said, dict) else {}
    device.name = device.name or _text(said.get("name"))
    words = (_text(said.get(name)) for name in ("manufacturer", "model"))
    device.model = device.model or " ".join(filter(None, words))
    device.firmware = device.firmware or _text(said.get("sw_version"))


def _fallback_names(configs: Mapping[str, str]) -> Iterator[str]:
    for topic, payload in sorted(configs.items()):
        found, config = TOPIC.fullmatch(topic), _config(payload)
        if found is not None and config is not None:
            yield _identifier(config) or found["node"] or found["object"]


def _parts(found: re.Match[str], config: dict[str, Any]) -> Iterator[_Announced]:
    if found["component"] != WHOLE:
        yield _Announced(found["component"], found["object"], config)
        return
    several = config.get("components")
    shared = {name: value for name, value in config.items() if name not in NOT_SHARED}
    for key, one in several.items() if isinstance(several, dict) else ():
        own = _long({"~": config["~"], **one} if "~" in config else one) if _is_part(one) else {}
        component = _text(own.get("platform"))
        if component in {*COMPONENTS, *LEFT_OUT} and set(own) - {"platform", "~"}:
            yield _Announced(component, str(key), {**shared, **own})


def _is_part(value: Any) -> bool:
    return isinstance(value, dict)


def _label(part: _Announced, device: Foreign) -> str:
    if "name" in part.options:
        return _text(part.options["name"]) or device.name
    device_class = _text(part.options.get("device_class"))
    if device_class:
        return class_words(device_class)
    return part.object_id.replace("_", " ").capitalize()


def _add_availability(device: Foreign, options: dict[str, Any]) -> None:
    """Add the topics that say whether a part is there, unless another part named the same."""
    listed = options.get("availability")
    several = listed if isinstance(listed, list) else [listed]
    signals = [
        Signal(
            _text(one["topic"]),
            _text(one.get("value_template")),
            _word(one, "payload_available", "online"),
            _word(one, "payload_not_available", "offline"),
        )
        for one in (_long(one) for one in several if isinstance(one, dict))
        if _text(one.get("topic"))
    ]
    if topic := _text(options.get("availability_topic")):
        signals.append(
            Signal(
                topic,
                _text(options.get("availability_template")),
                _word(options, "payload_available", "online"),
                _word(options, "payload_not_available", "offline"),
            )
        )
    mode = _text(options.get("availability_mode"))
    part = Availability(tuple(signals), mode if mode in {"all", "any"} else "latest")
    if signals and part not in device.availability:
        device.availability.append(part)


def _word(options: dict[str, Any], name: str, default: str) -> str:
    value = options.get(name)
    return default if value is None else str(value)


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float) else ""
